"""One SIP request to a peer by UDP, TCP or TLS, from a port of its own: whether it is answered, how, and how fast."""

import asyncio
import re
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from callwright.cli.checks.finding import reason
from callwright.sip.uri import is_reliable, transport_of, user_and_host, without_port

T1_S, LONGEST_S = 0.5, 4.0
"""RFC 3261 §17.1.2.2: a request over UDP is sent again after so long, and then more and more rarely."""
MAX_BYTES = 65536
SIP_PORT, SIPS_PORT = 5060, 5061
_SHORT = {"contact": "m"}
_FOLDED = re.compile(r"\r\n[ \t]+")  # RFC 3261 §7.3.1


@dataclass(frozen=True, slots=True)
class Question:
    """A request.

    Attributes:
        uri: Request-URI, without header fields.
        who: URI of From and of To; "" for a From of our own and a To that is the Request-URI.
        contact: whether it has one; a REGISTER that has none changes nothing (RFC 3261 §10.2.3).
        headers: further ones.
    """

    method: str
    uri: str
    who: str = ""
    cseq: int = 1
    contact: bool = False
    headers: Sequence[tuple[str, str]] = ()
    call_id: str = field(default_factory=lambda: secrets.token_hex(16))
    tag: str = field(default_factory=lambda: secrets.token_hex(6))


def options(uri: str) -> Question:
    """Asks a peer what it can do (RFC 3261 §11); no user behind it is rung."""
    return Question("OPTIONS", uri, contact=True, headers=[("Accept", "application/sdp")])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the final status, after how many seconds, and its header lines as they came."""

    code: int
    reason: str
    seconds: float
    headers: Sequence[tuple[str, str]] = ()

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.code} {self.reason} after {1000 * self.seconds:.0f} ms"

    def values(self, name: str) -> list[str]:
        """The values of all lines of a header field, in order; by its short name too (RFC 3261 §7.3.3)."""
        names = {name.lower(), _SHORT.get(name.lower(), name.lower())}
        return [value for other, value in self.headers if other.lower() in names]


class Unanswered(Exception):
    """No SIP answer came; says why."""


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a request goes: an address, a port, and "udp", "tcp" or "tls"."""

    host: str
    port: int
    transport: str

    @classmethod
    def of(cls, uri: str) -> "Hop":
        """The one that a URI with an address names; its transport, and then its port, are the usual ones if it names
        none."""
        host = user_and_host(uri)[1]
        bare = without_port(host)
        secure = is_tls(uri)
        transport = "tls" if secure else "tcp" if is_reliable(uri) else "udp"
        port = int(host[len(bare) + 1 :] or (SIPS_PORT if secure else SIP_PORT))
        return cls(bare.strip("[]"), port, transport)

    def __str__(self) -> str:
        return f"{self.transport}:{self._place}"

    @property
    def uri(self) -> str:
        """As a sip: URI."""
        return f"sip:{self._place};transport={self.transport}"

    @property
    def _place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_tls(uri: str) -> bool:
    """Whether a URI asks for TLS."""
    return uri.lower().startswith("sips:") or transport_of(uri) == "tls"


_Final = tuple[int, str, Sequence[tuple[str, str]]]
"""Code, reason and header lines."""


async def ask(
    hop: Hop, question: Question, *, seconds: float, tls: ssl.SSLContext | None = None, name: str = ""
) -> Answer:
    """Sends a request, and waits for its final response.

    Args:
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
                code, words, headers = await _over_udp(hop, question, branch)
            else:
                code, words, headers = await _over_stream(hop, question, branch, tls, name)
    except TimeoutError:
        raise Unanswered(f"no answer within {seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Unanswered(f"its certificate is not good: {error.verify_message}") from None
    except OSError as error:
        raise Unanswered(reason(error)) from None
    return Answer(code, words, loop.time() - began, headers)


def _request(hop: Hop, question: Question, branch: str, local: tuple[str, int]) -> bytes:
    host = f"[{local[0]}]" if ":" in local[0] else local[0]
    lines = [
        f"{question.method} {question.uri} SIP/2.0",
        f"Via: SIP/2.0/{hop.transport.upper()} {host}:{local[1]};branch={branch};rport",
        "Max-Forwards: 70",
        f"From: <{question.who or f'sip:doctor@{host}'}>;tag={question.tag}",
        f"To: <{question.who or question.uri}>",
        f"Call-ID: {question.call_id}",
        f"CSeq: {question.cseq} {question.method}",
        *([f"Contact: <sip:doctor@{host}:{local[1]};transport={hop.transport}>"] if question.contact else []),
        *(f"{name}: {value}" for name, value in question.headers),
        "User-Agent: Callwright doctor",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _final(data: bytes, branch: str) -> _Final | None:
    """A final response to our request; None for anything else."""
    line, _, rest = data.decode("utf-8", "replace").lstrip("\r\n").partition("\r\n")
    parts = line.split(" ", 2)
    if parts[0] != "SIP/2.0" or len(parts) < 2 or not parts[1].isdigit() or branch not in rest:
        return None
    if int(parts[1]) < 200:
        return None
    lines = _FOLDED.sub(" ", rest.partition("\r\n\r\n")[0]).split("\r\n")
    fields = (line.partition(":") for line in lines if ":" in line)
    return (
        int(parts[1]),
        parts[2] if len(parts) > 2 else "",
        [(name.strip(), value.strip()) for name, _, value in fields],
    )


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, branch: str, final: "asyncio.Future[_Final]") -> None:
        self._branch, self._final = branch, final

    def datagram_received(self, data: bytes, addr: object) -> None:
        found = _final(data, self._branch)
        if found is not None and not self._final.done():
            self._final.set_result(found)

    def error_received(self, exc: Exception) -> None:
        if not self._final.done():
            self._final.set_exception(exc)


async def _over_udp(hop: Hop, question: Question, branch: str) -> _Final:
    loop = asyncio.get_running_loop()
    final: asyncio.Future[_Final] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(branch, final), remote_addr=(hop.host, hop.port)
    )
    try:
        request = _request(hop, question, branch, transport.get_extra_info("sockname")[:2])
        wait = T1_S
        while not final.done():
            transport.sendto(request)
            await asyncio.wait({final}, timeout=wait)
            wait = min(2 * wait, LONGEST_S)
        return final.result()
    finally:
        transport.close()


async def _over_stream(hop: Hop, question: Question, branch: str, tls: ssl.SSLContext | None, name: str) -> _Final:
    secure = tls if hop.transport == "tls" else None
    reader, writer = await asyncio.open_connection(
        hop.host, hop.port, ssl=secure, server_hostname=(name or hop.host) if secure else None
    )
    try:
        writer.write(_request(hop, question, branch, writer.get_extra_info("sockname")[:2]))
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
