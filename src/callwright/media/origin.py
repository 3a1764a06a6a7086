"""Fetches the original of a file from its server: signed, bounded, conditional, through redirects."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urljoin

from callwright.account import Account
from callwright.errors import ApplicationError, MediaError
from callwright.media.freshness import Freshness
from callwright.media.limits import MediaLimits
from callwright.outbound import ConnectError, Limits, Outbound, Stream, Target, parse

log = logging.getLogger(__name__)

USER_AGENT = "TwilioProxy/1.1"
"""Call-control reference §2.6."""

_WRITE_BYTES = 1 << 18
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNAVAILABLE = frozenset({500, 502, 503, 504})
"""RFC 5861 §4: the statuses that a stale response may stand in for."""
_TOO_LARGE, _TOO_MANY_REDIRECTS = 11750, 11215


class Unavailable(MediaError):
    """The server cannot be reached or fails: what is stored may stand in, if its server said so."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch gave.

    Attributes:
        modified: False: the server answered 304, and nothing was written.
        url: the last hop's.
        digest: SHA-256 of the body, in hexadecimal; "" after a 304.
        size: bytes of the body.
        freshness: of a new body; None after a 304.
        headers, received, delay: of the last hop's response, see `Freshness`.
    """

    modified: bool
    url: str
    headers: Mapping[str, str]
    received: float
    delay: float
    digest: str = ""
    size: int = 0
    freshness: Freshness | None = None

    @property
    def content_type(self) -> str:
        """As the server named it; "" when it did not."""
        return self.headers.get("Content-Type", "")


def target(url: str) -> Target:
    """The URL, checked.

    Raises:
        MediaError: 11100, 11210, 21205: it cannot be requested.
    """
    try:
        return parse(url)
    except ApplicationError as error:
        raise MediaError(error.message, code=error.code) from error


def url_digest(url: str) -> str:
    """What is kept of a URL: enough to know it again, and none of the secrets that it may carry."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


class Origin:
    """Fetches files.

    Args:
        outbound: started.
        sign: gives the X-Twilio-Signature for (auth token, URL) (call-control reference §2.7).
        now: seconds since the epoch.
    """

    def __init__(
        self, outbound: Outbound, limits: MediaLimits, sign: Callable[[str, str], str], now: Callable[[], float]
    ) -> None:
        self._outbound = outbound
        self._limits = limits
        self._sign = sign
        self._now = now

    async def fetch(
        self,
        first: Target,
        account: Account,
        into: Path,
        *,
        validators: Mapping[str, str] = MappingProxyType({}),
        validated: str = "",
    ) -> Fetched:
        """GETs a URL and writes the body to a file.

        Args:
            into: is created.
            validators: headers of the condition; they go to the hop whose `url_digest` is `validated`, to no other.

        Raises:
            MediaError: the 11200 family (call-control reference §8.1). Its subclass `Unavailable`: a stale copy may do.
        """
        deadline = asyncio.get_running_loop().time() + self._limits.total_seconds
        errand = _Errand(account, into, deadline, validators, validated)
        here = first
        for _ in range(self._limits.redirects + 1):
            answer = await self._retried(here, errand)
            if isinstance(answer, Fetched):
                return answer
            here, until = answer
            so_far = errand.redirected_until
            errand = replace(errand, redirected_until=until if so_far is None else min(so_far, until))
        raise MediaError(f"{first.shown}: more than {self._limits.redirects} redirects", code=_TOO_MANY_REDIRECTS)

    async def _retried(self, here: Target, errand: "_Errand") -> Fetched | tuple[Target, float]:
        """One hop; a connection that fails is tried once more (call-control reference §2.6)."""
        for last in (False, True):
            try:
                return await self._hop(here, errand)
            except ApplicationError as error:
                if not last and isinstance(error, ConnectError) and asyncio.get_running_loop().time() < errand.deadline:
                    log.debug("x GET %s: %s; once more", here.shown, error.message)
                    continue
                raise _as_media_error(error, here) from error
        raise AssertionError("unreachable")

    async def _hop(self, here: Target, errand: "_Errand") -> Fetched | tuple[Target, float]:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        conditions = errand.validators if url_digest(here.text) == errand.validated else MappingProxyType({})
        signature = self._sign(errand.account.auth_token, here.text)
        headers = {"User-Agent": USER_AGENT, "X-Twilio-Signature": signature, **conditions}
        total = max(0.001, errand.deadline - asked)
        limits = Limits(min(self._limits.connect_seconds, total), min(self._limits.read_seconds, total), total)
        limit = self._limits.file_bytes
        async with self._outbound.stream("GET", here, headers=headers, limits=limits, max_bytes=limit) as stream:
            received, delay = self._now(), loop.time() - asked
            log.debug("< GET %s: %d", here.shown, stream.status)
            freshness = Freshness.of(stream.headers, received, delay, errand.redirected_until)
            if stream.status in _REDIRECTS:
                return _next(here, stream), freshness.redirect_until(stream.status in (301, 308))
            if stream.status == 304 and conditions:
                return Fetched(False, here.text, stream.headers, received, delay)
            _check_status(here, stream.status)
            digest, size = await _write(stream, errand.into)
            return Fetched(True, here.text, stream.headers, received, delay, digest, size, freshness)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What stays the same from hop to hop, and what the hops so far have shown."""

    account: Account
    into: Path
    deadline: float
    validators: Mapping[str, str]
    validated: str
    redirected_until: float | None = None


def _next(here: Target, stream: Stream) -> Target:
    location = stream.headers.get("Location", "")
    if not location:
        raise MediaError(f"{here.shown}: HTTP {stream.status} without a Location")
    try:
        following = target(urljoin(here.text, location))
    except ValueError as error:
        raise MediaError(f"{here.shown}: redirects to a malformed URL", code=11100) from error
    if following.credentials is None and here.credentials is not None and following.origin == here.origin:
        # The password belongs to the server that it was given for, and to no other.
        scheme, _, rest = following.text.partition("://")
        userinfo = ":".join(_quoted(part) for part in here.credentials)
        return target(f"{scheme}://{userinfo}@{rest}")
    return following


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))


def _check_status(here: Target, status: int) -> None:
    if 200 <= status < 300:
        return
    kind = Unavailable if status in _UNAVAILABLE else MediaError
    raise kind(f"{here.shown}: HTTP {status}")


def _as_media_error(error: ApplicationError, here: Target) -> MediaError:
    message = f"{here.shown}: {error.message}"
    if error.code == _TOO_LARGE:
        # 11750 is the code of a document that is too large.
        return MediaError(message)
    return Unavailable(message, code=error.code)


async def _write(stream: Stream, into: Path) -> tuple[str, int]:
    """The body's SHA-256 and size."""
    digest, size = hashlib.sha256(), 0
    buffer = bytearray()

    def flush(piece: bytes) -> None:
        digest.update(piece)
        with into.open("ab") as file:
            file.write(piece)

    async def put() -> None:
        # Inside `stream` an OSError would pass for a failure of the server.
        try:
            await asyncio.to_thread(flush, bytes(buffer))
        except OSError as error:
            raise MediaError(f"a fetched file cannot be written: {error.strerror}", code=12400) from error
        buffer.clear()

    async for chunk in stream.chunks():
        size += len(chunk)
        buffer += chunk
        if len(buffer) >= _WRITE_BYTES:
            await put()
    await put()
    return digest.hexdigest(), size
