"""Promises S1, S4, S10, S12: hostile SIP, and a call every two seconds that does not notice.

Malformed SIP over WebSocket is not here: the daemon has no such transport yet. S9 is in `test_bad_input_documents.py`.
"""

import asyncio
import json
import os
import re
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Phone
from tests.harness.certificates import Authority
from tests.harness.dialog import response_to
from tests.harness.digest import Credentials
from tests.harness.message import Request, Response
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.waiting import NotInTime, within

from .house import House, people
from .line import document
from .site import CANARY, Site, canaries, canary
from .stranger import invite, malformed, mutated, paced, stranger, until_closed

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
AUTHORITY = Authority()
NO_SIP = [b"\0" * 500, os.urandom(3000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 2000]
USER, PASSWORD = "alice", "open sesame"
FLOODER = Path(__file__).parent / "flooder.py"
RATE = 2000
SECONDS = float(os.environ.get("CALLWRIGHT_FLOOD_SECONDS", "10"))
"""60 for the whole of promise S4; pytest wants `--timeout 300` then."""
MEBIBYTE = 2**20


@pytest.fixture
async def site(sites: Sites) -> Site:
    """A daemon with the canary's number."""
    return await sites(canary=True)


# S1: malformed SIP


async def test_S1_malformed_over_udp(site: Site, phones: Phones) -> None:
    """Every file of the wire collection and a thousand mutations of an INVITE."""
    async with stranger(site.daemon) as (transport, protocol, client), canaries(site, await phones("canary")):
        messages = malformed(site.daemon, client)
        messages += [mutated(invite(site.daemon, client, user="nobody"), seed) for seed in range(1000)]
        await paced(lambda at: transport.sendto(messages[at]), count=len(messages), per_second=300)
        site.carrier.faults.clear()
        assert (await site.carrier.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200
    assert {data.split(b" ", 2)[1][:1] for data in protocol.answers} <= {b"1", b"2", b"4", b"5", b"6"}
    assert any(data.startswith(b"SIP/2.0 400 ") for data in protocol.answers)
    assert (await site.daemon.health())["status"] == "ok"


async def test_S1_malformed_over_tcp(site: Site, phones: Phones) -> None:
    """The same, each on a connection of its own that says nothing else; and what is no SIP at all."""
    writers = []
    async with canaries(site, await phones("canary")):
        for data in [*malformed(site.daemon, "127.0.0.1:5060"), *NO_SIP]:
            _, writer = await asyncio.open_connection(site.daemon.host, site.daemon.sip_port)
            writer.write(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
            await writer.drain()
            writer.write_eof()
            writers.append(writer)
        phone = await phones("good", transport="tcp")
        assert (await phone.request("OPTIONS", site.daemon.sip_uri("any", "tcp"))).status == 200
    for writer in writers:
        writer.transport.abort()


async def test_S1_malformed_over_tls(sites: Sites, phones: Phones, tmp_path: Path) -> None:
    """Inside good handshakes; in place of one, without encryption; and handshakes that are cut off."""
    host = daemon_address()
    tls = free_port(host)
    site = await sites(canary=True, sections={"sip": listening(host, tls, tmp_path)})
    messages = [*malformed(site.daemon, "127.0.0.1:5061"), *NO_SIP]
    trusting = ssl.create_default_context(cadata=AUTHORITY.certificate)
    writers = []
    async with canaries(site, await phones("canary")):
        for data in messages:
            _, writer = await asyncio.open_connection(host, tls, ssl=trusting)
            writer.write(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TLS"))
            await writer.drain()
            writers.append(writer)
        for data in [*messages[:5], *NO_SIP, hello(host)[:60], hello(host), hello(host) + b"\x17\x03\x03\xff\xff" * 50]:
            _, writer = await asyncio.open_connection(host, tls)
            writer.write(data)
            await writer.drain()
            writers.append(writer)
        address = next_address()
        good = await phones("good", address=address, transport="tls", tls=AUTHORITY.tls(address))
        assert (await good.request("OPTIONS", f"sip:any@{host}:{tls};transport=tls")).status == 200
    for writer in writers:
        writer.transport.abort()


def listening(host: str, tls: int, directory: Path) -> dict[str, Any]:
    """[sip] with a TLS listener beside UDP and TCP."""
    AUTHORITY.issue(host).write(directory)
    plain = free_port(host)
    return {
        "listen": [f"udp:{host}:{plain}", f"tcp:{host}:{plain}", f"tls:{host}:{tls}"],
        "certificate": str(directory / "certificate.pem"),
        "private_key": str(directory / "key.pem"),
    }


def hello(host: str) -> bytes:
    """The ClientHello of somebody who knows TLS."""
    sent = ssl.MemoryBIO()
    client = ssl.create_default_context(cadata=AUTHORITY.certificate).wrap_bio(
        ssl.MemoryBIO(), sent, server_hostname=host
    )
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


# S4: floods


async def flood(site: Site, rate: int, seconds: float) -> dict[str, Any]:
    """What the flooder says in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FLOODER), site.daemon.host, str(site.daemon.sip_port), str(rate), str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await within(process.communicate(), seconds * 3 + 20, "the flooder ends")
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


@pytest.fixture
def frees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Daemons give memory back as soon as it is free, with an address sanitizer in them too, which else keeps some."""
    options = os.environ.get("ASAN_OPTIONS", "")
    monkeypatch.setenv("ASAN_OPTIONS", f"{options}:quarantine_size_mb=1:thread_local_quarantine_size_kb=16")


def decisions(metrics: dict[str, int]) -> dict[str, int]:
    """The gate's counters by name."""
    prefix = 'callwright_sip_requests_total{decision="'
    return {name[len(prefix) : -2]: count for name, count in metrics.items() if name.startswith(prefix)}


@pytest.mark.usefixtures("frees")
async def test_S4_flood_beside_users(sites: Sites, phones: Phones) -> None:
    """2,000 INVITEs, REGISTERs and OPTIONS a second: no canary notices, a user gets through, memory is flat."""
    site = await sites(canary=True, strangers=True, users=[{"name": USER, "password": PASSWORD}])
    user = await phones(USER, credentials=Credentials(USER, PASSWORD))
    assert (await user.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200
    await flood(site, RATE, 1)
    before = resident(site.daemon.pid)
    async with canaries(site, site.carrier):
        flooding = asyncio.create_task(flood(site, RATE, SECONDS))
        while not flooding.done():
            assert (await user.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200
            await asyncio.wait([flooding], timeout=1)
        said = flooding.result()
    assert said["sent"] > RATE * SECONDS * 0.5
    assert {status for answers in said["answers"].values() for status in answers} <= {"401"}
    counted = decisions(await site.daemon.metrics())
    assert counted["challenged"] > 1000
    assert counted["refused_strangers"] > 0
    assert counted["requests"] == 0  # none of it has reached Python
    grown = resident(site.daemon.pid) - before
    print(f"{said['sent']} packets in {SECONDS:g} s, memory {grown / MEBIBYTE:+.1f} MiB")
    assert grown < 30 * MEBIBYTE


@pytest.mark.usefixtures("frees")
async def test_S4_flood_without_users(sites: Sites) -> None:
    """The same at a daemon that knows trunks alone: what strangers ask takes nothing from the trunks, and no memory."""
    site = await sites(canary=True, strangers=True)
    await flood(site, RATE, 1)
    before = resident(site.daemon.pid)
    async with canaries(site, site.carrier):
        said = await flood(site, RATE, SECONDS)
    assert said["sent"] > RATE * SECONDS * 0.5
    assert {status for method in ("INVITE", "REGISTER") for status in said["answers"][method]} == {"403"}
    assert set(said["answers"]["OPTIONS"]) == {"200"}
    counted = decisions(await site.daemon.metrics())
    assert counted["refused_source"] > 1000
    assert counted["refused_rate"] == 0  # of trunks
    assert resident(site.daemon.pid) - before < 30 * MEBIBYTE


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


async def test_S4_who_floods_by_tcp_is_told_to_come_back(sites: Sites, phones: Phones) -> None:
    """503 with Retry-After on a connection, silence over UDP; what is inside a dialog is served all the same."""
    site = await sites(canary=True, sections={"sip": {"requests_per_second": 50, "request_burst": 50}})
    up = await phones("up", transport="tcp")
    call = await up.call(site.daemon.sip_uri(CANARY, "tcp"))
    asked = [options(site, number) for number in range(300)]
    reader, writer = await asyncio.open_connection(site.daemon.host, site.daemon.sip_port)
    writer.write(b"".join(asked))
    heard = Counter[str]()
    for _ in asked:
        answer = (await within(reader.readuntil(b"\r\n\r\n"), 5, f"each is answered; {heard}")).decode()
        await reader.readexactly(int(re.findall(r"Content-Length:\s*(\d+)", answer)[0]))
        heard[answer.split()[1]] += 1
        assert answer.startswith("SIP/2.0 200") or "\r\nRetry-After: " in answer
    writer.close()
    assert set(heard) == {"200", "503"} and heard["503"] > 100
    async with stranger(site.daemon) as (transport, protocol, _):
        for data in asked:
            transport.sendto(data.replace(b"SIP/2.0/TCP", b"SIP/2.0/UDP").replace(b"z9hG4bKasked", b"z9hG4bKagain"))
        for digit in "123":
            assert (await call.info_dtmf(digit)).status == 200
    assert {data.split(b" ")[1] for data in protocol.answers} <= {b"200"} and len(protocol.answers) < 150
    assert (await call.hangup()).status == 200


def options(site: Site, number: int) -> bytes:
    """One of many OPTIONS."""
    return (
        f"OPTIONS sip:{site.daemon.host} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;rport;branch=z9hG4bKasked{number}\r\n"
        f"From: <sip:s@127.0.0.1>;tag=1\r\nTo: <sip:{site.daemon.host}>\r\nCall-ID: asked-{number}\r\n"
        f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


# S10: slow, silent, many, huge


async def test_S10_huge_messages(site: Site, phones: Phones) -> None:
    """Datagrams of the greatest size, and a TCP message without end: dropped, and the connection closed."""
    async with stranger(site.daemon) as (transport, _, client), canaries(site, await phones("canary")):
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
    async with canaries(site, await phones("canary")):
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


async def test_S10_many_connections_of_one_source(site: Site, phones: Phones) -> None:
    """Three hundred silent connections from one address take no room from the others; the cap is an engine's test."""
    source = next_address()
    writers = []
    async with canaries(site, await phones("canary")):
        for _ in range(300):
            _, writer = await asyncio.open_connection(site.daemon.host, site.daemon.sip_port, local_addr=(source, 0))
            writers.append(writer)
        phone = await phones("good", transport="tcp")
        assert (await phone.request("OPTIONS", site.daemon.sip_uri("any", "tcp"))).status == 200
    for writer in writers:
        writer.transport.abort()


# S12: what points elsewhere; a Contact that does is in `test_registered.py`


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Alice lives here."""
    return House(await sites(strangers=True, users=people("alice")), phones)


async def untouched(victim: Phone) -> None:
    """Nothing has come to him, by packet or connection."""
    assert victim.trace.entries == [] and victim.connections == []


@pytest.mark.parametrize("by", ["udp", "tcp"])
async def test_S12_a_path_that_points_elsewhere(house: House, phones: Phones, by: str) -> None:
    """A registration with a Path to somebody, and a Contact there: the call comes to who registered."""
    victim, alice = await phones("victim"), await house.phone("alice")
    aor, there = f"sip:alice@{house.site.daemon.host}", f"{victim.address}:{victim.port};transport={by}"
    lines = [("Path", f"<sip:{there};lr>"), ("Contact", f"<sip:alice@{there}>"), ("Supported", "path")]
    answer = await alice.request("REGISTER", house.registrar(), headers=lines, from_uri=aor, to_uri=aor)
    assert answer.status == 200
    sid = await house.calls("alice", twiml=document("<Pause length='20'/>"))
    call = await alice.incoming()
    await call.refuse(486)
    assert (await house.site.over(sid)).form["CallStatus"] == "busy"
    await untouched(victim)


@pytest.mark.parametrize("by", ["udp", "tcp"])
async def test_S12_a_route_and_an_address_that_point_elsewhere(house: House, phones: Phones, by: str) -> None:
    """An INVITE and an OPTIONS that name another host, by Route or Request-URI, are not passed on."""
    victim, alice = await phones("victim"), await house.phone("alice", proxy=house.registrar())
    house.site.script("/user", "<Reject/>")
    there = f"{victim.address}:{victim.port};transport={by}"
    route = [("Route", f"<{house.registrar()};lr>"), ("Route", f"<sip:{there};lr>")]
    for headers in ([], route):
        call = await alice.invite(f"sip:victim@{there}", headers=headers)
        assert (await call.refused()).status in (403, 404, 603)
        asked = await alice.request("OPTIONS", f"sip:victim@{there}", headers=headers)
        assert asked.status in (200, 404, 481)
    await untouched(victim)


async def test_S12_a_phone_that_redirects(house: House, phones: Phones) -> None:
    """302 of a phone, to somebody: the call has failed, and nobody else is called."""
    victim, alice = await phones("victim"), await house.registered("alice")

    def elsewhere(request: Request) -> Response:
        return response_to(request, 302, headers=[("Contact", f"<sip:victim@{victim.place}>")], tag="302")

    alice.handlers["INVITE"] = elsewhere
    sid = await house.calls("alice", twiml=document("<Pause length='20'/>"))
    assert (await house.site.over(sid)).form["CallStatus"] == "failed"
    await untouched(victim)
