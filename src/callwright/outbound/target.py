"""URLs that we may be told to request: their form, checked, and what each part of the daemon needs of them."""

import ipaddress
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote, unquote

from yarl import URL

from callwright.errors import ApplicationError

MAX_URL = 32768

_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(\d{0,5}))?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?\Z"
)
_NUMERIC_LABEL = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
# What may not stand on the request line is escaped; all else stays, escaped or not, because it is signed as written.
_KEPT = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"<>\\`')


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be requested, taken apart.

    Attributes:
        text: as it is requested and signed: no userinfo, no fragment, host and port as configured.
        origin: scheme://host:port, the port always written.
        literal: the host is an address, not a name.
        shown: text without the query, for logs.
        credentials: user and password that the URL carried.
        userinfo: the same as it was written.
    """

    text: str
    origin: str
    host: str
    port: int
    literal: bool
    shown: str
    wire: URL
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    userinfo: str = field(default="", repr=False)

    def extended(self, query: str) -> "Target":
        """The same with more query parameters, already encoded."""
        if not query:
            return self
        text = f"{self.text}{'&' if '?' in self.text else '?'}{query}"
        return replace(self, text=text, wire=URL(text, encoded=True))

    def known_as(self, other: "Target") -> "Target":
        """The same with the credentials of another."""
        return replace(self, credentials=other.credentials, userinfo=other.userinfo)

    def base(self) -> str:
        """What relative URLs are resolved against: they are requested with the same credentials. Not for logs."""
        scheme, _, rest = self.text.partition("://")
        return f"{scheme}://{self.userinfo}@{rest}" if self.userinfo else self.text

    def authorization(self) -> str | None:
        """The Basic credentials of the URL, if it has any (RFC 7617)."""
        if self.credentials is None:
            return None
        return "Basic " + b64encode(":".join(self.credentials).encode("utf-8", "surrogateescape")).decode("ascii")


def shown(url: str) -> str:
    """A URL as it may be logged: without userinfo, query and fragment."""
    match = _URL.fullmatch(url)
    return f"{match[1].lower()}://{match[2].rpartition('@')[2]}{match[3]}" if match else "(not an HTTP URL)"


def without_credentials(url: str) -> str:
    """A URL as it was configured, save the user and password in it: they are no business of another server."""
    scheme, separator, rest = url.partition("://")
    end = min((index for mark in "/?#" if (index := rest.find(mark)) >= 0), default=len(rest))
    return f"{scheme}{separator}{rest[:end].rpartition('@')[2]}{rest[end:]}"


@lru_cache(maxsize=4096)
def parse(url: str) -> Target:
    """Checks a URL's form and takes it apart.

    Raises:
        ApplicationError: 11100 not an absolute http or https URL; 21205 an underscore in the host name; 11210 a host
            that is no name and no canonical address.
    """
    match = _URL.fullmatch(url.strip(" ")) if len(url) <= MAX_URL else None
    if match is None or _CONTROL.search(url) or "\\" in match[2]:
        raise ApplicationError("not an absolute http:// or https:// URL", code=11100)
    scheme, (userinfo, _, authority) = match[1].lower(), match[2].rpartition("@")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not 0 < (port := int(parts[2] or _PORTS[scheme])) < 65536:
        raise ApplicationError("the URL's host or port is malformed", code=11100)
    host = _host(parts[1])
    written = parts[1] if parts[1].isascii() else host
    base = f"{scheme}://{written}{':' + parts[2] if parts[2] else ''}{_escaped(match[3]) or '/'}"
    query = _escaped(match[4] or "")
    text = base + query if query != "?" else base
    origin = f"{scheme}://{host}:{port}"
    literal = ":" in host or host.replace(".", "").isdigit()
    return Target(text, origin, host, port, literal, base, URL(text, encoded=True), _credentials(userinfo), userinfo)


def _credentials(userinfo: str) -> tuple[str, str] | None:
    if not userinfo:
        return None
    user, _, password = (unquote(part, errors="surrogateescape") for part in userinfo.partition(":"))
    if _CONTROL.search(user + password):
        raise ApplicationError("the URL's credentials have control characters", code=11100)
    return user, password


def _escaped(text: str) -> str:
    return quote(text, safe=_KEPT, errors="surrogateescape")


def _host(written: str) -> str:
    """The host to connect to: a lower-case ASCII name or an address without brackets."""
    if written.startswith("["):
        try:
            return str(ipaddress.IPv6Address(written[1:-1]))
        except ValueError:
            raise ApplicationError(f"{written} is not an IPv6 address", code=11210) from None
    try:
        host = written.lower() if written.isascii() else written.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ApplicationError("the host name is malformed", code=11210) from None
    if "_" in host:
        raise ApplicationError(f"the host name {host} has an underscore", code=21205)
    if not _HOST.match(host):
        raise ApplicationError("the host name is malformed", code=11210)
    if _NUMERIC_LABEL.match(host.rstrip(".").rpartition(".")[2]):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1 to a resolver; no honest URL is written so.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ApplicationError(f"{host} is not a canonical IPv4 address", code=11210) from None
    return host
