"""Calls out by routes, over names, addresses, targets and trunks, with carriers that fail in each way."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.harness import Guard, Phone
from tests.harness.nameserver import Nameserver
from tests.harness.ports import daemon_address, free_port
from tests.harness.waiting import NotInTime

from .line import both
from .site import CALLEE, Site

pytestmark = pytest.mark.integration

Phones = Callable[..., Awaitable[Phone]]
Sites = Callable[..., Awaitable[Site]]
ROUTE = {"prefix": "+1555000", "trunks": ["first", "second"]}


@pytest.fixture
async def names() -> AsyncIterator[Nameserver]:
    server = await Nameserver.start(daemon_address())
    yield server
    await server.close()


def trunk(name: str, *targets: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "targets": list(targets), "prefixes": [], "response_s": 1.0, **keys}


def target(phone: Phone) -> str:
    return f"sip:{phone.address}:{phone.port}"


async def story(site: Site, sid: str, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """Steps of a call, as its events show them."""
    status, _, body = await site.get(site.path(f"Calls/{sid}/Events.json?Kind=all"))
    assert status == 200
    return [(event["kind"], event["data"]) for event in json.loads(body)["events"] if event["kind"] in kinds]


async def test_the_route_of_the_longest_prefix_and_its_next_trunk(sites: Sites, phones: Phones) -> None:
    """503 of the first trunk: the second one carries the call, and both sides hear each other."""
    first, second = await phones("first"), await phones("second")
    site = await sites(
        trunks=[trunk("first", target(first)), trunk("second", target(second))],
        routes=[{"prefix": "+1", "trunks": ["carrier"]}, ROUTE],
    )
    site.script("/voice", f"<Dial>{CALLEE}</Dial>")
    call = await site.dial_in()
    await (await first.incoming()).refuse(503)
    incoming = await second.incoming()
    assert incoming.to_user == CALLEE
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    assert site.carrier.calls == [call]


async def test_a_trunk_that_says_nothing_and_one_that_cannot_be_reached(sites: Sites, phones: Phones) -> None:
    """A second each, then the next; the call's story tells every attempt."""
    silent, third = await phones("silent"), await phones("third")
    silent.behaviour.never_answers = {"INVITE", "CANCEL"}
    dead = f"sip:{daemon_address()}:{free_port()}"
    site = await sites(trunks=[trunk("first", target(silent), dead), trunk("second", target(third))], routes=[ROUTE])
    site.script("/voice", "<Hangup/>")
    placed = await site.create()
    incoming = await third.incoming(10)
    await incoming.answer()
    await site.over(placed.sid)
    steps = await story(site, placed.sid, "initiated", "failover")
    assert [kind for kind, _ in steps] == ["initiated", "failover", "failover"]
    assert (steps[0][1]["trunk"], steps[0][1]["via"]) == ("first", target(silent))
    assert [(data["at"], data["via"]) for _, data in steps[1:]] == [(target(silent), dead), (dead, target(third))]
    assert "no response within 1 s" in steps[1][1]["reason"]


async def test_who_says_that_he_tries_is_waited_for(sites: Sites, phones: Phones) -> None:
    first, second = await phones("first"), await phones("second")
    site = await sites(trunks=[trunk("first", target(first)), trunk("second", target(second))], routes=[ROUTE])
    site.script("/voice", "<Hangup/>")
    placed = await site.create()
    incoming = await first.incoming()
    with pytest.raises(NotInTime):
        await second.incoming(2.0)
    await incoming.answer()
    await site.over(placed.sid)


async def test_a_busy_callee_is_busy_everywhere(sites: Sites, phones: Phones) -> None:
    first, second = await phones("first"), await phones("second")
    site = await sites(trunks=[trunk("first", target(first)), trunk("second", target(second))], routes=[ROUTE])
    placed = await site.create()
    await (await first.incoming()).refuse(486)
    assert (await site.over(placed.sid)).form["CallStatus"] == "busy"
    assert second.calls == []


async def test_a_full_trunk(sites: Sites, phones: Phones) -> None:
    first, second = await phones("first"), await phones("second")
    site = await sites(
        trunks=[trunk("first", target(first), max_calls=1), trunk("second", target(second))], routes=[ROUTE]
    )
    site.script("/voice", '<Pause length="20"/>')
    one = await site.create()
    held = await first.incoming()
    await held.answer()
    two = await site.create()
    await (await second.incoming()).refuse(486)
    await site.over(two.sid)
    assert await story(site, two.sid, "passed over") == [("passed over", {"trunk": "first", "why": "full"})]
    await held.hangup()
    await site.over(one.sid)


async def test_a_failing_target_is_left_alone_and_comes_back(sites: Sites, phones: Phones) -> None:
    first, second = await phones("first"), await phones("second")
    ill = trunk("first", target(first), quarantine_after=2, quarantine_s=1)
    site = await sites(trunks=[ill, trunk("second", target(second))], routes=[ROUTE])
    sample = f'callwright_trunk_target_up{{target="{target(first)}",trunk="first"}}'
    for _ in range(2):
        placed = await site.create()
        await (await first.incoming()).refuse(503)
        await (await second.incoming()).refuse(486)
        await site.over(placed.sid)
    await site.daemon.logged(
        rf"WARNING .*trunk=first target={target(first)} is left alone for 1 s after 2 failures: 503"
    )
    assert (await site.daemon.metrics())[sample] == 0 and sample in await site.daemon.metrics()
    placed = await site.create()
    incoming = await second.incoming()
    assert len(first.calls) == 2
    await incoming.refuse(486)
    await site.over(placed.sid)
    assert (await site.daemon.health())["status"] == "ok"
    with pytest.raises(NotInTime):
        await first.incoming(1.0)
    placed = await site.create()
    await (await first.incoming()).refuse(486)
    await site.over(placed.sid)
    await site.daemon.logged(rf"trunk=first target={target(first)} is back")
    assert (await site.daemon.metrics())[sample] == 1


async def test_credentials_are_for_the_trunks_realm(sites: Sites, phones: Phones) -> None:
    """A gateway that asks for another realm learns nothing, and the next trunk has its turn."""
    first, second = await phones("first"), await phones("second")
    for phone, realm in ((first, "elsewhere.test"), (second, "second.test")):
        phone.guard = Guard("user", "word", realm=realm)
    own = {"username": "user", "password": "word"}
    site = await sites(
        trunks=[
            trunk("first", target(first), realm="first.test", **own),
            trunk("second", target(second), realm="second.test", **own),
        ],
        routes=[ROUTE],
    )
    placed = await site.create()
    await (await second.incoming()).refuse(486)
    await site.over(placed.sid)
    (asked,) = first.trace.messages("INVITE")
    assert not [name for name, _ in asked.headers if "authorization" in name.lower()]


async def test_redirected_to_another_port_of_the_same_host(sites: Sites, phones: Phones) -> None:
    """Where it may be followed; a redirect to anybody else ends the call."""
    first = await phones("first")
    second, stranger = await phones("second", address=first.address), await phones("stranger")
    follows = trunk("first", target(first), redirects="follow")
    site = await sites(trunks=[follows, trunk("second", target(stranger))], routes=[ROUTE])
    placed = await site.create()
    contacts = [
        f"<sip:{CALLEE}@{stranger.address}:{stranger.port}>",
        f"<sip:+15550001234@{first.address}:{second.port}>",
    ]
    await (await first.incoming()).refuse(302, [("Contact", ", ".join(contacts))])
    incoming = await second.incoming()
    assert incoming.to_user == "+15550001234"
    await incoming.refuse(486)
    assert (await site.over(placed.sid)).form["CallStatus"] == "busy"
    placed = await site.create()
    await (await first.incoming()).refuse(302, [("Contact", contacts[0])])
    assert (await site.over(placed.sid)).form["CallStatus"] == "failed"
    assert [data["followed"] for _, data in await story(site, placed.sid, "redirect")] == [False]
    assert stranger.calls == []


def service(names: Nameserver, *servers: Phone, ttl: int = 300) -> None:
    """carrier.test: SIP over UDP at these servers, in this order."""
    names.add("carrier.test", "NAPTR", '10 10 "s" "SIP+D2U" "" _sip._udp.carrier.test.', ttl=ttl)
    records = [f"{place} 1 {phone.port} gw{place}.carrier.test." for place, phone in enumerate(servers)]
    names.add("_sip._udp.carrier.test", "SRV", *records, ttl=ttl)
    for place, phone in enumerate(servers):
        names.add(f"gw{place}.carrier.test", "A", phone.address, ttl=ttl)


class TestNames:
    """Targets by name: NAPTR, SRV, A, from a name server of the test."""

    @pytest.fixture
    async def site(self, sites: Sites, names: Nameserver) -> Site:
        site = await sites(
            trunks=[trunk("first", "sip:carrier.test")],
            routes=[{"prefix": "+1555000", "trunks": ["first"]}],
            sections={"dns": {"servers": [names.place], "timeout_s": 10}},
        )
        site.script("/voice", "<Hangup/>")
        return site

    @pytest.fixture
    async def servers(self, phones: Phones, names: Nameserver) -> list[Phone]:
        found = [await phones("first"), await phones("second")]
        service(names, *found)
        return found

    async def test_along_the_servers_of_a_name(self, servers: list[Phone], site: Site, names: Nameserver) -> None:
        placed = await site.create()
        await (await servers[0].incoming()).refuse(503)
        incoming = await servers[1].incoming()
        assert incoming.invite.uri == f"sip:{CALLEE}@carrier.test"
        await incoming.answer()
        await site.over(placed.sid)
        hops = [f"sip:{phone.address}:{phone.port}" for phone in servers]
        steps = await story(site, placed.sid, "initiated", "failover")
        assert [data["via"] for _, data in steps] == hops

    async def test_no_call_waits_for_dns(self, servers: list[Phone], site: Site, names: Nameserver) -> None:
        """The names are known before the first call, and go on to be when no server answers any more."""
        await names.question("gw1.carrier.test", "A")
        names.silent = True
        asked = len(names.asked)
        for _ in range(3):
            placed = await site.create()
            await (await servers[0].incoming(1.0)).refuse(486)
            await site.over(placed.sid)
        assert len(names.asked) == asked

    async def test_a_name_that_moves(self, sites: Sites, phones: Phones, names: Nameserver) -> None:
        """When its TTL is over, the call that uses it has it renewed, and the next one goes where it says now."""
        old, new = await phones("old"), await phones("new")
        service(names, old, ttl=1)
        site = await sites(
            trunks=[trunk("first", "sip:carrier.test")],
            routes=[{"prefix": "+1555000", "trunks": ["first"]}],
            sections={"dns": {"servers": [names.place]}},
        )
        await names.question("gw0.carrier.test", "A")
        service(names, new, ttl=1)
        with pytest.raises(NotInTime):
            await new.incoming(1.5)
        asked = names.asked.count(("gw0.carrier.test", "A"))
        placed = await site.create()
        await (await old.incoming()).refuse(486)
        await site.over(placed.sid)
        await names.question("gw0.carrier.test", "A", count=asked + 1)
        placed = await site.create()
        await (await new.incoming()).refuse(486)
        await site.over(placed.sid)

    async def test_ipv6(self, sites: Sites, phones: Phones, names: Nameserver) -> None:
        """A daemon that listens there takes a name's IPv6 address first, and the call's sound goes there too."""
        sixth, fourth, host = await phones("sixth", address="::1"), await phones("fourth"), daemon_address()
        names.add("_sip._udp.carrier.test", "SRV", f"1 1 {sixth.port} gw.carrier.test.")
        names.add("gw.carrier.test", "AAAA", "::1")
        names.add("gw.carrier.test", "A", fourth.address)
        port = free_port(host)
        listen = [f"udp:{host}:{port}", f"tcp:{host}:{port}", "udp:[::1]:0"]
        site = await sites(
            trunks=[trunk("first", "sip:carrier.test")],
            routes=[{"prefix": "+1555000", "trunks": ["first"]}],
            sections={"dns": {"servers": [names.place]}, "sip": {"listen": listen}, "media": {"address6": "::1"}},
        )
        site.serve_tone("/tone.wav", 620)
        site.script("/voice", "<Play>/tone.wav</Play>")
        placed = await site.create()
        incoming = await sixth.incoming()
        await incoming.answer()
        await incoming.media.heard_tone(620)
        await incoming.hangup()
        await site.over(placed.sid)
        assert fourth.calls == []

    async def test_a_name_that_there_is_not(self, site: Site) -> None:
        placed = await site.create()
        assert (await site.over(placed.sid)).form["CallStatus"] == "failed"
        await site.daemon.logged(r"WARNING .*target sip:carrier.test cannot be reached: no address for carrier.test")
        await site.daemon.logged(rf"WARNING .*{placed.sid} warning code=13254 message=no address for carrier.test")
