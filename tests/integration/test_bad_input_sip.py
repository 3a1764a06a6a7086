"""Hostile SIP and RTP against the daemon while a canary call goes on (promises S1, S4, S9, S10, M1)."""

import asyncio
import os
import random
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import Phone, RtpPeer
from tests.harness.daemon import Daemon
from tests.harness.ports import next_address
from tests.harness.waiting import NotInTime, within

from .site import CANARY, NUMBER, Site, canary, quick_call

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
FILES = sorted((Path(__file__).parents[1] / "wire").glob("*.sip"))

INVITE = """\
INVITE sip:{user}@{host}:{port} SIP/2.0
Via: SIP/2.0/{transport} {client};rport;branch=z9hG4bK{branch}
From: <sip:stranger@{client}>;tag=1
To: <sip:{user}@{host}>
Call-ID: {branch}@stranger
CSeq: 1 INVITE
Contact: <sip:stranger@{client}>
Max-Forwards: 70
Content-Length: 0

"""


def invite(daemon: Daemon, client: str, *, user: str = NUMBER, transport: str = "UDP") -> bytes:
    """A good INVITE without a session description."""
    text = INVITE.format(
        user=user,
        host=daemon.host,
        port=daemon.sip_port,
        client=client,
        transport=transport,
        branch=secrets.token_hex(8),
    )
    return text.replace("\n", "\r\n").encode()


def malformed(daemon: Daemon, client: str) -> list[bytes]:
    """Every message of `tests/wire`, addressed to the daemon; their lines of "% " are about them."""
    found = []
    for path in FILES:
        text = path.read_text()
        notes = [line for line in text.split("\n") if line.startswith("%")]
        text = "\n".join(line for line in text.split("\n") if not line.startswith("%"))
        if any(note.startswith("% escapes") for note in notes):
            text = text.encode("ascii").decode("unicode_escape")
        text = text.replace("HOST", daemon.host).replace("PORT", str(daemon.sip_port)).replace("CLIENT", client)
        data = text.replace("BRANCH", "z9hG4bK" + secrets.token_hex(6)).replace("\n", "\r\n").encode("latin-1")
        found.append(data.replace(b"LENGTH", str(len(data.partition(b"\r\n\r\n")[2])).encode()))
    assert len(found) > 30
    return found


def mutated(good: bytes, seed: int) -> bytes:
    """A message with some bytes changed, doubled, or cut off."""
    dice = random.Random(seed)
    data = bytearray(good)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randint(1, 20)]
            case 2:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 20)))
            case _:
                data[at:at] = data[at : at + dice.randint(1, 200)]
    return bytes(data)


class Stranger(asyncio.DatagramProtocol):
    """A UDP socket that counts what comes back."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.append(data)


@asynccontextmanager
async def stranger(daemon: Daemon) -> AsyncIterator[tuple[asyncio.DatagramTransport, Stranger, str]]:
    """A socket towards the daemon's SIP port, and its own address and port."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Stranger, local_addr=(next_address(), 0), remote_addr=(daemon.host, daemon.sip_port)
    )
    host, port = transport.get_extra_info("sockname")
    try:
        yield transport, protocol, f"{host}:{port}"
    finally:
        transport.close()
        await protocol.closed


async def paced(send: Callable[[int], None], *, count: int, per_second: float) -> None:
    """Calls a function so many times at a steady rate."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    began, sent = loop.time(), 0

    def tick() -> None:
        nonlocal sent
        due = min(count, int((loop.time() - began) * per_second) + 1)
        while sent < due:
            send(sent)
            sent += 1
        if sent == count:
            done.set_result(None)
        else:
            loop.call_later(0.005, tick)

    tick()
    await within(done, 3 * count / per_second + 5, lambda: f"{count} messages are sent; {sent} were")


async def until_closed(reader: asyncio.StreamReader, timeout: float) -> bytes:
    """What a connection still gives before the daemon closes or resets it."""
    try:
        return await within(reader.read(), timeout, "the daemon closes the connection")
    except ConnectionError:
        return b""


@pytest.fixture
async def site(sites: Sites) -> Site:
    """A daemon with the canary's number."""
    return await sites(canary=True)


async def test_S1_malformed_over_udp(site: Site, phones: Phones) -> None:
    """Every file of the wire collection and a thousand mutations of an INVITE."""
    phone = await phones("canary")
    async with stranger(site.daemon) as (transport, _, client), canary(site, phone):
        messages = malformed(site.daemon, client)
        messages += [mutated(invite(site.daemon, client), seed) for seed in range(1000)]
        await paced(lambda at: transport.sendto(messages[at]), count=len(messages), per_second=400)
        site.carrier.faults.clear()
        assert (await site.carrier.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200
        await (await quick_call(site, await phones("second"))).hangup()
    assert (await site.daemon.health())["status"] == "ok"


async def test_S1_malformed_over_tcp(site: Site, phones: Phones) -> None:
    """The same, each on a connection of its own that says nothing else; and what is no SIP at all."""
    no_sip = [b"\0" * 500, os.urandom(3000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 2000]
    writers = []
    async with canary(site, await phones("canary")):
        for data in [*malformed(site.daemon, "127.0.0.1:5060"), *no_sip]:
            _, writer = await asyncio.open_connection(site.daemon.host, site.daemon.sip_port)
            writer.write(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
            await writer.drain()
            writer.write_eof()
            writers.append(writer)
        phone = await phones("good", transport="tcp")
        assert (await phone.request("OPTIONS", site.daemon.sip_uri("any", "tcp"))).status == 200
    for writer in writers:
        writer.transport.abort()


async def test_S10_huge_messages(site: Site, phones: Phones) -> None:
    """Datagrams of the greatest size, and a TCP message without end: dropped, and the connection closed."""
    phone = await phones("canary")
    async with stranger(site.daemon) as (transport, _, client), canary(site, phone):
        whole = invite(site.daemon, client)
        for filler in (b"X-Fill: " + b"a" * 60000 + b"\r\n", b"X-Fill: a\r\n" * 5000, b"Via: SIP/2.0/UDP x\r\n" * 3000):
            head, _, tail = whole.partition(b"Max-Forwards")
            transport.sendto(head + filler + b"Max-Forwards" + tail)
        body = b"v=0\r\n" + b"a=x\r\n" * 10000
        transport.sendto(whole.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body)

        reader, writer = await asyncio.open_connection(site.daemon.host, site.daemon.sip_port)
        writer.write(whole.replace(b"UDP", b"TCP").replace(b"Content-Length: 0", b"Content-Length: 2000000000"))
        try:
            for _ in range(64):
                writer.write(b"a" * 65536)
                await within(writer.drain(), 5, "the daemon reads on or closes")
        except (ConnectionError, NotInTime) as error:
            assert isinstance(error, ConnectionError), "the connection neither is read nor closed"
        await until_closed(reader, 5)
        writer.close()


async def test_S10_slow_tcp_peers(site: Site, phones: Phones) -> None:
    """Silent, half-said and trickling connections are closed after ten seconds; a good one is not."""
    good = await phones("good", transport="tcp")
    call = await good.call(site.daemon.sip_uri(CANARY, "tcp"))
    async with canary(site, await phones("canary")):
        half = invite(site.daemon, "127.0.0.1:5060", transport="TCP")[:100]
        connections = []
        for beginning in (b"", b"I", half, half + b"\r\nX: "):
            reader, writer = await asyncio.open_connection(site.daemon.host, site.daemon.sip_port)
            writer.write(beginning)
            connections.append((reader, writer))
        _, trickle = connections[-1]
        left = asyncio.gather(*(until_closed(reader, 14) for reader, _ in connections))

        def drip(_: int) -> None:
            if not trickle.is_closing():
                trickle.write(b"a")

        await paced(drip, count=55, per_second=5)
        assert await left == [b""] * 4
        for _, writer in connections:
            writer.close()
    assert call.established
    assert (await call.hangup()).status == 200


async def test_many_tcp_connections_of_one_source(site: Site, phones: Phones) -> None:
    """S10: three hundred silent connections from one address take no room from the others."""
    source = next_address()
    writers = []
    async with canary(site, await phones("canary")):
        for _ in range(300):
            try:
                _, writer = await asyncio.open_connection(
                    site.daemon.host, site.daemon.sip_port, local_addr=(source, 0)
                )
            except ConnectionError:
                break
            writers.append(writer)
        phone = await phones("good", transport="tcp")
        assert (await phone.request("OPTIONS", site.daemon.sip_uri("any", "tcp"))).status == 200
    for writer in writers:
        writer.transport.abort()


async def test_a_source_of_no_trunk(sites: Sites, phones: Phones) -> None:
    """403 for an INVITE from elsewhere, over UDP and TCP, whatever number it names (S2)."""
    site = await sites(strangers=True)
    for transport in ("udp", "tcp"):
        phone = await phones("stranger", transport=transport)
        for user in (NUMBER, "unknown"):
            call = await phone.invite(site.daemon.sip_uri(user, transport))
            assert (await call.refused()).status == 403
    assert site.application.requests == []
    site.script("/voice", "<Hangup/>")
    assert (await (await site.dial_in()).answered()).status == 200
    assert (await (await site.dial_in("unknown")).refused()).status == 404


async def test_S4_flood(sites: Sites) -> None:
    """2,000 INVITEs a second for three seconds from a stranger: the canary, and a new call, do not notice."""
    site = await sites(canary=True, strangers=True)
    before = resident(site.daemon.pid)
    async with stranger(site.daemon) as (transport, protocol, client), canary(site, site.carrier):
        flood = paced(lambda _: transport.sendto(invite(site.daemon, client)), count=6000, per_second=2000)
        running = asyncio.ensure_future(flood)
        await site.daemon.logged(".", since=0)
        await (await quick_call(site, site.carrier)).hangup()
        await running
        await (await quick_call(site, site.carrier)).hangup()
    assert {data.split(b" ")[1] for data in protocol.answers} <= {b"403", b"503"}
    metrics = await site.daemon.metrics()
    refused = sum(count for name, count in metrics.items() if re.match(r"callwright_sip_requests_total.*refused", name))
    assert refused > 1000
    assert resident(site.daemon.pid) - before < 100 * 2**20


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) * 1024


async def test_S4_a_trunk_that_floods(sites: Sites, phones: Phones) -> None:
    """Above [sip] requests_per_second even a trunk is limited; its calls that are up do not notice."""
    site = await sites(canary=True, sections={"sip": {"requests_per_second": 50, "request_burst": 50}})
    phone = await phones("canary")
    async with stranger(site.daemon) as (transport, protocol, client), canary(site, phone) as call:
        await paced(lambda _: transport.sendto(invite(site.daemon, client, user="nobody")), count=2000, per_second=1000)
        assert (await call.info_dtmf("5")).status == 200
        assert {data.split(b" ")[1] for data in protocol.answers if b" 100 " not in data} <= {b"404", b"503"}
    again = await site.carrier.invite(site.daemon.sip_uri(CANARY))
    await again.answered()
    await again.hangup()


async def test_rtp_garbage(site: Site, phones: Phones, rtp_peers: Callable[..., RtpPeer]) -> None:
    """Noise at an active call's port, from a stranger and from the peer itself: the sound goes on, digits count."""
    site.serve_tone("/long.wav", 700.0)
    site.script("/voice", '<Gather numDigits="2" action="/keys" timeout="20"><Play>/long.wav</Play></Gather>')
    release = site.application.hold("/keys", "<Response><Hangup/></Response>")
    noise = random.Random(7)
    async with canary(site, await phones("canary")) as up:
        call = await site.dial_in()
        await call.answered()
        await call.media.heard_tone(700)
        outsider = rtp_peers()
        for target in (call, up):
            place = target.media.remote
            assert place is not None
            for length in (0, 1, 11, 12, 13, 40, 172, 1400, 9000):
                for first in (0x00, 0x80, 0x90, 0xBF, 0xFF):
                    packet = bytes([first, *noise.randbytes(max(0, length - 1))])[:length]
                    outsider.send_raw(packet, place)
                    outsider.send_raw(packet, (place[0], place[1] + 1))
                    target.media.send_raw(packet)
        await call.media.send_digits("12")
        keys = await site.application.request("/keys")
        assert keys.form["Digits"] == "12"
        release.set()
        await call.until_ended()


async def test_a_response_and_an_ack_of_nothing(site: Site, phones: Phones) -> None:
    """Stray responses and ACKs are dropped, a BYE and a CANCEL of nothing get 481."""
    phone = await phones("stray")
    for method in ("BYE", "CANCEL"):
        response = await phone.request(method, site.daemon.sip_uri(NUMBER), to_uri=f"sip:x@{site.daemon.host}")
        assert response.status == 481
    phone.send_raw(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n\r\n", site.daemon.sip_uri(NUMBER))
    phone.send_raw(b"ACK sip:x SIP/2.0\r\n\r\n", site.daemon.sip_uri(NUMBER))
    assert (await phone.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200


async def test_S7_other_methods_of_nobody(site: Site, phones: Phones) -> None:
    """Nothing outside a dialog is taken but INVITE, OPTIONS, and a MESSAGE to somebody."""
    phone = await phones("stranger")
    uri = f"sip:{site.daemon.host}:{site.daemon.sip_port}"
    statuses = {}
    for method in ("REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "NOTIFY", "INFO", "UPDATE", "FOO"):
        headers = [("Refer-To", "<sip:x@127.0.0.1>"), ("Event", "presence")]
        statuses[method] = (await phone.request(method, uri, headers=headers)).status
    assert {method for method, status in statuses.items() if status not in (403, 405, 415, 481, 489, 501)} == set(), (
        statuses
    )
