"""The cookies of one call: what an application sets in any answer comes back in the later requests of that call.

Source: RFC 6265 §5; in memory, bounded, forgotten when the call ends.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from callwright import clock

MAX_COOKIES = 100
MAX_COOKIE = 4096

_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_ADDRESS = re.compile(r"[0-9.]+\Z|\[")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie as it is kept. `expires` None: with the call; `host_only`: not for subdomains."""

    name: str
    value: str
    domain: str
    path: str
    secure: bool
    host_only: bool
    expires: datetime | None


class CookieJar:
    """The cookies of a call, by domain, path and name."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def __len__(self) -> int:
        return len(self._cookies)

    def store(self, url: str, headers: tuple[str, ...]) -> None:
        """Takes the Set-Cookie values of an answer from `url` (RFC 6265 §5.3)."""
        for header in headers:
            cookie = _parsed(url, header)
            if cookie is None:
                continue
            key = (cookie.domain, cookie.path, cookie.name)
            self._cookies.pop(key, None)
            if cookie.expires is not None and cookie.expires <= clock.now():
                continue
            self._cookies[key] = cookie
            if len(self._cookies) > MAX_COOKIES:
                del self._cookies[next(iter(self._cookies))]

    def header(self, url: str) -> str:
        """The Cookie value for a request to `url`, "" for none (RFC 6265 §5.4)."""
        if not self._cookies:
            return ""
        parts, now = urlsplit(url), clock.now()
        host, path = parts.hostname or "", parts.path or "/"
        fitting = [
            cookie
            for cookie in self._cookies.values()
            if (host == cookie.domain or (not cookie.host_only and _in_domain(host, cookie.domain)))
            and _below(path, cookie.path)
            and (parts.scheme == "https" or not cookie.secure)
            and (cookie.expires is None or cookie.expires > now)
        ]
        # Longer paths first; among equals the older one, which a dictionary's order gives.
        fitting.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in fitting)


def _parsed(url: str, header: str) -> Cookie | None:
    """A Set-Cookie value as a cookie; None when it is to be ignored (RFC 6265 §5.2, §5.3)."""
    if len(header) > MAX_COOKIE or _FORBIDDEN.search(header):
        return None
    pair, *rest = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals or not name.strip():
        return None
    attributes = {}
    for attribute in rest:
        key, _, text = attribute.partition("=")
        attributes[key.strip().lower()] = text.strip()
    parts = urlsplit(url)
    host = parts.hostname or ""
    domain = attributes.get("domain", "").lower().removeprefix(".")
    if domain and domain != host and (not _in_domain(host, domain) or "." not in domain):
        return None
    path = attributes.get("path", "")
    return Cookie(
        name=name.strip(),
        value=value.strip(),
        domain=domain or host,
        path=path if path.startswith("/") else _directory(parts.path),
        secure="secure" in attributes,
        host_only=not domain,
        expires=_expiry(attributes),
    )


def _expiry(attributes: dict[str, str]) -> datetime | None:
    if re.fullmatch(r"-?[0-9]{1,12}", attributes.get("max-age", "")):
        seconds = int(attributes["max-age"])
        # A browser keeps no cookie beyond 400 days either; the call is long over by then.
        return (
            clock.now() + timedelta(seconds=min(seconds, 400 * 86400))
            if seconds > 0
            else datetime.min.replace(tzinfo=UTC)
        )
    try:
        moment = parsedate_to_datetime(attributes["expires"])
    except (KeyError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _in_domain(host: str, domain: str) -> bool:
    return host.endswith("." + domain) and _ADDRESS.match(host) is None


def _below(path: str, prefix: str) -> bool:
    return path == prefix or (path.startswith(prefix) and (prefix.endswith("/") or path[len(prefix)] == "/"))


def _directory(path: str) -> str:
    """The default path of a cookie (RFC 6265 §5.1.4)."""
    return path.rpartition("/")[0] or "/"
