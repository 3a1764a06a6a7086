"""Questions to a real name server over loopback."""

from collections.abc import AsyncIterator

import pytest

from callwright.sip.locating import Locator
from callwright.sip.nameserver import UNKNOWN_TTL_S, Nameserver
from callwright.sip.records import Records
from tests.harness.nameserver import NEGATIVE_TTL
from tests.harness.nameserver import Nameserver as Server
from tests.harness.ports import free_port, next_address

NAME = "carrier.example"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = await Server.start()
    yield one
    await one.close()


async def test_records_with_their_ttl(server: Server) -> None:
    server.add("_sip._udp.carrier.example", "SRV", "10 60 5070 gw1.carrier.example.", ttl=42)
    found = await Nameserver([server.place]).query("_sip._udp.carrier.example", "SRV")
    assert found.ttl == 42
    (record,) = found.records
    assert (record.priority, record.weight, record.port, str(record.target)) == (10, 60, 5070, "gw1.carrier.example.")


async def test_naptr(server: Server) -> None:
    server.add(NAME, "NAPTR", '10 20 "s" "SIP+D2T" "" _sip._tcp.carrier.example.')
    (record,) = (await Nameserver([server.place]).query(NAME, "NAPTR")).records
    assert (record.order, record.preference, record.flags, record.service) == (10, 20, b"s", b"SIP+D2T")


async def test_absence_and_for_how_long(server: Server) -> None:
    """RFC 2308: no such name, and a name without such records."""
    names = Nameserver([server.place])
    found = await names.query("nobody.example", "A")
    assert (found.records, found.ttl) == ((), NEGATIVE_TTL)
    server.add(NAME, "A", "192.0.2.1")
    found = await names.query(NAME, "AAAA")
    assert (found.records, found.ttl) == ((), NEGATIVE_TTL)
    server.authorities = False
    assert (await names.query("nobody.example", "A")).ttl == UNKNOWN_TTL_S


async def test_an_answer_that_fits_no_datagram(server: Server) -> None:
    server.truncating = True
    server.add(NAME, "A", *(f"192.0.2.{number}" for number in range(1, 120)))
    assert len((await Nameserver([server.place]).query(NAME, "A")).records) == 119


async def test_a_server_that_does_not_answer(server: Server) -> None:
    server.silent = True
    with pytest.raises(OSError, match=f"no A record of {NAME}"):
        await Nameserver([server.place], timeout=0.3).query(NAME, "A")


async def test_a_server_that_cannot_tell(server: Server) -> None:
    server.broken = True
    with pytest.raises(OSError, match=f"no A record of {NAME}"):
        await Nameserver([server.place], timeout=0.3).query(NAME, "A")


async def test_the_second_server_has_its_turn(server: Server) -> None:
    server.add(NAME, "A", "192.0.2.1")
    dead = next_address()
    names = Nameserver([f"{dead}:{free_port(dead)}", server.place], timeout=2.0)
    assert [str(one) for one in (await names.query(NAME, "A")).records] == ["192.0.2.1"]


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "x..y", "\udc80.example", "." + "a" * 300])
async def test_what_is_no_name(server: Server, name: str) -> None:
    with pytest.raises(OSError, match="no A record of"):
        await Nameserver([server.place]).query(name, "A")
    assert server.asked == []


async def test_the_whole_way(server: Server) -> None:
    """NAPTR, SRV and addresses; what is known is not asked again."""
    server.add(NAME, "NAPTR", '10 20 "s" "SIP+D2T" "" _sip._tcp.carrier.example.')
    server.add("_sip._tcp.carrier.example", "SRV", "1 1 5070 gw1.carrier.example.", "2 1 5080 gw2.carrier.example.")
    server.add("gw1.carrier.example", "A", "192.0.2.1")
    server.add("gw2.carrier.example", "A", "192.0.2.2")
    server.add("gw2.carrier.example", "AAAA", "2001:db8::2")
    locator = Locator(Records(Nameserver([server.place]).query), ipv6=True)
    hops = (
        "sip:192.0.2.1:5070;transport=tcp",
        "sip:[2001:db8::2]:5080;transport=tcp",
        "sip:192.0.2.2:5080;transport=tcp",
    )
    assert await locator.hops(f"sip:+1@{NAME}") == hops
    asked = len(server.asked)
    assert await locator.hops(f"sip:+2@{NAME}") == hops and len(server.asked) == asked
    await locator.records.close()
