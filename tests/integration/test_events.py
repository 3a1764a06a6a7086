"""Busy lamps, presence and registrations, as phones watch them; a crash of the daemon puts out no lamp for long."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone
from tests.harness.baresip import Baresip
from tests.harness.dialog import response_to

from .house import PASSWORD, House, people
from .line import document
from .site import Site
from .watcher import Watcher, basics, dialog_of, lamps

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Baresips = Callable[..., Awaitable[Baresip]]
STAYS = document("<Pause length='20'/>")
GONE = {
    "udp": "ended bob@.* to the dialog of alice@.*: 481 to its NOTIFY",
    "tcp": "not told: no connection to bob@.* to the dialog of alice@.*",
}
PRESENCE = (
    '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"><tuple id="x"><status>'
    "<basic>closed</basic></status><note>lunch</note></tuple></presence>"
)


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Alice and Bob live here."""
    return House(await sites(strangers=True, users=people("alice", "bob")), phones)


async def watching(house: House, user: str, resource: str, event: str, transport: str = "udp") -> Watcher:
    """A user's phone that has been told how things are."""
    watcher = Watcher(await house.registered(user, transport=transport), house, resource, event)
    assert (await watcher.subscribe()).status == 200
    return watcher


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_lamp_follows_a_call(house: House, transport: str) -> None:
    """Over the connection that the SUBSCRIBE came by, in the order of what happens."""
    alice = await house.registered("alice")
    bob = await watching(house, "bob", "alice", "dialog", transport)
    first = await bob.notified()
    assert lamps(first) == [] and first.headers["Subscription-State"].startswith("active;expires=5")
    connections = bob.phone.connections
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    assert await bob.until("trying") == [["trying"]]
    await call.ring()
    early = await bob.notified()
    assert lamps(early) == ["early"] and house.site.number.encode() in early.body
    named = dialog_of(early)
    assert (named["call-id"], named["direction"]) == (call.call_id, "recipient")
    assert (named["local-tag"], named["remote-tag"]) == (call.dialog.local.tag, call.dialog.remote.tag)
    await call.answer()
    assert await bob.until("confirmed") == [["confirmed"]]
    await call.hangup()
    assert await bob.until("terminated") == [["terminated"]]
    assert bob.phone.connections == connections
    metrics = await house.site.daemon.metrics()
    assert metrics["callwright_subscriptions_live"] == 1
    assert metrics['callwright_event_requests_total{method="NOTIFY",outcome="delivered"}'] >= 4


async def test_a_lamp_of_who_calls(house: House) -> None:
    """And her presence says that she is on the phone."""
    alice = await house.registered("alice")
    lamp = await watching(house, "bob", "alice", "dialog")
    presence = await watching(house, "bob", "alice", "presence")
    assert lamps(await lamp.notified()) == [] and basics(await presence.notified()) == ["open"]
    house.site.script("/user", "<Gather timeout='20'/>")
    call = await alice.call(house.aor("600"))
    await lamp.until("confirmed")
    assert b"on-the-phone" in (await presence.notified()).body
    await call.hangup()
    assert await lamp.until("terminated") == [["terminated"]]
    assert b"on-the-phone" not in (await presence.notified()).body


async def test_many_lamps_of_one_user(house: House) -> None:
    """Sixty watchers: each is told of every state, in order."""
    alice, bob = await house.registered("alice"), await house.registered("bob")
    watchers = [Watcher(bob, house, "alice", "dialog") for _ in range(60)]
    for watcher in watchers:
        assert (await watcher.subscribe()).status == 200
        assert lamps(await watcher.notified()) == []
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    for watcher in watchers:
        assert await watcher.until("trying") == [["trying"]]
    await call.ring()
    for watcher in watchers:
        assert await watcher.until("early") == [["early"]]
    await call.refuse(486)
    for watcher in watchers:
        assert await watcher.until("terminated") == [["terminated"]]
    metrics = await house.site.daemon.metrics()
    assert metrics['callwright_event_requests_total{method="NOTIFY",outcome="delivered"}'] == 240


async def test_presence(house: House) -> None:
    """Phones that come and go, and what they publish."""
    alice = await house.registered("alice")
    bob = await watching(house, "bob", "alice", "presence")
    assert basics(await bob.notified()) == ["open"]
    lines = [("Event", "presence"), ("Content-Type", "application/pidf+xml"), ("Expires", "600")]
    own = f"sip:alice@{house.site.daemon.host}"
    answer = await alice.request(
        "PUBLISH", house.aor("alice"), headers=lines, body=PRESENCE.encode(), from_uri=own, to_uri=own
    )
    assert answer.status == 200 and 540 <= int(answer.headers["Expires"]) <= 600
    told = await bob.notified()
    assert basics(told) == ["closed", "closed"] and b"lunch" in told.body
    lines = [("Event", "presence"), ("SIP-If-Match", answer.headers["SIP-ETag"]), ("Expires", "0")]
    answer = await alice.request("PUBLISH", house.aor("alice"), headers=lines, from_uri=own, to_uri=own)
    assert answer.status == 200
    assert basics(await bob.notified()) == ["open"]
    assert (await house.register(alice, expires=0)).status == 200
    assert basics(await bob.notified()) == ["closed"]


async def test_own_registrations(house: House) -> None:
    """Another phone of hers comes."""
    alice = await watching(house, "alice", "alice", "reg")
    assert (await alice.notified()).body.count(b"<contact ") == 1
    await house.registered("alice")
    assert (await alice.notified()).body.count(b"<contact ") == 2


async def test_refresh_and_end(house: House) -> None:
    bob = await watching(house, "bob", "alice", "dialog")
    await bob.notified()
    assert (await bob.subscribe()).status == 200
    await bob.notified()
    answer = await bob.subscribe(expires=0)
    assert (answer.status, answer.headers["Expires"]) == (200, "0")
    assert (await bob.notified()).headers["Subscription-State"] == "terminated;reason=timeout"
    assert (await bob.subscribe()).status == 481


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_S12_a_subscription_that_points_elsewhere(house: House, phones: Phones, transport: str) -> None:
    """Its NOTIFYs go to who subscribed: not to the address in his Contact or Record-Route, where somebody listens."""
    victim = await phones("victim")
    bob = Watcher(await house.registered("bob", transport=transport), house, "alice", "dialog")
    place = f"{victim.address}:{victim.port};transport={transport}"
    answer = await bob.subscribe(contact=f"<sip:bob@{place}>", headers=[("Record-Route", f"<sip:{place};lr>")])
    assert answer.status == 200
    assert (await bob.notified()).headers["Route"] == f"<sip:{place};lr>"
    assert victim.trace.entries == [] and victim.connections == []


async def test_a_phone_that_knows_nothing_of_it(house: House) -> None:
    """481 to a NOTIFY ends the subscription."""
    alice = await house.registered("alice")
    bob = await watching(house, "bob", "alice", "dialog")
    await bob.notified()
    bob.phone.handlers["NOTIFY"] = lambda request: response_to(request, 481)
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    await house.site.daemon.logged("ended bob@.* to the dialog of alice@.*: 481 to its NOTIFY")
    await call.refuse(486)
    assert (await house.site.daemon.health())["subscriptions"] == 0


async def test_what_the_notifier_refuses(house: House) -> None:
    phone = await house.registered("bob")
    for resource, event, expires, status, header in (
        ("alice", "refer", 600, 489, "Allow-Events"),
        ("alice", "presence", 5, 423, "Min-Expires"),
        ("mallory", "presence", 600, 404, ""),
        ("alice", "reg", 600, 403, ""),
    ):
        answer = await Watcher(phone, house, resource, event).subscribe(expires)
        assert answer.status == status and (not header or header in answer.headers)


async def test_a_foreign_phone(sites: Sites, baresip: Baresips, phones: Phones) -> None:
    """Baresip 1.0 shows alice as she comes, talks and goes; what it publishes of its own user is taken."""
    sections = {"sip": {"digest": ["MD5"]}, "server": {"log_level": "DEBUG"}}
    site = await sites(strangers=True, users=people("bare", "alice"), sections=sections)
    house, domain = House(site, phones), f"{site.daemon.host}:{site.daemon.sip_port}"
    phone = await baresip(
        user="bare", domain=domain, password=PASSWORD, account=";pubint=600", watches=f"sip:alice@{domain}"
    )
    await site.daemon.logged("NOTIFY sip:bare", 10)  # how things were: it tells of changes only
    await site.daemon.logged("published presence of bare@")
    assert phone.program is not None
    alice = await house.registered("alice")
    await phone.program.said("changed status from .*Offline.* to .*Online")
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    await call.answer()
    await phone.program.said("changed status from .*Online.* to .*Busy")
    await call.hangup()
    await phone.program.said("changed status from .*Busy.* to .*Online")
    assert (await house.register(alice, expires=0)).status == 200
    await phone.program.said("changed status from .*Online.* to .*Offline")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_S11_a_crash_loses_no_lamp(house: House, transport: str) -> None:
    """kill -9 while alice is on the phone: the next daemon tells bob that she is not, and goes on in the same dialog.

    Over TCP the phone, whose connection is gone, comes back with its next SUBSCRIBE.
    """
    alice = await house.registered("alice")
    bob = await watching(house, "bob", "alice", "dialog", transport)
    await bob.notified()
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    await call.answer()
    await bob.until("confirmed")
    await house.site.daemon.kill()
    await house.site.daemon.run()
    if transport == "tcp":
        assert (await bob.subscribe()).status == 200
    told = await bob.notified(10)
    assert lamps(told) == [] and told.headers["Subscription-State"].startswith("active")
    await house.calls("alice", twiml=STAYS)
    again = await alice.incoming()
    await again.ring()
    await bob.until("early")
    await again.refuse(486)
    await bob.until("terminated")
    assert (await bob.subscribe(expires=0)).status == 200


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_phone_that_starts_again(house: House, transport: str) -> None:
    """It knows nothing of its old dialog, and subscribes anew: it is told how things are, and of each change in order.

    Then the daemon is killed: only the phone's new subscription is taken up.
    """
    alice = await house.registered("alice")
    before = await watching(house, "bob", "alice", "dialog", transport)
    await before.notified()
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    await call.answer()
    await before.until("confirmed")
    place = before.phone.address, before.phone.port
    await before.phone.close()
    phone = await house.phone("bob", transport=transport, address=place[0], port=place[1])
    old = before.dialog.call_id
    phone.handlers["NOTIFY"] = lambda request: response_to(request, 481 if request.call_id == old else 200)
    assert (await house.register(phone)).status == 200
    after = Watcher(phone, house, "alice", "dialog")
    assert (await after.subscribe()).status == 200
    assert lamps(await after.notified()) == ["confirmed"], "what it missed"
    await call.hangup()
    assert await after.until("terminated") == [["terminated"]]
    await house.site.daemon.logged(GONE[transport])
    await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    for act, state in ((call.ring, "early"), (call.answer, "confirmed"), (call.hangup, "terminated")):
        await act()
        told = await after.until(state)
        assert told in ([[state]], [["trying"], [state]]), told
    await house.site.daemon.kill()
    await house.site.daemon.run()
    if transport == "tcp":
        await house.site.daemon.logged(f"not told: no connection to bob@.* at tcp:{place[0]}:")
        assert (await after.subscribe()).status == 200
    assert lamps(await after.notified(10)) == []
