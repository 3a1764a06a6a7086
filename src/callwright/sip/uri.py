"""SIP and tel URIs, as far as routing needs them (RFC 3261 §19.1, §25.1; RFC 3966)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

_PARTS = re.compile(r"<?\s*sips?:(?:([^@>]*)@)?([^;?>\s]+)", re.IGNORECASE)
_TEL = re.compile(r"<?\s*tel:([^;>\s]+)", re.IGNORECASE)
_SEPARATORS = re.compile(r"[-.()]")  # RFC 3966 §5.1.1: for the eye only
_SCHEME = re.compile(r"(sips?):(?:[^@]*@)?(.*)\Z", re.IGNORECASE)
_HOST = re.compile(r"\[[^\]]*\]|[^:]*")
_SECURE = re.compile(r";secure=true(?=[;?]|\Z)", re.IGNORECASE)
_TRANSPORT = re.compile(r";transport=[a-z]+", re.IGNORECASE)
# what neither stands for itself in a user part nor begins an escape
_HEADER = "[]/?:+$-_.!~*'()"  # hnv-unreserved and unreserved
_FOREIGN = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-_.!~*'()&=+$,;?/%]")


@lru_cache(maxsize=2048)
def user_and_host(uri: str) -> tuple[str, str]:
    """User and host[:port] of a sip: URI; the number of a tel: URI, which has no host; empty strings when it is none.

    The user is as it stands, escapes too, without a password and without parameters of a number (`;npdi;rn=...`).
    """
    if (number := _TEL.match(uri.strip())) is not None:
        return _SEPARATORS.sub("", number[1]), ""
    match = _PARTS.match(uri.strip())
    return (re.split("[:;]", match[1] or "", maxsplit=1)[0], match[2]) if match else ("", "")


def without_port(host: str) -> str:
    """The host of host[:port]; an IPv6 address keeps its brackets."""
    match = _HOST.match(host)
    return match[0] if match else ""


def escaped(user: str) -> str:
    """A user part in which what may not stand for itself is escaped, "#" too; escapes stay as they are."""
    return _FOREIGN.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode(errors="replace")), user)


def with_user(uri: str, user: str) -> str:
    """The same URI with another user part."""
    return _SCHEME.sub(lambda match: f"{match[1]}:{escaped(user)}@{match[2]}", uri)


def with_transport(uri: str, transport: str) -> str:
    """The same URI over a transport, unless it names one itself."""
    named = _TRANSPORT.search(uri) or uri.lower().startswith("sips:")
    return uri if named or not transport else f"{uri};transport={transport}"


def transport_of(uri: str) -> str:
    """The transport that a URI names, in lower case; "" when it names none."""
    named = _TRANSPORT.search(uri)
    return named[0].partition("=")[2].lower() if named else ""


def with_headers(uri: str, headers: Sequence[tuple[str, str]]) -> str:
    """The same URI with header fields of the request that it is to make (RFC 3261 §19.1.1)."""
    if not headers:
        return uri
    return uri + "?" + "&".join(f"{quote(name, _HEADER)}={quote(value, _HEADER)}" for name, value in headers)


def without_secure(uri: str) -> tuple[str, bool]:
    """A URI without `;secure=true`, and whether it had that: SRTP is wanted (call-control reference §7.3)."""
    plain = _SECURE.sub("", uri)
    return plain, plain != uri


def secured(uri: str) -> str:
    """The same URI over TLS, whatever transport it names, with SRTP wanted."""
    return f"{_TRANSPORT.sub('', without_secure(uri)[0])};transport=tls;secure=true"


def at_address(uri: str, address: str) -> str:
    """The hop that a URI's host stands for: the same scheme, port and transport at an address, and nothing else."""
    host = user_and_host(uri)[1]
    port = host[len(without_port(host)) :]
    transport = _TRANSPORT.search(uri)
    where = f"[{address}]" if ":" in address else address
    return f"sip:{where}{port}{transport[0] if transport else ''}"


def place_of(uri: str, hop: str) -> str:
    """Where a request to a URI goes, without whom it is for: its hop, or the URI's own address when that is ""."""
    return hop or (at_address(uri, without_port(user_and_host(uri)[1]).strip("[]")) if uri else "")


def at_place(uri: str, host: str, port: int) -> str:
    """The same URI with another host and port."""
    where = f"[{host}]" if ":" in host else host
    user, at, rest = uri.rpartition("@") if "@" in uri else (uri.partition(":")[0] + ":", "", uri.partition(":")[2])
    parameters = rest[len(rest.partition(";")[0]) :]
    return f"{user}{at}{where}:{port}{parameters}"


def is_reliable(uri: str) -> bool:
    """Whether a URI asks for a transport that needs a connection."""
    named = _TRANSPORT.search(uri)
    return uri.lower().startswith("sips:") or (named is not None and not named[0].lower().endswith("=udp"))


def is_sip(address: str) -> bool:
    """Whether an address is a SIP URI."""
    return address.lower().startswith(("sip:", "sips:"))
