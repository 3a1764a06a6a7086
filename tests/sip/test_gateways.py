"""Where gateways are, whatever a URI calls them (promise S8)."""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence

import pytest

from callwright.config import validate
from callwright.sip.gateways import KEPT_S, REFRESH_S, Gateways, Match, Place, canonical, single_hosts
from callwright.sip.locating import Addresses
from callwright.sip.uri import user_and_host
from tests.harness.ports import free_ports

FAR = "203.0.113.7"  # an address of nobody's


class Names:
    """A look-up that is told what it finds."""

    def __init__(self, hops: Mapping[str, Sequence[str]], addresses: Mapping[str, Sequence[str]] | None = None) -> None:
        self.found, self.addresses = dict(hops), dict(addresses or {})
        self.asked = 0

    async def hops(self, uri: str) -> Sequence[str]:
        self.asked += 1
        host = user_and_host(uri)[1]
        if host not in self.found:
            raise OSError(f"no address for {host}")
        return self.found[host]

    async def resolve_all(self, name: str) -> Addresses:
        if name not in self.addresses:
            raise OSError(f"nobody can tell where {name} is")
        return Addresses(self.addresses[name], 1.0)


def gateways(*uris: str, everywhere: bool = False, now: Sequence[float] = (0.0,)) -> Gateways:
    return Gateways([(uri, "carrier") for uri in uris], time=lambda: now[0], everywhere=lambda port: everywhere)


SURE = Match("carrier", sure=True)


class TestText:
    @pytest.mark.parametrize(
        "uri",
        [
            "sip:1@gw.example",
            "sip:1@GW.Example.:5080",
            "sips:1@gw.example;transport=tls",
            "<sip:1:secret@gw.example>",
            "sip:1@elsewhere.example;maddr=gw.example",
            "sip:1@elsewhere.example;Maddr=GW.example.;lr",
        ],
    )
    def test_a_name(self, uri: str) -> None:
        assert gateways("sip:gw.example").named(uri) == SURE

    @pytest.mark.parametrize(
        "uri",
        [
            f"sip:1@{FAR}",
            f"sip:1@{FAR}:5099;transport=tcp",
            f"sip:1@[::ffff:{FAR}]",
            "sip:1@[::FFFF:CB00:7107]",
            f"sip:1@[0:0:0:0:0:ffff:{FAR}]:5060",
            f"sip:1@[64:ff9b::{FAR}]",
            f"sip:1@[::{FAR}]",
            f"sip:1@elsewhere.example;maddr={FAR}",
            f"sip:1@elsewhere.example;maddr=[::ffff:{FAR}]",
        ],
    )
    def test_spellings_of_an_address(self, uri: str) -> None:
        """On every port: a carrier has several."""
        assert gateways(f"sip:{FAR}").named(uri) == SURE

    @pytest.mark.parametrize("uri", ["sip:1@[2001:DB8:0::7]", "sip:1@[2001:db8::0007]:5061;transport=tls"])
    def test_spellings_of_ipv6(self, uri: str) -> None:
        assert gateways("sip:[2001:db8:0:0:0:0:0:7]:5060").named(uri) == SURE

    @pytest.mark.parametrize("uri", ["sip:1@elsewhere.example", "sip:1@203.0.113.8", "tel:+1", "", "sip:"])
    def test_somebody_else(self, uri: str) -> None:
        assert gateways("sip:gw.example", f"sip:{FAR}").named(uri) is None


class TestThisMachine:
    def test_another_port_may_be_anybody(self) -> None:
        found = gateways("sip:127.0.0.1:5070")
        assert found.named("sip:1@127.0.0.1:5070") == SURE
        assert found.named("sip:1@127.0.0.1") == Match("carrier", sure=False)
        assert found.named("sip:1@127.0.0.2:5070") is None

    @pytest.mark.parametrize("host", ["0.0.0.0", "[::ffff:0.0.0.0]"])
    def test_no_address_is_this_machine(self, host: str) -> None:
        assert gateways("sip:127.0.0.1:5070").named(f"sip:1@{host}:5070") == SURE

    def test_no_address_of_ipv6(self) -> None:
        assert gateways("sip:[::1]:5070").named("sip:1@[::]:5070") == SURE

    def test_localhost_is_one_as_well(self) -> None:
        found = gateways("sip:localhost:5070")
        assert found.named("sip:1@LOCALHOST.:5070") == SURE
        assert found.named("sip:1@localhost") == Match("carrier", sure=False)

    async def test_who_listens_at_all_addresses(self) -> None:
        """Is reached by any of them; who listens at one is not."""
        one, other = free_ports(2, "127.0.0.1")
        found = Gateways([(f"sip:127.0.0.1:{port}", "carrier") for port in (one, other)], time=lambda: 0.0)
        listener = await asyncio.start_server(lambda *_: None, "0.0.0.0", one)
        alone = await asyncio.start_server(lambda *_: None, "127.0.0.1", other)
        async with listener, alone:
            assert found.named(f"sip:1@127.9.9.9:{one}") == SURE
            assert found.named(f"sip:1@127.9.9.9:{other}") is None
            assert found.named(f"sip:1@{FAR}:{one}") is None


class TestSources:
    async def test_a_host_that_calls_come_from(self) -> None:
        """It may be a gateway as well: its calls in are the trunk's."""
        found = Gateways([(f"sip:{FAR}", "one")], [("203.0.113.8", "one"), ("PBX.example", "two")], time=lambda: 0.0)
        source = Match("two", sure=False, source=True)
        assert found.named("sip:1@203.0.113.8:5099") == Match("one", sure=False, source=True)
        assert found.named("sip:1@pbx.example.") == source and found.named(f"sip:1@{FAR}") == Match("one", sure=True)
        await found.locate(Names({}, {"pbx.example": ["203.0.113.9", FAR]}))
        assert found.at(Place.of("sip:203.0.113.9")) == source
        assert found.at(Place.of(f"sip:{FAR}")) == Match("one", sure=True), "a target is more than a source"

    def test_this_machine_and_networks_are_none(self) -> None:
        allow = ("127.0.0.1", "::1", "203.0.113.0/24", "203.0.113.8/32", "2001:db8::/64", "sbc.example")
        assert list(single_hosts(allow)) == ["127.0.0.1", "::1", "203.0.113.8", "sbc.example"]
        found = Gateways((), [(host, "one") for host in single_hosts(allow)], time=lambda: 0.0)
        assert found.named("sip:1@127.0.0.1") is found.named("sip:1@[::1]") is None


class TestFound:
    async def test_every_address_of_a_name(self) -> None:
        """That of a call's hop, of a server that calls do not take today, and in IPv6."""
        found = gateways("sip:gw.example")
        addresses = {"gw.example": ["203.0.113.8", "2001:db8::1"]}
        names = Names({"gw.example": ["sip:203.0.113.7:5099;transport=udp"]}, addresses)
        assert found.named(f"sip:1@{FAR}") is None
        await found.locate(names)
        for place in (f"sip:{FAR}", "sip:203.0.113.8:5099", "sip:[2001:db8::1]"):
            assert found.at(Place.of(place)) == SURE
        assert found.at(Place.of("sip:203.0.113.9")) is None and found.at(Place.of("sip:gw.example")) is None

    async def test_one_look_up_that_fails_does_not_hide_the_other(self) -> None:
        found = gateways("sip:gw.example", "sip:gw2.example")
        await found.locate(Names({"gw2.example": [f"sip:{FAR}"]}, {"gw.example": ["203.0.113.8"]}))
        assert found.at(Place.of(f"sip:{FAR}")) == found.at(Place.of("sip:203.0.113.8")) == SURE

    async def test_where_it_was_counts_for_a_day(self) -> None:
        now = [0.0]
        found = gateways("sip:gw.example", now=now)
        names = Names({"gw.example": [f"sip:{FAR}"]})
        await found.locate(names)
        names.found = {"gw.example": ["sip:203.0.113.8"]}
        now[0] = KEPT_S - 1
        await found.locate(names)
        assert found.at(Place.of(f"sip:{FAR}")) == found.at(Place.of("sip:203.0.113.8")) == SURE
        now[0] = KEPT_S
        await found.locate(names)
        assert found.at(Place.of(f"sip:{FAR}")) is None
        assert found.at(Place.of("sip:203.0.113.8")) == SURE

    async def test_calls_wait_for_the_first_look_up(self) -> None:
        found, names = gateways("sip:gw.example"), Names({"gw.example": [f"sip:{FAR}"]})
        await found.ready()
        work = found.watch(names)
        waiting = asyncio.create_task(found.ready())
        await asyncio.sleep(0)
        assert not waiting.done()
        watch = asyncio.create_task(work)
        async with asyncio.timeout(REFRESH_S / 2):
            await waiting
        assert found.at(Place.of(f"sip:{FAR}")) == SURE and names.asked == 1
        watch.cancel()


def test_those_of_the_configuration() -> None:
    """Targets and registrars, each of its trunk."""
    account = "AC" + "1" * 32
    registration = {"server": "sip:reg.example", "username": "u", "password": "p"}
    trunks = [
        {"name": "one", "account": account, "targets": ["sip:gw.example", {"uri": f"sip:{FAR}:5070"}]},
        {"name": "two", "account": account, "register": registration},
    ]
    found = Gateways.of(validate({"account": [{"sid": account, "auth_token": "t" * 32}], "trunk": trunks}))
    names = [found.named(f"sip:1@{host}") for host in ("gw.example", FAR, "reg.example")]
    assert [one.trunk for one in names if one is not None] == ["one", "one", "two"]


@pytest.mark.parametrize("host", ["[fe80::1%eth0]", "fe80::1%25", "FE80:0::1"])
def test_a_zone_is_no_part_of_an_address(host: str) -> None:
    assert canonical(host) == ipaddress.ip_address("fe80::1")
