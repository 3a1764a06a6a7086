"""The daemon's HTTP client: one session, connections kept alive and pooled by origin, every request guarded and timed.

One request is one hop: redirects are the caller's, who comes back here with each and has it checked again.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import aiohttp
from multidict import CIMultiDictProxy

from callwright.outbound.body import Stream
from callwright.outbound.failure import Attempt, unanswered
from callwright.outbound.guard import Guard, addresses, current_attempt, open_socket
from callwright.outbound.limits import Limits
from callwright.outbound.target import Target, parse
from callwright.sections import OutboundHttp

IDLE_S = 15.0
MAX_SKIMMED_BYTES = 65536
KEPT_BYTES = 4096
SKIM_S = 0.5
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that has come whole.

    Attributes:
        url: that was requested.
        headers: names match without regard to case.
        body: decoded; b"" when it was not asked for. Of answers other than 2xx its beginning, as it was sent; b"" when
            that is compressed.
        elapsed: seconds.
        set_cookies: the values of Set-Cookie.
    """

    status: int
    url: str
    headers: CIMultiDictProxy[str]
    body: bytes
    elapsed: float
    set_cookies: tuple[str, ...] = ()

    def all(self, name: str) -> list[str]:
        """Every value of a header that may be repeated."""
        return self.headers.getall(name, [])


class Outbound:
    """The daemon's HTTP client: one session, connections kept alive and pooled by origin.

    Args:
        settings: the section [outbound_http].
        trusted_origins: "scheme://host:port" of the operator's own configuration; they may be private.
        tls: verifies servers; the system's certificates by default.
        lookup: resolves a name to all its addresses, in a thread; the system's resolver by default.
    """

    def __init__(
        self,
        settings: OutboundHttp,
        trusted_origins: frozenset[str] = frozenset(),
        *,
        tls: ssl.SSLContext | None = None,
        lookup: Callable[[str], tuple[str, ...]] = addresses,
    ) -> None:
        self.settings = settings
        self.limits = Limits(
            settings.connect_timeout_ms / 1000, settings.read_timeout_ms / 1000, settings.total_timeout_ms / 1000
        )
        trusted = (parse(origin) for origin in trusted_origins)
        self._guard = Guard(settings.allow_private, frozenset((target.host, target.port) for target in trusted), lookup)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Opens the session. No connection is made yet."""
        connector = aiohttp.TCPConnector(
            resolver=self._guard,
            use_dns_cache=False,
            limit=0,
            limit_per_host=self.settings.connections_per_origin,
            keepalive_timeout=IDLE_S,
            socket_factory=open_socket,
            ssl=self._tls or True,
            timeout_ceil_threshold=float("inf"),
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )

    async def close(self) -> None:
        """Closes every connection; requests under way fail."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._guard.close()

    async def request(
        self,
        method: str,
        url: str | Target,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        limits: Limits,
        max_bytes: int,
        unread: tuple[str, ...] = (),
        discard: bool = False,
    ) -> Response:
        """Makes one request and reads its answer. Redirects are not followed.

        A kept connection that dies before any byte of an answer is replaced once: servers close idle ones at will.

        Args:
            max_bytes: of the decoded body.
            unread: media types, or beginnings of them, whose body is left alone and given as b"".
            discard: the body does not matter: it is given as b"".

        Raises:
            ApplicationError: with its code (call-control reference §8.1); `retryable` when asking again may help.
        """
        started = asyncio.get_running_loop().time()
        target, attempt = parse(url) if isinstance(url, str) else url, Attempt()
        response = await self._send(method, target, data, headers, limits, attempt)
        try:
            body = b""
            if not 200 <= response.status < 300:
                body = await _skim(response)
            elif discard:
                await _skim(response)
            elif not (unread and response.headers.get("Content-Type", "").lower().startswith(unread)):
                stream = Stream(response, target, limits, max_bytes)
                body = b"".join([piece async for piece in stream.chunks()])
        finally:
            if not response.closed:
                response.close()
        elapsed = asyncio.get_running_loop().time() - started
        cookies = tuple(response.headers.getall("Set-Cookie", ()))
        return Response(response.status, target.text, response.headers, body, elapsed, cookies)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str | Target,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        limits: Limits,
        max_bytes: int,
    ) -> AsyncGenerator[Stream, None]:
        """Like `request`, for bodies that are read while they come.

        Raises:
            ApplicationError: as `request` does; so does the stream's `chunks`.
        """
        target = parse(url) if isinstance(url, str) else url
        response = await self._send(method, target, None, headers, limits, Attempt())
        try:
            yield Stream(response, target, limits, max_bytes)
        finally:
            # Closes the connection unless the body was read to its end, which gave it back to the pool.
            response.close()

    async def _send(
        self,
        method: str,
        target: Target,
        data: bytes | None,
        headers: Mapping[str, str],
        limits: Limits,
        attempt: Attempt,
    ) -> aiohttp.ClientResponse:
        if target.literal:
            self._guard.check(target.host, target.port, (target.host,))
        sent = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "Callwright", **headers}
        if target.credentials is not None and "Authorization" not in sent:
            sent["Authorization"] = target.authorization() or ""
        deadline = asyncio.get_running_loop().time() + limits.total
        current_attempt.set(attempt)
        try:
            try:
                return await self._request(method, target, data, sent, limits, deadline)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if attempt.opened:
                    raise
                return await self._request(method, target, data, sent, limits, deadline)
        except (aiohttp.ClientError, OSError) as error:
            raise unanswered(error, target, limits, attempt) from error

    async def _request(
        self,
        method: str,
        target: Target,
        data: bytes | None,
        headers: dict[str, str],
        limits: Limits,
        deadline: float,
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("Outbound is not started")
        timeout = aiohttp.ClientTimeout(
            total=max(deadline - asyncio.get_running_loop().time(), 0.001),
            connect=limits.connect,
            sock_read=limits.read,
            ceil_threshold=float("inf"),
        )
        return await self._session.request(
            method, target.wire, data=data, headers=headers, timeout=timeout, allow_redirects=False
        )


async def _skim(response: aiohttp.ClientResponse) -> bytes:
    """Reads a body that nobody wants, so that its connection can be kept, unless it is long or slow.

    Returns:
        Its first `KEPT_BYTES`, unless it is compressed: for whoever looks for what went wrong.
    """
    kept = bytearray()
    try:
        async with asyncio.timeout(SKIM_S):
            size = 0
            while size <= MAX_SKIMMED_BYTES and (chunk := await response.content.readany()):
                size += len(chunk)
                kept += chunk[: max(0, KEPT_BYTES - len(kept))]
    except (aiohttp.ClientError, TimeoutError):
        response.close()
    return b"" if "Content-Encoding" in response.headers else bytes(kept)
