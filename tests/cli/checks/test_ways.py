"""Where trunks' URIs go, told record by record; the records are those of a name server of the test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from callwright.cli.checks.ways import Way, Ways
from callwright.config import DEMO_ACCOUNT, validate
from tests.harness.nameserver import Nameserver

SERVICE = "_sip._udp.carrier.test"


@pytest.fixture
async def names() -> AsyncIterator[Nameserver]:
    server = await Nameserver.start()
    yield server
    await server.close()


async def way(names: Nameserver, uri: str, *, listen: tuple[str, ...] = ("udp", "tcp"), timeout: float = 3.0) -> Way:
    raw: dict[str, Any] = {
        "account": [{"sid": DEMO_ACCOUNT}],
        "sip": {"listen": [f"{one}:127.0.0.1:5060" for one in listen]},
        "dns": {"servers": [names.place], "timeout_s": timeout},
    }
    return await Ways(validate(raw)).find("trunk x", uri)


def lines(found: Way) -> list[str]:
    return [one.line() for one in found.findings]


async def test_by_naptr_and_srv(names: Nameserver) -> None:
    names.add("carrier.test", "NAPTR", f'10 10 "s" "SIP+D2U" "" {SERVICE}.')
    names.add(SERVICE, "SRV", "2 1 5070 gw2.carrier.test.", "1 1 5060 gw1.carrier.test.")
    names.add("gw1.carrier.test", "A", "192.0.2.1")
    names.add("gw2.carrier.test", "A", "192.0.2.2")
    found = await way(names, "sip:carrier.test")
    assert lines(found) == [
        f"ok   trunk x sip:carrier.test: by NAPTR, SRV {SERVICE}: udp:192.0.2.1:5060 (gw1.carrier.test), "
        "then udp:192.0.2.2:5070 (gw2.carrier.test)"
    ]
    assert [str(hop) for hop in found.hops] == ["udp:192.0.2.1:5060", "udp:192.0.2.2:5070"]


async def test_by_srv_alone(names: Nameserver) -> None:
    """The same server for two transports is told by the one that is used; a target without an address is a fault."""
    names.add(SERVICE, "SRV", "1 1 5060 gw.carrier.test.", "2 1 5060 gone.carrier.test.")
    names.add("_sip._tcp.carrier.test", "SRV", "1 1 5060 gw.carrier.test.")
    names.add("gw.carrier.test", "A", "192.0.2.1")
    host, _, port = names.place.rpartition(":")
    assert lines(await way(names, "sip:carrier.test")) == [
        f"ok   trunk x sip:carrier.test: by SRV {SERVICE}: udp:192.0.2.1:5060 (gw.carrier.test)",
        f"warn trunk x sip:carrier.test: SRV {SERVICE} names gone.carrier.test, which has no address. Who keeps that "
        f"zone must mend it: dig @{host} -p {port} A gone.carrier.test",
    ]
    told = lines(await way(names, "sip:carrier.test;transport=tcp"))
    assert told[0].endswith("by SRV _sip._tcp.carrier.test: tcp:192.0.2.1:5060 (gw.carrier.test)")


async def test_by_address(names: Nameserver) -> None:
    names.add(SERVICE, "SRV", "1 1 5080 carrier.test.")
    names.add("carrier.test", "A", "192.0.2.1", "192.0.2.2")
    (told,) = lines(await way(names, "sip:carrier.test:5080"))
    first, second = ("udp:192.0.2.1:5080", "udp:192.0.2.2:5080")
    what = "ok   trunk x sip:carrier.test:5080: by A: "
    assert told in (f"{what}{first}, then {second}", f"{what}{second}, then {first}"), "as the server has them"
    assert (SERVICE, "SRV") not in names.asked, "whose port is named is looked for by address only"
    (hosts,) = lines(await way(names, "sip:localhost"))
    assert hosts == "ok   trunk x sip:localhost: by the hosts file: udp:127.0.0.1:5060"


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:192.0.2.1", "udp:192.0.2.1:5060"),
        ("sip:x@192.0.2.1:5080;transport=tcp", "tcp:192.0.2.1:5080"),
        ("sips:192.0.2.1", "tls:192.0.2.1:5061"),
        ("sip:[2001:db8::1]:5070;transport=tls", "tls:[2001:db8::1]:5070"),
    ],
)
async def test_an_address_is_not_looked_up(names: Nameserver, uri: str, hop: str) -> None:
    found = await way(names, uri, listen=("udp", "tcp"))
    assert [str(one) for one in found.hops] == [hop] and names.asked == []
    unsendable = [f'FAIL trunk x {uri}: goes over TLS, and the daemon has no listener for it. Add "tls:ADDRESS:PORT"']
    assert [line[: len(unsendable[0])] for line in lines(found)] == (unsendable if hop.startswith("tls") else [])


async def test_a_name_that_is_not_there(names: Nameserver) -> None:
    found = await way(names, "sip:none.test")
    host, _, port = names.place.rpartition(":")
    assert not found.hops
    assert lines(found) == [
        "FAIL trunk x sip:none.test: no address for none.test: none of NAPTR none.test, SRV _sip._udp.none.test, "
        "SRV _sip._tcp.none.test, A none.test. Is the name right? "
        f"dig @{host} -p {port} SRV _sip._udp.none.test"
    ]
    (line,) = lines(await way(names, "sip:none.test:5060"))
    assert line.endswith(f"none of A none.test. Is the name right? dig @{host} -p {port} A none.test")


async def test_a_name_server_that_is_silent(names: Nameserver) -> None:
    names.silent = True
    (line,) = lines(await way(names, "sip:carrier.test", timeout=0.2))
    assert line.startswith(
        "FAIL trunk x sip:carrier.test: no A record of carrier.test: The resolution lifetime expired"
    )
    assert f"Does the name server {names.place} answer? dig @" in line
