"""Keep-alives on the SIP sockets, answered before anything else looks at them (RFC 5626 §3.5)."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from callwright.engine import EventKind
from tests.engine.station import Station
from tests.engine.test_gate import UNLIMITED
from tests.engine.test_tls import AUTHORITY, options
from tests.engine.users import Account, guard, serve
from tests.harness.sip import Phone
from tests.harness.waiting import within

Phones = Callable[..., Awaitable[Phone]]
COOKIE = 0x2112A442
TRANSACTION = bytes(range(12))
BINDING, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111


def stun(attributes: bytes = b"", *, kind: int = BINDING, length: int | None = None) -> bytes:
    """A STUN message."""
    size = len(attributes) if length is None else length
    return struct.pack("!HHI", kind, size, COOKIE) + TRANSACTION + attributes


class Peer:
    """A UDP socket behind which a phone might be."""

    def __init__(self, station: Station, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.connect((station.host, station.port()))
        self.socket.setblocking(False)

    @property
    def place(self) -> tuple[str, int]:
        """Its address and port."""
        host, port = self.socket.getsockname()[:2]
        return host, port

    async def ask(self, *datagrams: bytes) -> bytes:
        """The next answer after these."""
        for datagram in datagrams:
            self.socket.send(datagram)
        loop = asyncio.get_running_loop()
        return await within(asyncio.ensure_future(loop.sock_recv(self.socket, 2000)), 5, lambda: "an answer")

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be read."""
        try:
            self.socket.recv(2000)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def peers() -> Iterator[Callable[..., Peer]]:
    """A factory of peers of a station."""
    made: list[Peer] = []

    def make(station: Station, host: str = "127.0.0.1") -> Peer:
        made.append(Peer(station, host))
        return made[-1]

    yield make
    for peer in made:
        peer.socket.close()


def mapped(answer: bytes) -> tuple[str, int]:
    """The address that an answer to a Binding request tells."""
    kind, length, cookie = struct.unpack("!HHI", answer[:8])
    assert (kind, length, cookie, answer[8:20]) == (SUCCESS, len(answer) - 20, COOKIE, TRANSACTION)
    attribute, size, family, port = struct.unpack("!HHHH", answer[20:28])
    assert (attribute, size) == (0x0020, len(answer) - 24)
    key = answer[4:20]
    address = bytes(one ^ other for one, other in zip(answer[28:], key, strict=False))
    return socket.inet_ntop({1: socket.AF_INET, 2: socket.AF_INET6}[family], address), port ^ (COOKIE >> 16)


async def test_a_binding_request_is_told_where_it_came_from(station: Station, peers: Callable[..., Peer]) -> None:
    """One of 20 bytes, and one of more than pjsip would drop unread; also from who is no trunk."""
    station.engine.admit([])
    peer = peers(station, "127.0.0.7")
    assert mapped(await peer.ask(stun())) == peer.place
    software = struct.pack("!HH", 0x8022, 40) + b"x" * 40
    assert mapped(await peer.ask(stun(software))) == peer.place
    assert station.engine.counters()["stun"] == 2
    assert [event for event in station.events if event.kind is not EventKind.LOG] == []


async def test_ipv6(stations: Callable[..., Station], peers: Callable[..., Peer]) -> None:
    station = stations(listen=[("udp", "::1", 0)], media_address="::1")
    peer = peers(station, "::1")
    assert mapped(await peer.ask(stun())) == peer.place


async def test_what_is_not_answered(station: Station, peers: Callable[..., Peer]) -> None:
    """Indications, responses, other methods; what is malformed is counted. SIP goes on between them."""
    peer = peers(station)
    ignored = [stun(kind=kind) for kind in (0x0011, SUCCESS, ERROR, 0x0003)]
    malformed = [stun(length=4), stun(b"\x80\x22\xff\xff\0\0\0\0"), stun(b"\0" * 3)]
    assert mapped(await peer.ask(*ignored, *malformed, stun())) == peer.place
    assert peer.quiet
    counters = station.engine.counters()
    assert (counters["malformed"], counters["stun"]) == (len(malformed), 1)


async def test_what_is_not_understood(station: Station, peers: Callable[..., Peer]) -> None:
    """CHANGE-REQUEST of RFC 3489: 420, and which."""
    answer = await peers(station).ask(stun(bytes.fromhex("0003000400000006")))
    assert struct.unpack("!H", answer[:2])[0] == ERROR
    assert answer[20:] == bytes.fromhex("0009000400000414000a000200030000")


async def test_calls_go_on_between_them(station: Station, phones: Phones, peers: Callable[..., Peer]) -> None:
    peer = peers(station)
    for _ in range(3):
        assert mapped(await peer.ask(stun())) == peer.place
        call, event = await station.invited(await phones("caller"))
        station.engine.hangup(event.id, code=404)
        assert (await call.refused()).status == 404


async def test_S4_within_the_limits_of_strangers(station: Station, peers: Callable[..., Peer]) -> None:
    """What they ask beyond that is not answered, and takes nothing from calls."""
    station.engine.admit([])
    station.engine.gate(requests_per_second=1, burst=5, backlog=UNLIMITED)
    peer, other = peers(station, "127.0.0.8"), peers(station, "127.0.0.9")
    answers = [await peer.ask(stun()) for _ in range(5)]
    assert len(answers) == 5
    for _ in range(20):
        peer.socket.send(stun())
    while station.engine.counters()["refused_strangers"] < 15:
        await station.pause(0.01)
    assert station.engine.counters()["stun"] <= 10 and station.engine.counters()["refused_rate"] == 0
    assert other.quiet


async def test_S3_silence_for_who_has_not_authenticated(
    station: Station, phones: Phones, peers: Callable[..., Peer]
) -> None:
    """Where strangers are not to learn that anybody is here, a phone is answered once it has proven itself."""
    alice = Account()
    guard(station, alice, silent=True)
    serve(station)
    phone = await phones("alice", address="127.0.0.21", credentials=alice.phone())
    peer = peers(station, phone.address)
    peer.socket.send(stun())
    assert (await phone.register(station.uri())).status == 200
    assert mapped(await peer.ask(stun())) == peer.place
    assert peer.quiet and station.engine.counters()["stun"] == 1


OPTIONS = (
    b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:a@b>\r\nCall-ID: ping\r\nCSeq: %d OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
PING, PONG = b"\r\n\r\n", b"\r\n"


class Connection:
    """A TCP or TLS connection of a phone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._asked = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, station: Station, transport: str = "tcp") -> AsyncIterator["Connection"]:
        """Opened, and gone at the end."""
        context = None
        if transport == "tls":
            context = ssl.create_default_context(cadata=AUTHORITY.certificate)
            context.check_hostname = False
        reader, writer = await asyncio.open_connection(station.host, station.port(transport), ssl=context)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    async def pong(self) -> bytes:
        """The next two bytes."""
        return await within(asyncio.ensure_future(self.reader.readexactly(2)), 5, lambda: "a pong")

    async def ask(self) -> bytes:
        """All that comes up to the end of the answer to an OPTIONS."""
        self._asked += 1
        self.writer.write(OPTIONS % (self._asked, self._asked))
        return await within(asyncio.ensure_future(self.reader.readuntil(b"\r\n\r\n")), 5, lambda: "an answer")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_ping_on_a_connection_gets_a_pong(stations: Callable[..., Station], transport: str) -> None:
    """CRLF for CRLF CRLF; nothing for one line end alone; requests go on between them."""
    station = stations(**options()) if transport == "tls" else stations()
    async with Connection.to(station, transport) as phone:
        await phone.ask()
        for number in range(1, 4):
            phone.writer.write(PING)
            assert await phone.pong() == PONG
            assert station.engine.counters()["pongs"] == number
        phone.writer.write(b"\r\n")
        assert (await phone.ask()).startswith(b"SIP/2.0 200")


async def test_S10_pings_alone_keep_no_connection_open(station: Station) -> None:
    """One that has brought no request is closed after 10 s, whatever it sends, and has no pong."""
    async with Connection.to(station) as idle, Connection.to(station) as phone:
        idle.writer.write(PING)
        phone.writer.write(PING)
        assert (await phone.ask()).startswith(b"SIP/2.0 200"), "no pong before it"
        assert await within(asyncio.ensure_future(idle.reader.read()), 15, lambda: "the end") == b""
        phone.writer.write(PING)
        assert await phone.pong() == PONG


async def test_S4_pings_beyond_the_limits_of_strangers(station: Station) -> None:
    """No pong, and no end: the connection is still there for requests."""
    station.engine.gate(requests_per_second=1, burst=3, backlog=UNLIMITED)
    async with Connection.to(station) as phone:
        await phone.ask()
        station.engine.admit([])
        for _ in range(3):
            phone.writer.write(PING)
            assert await phone.pong() == PONG
        while station.engine.counters()["refused_strangers"] == 0:
            phone.writer.write(PING)
            await station.pause(0.01)
        assert station.engine.counters()["pongs"] <= 5 and not phone.reader.at_eof()
