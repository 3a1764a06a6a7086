"""Phones that are not there any more: they are forgotten long before their registrations end (RFC 5626 §4.5, §5.3)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone
from tests.harness.dialog import response_to
from tests.harness.message import Request
from tests.harness.waiting import within

from .house import House, people
from .line import document
from .site import Site
from .watcher import Watcher, basics

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
STAYS = document("<Pause length='20'/>")


async def opened(sites: Sites, phones: Phones, *names: str, **rules: float) -> House:
    """A house with these rules in [sip]."""
    return House(await sites(strangers=True, users=people(*names), sections={"sip": rules}), phones)


async def registered(house: House) -> int:
    """How many phones are."""
    return int((await house.site.daemon.health())["registrations"])


async def cut(phone: Phone) -> None:
    """Resets a phone's connection; returns when it knows."""
    phone.drop_connections()

    async def gone() -> None:
        while phone.connections:  # noqa: ASYNC110  # its transport tells nobody else of its end
            await asyncio.sleep(0)

    await within(gone(), 5, lambda: "the end of a connection")


async def test_a_connection_that_is_gone(sites: Sites, phones: Phones) -> None:
    """Who watches is told after the time that the phone has to come back, once."""
    house = await opened(sites, phones, "alice", "bob", connection_grace_s=0.5)
    alice, bob = await house.registered("alice"), await house.registered("bob", transport="tcp")
    watcher = Watcher(alice, house, "bob", "presence")
    assert (await watcher.subscribe()).status == 200
    assert basics(await watcher.notified()) == ["open"]
    await cut(bob)
    assert basics(await watcher.notified(10)) == ["closed"]
    await house.site.daemon.logged(r"dropped bob@.* at tcp:.*: its connection is gone")
    assert await registered(house) == 1
    metrics = await house.site.daemon.metrics()
    assert metrics['callwright_registrations_dropped_total{by="connection"}'] == 1
    assert (await house.register(bob)).status == 200
    assert basics(await watcher.notified()) == ["open"]


async def test_a_phone_that_comes_back_in_time(sites: Sites, phones: Phones) -> None:
    """Nobody hears that it was gone: when one that went later has been dropped, it is there."""
    house = await opened(sites, phones, "alice", "bob", connection_grace_s=2)
    first, second = await house.registered("alice", transport="tcp"), await house.registered("bob", transport="tcp")
    await cut(first)
    assert (await house.register(first)).status == 200
    await cut(second)
    await house.site.daemon.logged(r"dropped bob@")
    assert await registered(house) == 1
    sid = await house.calls("alice", twiml=STAYS)
    await (await first.incoming()).refuse(486)
    assert (await house.site.over(sid)).form["CallStatus"] == "busy"


async def test_a_call_tells_at_once(sites: Sites, phones: Phones) -> None:
    """430 for the one phone; the other rings."""
    house = await opened(sites, phones, "alice", connection_grace_s=3600)
    gone, desk = await house.registered("alice", transport="tcp"), await house.registered("alice")
    await cut(gone)
    sid = await house.calls("alice", twiml=STAYS)
    call = await desk.incoming()
    await house.site.daemon.logged(r"dropped alice@.*: a request has found no connection to it")
    assert await registered(house) == 1
    await call.refuse(486)
    assert (await house.site.over(sid)).form["CallStatus"] == "busy"


async def test_S11_after_a_crash(sites: Sites, phones: Phones) -> None:
    """kill -9: who came over UDP stays, who came over TCP has a while to come back."""
    house = await opened(sites, phones, "alice", "bob", "carol", start_grace_s=3)
    await house.registered("alice")
    bob = await house.registered("bob", transport="tcp")
    await house.registered("carol", transport="tcp")
    await house.site.daemon.kill()
    await house.site.daemon.restart()
    assert await registered(house) == 3
    assert (await house.register(bob)).status == 200
    await house.site.daemon.logged(r"dropped carol@")
    assert await registered(house) == 2


async def test_a_phone_that_boots_again_and_again(sites: Sites, phones: Phones) -> None:
    """A new Call-ID each time, and no instance: its own past does not shut it out."""
    site = await sites(strangers=True, users=[{**people("alice")[0], "max_contacts": 2}])
    house = House(site, phones)
    for _ in range(5):
        phone = await house.registered("alice", transport="tcp")
        await cut(phone)
    assert await registered(house) <= 2


async def test_phones_that_are_asked_whether_they_are_there(sites: Sites, phones: Phones) -> None:
    """Who says nothing is dropped after three OPTIONS, and who answers stays, whatever he answers."""
    house = await opened(sites, phones, "alice", "bob", "carol", phone_ping_s=1)
    alice = await house.phone("alice")
    alice.handlers["OPTIONS"] = lambda request: response_to(request, 404, tag="t")
    assert (await house.register(alice)).status == 200
    carol = await house.registered("carol", transport="tcp")
    connections = carol.connections
    bob = await house.phone("bob")
    bob.behaviour.never_answers.add("OPTIONS")
    assert (await house.register(bob)).status == 200
    await house.site.daemon.logged(r"dropped bob@.*: 3 OPTIONS in a row were not answered", 40)
    assert await registered(house) == 2 and carol.connections == connections
    (ping, *_) = alice.trace.messages("OPTIONS")
    assert isinstance(ping, Request) and ping.uri == alice.contact.strip("<>")
    assert (ping.to.uri, ping.headers["Max-Forwards"]) == (f"sip:alice@{house.site.daemon.host}", "70")
    assert alice.trace.transactions("OPTIONS") > 3 and bob.trace.transactions("OPTIONS") == 3
    assert carol.trace.transactions("OPTIONS") > 3


async def test_S12_a_ping_goes_to_who_registered(sites: Sites, phones: Phones) -> None:
    """Whatever his Path and his Contact name."""
    house = await opened(sites, phones, "alice", phone_ping_s=1)
    victim, alice = await phones("victim"), await house.phone("alice")
    aor, there = f"sip:alice@{house.site.daemon.host}", f"{victim.address}:{victim.port}"
    lines = [("Path", f"<sip:{there};lr>"), ("Contact", f"<sip:alice@{there}>"), ("Supported", "path")]
    answer = await alice.request("REGISTER", house.registrar(), headers=lines, from_uri=aor, to_uri=aor)
    assert answer.status == 200
    ping = await alice.trace.expect("OPTIONS", 20)
    assert ping.headers["Route"] == f"<sip:{there};lr>"
    assert victim.trace.entries == [] and victim.connections == []


async def test_the_preferred_phone_rings_first(sites: Sites, phones: Phones) -> None:
    """q of the Contacts (RFC 3261 §16.6): the next one rings when the first has refused."""
    house = await opened(sites, phones, "alice")
    desk, mobile = await house.phone("alice"), await house.phone("alice")
    for phone, q in ((mobile, "0.2"), (desk, "0.9")):
        assert (await house.bind(phone, f"{phone.contact};q={q}")).status == 200
    sid = await house.calls("alice", twiml=STAYS)
    first = await desk.incoming()
    await first.ring()
    assert mobile.trace.messages("INVITE") == []
    await first.refuse(486)
    second = await mobile.incoming()
    await second.answer()
    for status in ("initiated", "ringing", "in-progress"):
        await house.site.told(status, sid)
    await second.hangup()
    assert (await house.site.over(sid)).form["CallStatus"] == "completed"


async def test_a_rank_of_phones_has_its_share_of_the_time(sites: Sites, phones: Phones) -> None:
    house = await opened(sites, phones, "alice")
    desk, mobile = await house.phone("alice"), await house.phone("alice")
    for phone, q in ((desk, "1.0"), (mobile, "0.5")):
        assert (await house.bind(phone, f"{phone.contact};q={q}")).status == 200
    sid = await house.calls("alice", twiml=STAYS, timeout=6)
    first = await desk.incoming()
    await first.ring()
    second = await within(mobile.incoming(), 10, lambda: "the second phone")
    await first.until_ended()
    await second.refuse(486)
    assert (await house.site.over(sid)).form["CallStatus"] == "busy"
