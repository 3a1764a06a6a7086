"""One OPTIONS request to a SIP peer, over UDP, TCP or TLS: whether anybody answers, and how fast (RFC 3261 §11)."""

import asyncio
import secrets
import ssl
from dataclasses import dataclass

from callwright.cli.checks.finding import reason

T1_S, LONGEST_S = 0.5, 4.0
"""RFC 3261 §17.1.2.2: a request over UDP is sent again after so long, and then more and more rarely."""
MAX_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the final status, and after how many seconds."""

    code: int
    reason: str
    seconds: float


class Unanswered(Exception):
    """No SIP answer came; says why."""


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a request goes: an address, a port, and "udp", "tcp" or "tls"."""

    host: str
    port: int
    transport: str

    def __str__(self) -> str:
        return f"{self.transport}:{self._place}"

    @property
    def uri(self) -> str:
        """As a sip: URI."""
        return f"sip:{self._place};transport={self.transport}"

    @property
    def _place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def options(hop: Hop, uri: str, *, seconds: float, tls: ssl.SSLContext | None = None, name: str = "") -> Answer:
    """Asks a peer what it can do.

    Args:
        uri: Request-URI, without header fields.
        seconds: to wait in all.
        tls: how a TLS peer is verified; name: the name that its certificate must have.

    Raises:
        Unanswered: nothing, or nothing that is SIP, came in time.
    """
    branch = f"z9hG4bK{secrets.token_hex(12)}"
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(seconds):
            if hop.transport == "udp":
                answer = await _over_udp(hop, uri, branch)
            else:
                answer = await _over_stream(hop, uri, branch, tls, name)
    except TimeoutError:
        raise Unanswered(f"no answer within {seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Unanswered(f"its certificate is not good: {error.verify_message}") from None
    except OSError as error:
        raise Unanswered(reason(error)) from None
    return Answer(*answer, loop.time() - began)


def _request(hop: Hop, uri: str, branch: str, local: tuple[str, int]) -> bytes:
    host = f"[{local[0]}]" if ":" in local[0] else local[0]
    lines = [
        f"OPTIONS {uri} SIP/2.0",
        f"Via: SIP/2.0/{hop.transport.upper()} {host}:{local[1]};branch={branch};rport",
        "Max-Forwards: 70",
        f"From: <sip:doctor@{host}>;tag={secrets.token_hex(6)}",
        f"To: <{uri}>",
        f"Call-ID: {secrets.token_hex(16)}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:doctor@{host}:{local[1]};transport={hop.transport}>",
        "Accept: application/sdp",
        "User-Agent: Callwright doctor",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _final(data: bytes, branch: str) -> tuple[int, str] | None:
    """Code and reason of a final response to our request; None for anything else."""
    line, _, rest = data.decode("utf-8", "replace").lstrip("\r\n").partition("\r\n")
    parts = line.split(" ", 2)
    if parts[0] != "SIP/2.0" or len(parts) < 2 or not parts[1].isdigit() or branch not in rest:
        return None
    return (int(parts[1]), parts[2] if len(parts) > 2 else "") if int(parts[1]) >= 200 else None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, branch: str, final: "asyncio.Future[tuple[int, str]]") -> None:
        self._branch, self._final = branch, final

    def datagram_received(self, data: bytes, addr: object) -> None:
        found = _final(data, self._branch)
        if found is not None and not self._final.done():
            self._final.set_result(found)

    def error_received(self, exc: Exception) -> None:
        if not self._final.done():
            self._final.set_exception(exc)


async def _over_udp(hop: Hop, uri: str, branch: str) -> tuple[int, str]:
    loop = asyncio.get_running_loop()
    final: asyncio.Future[tuple[int, str]] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(branch, final), remote_addr=(hop.host, hop.port)
    )
    try:
        request = _request(hop, uri, branch, transport.get_extra_info("sockname")[:2])
        wait = T1_S
        while not final.done():
            transport.sendto(request)
            await asyncio.wait({final}, timeout=wait)
            wait = min(2 * wait, LONGEST_S)
        return final.result()
    finally:
        transport.close()


async def _over_stream(hop: Hop, uri: str, branch: str, tls: ssl.SSLContext | None, name: str) -> tuple[int, str]:
    secure = tls if hop.transport == "tls" else None
    reader, writer = await asyncio.open_connection(
        hop.host, hop.port, ssl=secure, server_hostname=(name or hop.host) if secure else None
    )
    try:
        writer.write(_request(hop, uri, branch, writer.get_extra_info("sockname")[:2]))
        received = b""
        while len(received) < MAX_BYTES and (piece := await reader.read(4096)):
            received += piece
            while b"\r\n\r\n" in received:
                message, _, received = received.partition(b"\r\n\r\n")
                if (found := _final(message, branch)) is not None:
                    return found
        raise Unanswered("it has closed the connection without an answer")
    finally:
        writer.close()
