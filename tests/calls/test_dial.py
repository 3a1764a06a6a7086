"""Dials: ringing, racing, bridging, and every way in which they end (call-control reference §1.6, §7.4)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import Dialled, DialPlan, NumberTarget, SipTarget, StatusCallback, Target
from callwright.calls.dial import dial
from callwright.calls.status import CallStatus
from tests.calls.dialling import BOB, EVE, PHONE, ZOE, Dialling
from tests.calls.fakes import OTHERS_NUMBER, Room
from tests.calls.jumping import after, timers, turns


async def test_talk_and_the_callee_hangs_up(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB])
    tone = await room.engine.until("tone")
    bob = await room.engine.called()
    (child,) = dialling.children
    assert (child.parent, child.direction, child.from_) == (dialling.call, "outbound-dial", "+15557654321")
    room.engine.progress(bob)
    room.engine.answer_of(bob, ("X-Answer", "1"), ("Other", "2"))
    await room.engine.until("connect", bob)
    assert dialling.connected(dialling.leg, bob)
    await turns()
    assert room.engine.of("stop", tone.node)
    await after(7)
    room.engine.end(bob, 200, ("x-bye", "3"))
    dialled = await dialling.task
    assert dialled == Dialled(
        status="completed",
        call_sid=child.sid,
        duration=dialled.duration,
        bridged=True,
        sip_call_id=f"call-{bob}",
        sip_code=200,
        sip_headers=[("X-Answer", "1"), ("x-bye", "3")],
        sip=True,
    )
    assert dialled.duration is not None and 7 <= dialled.duration <= 8
    assert child.status is CallStatus.COMPLETED
    assert not dialling.connected(dialling.leg, bob)
    assert not dialling.call.status.final


async def test_caller_hangs_up_while_talking(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    room.engine.end(dialling.leg)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.hung_up) == ("completed", True, True)
    assert room.engine.of("hangup", bob)


async def test_caller_hangs_up_while_it_rings(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    (child,) = dialling.children
    room.engine.progress(bob)
    await turns()
    room.engine.end(dialling.leg)
    dialled = await dialling.task
    assert (dialled.status, dialled.hung_up, dialled.duration) == ("canceled", True, None)
    assert await child.ended is CallStatus.CANCELED


@pytest.mark.parametrize(("code", "status"), [(486, "busy"), (603, "no-answer"), (404, "failed"), (503, "failed")])
async def test_refusal(room: Room, code: int, status: str) -> None:
    dialling = await Dialling.begin(room, [BOB])
    room.engine.end(await room.engine.called(), code, ("X-Why", "because"))
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_code, dialled.duration, dialled.bridged) == (status, code, None, False)
    assert dialled.sip_headers == [("X-Why", "because")] and not dialled.hung_up


async def test_timeout(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB], timeout=9)
    began = asyncio.get_running_loop().time()
    bob = await room.engine.called()
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_code, dialled.duration) == ("no-answer", 487, None)
    assert asyncio.get_running_loop().time() - began == pytest.approx(9, abs=0.5)
    assert room.engine.of("hangup", bob)


async def test_answer_and_timeout_at_once(room: Room) -> None:
    """The answer is in the queue when the time is up: nobody is bridged, nobody is left."""
    room.engine.slow = True
    dialling = await Dialling.begin(room, [BOB], timeout=9)
    bob = await room.engine.called()
    (child,) = dialling.children
    await room.engine.until("hangup", bob)
    room.engine.answer_of(bob)
    room.engine.end(bob, 200, by="local")
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.duration) == ("no-answer", False, None)
    assert (await child.ended, child.sip_code) == (CallStatus.NO_ANSWER, 487)
    assert not room.engine.of("connect")


async def test_timeout_just_after_an_answer(room: Room) -> None:
    """The child is in progress when the time is up, before its dial knows: it is hung up, and nobody answered."""
    dialling = await Dialling.begin(room, [BOB], answer_on_bridge=True)
    leg = room.endpoint.legs[await room.engine.called()]
    await turns()
    assert dialling.call.leg is not None
    (first,) = dialling.call.leg._waiters
    leg.on_established({"call_id": "x"})
    dialling.dial._on_timeout(first)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.duration) == ("no-answer", False, None)
    assert room.engine.of("hangup", leg.node)


async def test_no_timer_is_left(room: Room) -> None:
    call, _ = await room.inbound()
    await call.answer()
    before = timers()
    task = asyncio.create_task(dial(call, DialPlan([BOB], timeout=600)))
    room.engine.end(await room.engine.called(), 486)
    assert (await task).status == "busy"
    assert timers() == before


@pytest.mark.parametrize("first_ends", ["busy", "time"])
async def test_each_round_of_a_sequence_is_its_own(room: Room, first_ends: str) -> None:
    """What ended the first party says nothing of the second, which its caller gives up."""
    dialling = await Dialling.begin(room, [BOB, EVE], sequential=True, timeout=10)
    bob = await room.engine.called(1)
    if first_ends == "busy":
        room.engine.progress(bob, 183, early=True)
        await after(5)
        room.engine.end(bob, 486)
    eve = await room.engine.called(2)
    child = dialling.children[-1]
    room.engine.progress(eve, 183, early=True)
    await room.engine.until("connect", eve)
    await after(7)
    room.engine.end(dialling.leg)
    assert (await dialling.task).status == "canceled"
    assert await child.ended is CallStatus.CANCELED


async def test_first_of_several_wins(room: Room) -> None:
    """§12, 8: the losers that rang are canceled, those that did not are no-answer."""
    dialling = await Dialling.begin(room, [BOB, EVE, ZOE])
    bob, eve, zoe = [await room.engine.called(n) for n in (1, 2, 3)]
    losers = [dialling.children[0], dialling.children[2]]
    room.engine.progress(bob)
    room.engine.answer_of(eve)
    await room.engine.until("connect", eve)
    assert [await loser.ended for loser in losers] == [CallStatus.CANCELED, CallStatus.NO_ANSWER]
    room.engine.end(eve)
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_call_id) == ("completed", f"call-{eve}")
    assert not room.engine.of("connect", zoe)


async def test_two_answer_at_once(room: Room) -> None:
    """One is bridged, the other one is hung up and is a completed call of its own."""
    dialling = await Dialling.begin(room, [BOB, EVE])
    bob, eve = await room.engine.called(1), await room.engine.called(2)
    loser = dialling.children[1]
    room.engine.answer_of(bob)
    room.engine.answer_of(eve)
    await room.engine.until("connect", bob)
    assert await loser.ended is CallStatus.COMPLETED
    assert not room.engine.of("connect", eve) and room.engine.of("hangup", eve)
    room.engine.end(bob)
    assert (await dialling.task).sip_call_id == f"call-{bob}"


async def test_busy_counts_most_among_several(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB, EVE, ZOE])
    for n, code in ((1, 404), (2, 486), (3, 503)):
        room.engine.end(await room.engine.called(n), code)
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_code) == ("busy", 486)


async def test_winner_leaves_at_once(room: Room) -> None:
    """200 and BYE in one batch: the caller goes on, and is told of a completed call."""
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    room.engine.end(bob)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.hung_up, dialled.duration) == ("completed", False, False, 1)
    assert not dialling.call.status.final


@pytest.mark.parametrize("target", [PHONE, BOB], ids=["number", "sip"])
async def test_keys_before_the_bridge(room: Room, target: NumberTarget | SipTarget) -> None:
    dialling = await Dialling.begin(room, [replace(target, send_digits="1W23")])
    callee = await room.engine.called()
    room.engine.answer_of(callee)
    await room.engine.until("send_digits", callee)
    assert not room.engine.of("connect", callee)
    await room.engine.until("connect", callee)
    assert [command.values["digits"] for command in room.engine.of("send_digits", callee)] == ["1", "23"]
    room.engine.end(callee)
    assert (await dialling.task).bridged


async def test_callee_leaves_while_keys_are_sent(room: Room) -> None:
    dialling = await Dialling.begin(room, [NumberTarget("+15558880000", send_digits="WWWW1")])
    callee = await room.engine.called()
    room.engine.answer_of(callee)
    await turns()
    room.engine.end(callee)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.hung_up) == ("completed", False, False)


async def test_caller_leaves_while_keys_are_sent(room: Room) -> None:
    dialling = await Dialling.begin(room, [NumberTarget("+15558880000", send_digits="WWWW1")])
    callee = await room.engine.called()
    room.engine.answer_of(callee)
    await turns()
    room.engine.end(dialling.leg)
    dialled = await dialling.task
    assert (dialled.status, dialled.hung_up) == ("canceled", True)
    assert room.engine.of("hangup", callee)


async def test_sequential_goes_on_until_one_answers(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB, EVE, ZOE], sequential=True, timeout=10)
    bob = await room.engine.called(1)
    room.engine.progress(bob, 183, early=True)
    await room.engine.until("connect", bob)
    room.engine.end(bob, 486)
    eve = await room.engine.called(2)
    assert len(room.engine.of("originate")) == 2
    # the ringback that the first party's early media had silenced is heard again
    await room.engine.until("tone", count=2)
    await room.engine.until("hangup", eve)
    zoe = await room.engine.called(3)
    room.engine.answer_of(zoe)
    await room.engine.until("connect", zoe)
    room.engine.end(zoe)
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_call_id) == ("completed", f"call-{zoe}")


async def test_sequential_tells_of_the_last(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB, EVE], sequential=True)
    room.engine.end(await room.engine.called(1), 486)
    room.engine.end(await room.engine.called(2), 404)
    assert (await dialling.task).status == "failed"


async def test_star_while_it_rings_ends_a_whole_sequence(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB, EVE], sequential=True, hangup_on_star=True)
    bob = await room.engine.called()
    room.engine.digit(dialling.leg, "1", "*")
    dialled = await dialling.task
    assert (dialled.status, dialled.hung_up) == ("canceled", False)
    assert room.engine.of("hangup", bob) and len(room.engine.of("originate")) == 1


@pytest.mark.parametrize("wanted", [True, False])
async def test_star_while_they_talk(room: Room, wanted: bool) -> None:
    dialling = await Dialling.begin(room, [BOB], hangup_on_star=wanted)
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    room.engine.digit(dialling.leg, "*")
    await turns()
    assert dialling.task.done() is wanted
    room.engine.end(bob)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.hung_up) == ("completed", True, False)


async def test_keys_are_passed_on(room: Room) -> None:
    """The callee may be a menu; the star that ends the dial is not for it."""
    dialling = await Dialling.begin(room, [BOB], hangup_on_star=True)
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    room.engine.digit(dialling.leg, "1")
    room.engine.digit(bob, "2", "*")
    room.engine.digit(dialling.leg, "#", "*")
    assert (await dialling.task).bridged
    sent = {leg: [one.values["digits"] for one in room.engine.of("send_digits", leg)] for leg in (bob, dialling.leg)}
    assert sent == {bob: ["1", "#"], dialling.leg: ["2", "*"]}


async def test_time_limit(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB], time_limit=60)
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    dialled = await dialling.task
    assert dialled.status == "completed" and dialled.duration in (60, 61)
    assert room.engine.of("hangup", bob)


async def test_answer_on_bridge(room: Room) -> None:
    """The caller rings until the callee answers, hears no tone of ours, and one 180 is enough."""
    dialling = await Dialling.begin(room, [BOB], answer_on_bridge=True)
    bob = await room.engine.called()
    room.engine.progress(bob)
    room.engine.progress(bob)
    await turns()
    assert [command.values["code"] for command in room.engine.of("answer", dialling.leg)] == [180]
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    assert [command.values["code"] for command in room.engine.of("answer", dialling.leg)] == [180, 200]
    assert not room.engine.of("tone")
    room.engine.end(bob)
    await dialling.task


async def test_answer_on_bridge_and_the_caller_gives_up(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB], answer_on_bridge=True)
    await room.engine.called()
    room.engine.end(dialling.leg, 487)
    assert (await dialling.task).status == "canceled"
    assert dialling.call.status is CallStatus.CANCELED


async def test_early_media_is_passed_on(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB], answer_on_bridge=True)
    bob = await room.engine.called()
    room.engine.progress(bob, 183, early=True)
    room.engine.progress(bob, 180)
    connected = await room.engine.until("connect", bob)
    await turns()
    assert connected.values["sink"] == dialling.leg
    assert [command.values["code"] for command in room.engine.of("answer", dialling.leg)] == [183]
    room.engine.end(bob, 486)
    await dialling.task


@pytest.mark.parametrize(("targets", "tone"), [([BOB], "de"), ([BOB, EVE], "")])
async def test_early_media_is_not_passed_on(room: Room, targets: list[Target], tone: str) -> None:
    """A chosen tone is played in its place; of several parties nobody's is heard."""
    dialling = await Dialling.begin(room, targets, ring_tone=tone, timeout=5)
    bob = await room.engine.called()
    room.engine.progress(bob, 183, early=True)
    assert (await dialling.task).status == "no-answer"
    assert not room.engine.of("connect")


async def test_caller_id(room: Room) -> None:
    dialling = await Dialling.begin(room, [PHONE], caller_id="+15550001000")
    command = await room.engine.until("originate")
    assert command.values["local_uri"] == "<sip:+15550001000@127.0.0.1>"
    assert (command.values["uri"], command.values["username"]) == ("sip:+15558880000@gw1.example", "user")
    assert dialling.children[0].from_ == "+15550001000"
    room.engine.end(command.node, 486)
    await dialling.task


@pytest.mark.parametrize("shown", [OTHERS_NUMBER, "+15559998888"])
async def test_caller_id_of_somebody_else(room: Room, shown: str) -> None:
    dialling = await Dialling.begin(room, [PHONE], caller_id=shown)
    assert await dialling.task == Dialled("failed")
    assert not room.engine.of("originate") and not room.engine.of("answer")
    assert ("warning", 13214) in [(kind, data.get("code")) for kind, data in room.rows.steps(dialling.call.sid)]


async def test_a_sip_party_is_shown_any_name(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB], caller_id="Front-Desk")
    command = await room.engine.until("originate")
    assert command.values["local_uri"] == "<sip:Front-Desk@127.0.0.1>"
    room.engine.end(command.node, 486)
    await dialling.task


async def test_account_with_no_room_for_a_child(rooms: Callable[..., Room]) -> None:
    room = rooms(limits={"concurrent_calls": 2})
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    further = asyncio.create_task(dial(dialling.call, DialPlan([EVE])))
    dialled = await further
    assert (dialled.status, dialled.sip_code, len(room.engine.of("originate"))) == ("failed", 503, 1)
    room.engine.end(bob, 486)
    assert (await dialling.task).status == "busy"


async def test_nobody_to_dial(room: Room) -> None:
    dialling = await Dialling.begin(room, [])
    assert await dialling.task == Dialled("failed")


async def test_number_that_no_trunk_carries(room: Room) -> None:
    dialling = await Dialling.begin(room, [NumberTarget("5551234")])
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_code, dialled.call_sid[:2]) == ("failed", 404, "CA")


async def test_cancelled_while_it_rings(room: Room) -> None:
    """A live redirect: the children end, the caller stays, no timer is left."""
    dialling = await Dialling.begin(room, [BOB, EVE])
    await room.engine.called(2)
    children = dialling.children
    dialling.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling.task
    assert [await child.ended for child in children] == [CallStatus.CANCELED] * 2
    await after(100)
    assert not dialling.call.status.final
    assert dialling.call.leg is not None and not dialling.call.leg._waiters


async def test_cancelled_while_they_talk(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    (child,) = dialling.children
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    dialling.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling.task
    assert await child.ended is CallStatus.COMPLETED
    assert not dialling.connected(dialling.leg, bob) and not dialling.call.status.final


async def test_child_taken_by_a_redirect(room: Room) -> None:
    """The child runs its own document, the caller's dial is over, and neither ends the other."""
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    (child,) = dialling.children
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    await after(3)
    await room.switchboard.redirect(child.sid, hook=Hook("http://app.example/new"), twiml=None)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged) == ("completed", True) and dialled.duration in (3, 4)
    assert not room.engine.of("hangup", bob) and not child.status.final
    assert room.sessions[-1].call is child and child.application.voice == Hook("http://app.example/new")
    await room.switchboard.redirect(child.sid, hook=None, twiml="<Response/>")
    assert room.sessions[-1].redirected == ["<Response/>"]


async def test_progress_of_a_child_is_posted(room: Room) -> None:
    events = frozenset({"initiated", "ringing", "answered", "completed"})
    callback = StatusCallback(Hook("http://app.example/child"), events)
    dialling = await Dialling.begin(room, [SipTarget("sip:bob@host.example", callback=callback)])
    bob = await room.engine.called()
    for code in (180, 183, 180):
        room.engine.progress(bob, code)
    room.engine.answer_of(bob)
    await room.engine.until("connect", bob)
    room.engine.end(bob)
    await dialling.task
    posted = room.posts.of("http://app.example/child")
    assert [one["CallStatus"] for one in posted] == ["initiated", "ringing", "in-progress", "completed"]
    assert [one["SequenceNumber"] for one in posted] == ["0", "1", "2", "3"]
    assert {one["ParentCallSid"] for one in posted} == {dialling.call.sid}
    assert {one["Direction"] for one in posted} == {"outbound-dial"}
