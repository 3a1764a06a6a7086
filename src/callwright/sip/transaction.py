"""Our requests outside calls: OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH (RFC 3261 §17.1.2, §22.2).

response = await transact(endpoint, "REGISTER", "sip:carrier.example", headers=lines, credentials=credentials)
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from callwright import digest
from callwright.sip.leg import Headers
from callwright.sip.request import has_tag

TIMEOUT_S = 32.0  # Timer F (RFC 3261 §17.1.2.2)
UNAVAILABLE = 503
UNAUTHORIZED = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
_STALE = re.compile(r'(?:^|[\s,])stale\s*=\s*"?true\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a server may be told when it asks: `realm` "" answers whichever asks first, as `Endpoint.originate` does."""

    username: str
    password: str = field(repr=False)
    realm: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """The end of a request.

    Attributes:
        code: 408 when nothing came in time, 503 also when the request could not be sent.
        headers: every line, names as the RFCs write them; none when nothing came.
        source: (transport, host, port) that it came from; ("", "", 0) when nothing came.
        cseq: of the last request that was sent: the next one within the same dialog needs a higher one.
    """

    code: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: bytes = b""
    source: tuple[str, str, int] = ("", "", 0)
    cseq: int = 1

    @property
    def succeeded(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.code < 300

    def values(self, name: str) -> list[str]:
        """The values of all lines of a header field, in order."""
        wanted = name.lower()
        return [value for other, value in self.headers if other.lower() == wanted]


class Sender(Protocol):
    """The engine, as far as requests of ours need it."""

    def request(
        self,
        method: str,
        uri: str,
        *,
        headers: Headers = (),
        content_type: str = "",
        body: bytes = b"",
        next_hop: str = "",
        timeout: float = TIMEOUT_S,
    ) -> int: ...


class Transactions:
    """Who waits for which response. `Endpoint` owns one."""

    def __init__(self, engine: Sender) -> None:
        self._engine = engine
        self._waiting: dict[int, Callable[[Response], None]] = {}

    def send(
        self,
        method: str,
        uri: str,
        ended: Callable[[Response], None],
        *,
        headers: Headers,
        content_type: str,
        body: bytes,
        next_hop: str,
        timeout: float = TIMEOUT_S,
    ) -> int:
        """One request, without a task that waits for it: for those who send very many.

        Args:
            ended: told its end, once, from the loop and never from within this call.

        Returns:
            Its number, by which `forget` knows it.

        Raises:
            ValueError: a URI or header cannot be used.
        """
        number = self._engine.request(
            method, uri, headers=headers, content_type=content_type, body=body, next_hop=next_hop, timeout=timeout
        )
        self._waiting[number] = ended
        return number

    def forget(self, number: int) -> None:
        """Nobody is told how a request ends; the transaction ends by itself. Unknown: no-op."""
        self._waiting.pop(number, None)

    async def request(
        self,
        method: str,
        uri: str,
        *,
        headers: Headers,
        content_type: str,
        body: bytes,
        next_hop: str,
        timeout: float,  # noqa: ASYNC109  # the engine's timer ends it, and stops the retransmissions
    ) -> Response:
        """One request and its end. Cancelling gives up waiting; the transaction ends by itself.

        Raises:
            ValueError: a URI or header cannot be used.
        """
        waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        number = self.send(
            method,
            uri,
            partial(_settle, waiting),
            headers=headers,
            content_type=content_type,
            body=body,
            next_hop=next_hop,
            timeout=timeout,
        )
        try:
            return await waiting
        finally:
            self.forget(number)

    def on_response(self, number: int, code: int, reason: str, detail: Mapping[str, Any]) -> None:
        """The engine's RESPONSE."""
        ended = self._waiting.pop(number, None)
        if ended is None:
            return
        source = (detail["transport"], detail["source_host"], detail["source_port"])
        headers = tuple(detail["headers"])
        ended(Response(code, reason, headers, detail["content_type"], detail["body"], source))

    def close(self) -> None:
        """503 to whoever still waits: the engine has ended."""
        while self._waiting:
            _, ended = self._waiting.popitem()
            ended(Response(UNAVAILABLE, "the endpoint is closed"))


def _settle(waiting: "asyncio.Future[Response]", response: Response) -> None:
    if not waiting.done():
        waiting.set_result(response)


class Station(Protocol):
    """The endpoint, as far as `transact` needs it."""

    @property
    def transactions(self) -> Transactions: ...

    def local_uri(self, user: str, domain: str = "") -> str: ...

    async def next_hop(self, uri: str) -> str: ...


async def transact(
    endpoint: Station,
    method: str,
    uri: str,
    *,
    headers: Headers = (),
    content_type: str = "",
    body: bytes = b"",
    next_hop: str = "",
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109  # the engine's timer ends each round, with a 408
    credentials: Credentials | None = None,
) -> Response:
    """Sends a request outside calls and returns its final response, or what stands for one.

    Args:
        headers: as they are. Of From (this daemon), To (the URI), Call-ID, CSeq (1), Max-Forwards and Contact what is
            missing is made; a From without a tag gets one.
        next_hop: the sip: URI of an address to send to; "" looks the host of the first Route, or of the URI, up.
        timeout: seconds, for all that is sent.
        credentials: answer one 401 or 407 (RFC 7616, RFC 8760), of their realm only, SHA-256 before MD5; a further one
            only when it says that the nonce was stale.

    Raises:
        ValueError: a URI or header cannot be used.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    lines = _completed(endpoint, method, headers)
    try:
        hop = next_hop or await endpoint.next_hop(_first_stop(uri, lines))
    except OSError as error:
        return Response(UNAVAILABLE, str(error), cseq=_cseq(lines))
    answers: list[tuple[str, str]] = []
    for attempt in range(3):
        response = await endpoint.transactions.request(
            method,
            uri,
            headers=[*lines, *answers],
            content_type=content_type,
            body=body,
            next_hop=hop,
            timeout=max(deadline - loop.time(), 0.001),
        )
        answer = _answer(response, credentials, method, uri, again=attempt > 0)
        if answer is None or attempt == 2 or loop.time() >= deadline:
            break
        answers = [line for line in answers if line[0] != answer[0]] + [answer]
        lines = _numbered(lines, method, _cseq(lines) + 1)
    return replace(response, cseq=_cseq(lines))


def _completed(endpoint: Station, method: str, headers: Headers) -> list[tuple[str, str]]:
    """With what must stay the same when a request is sent again (RFC 3261 §22.2)."""
    lines = list(headers)
    names = {name.lower() for name, _ in lines}
    if not names & {"from", "f"}:
        lines.append(("From", endpoint.local_uri("")))
    if not names & {"call-id", "i"}:
        lines.append(("Call-ID", secrets.token_hex(16)))
    if "cseq" not in names:
        lines.append(("CSeq", f"1 {method}"))
    return [(name, _tagged(value) if name.lower() in ("from", "f") else value) for name, value in lines]


def _tagged(from_: str) -> str:
    return from_ if has_tag(from_) else f"{from_};tag={secrets.token_hex(8)}"


def _first_stop(uri: str, lines: Headers) -> str:
    return next((value for name, value in lines if name.lower() == "route"), uri)


def _cseq(lines: Headers) -> int:
    value = next(value for name, value in lines if name.lower() == "cseq")
    return int(value.split()[0])


def _numbered(lines: Headers, method: str, number: int) -> list[tuple[str, str]]:
    return [(name, f"{number} {method}" if name.lower() == "cseq" else value) for name, value in lines]


def _answer(
    response: Response, credentials: Credentials | None, method: str, uri: str, *, again: bool
) -> tuple[str, str] | None:
    """The header that answers a challenge; None when there is nothing to say to it."""
    if credentials is None or response.code not in UNAUTHORIZED:
        return None
    asking, answering = UNAUTHORIZED[response.code]
    asked = response.values(asking)
    if again and not stale(asked):
        return None
    challenge = digest.strongest(asked, realm=credentials.realm)
    if challenge is None:
        return None
    return answering, digest.answer(challenge, (credentials.username, credentials.password), method, uri)


def stale(challenges: Sequence[str]) -> bool:
    """Whether a server that asks again means the nonce, and not the password (RFC 7616 §3.3)."""
    return any(_STALE.search(value) for value in challenges)
