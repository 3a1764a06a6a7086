"""A registered phone with two calls leaves their parties with each other (RFC 5589 §7), on a daemon of its own."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.baseline import baseline
from tests.harness.call import How
from tests.harness.daemon import ACCOUNT, TOKEN

from .house import House, people
from .line import both, document
from .site import Site
from .test_baseline_calls import KEPT, gauges
from .test_bridge import referred_to, reported

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]

OTHER = "AC00000000000000000000000000000002"
DONE = ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
GONE = "SIP/2.0 481 Call/Transaction Does Not Exist"


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Desk and Bob live here; who calls the number reaches the desk, and a user who calls out the carrier."""
    house = House(await sites(strangers=True, users=people("desk", "bob")), phones)
    house.site.script("/own", "<Hangup/>")
    house.site.script("/done", "<Hangup/>")
    house.site.script("/user", f"<Dial action='/own'>{house.site.callee}</Dial>")
    return house


async def called(house: House, phone: Phone) -> tuple[PhoneCall, PhoneCall]:
    """Somebody has called the number, and talks with a user's phone: his call, and the phone's."""
    house.site.script("/voice", f"<Dial action='/done'><Sip>{house.aor(phone.user)}</Sip></Dial>")
    caller = await house.site.dial_in()
    own = await phone.incoming()
    await own.answer()
    await caller.answered()
    await both(caller, own)
    return caller, own


async def calling(house: House, phone: Phone) -> tuple[PhoneCall, PhoneCall]:
    """A user's phone has called somebody: the phone's call, and his."""
    own = await phone.invite(house.aor("600"))
    callee = await house.site.carrier.incoming()
    await callee.answer()
    await own.answered()
    await both(own, callee)
    return own, callee


async def transfers(asking: PhoneCall, named: PhoneCall) -> None:
    """The phone's REFER; both its calls are over."""
    assert (await asking.refer(referred_to(named))).status == 202
    assert await reported(asking) == DONE
    for call in (asking, named):
        assert (await call.until_ended()).how is How.BYE_RECEIVED


@pytest.mark.parametrize("backwards", [False, True])
async def test_two_who_have_called(house: House, backwards: bool) -> None:
    desk = await house.registered("desk")
    first, one = await called(house, desk)
    await one.hold()
    second, other = await called(house, desk)
    await transfers(*((other, one) if backwards else (one, other)))
    await both(first, second)
    await first.hangup()
    assert (await second.until_ended()).how is How.BYE_RECEIVED, "its document hangs up"
    told = [(await house.site.application.request("/done")).form["DialCallStatus"] for _ in range(2)]
    assert told == ["completed", "completed"]


@pytest.mark.parametrize("backwards", [False, True])
async def test_who_has_called_and_whom_it_has_called(house: House, backwards: bool) -> None:
    """The phone's own Dial is over; the caller's goes on with whom that has reached."""
    desk = await house.registered("desk")
    caller, one = await called(house, desk)
    await one.hold()
    other, callee = await calling(house, desk)
    await transfers(*((other, one) if backwards else (one, other)))
    own = (await house.site.application.request("/own")).form
    assert (own["DialCallStatus"], own["CallStatus"]) == ("completed", "completed"), "it has left"
    await both(caller, callee)
    assert house.site.application.count("/done") == 0
    await callee.hangup()
    assert (await house.site.application.request("/done")).form["DialCallStatus"] == "completed"
    assert (await caller.until_ended()).how is How.BYE_RECEIVED


async def test_whom_it_has_called_has_not_answered_yet(house: House) -> None:
    """The phone waits for the answer, and is released then."""
    desk = await house.registered("desk")
    caller, one = await called(house, desk)
    await one.hold()
    other = await desk.invite(house.aor("600"))
    callee = await house.site.carrier.incoming()
    await callee.ring()
    await other.answered()
    assert (await one.refer(referred_to(other))).status == 202
    assert await reported(one) == [DONE[0], "SIP/2.0 180 Ringing"]
    caller.media.tone(500)
    await one.media.heard_tone(500)
    await callee.answer()
    assert (await one.expect("NOTIFY")).body.decode().strip() == DONE[1]
    for call in (one, other):
        assert (await call.until_ended()).how is How.BYE_RECEIVED
    await both(caller, callee)
    await callee.hangup()
    await caller.until_ended()


async def test_whom_it_has_called_is_busy(house: House) -> None:
    """The phone has its caller back, and leaves him with somebody else."""
    desk = await house.registered("desk")
    caller, one = await called(house, desk)
    other = await desk.invite(house.aor("600"))
    callee = await house.site.carrier.incoming()
    await callee.ring()
    await other.answered()
    assert (await one.refer(referred_to(other))).status == 202
    await callee.refuse(486)
    told = [(await one.expect("NOTIFY")).body.decode().strip() for _ in range(3)]
    assert told == [DONE[0], "SIP/2.0 180 Ringing", GONE]
    assert (await other.until_ended()).how is How.BYE_RECEIVED, "by its document"
    await both(caller, one)
    again, callee = await calling(house, desk)
    await transfers(one, again)
    await both(caller, callee)
    await callee.hangup()
    await caller.until_ended()


async def test_two_whom_it_has_called(house: House) -> None:
    """Both Dials are the phone's, and over: nobody's documents are left, and they talk until one hangs up."""
    desk = await house.registered("desk")
    one, first = await calling(house, desk)
    await one.hold()
    other, second = await calling(house, desk)
    await transfers(one, other)
    await both(first, second)
    await first.hangup()
    assert (await second.until_ended()).how is How.BYE_RECEIVED


async def test_S7_nobody_transfers_the_calls_of_others(house: House) -> None:
    """A colleague who knows a dialog from his busy lamps: it does not exist for him."""
    desk, bob = await house.registered("desk"), await house.registered("bob")
    first, one = await called(house, desk)
    second, bobs = await called(house, bob)
    assert (await bobs.refer(referred_to(one))).status == 202
    assert await reported(bobs) == [DONE[0], GONE]
    await both(first, one)
    await both(second, bobs)
    for call in (first, second):
        await call.hangup()


async def test_S7_another_accounts_dialog_is_nobodys(sites: Sites, phones: Phones) -> None:
    """What is answered is the same, whether it exists or not."""
    both_accounts = [
        {"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Main"},
        {"sid": OTHER, "auth_token": "another", "friendly_name": "Other"},
    ]
    users = [*people("desk"), *({**user, "account": OTHER} for user in people("stranger"))]
    shared = House(await sites(strangers=True, users=users, accounts=both_accounts), phones)
    shared.site.script("/user", f"<Dial><Sip>{shared.aor('stranger')}</Sip></Dial>")
    desk, foreign = await shared.registered("desk"), await shared.registered("stranger")
    caller, one = await called(shared, desk)
    theirs = await foreign.invite(shared.aor("600"))
    far = await foreign.incoming()
    await far.answer()
    await theirs.answered()
    known = referred_to(theirs)
    for named in (known, known.replace("to-tag%3D", "to-tag%3Dx")):
        assert (await one.refer(named)).status == 202
        assert await reported(one) == [DONE[0], GONE]
    await both(caller, one)
    await both(theirs, far)
    for call in (caller, theirs):
        await call.hangup()


async def test_hold_and_keys_when_they_are_joined(house: House) -> None:
    """Who is a phone too holds the other one, who hears what the phone plays, and talks on; keys cross both ways."""
    desk, bob = await house.registered("desk"), await house.registered("bob")
    caller, one = await called(house, desk)
    house.site.script("/user", f"<Dial action='/own'><Sip>{house.aor('desk')}</Sip></Dial>")
    bobs = await bob.invite(house.aor("desk"))
    other = await desk.incoming()
    await other.answer()
    await bobs.answered()
    await both(bobs, other)
    await transfers(one, other)
    await both(caller, bobs)
    await bobs.hold()
    bobs.media.tone(900)
    await caller.media.heard_tone(900)
    await bobs.media.silence_heard()
    await bobs.resume()
    await both(caller, bobs)
    await caller.media.send_digits("42")
    await bobs.media.heard_digits("42")
    await bobs.media.send_digits("#1")
    await caller.media.heard_digits("#1")
    await bobs.hangup()
    assert (await house.site.application.request("/own")).form["DialCallStatus"] == "completed"
    await caller.until_ended()


@pytest.mark.parametrize("backwards", [False, True])
async def test_who_was_in_a_queue(house: House, backwards: bool) -> None:
    """An agent's phone leaves him with whom it has called; his time in the queue ends with that talk."""
    agent, site = await house.registered("desk"), house.site
    site.script("/voice", "<Enqueue action='/waited' waitUrl=''>support</Enqueue>")
    site.script("/waited", "<Hangup/>")
    caller = await site.dial_in()
    await caller.answered()
    await site.daemon.logged("queued sid=")
    site.script("/user", "<Dial action='/queue'><Queue>support</Queue></Dial>")
    site.script("/queue", "<Hangup/>")
    one = await agent.invite(house.aor("queue"))
    await one.answered()
    await both(caller, one)
    await one.hold()
    site.script("/user", f"<Dial action='/own'>{site.callee}</Dial>")
    other, callee = await calling(house, agent)
    await transfers(*((other, one) if backwards else (one, other)))
    told = (await site.application.request("/queue")).form
    assert (told["DialCallStatus"], told["DequeueResult"], told["CallStatus"]) == ("completed", "bridged", "completed")
    await both(caller, callee)
    assert site.application.count("/waited") == 0
    await callee.hangup()
    assert (await site.application.request("/waited")).form["QueueResult"] == "bridged"
    assert (await caller.until_ended()).how is How.BYE_RECEIVED


async def test_nothing_is_left(house: House) -> None:
    """Neither in Python nor in the engine, whoever ends the talk and how."""
    desk, site = await house.registered("desk"), house.site

    async def once(end: str) -> None:
        first, one = await called(house, desk)
        second, other = await called(house, desk)
        sid = [request.form["CallSid"] for request in site.application.requests if request.path == "/voice"][-1]
        await transfers(one, other)
        await both(first, second)
        if end == "BYE":
            await second.hangup()
        else:
            await site.update(sid, **({"status": "completed"} if end == "API" else {"twiml": document("<Hangup/>")}))
        for call in (first, second):
            await call.until_ended()

    await once("BYE")
    async with baseline(site.daemon.pid, settle=35, ignoring=KEPT, native=lambda: gauges(site.daemon)):
        for end in ("BYE", "API", "redirect"):
            await once(end)
