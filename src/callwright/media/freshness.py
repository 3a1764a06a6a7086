"""How long a fetched file may be played without asking its server again (RFC 9111, as a cache private to an account).

Only values here: no clock is read and nothing is sent. Times are seconds since the epoch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime

HEURISTIC_SHARE = 0.1
HEURISTIC_CAP = 60.0
"""RFC 9111 §4.2.2: without an explicit lifetime a file counts as fresh for a tenth of its age when it came, but for no
longer than this many seconds: a prompt that was replaced is heard within a minute."""

_KEPT = frozenset({"age", "cache-control", "content-type", "date", "etag", "expires", "last-modified", "vary"})
_LONGEST = 365 * 86400.0


def directives(value: str) -> dict[str, str]:
    """The directives of a Cache-Control value, names in lower case, quotes removed; the first of a repeated one counts.

    Source: RFC 9111 §5.2.
    """
    found: dict[str, str] = {}
    for part in _split(value):
        name, _, argument = part.partition("=")
        found.setdefault(name.strip().lower(), argument.strip().strip('"'))
    found.pop("", None)
    return found


def _split(value: str) -> Iterable[str]:
    """The list's elements: a comma inside quotes does not end one."""
    part, quoted = "", False
    for character in value:
        if character == '"':
            quoted = not quoted
        if character == "," and not quoted:
            yield part
            part = ""
        else:
            part += character
    yield part


def seconds(text: str) -> float:
    """Delta-seconds; 0, so that it is stale, when it is none (RFC 9111 §4.2.1)."""
    return min(float(text), _LONGEST) if text.isascii() and text.isdigit() else 0.0


def moment(text: str) -> float | None:
    """An HTTP date; None when it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a stored response's headers allow.

    Attributes:
        headers: those that matter, names in lower case.
        received: when the response's head came.
        delay: seconds between its request and that.
        redirected_until: until when the redirects that led here may be taken for granted; None: there were none.
    """

    headers: Mapping[str, str]
    received: float
    delay: float = 0.0
    redirected_until: float | None = None
    _directives: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_directives", directives(self.headers.get("cache-control", "")))

    @classmethod
    def of(
        cls, headers: Mapping[str, str], received: float, delay: float = 0.0, redirected_until: float | None = None
    ) -> "Freshness":
        """Of a response as it came."""
        return cls(_kept(headers), received, delay, redirected_until)

    def revalidated(self, headers: Mapping[str, str], received: float, delay: float) -> "Freshness":
        """After a 304: its headers replace those of the same name (RFC 9111 §4.3.4)."""
        old = {name: value for name, value in self.headers.items() if name not in ("age", "date")}
        new = {name: value for name, value in _kept(headers).items() if name != "content-type"}
        return replace(self, headers={**old, **new}, received=received, delay=delay)

    @property
    def storable(self) -> bool:
        """Whether it may be written anywhere."""
        return "no-store" not in self._directives

    @property
    def validators(self) -> dict[str, str]:
        """The headers of a conditional request; empty when the response named none."""
        found = {}
        if etag := self.headers.get("etag"):
            found["If-None-Match"] = etag
        if modified := self.headers.get("last-modified"):
            found["If-Modified-Since"] = modified
        return found

    def fresh(self, now: float) -> bool:
        """Whether it may be used at this time without a request."""
        if "no-cache" in self._directives or not self.storable or "*" in self.headers.get("vary", ""):
            return False
        if now < self.received - 1:  # The clock was set back: the age is unknown.
            return False
        return now < self._fresh_until and (self.redirected_until is None or now < self.redirected_until)

    def usable_on_error(self, now: float) -> bool:
        """Whether it may be used, although stale, when its server fails: only if the response said so (RFC 5861 §4)."""
        window = self._directives.get("stale-if-error")
        if window is None or "must-revalidate" in self._directives or "no-cache" in self._directives:
            return False
        return self.storable and self.received - 1 <= now < self._fresh_until + seconds(window)

    @property
    def _fresh_until(self) -> float:
        return self.received - self._age + self._lifetime

    @property
    def _age(self) -> float:
        """When it was received (RFC 9111 §4.2.3)."""
        date = moment(self.headers.get("date", ""))
        apparent = max(0.0, self.received - date) if date is not None else 0.0
        return max(apparent, seconds(self.headers.get("age", "0")) + self.delay)

    @property
    def _lifetime(self) -> float:
        """RFC 9111 §4.2.1; s-maxage is for shared caches and does not count."""
        if "max-age" in self._directives:
            return seconds(self._directives["max-age"])
        date = moment(self.headers.get("date", ""))
        origin = date if date is not None else self.received
        if "expires" in self.headers:
            expires = moment(self.headers["expires"])
            return min(max(0.0, expires - origin), _LONGEST) if expires is not None else 0.0
        modified = moment(self.headers.get("last-modified", ""))
        return min(max(0.0, (origin - modified) * HEURISTIC_SHARE), HEURISTIC_CAP) if modified is not None else 0.0

    def redirect_until(self, permanent: bool) -> float:
        """For a redirect: until when it may be taken for granted; the past for a temporary one without a lifetime."""
        explicit = "max-age" in self._directives or "expires" in self.headers
        if not self.storable or "no-cache" in self._directives:
            return self.received
        if explicit:
            return self._fresh_until
        return self.received + (HEURISTIC_CAP if permanent else 0.0)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower not in _KEPT:
            continue
        # Repeated Cache-Control lines are one list; of anything else the first counts (RFC 9110 §5.3).
        if lower in kept and lower == "cache-control":
            kept[lower] += f", {value}"
        kept.setdefault(lower, value)
    return kept
