"""Phones that pick up what rings at a colleague's, as their lamps show it to them (RFC 4235, RFC 3891)."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.call import How

from .house import PASSWORD, House, people
from .site import Site
from .watcher import Watcher, dialog_of

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
MINE = {"sid": "AC00000000000000000000000000000001", "auth_token": "0123456789abcdef0123456789abcdef"}
OTHER = {"sid": "AC00000000000000000000000000000002", "auth_token": "f" * 32}


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Alice and Bob live here; Mallory is another account's, in its own domain."""
    mallory = {"name": "mallory", "password": PASSWORD, "account": OTHER["sid"]}
    users = [*({**one, "account": MINE["sid"]} for one in people("alice", "bob")), mallory]
    return House(await sites(strangers=True, accounts=[MINE, OTHER], users=users), phones)


def replaces(dialog: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of an INVITE for what a dialog-info names: its own tags are those of the phone that rings."""
    field = f"{dialog['call-id']};to-tag={dialog['remote-tag']};from-tag={dialog['local-tag']};early-only"
    return [("Replaces", field), ("Require", "replaces")]


async def ringing(house: House, alice: Phone, watcher: Watcher) -> tuple[PhoneCall, PhoneCall, Mapping[str, str]]:
    """A caller whose document dials alice, her call that rings, and how bob's lamp names it."""
    await watcher.notified()
    dials = f"<Dial action='/done' timeout='20' answerOnBridge='true'><Sip>{house.aor('alice')}</Sip></Dial>"
    house.site.script("/voice", dials)
    house.site.script("/done", "<Hangup/>")
    caller = await house.site.dial_in()
    call = await alice.incoming()
    await watcher.until("trying")
    await call.ring()
    await caller.ringing()
    return caller, call, dialog_of(await watcher.notified())


async def talk(one: PhoneCall, other: PhoneCall) -> None:
    """Each hears the other's tone."""
    one.media.tone(440)
    other.media.tone(880)
    await other.media.heard_tone(440)
    await one.media.heard_tone(880)


async def watching(house: House) -> tuple[Phone, Watcher]:
    """Bob's phone, which watches alice."""
    bob = await house.registered("bob")
    watcher = Watcher(bob, house, "alice", "dialog")
    assert (await watcher.subscribe()).status == 200
    return bob, watcher


async def test_a_colleague_picks_up(house: House) -> None:
    """The caller talks with him, alice's phone stops ringing and has missed nothing; for the application it is the call
    that it has dialled."""
    alice, (bob, watcher) = await house.registered("alice"), await watching(house)
    caller, rings, dialog = await ringing(house, alice, watcher)
    taken = await bob.invite(house.aor("alice"), headers=replaces(dialog))
    await taken.answered()
    cancelled = await rings.until_ended()
    assert cancelled.how is How.CANCELLED and "Call completed elsewhere" in cancelled.reason
    assert rings.final is not None and rings.final.status == 487
    await caller.answered()
    await talk(caller, taken)
    await watcher.until("terminated")
    await taken.hangup()
    done = (await house.site.application.request("/done")).form
    assert (done["DialCallStatus"], done["DialBridged"]) == ("completed", "true")
    assert done["DialSipCallId"] == taken.call_id
    assert done["DialCallSid"] == rings.invite.headers["X-Twilio-CallSid"] != done["CallSid"]
    assert (await caller.until_ended()).how is How.BYE_RECEIVED
    child = await house.site.fetch(done["DialCallSid"])
    assert (child.status, child.parent_call_sid, child.to) == ("completed", done["CallSid"], house.aor("alice"))
    calls = await house.site.do(lambda client: client.calls.list())
    assert {one.sid for one in calls} == {done["CallSid"], done["DialCallSid"]}, "no third call is made of it"
    assert await house.site.daemon.logged(f"{child.sid}.* picked up by=bob@")
    assert bob.faults == alice.faults == house.site.carrier.faults == []


async def test_of_two_phones_that_ring_both_stop(house: House) -> None:
    """Either of them may be named."""
    alice, (bob, watcher) = await house.registered("alice"), await watching(house)
    mobile = await house.registered("alice", transport="tcp")
    await watcher.notified()
    sid = await house.calls("alice", twiml="<Response><Pause length='20'/></Response>")
    calls = [await alice.incoming(), await mobile.incoming()]
    await calls[1].ring()
    for status in ("initiated", "ringing"):
        await house.site.told(status, sid)
    rings = calls[1]
    dialog = {"call-id": rings.call_id, "remote-tag": rings.dialog.remote.tag, "local-tag": rings.dialog.local.tag}
    taken = await bob.invite(house.aor("alice"), headers=replaces(dialog))
    await taken.answered()
    for call in calls:
        assert (await call.until_ended()).how is How.CANCELLED
    await house.site.told("in-progress", sid)
    await taken.hangup()
    assert (await house.site.over(sid)).form["CallStatus"] == "completed"


async def test_S7_what_cannot_be_picked_up(house: House) -> None:
    """By another account's user, or a trunk: there is no such dialog. Nor is one that has been answered (486), that we
    were called by (481), or that is over; alice's call is not disturbed."""
    alice, (bob, watcher) = await house.registered("alice"), await watching(house)
    mallory = await house.registered("mallory")
    caller, rings, dialog = await ringing(house, alice, watcher)

    async def status(phone: Phone, named: Mapping[str, str]) -> int:
        call = await phone.invite(house.aor("alice"), headers=replaces(named))
        return (await call.refused()).status

    assert await status(mallory, dialog) == 481
    assert await status(house.site.carrier, dialog) == 481
    assert await status(bob, {**dialog, "local-tag": dialog["local-tag"] + "x"}) == 481
    local, remote = caller.dialog.local.tag, caller.dialog.remote.tag
    assert await status(bob, {"call-id": caller.call_id, "local-tag": local, "remote-tag": remote}) == 481
    await rings.answer()
    await caller.answered()
    await talk(caller, rings)
    assert await status(mallory, dialog) == 481
    assert await status(bob, dialog) == 486
    mark = caller.media.mark()
    await caller.media.received(25, since=mark)
    await rings.hangup()
    await caller.until_ended()
    assert await status(bob, dialog) == 603
