"""Where a SIP URI's requests go (RFC 3263 §4), from records as DNS has them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import dns.rdata
import pytest

from callwright.sip.hosts import Hosts
from callwright.sip.locating import MOST_HOPS, Locator, hop_of
from callwright.sip.records import Found, Records
from tests.calls.jumping import after, skipping, turns

NAME = "carrier.example"
GW = {("gw1.carrier.example", "A"): ["192.0.2.1"], ("gw2.carrier.example", "A"): ["192.0.2.2", "192.0.2.3"]}
SRV = {("_sip._udp.carrier.example", "SRV"): ["10 0 5070 gw1.carrier.example.", "20 0 5080 gw2.carrier.example."]}


class Zone:
    """Records by (name, type), each with a TTL of 60 s."""

    def __init__(self, *parts: dict[tuple[str, str], list[str]]) -> None:
        self.records = {key: texts for part in parts for key, texts in part.items()}
        self.asked: list[tuple[str, str]] = []
        self.away: set[str] = set()
        self.takes = 0.0

    async def query(self, name: str, kind: str) -> Found:
        self.asked.append((name, kind))
        if self.takes:
            await after(self.takes)
        if kind in self.away or "*" in self.away:
            raise OSError(f"no {kind} record of {name}")
        texts = self.records.get((name, kind), [])
        return Found(tuple(dns.rdata.from_text("IN", kind, text) for text in texts), 60.0)

    def locator(self, tmp_path: Path = Path("/nonexistent"), **options: object) -> Locator:
        return Locator(Records(self.query), Hosts(tmp_path / "hosts"), **options)  # type: ignore[arg-type]  # mixed


async def hops(uri: str, *parts: dict[tuple[str, str], list[str]], **options: object) -> Sequence[str]:
    return await Zone(*parts).locator(**options).hops(uri)  # type: ignore[arg-type]  # mixed


@pytest.mark.parametrize("uri", ["sip:x@192.0.2.1", "sip:192.0.2.1:5070;transport=tcp", "sips:[2001:db8::1]", ""])
async def test_an_address_needs_no_dns(uri: str) -> None:
    zone = Zone()
    assert await zone.locator().hops(uri) == ("",)
    assert zone.asked == []


async def test_srv_by_priority_with_every_address_and_port() -> None:
    assert await hops(f"sip:+1@{NAME}", GW, SRV) == ("sip:192.0.2.1:5070", "sip:192.0.2.2:5080", "sip:192.0.2.3:5080")


async def test_srv_by_weight_among_equals() -> None:
    equal = {("_sip._udp.carrier.example", "SRV"): ["1 3 5060 gw1.carrier.example.", "1 1 5061 gw2.carrier.example."]}
    locator = Zone(GW, equal).locator()
    first = Counter([(await locator.hops(f"sip:{NAME}"))[0] for _ in range(1000)])
    assert set(first) == {"sip:192.0.2.1:5060", "sip:192.0.2.2:5061"} and 650 < first["sip:192.0.2.1:5060"] < 850


async def test_a_port_skips_srv() -> None:
    zone = Zone({(NAME, "A"): ["192.0.2.7"]}, GW, SRV)
    assert await zone.locator().hops(f"sip:{NAME}:5099;transport=TCP") == ("sip:192.0.2.7:5099;transport=tcp",)
    assert zone.asked == [(NAME, "A")]


async def test_a_transport_skips_naptr() -> None:
    tcp = {("_sip._tcp.carrier.example", "SRV"): ["1 1 5060 gw1.carrier.example."]}
    zone = Zone(GW, SRV, tcp)
    assert await zone.locator().hops(f"sip:{NAME};transport=tcp") == ("sip:192.0.2.1:5060;transport=tcp",)
    assert (NAME, "NAPTR") not in zone.asked and ("_sip._udp.carrier.example", "SRV") not in zone.asked


NAPTR = {
    (NAME, "NAPTR"): [
        '20 10 "s" "SIP+D2U" "" _sip._udp.carrier.example.',
        '10 20 "s" "SIP+D2T" "" _sip._tcp.elsewhere.example.',
        '10 10 "s" "SIPS+D2T" "" _sips._tcp.carrier.example.',
        '5 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .',
    ],
    ("_sip._tcp.elsewhere.example", "SRV"): ["1 1 5062 gw2.carrier.example."],
    ("_sips._tcp.carrier.example", "SRV"): ["1 1 5063 gw1.carrier.example."],
}


async def test_naptr_chooses_the_transport() -> None:
    """By order and preference, of those that we speak."""
    assert await hops(f"sip:{NAME}", GW, SRV, NAPTR) == (
        "sip:192.0.2.2:5062;transport=tcp",
        "sip:192.0.2.3:5062;transport=tcp",
    )
    assert await hops(f"sip:{NAME}", GW, SRV, NAPTR, transports=("udp", "tcp", "tls")) == (
        "sip:192.0.2.1:5063;transport=tls",
    )
    assert (await hops(f"sip:{NAME}", GW, SRV, NAPTR, transports=("udp",)))[0] == "sip:192.0.2.1:5070"


async def test_sips_is_tls_all_the_way() -> None:
    uri = f"sips:x@{NAME}"
    assert await hops(uri, GW, SRV, NAPTR, transports=("udp", "tcp", "tls")) == ("sip:192.0.2.1:5063;transport=tls",)
    plain = {(NAME, "A"): ["192.0.2.7"]}
    assert await hops(uri, plain) == ("sip:192.0.2.7:5061;transport=tls",)
    assert await hops(f"sips:x@{NAME}:5099;transport=tcp", plain) == ("sip:192.0.2.7:5099;transport=tls",)


async def test_without_srv_by_its_addresses() -> None:
    assert await hops(f"sip:{NAME}", {(NAME, "A"): ["192.0.2.7", "192.0.2.8"]}) == ("sip:192.0.2.7", "sip:192.0.2.8")


async def test_a_service_that_is_decidedly_not_there() -> None:
    """RFC 2782: the target ".": TCP is tried, then the name's own address."""
    none = {("_sip._udp.carrier.example", "SRV"): ["0 0 0 ."], (NAME, "A"): ["192.0.2.7"]}
    assert await hops(f"sip:{NAME}", none) == ("sip:192.0.2.7",)


async def test_ipv6_where_we_speak_it() -> None:
    both = {(NAME, "A"): ["192.0.2.7"], (NAME, "AAAA"): ["2001:db8::7"]}
    assert await hops(f"sip:{NAME}:5070", both) == ("sip:192.0.2.7:5070",)
    assert await hops(f"sip:{NAME}:5070", both, ipv6=True) == ("sip:[2001:db8::7]:5070", "sip:192.0.2.7:5070")


async def test_the_hosts_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(f"192.0.2.99 {NAME}\n2001:db8::9 {NAME}\n")
    zone = Zone(GW, SRV)
    assert await zone.locator(tmp_path).hops(f"sip:{NAME}") == ("sip:192.0.2.99",)
    assert zone.asked == []


@pytest.mark.parametrize("name", ["gw.invalid", "nobody.example"])
async def test_names_without_an_address(name: str) -> None:
    with pytest.raises(OSError, match="no address for"):
        await hops(f"sip:{name}")


async def test_servers_that_do_not_know_naptr() -> None:
    """Some never answer for types that they do not know."""
    zone = Zone(GW, SRV)
    zone.away = {"NAPTR"}
    assert (await zone.locator().hops(f"sip:{NAME}"))[0] == "sip:192.0.2.1:5070"
    zone.away = {"*"}
    with pytest.raises(OSError, match=f"no A record of {NAME}"):
        await zone.locator().hops(f"sip:{NAME}")


async def test_a_server_of_the_list_without_an_address_is_left_out() -> None:
    half = {("gw2.carrier.example", "A"): ["192.0.2.2"]}
    assert await hops(f"sip:{NAME}", half, SRV) == ("sip:192.0.2.2:5080",)


async def test_bounded_and_each_once() -> None:
    many = {(NAME, "A"): ["192.0.2.1", *(f"198.51.100.{n}" for n in range(100)), "192.0.2.1"]}
    found = await hops(f"sip:{NAME}", many)
    assert len(found) == MOST_HOPS == len(set(found))


class TestAllAddresses:
    """What a name stands for, for who compares sources with it."""

    async def test_its_own_and_its_servers(self) -> None:
        zone = Zone(GW, SRV, {(NAME, "A"): ["192.0.2.7"], (NAME, "AAAA"): ["2001:db8::7"]})
        found = await zone.locator().resolve_all(NAME)
        assert set(found.addresses) == {"192.0.2.7", "2001:db8::7", "192.0.2.1", "192.0.2.2", "192.0.2.3"}
        assert 59 < found.ttl <= 60

    async def test_none(self) -> None:
        assert (await Zone().locator().resolve_all(NAME)).addresses == ()
        assert (await Zone().locator().resolve_all("gw.invalid")).addresses == ()

    async def test_an_address_is_itself(self) -> None:
        assert (await Zone().locator().resolve_all("[::1]")).addresses == ("::1",)

    async def test_nobody_can_tell(self) -> None:
        zone = Zone()
        zone.away = {"*"}
        with pytest.raises(OSError, match="no SRV record"):
            await zone.locator().resolve_all(NAME)


async def test_kept_fresh(caplog: pytest.LogCaptureFixture) -> None:
    """No call waits for a name that is kept fresh; one that cannot be found is told once."""
    with skipping(asyncio.get_running_loop()):
        zone = Zone(GW, SRV)
        zone.takes = 2.0
        locator = zone.locator()
        keeping = asyncio.create_task(locator.keep_fresh(lambda: [f"sip:{NAME}", "sip:gw.invalid"]))
        await locator.hops(f"sip:{NAME}")
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        while loop.time() < began + 300:
            await after(1)
            asked = loop.time()
            assert await locator.hops(f"sip:{NAME}")
            assert loop.time() - asked < 1, "the call has waited"
        assert len(zone.asked) > 10
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await turns()
    assert caplog.text.count("target sip:gw.invalid cannot be reached") == 1


@pytest.mark.parametrize(
    ("address", "port", "transport", "hop"),
    [
        ("192.0.2.1", "", "", "sip:192.0.2.1"),
        ("192.0.2.1", ":5070", "tcp", "sip:192.0.2.1:5070;transport=tcp"),
        ("2001:db8::1", ":5061", "tls", "sip:[2001:db8::1]:5061;transport=tls"),
    ],
)
def test_the_uri_of_a_place(address: str, port: str, transport: str, hop: str) -> None:
    assert hop_of(address, port, transport) == hop
