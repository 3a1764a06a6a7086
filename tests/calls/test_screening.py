"""Callees who are asked before they are connected (call-control reference §1.6, §12, 7)."""

import asyncio
from collections.abc import Mapping

import pytest

from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.control import ClientTarget, NumberTarget, SipTarget, StatusCallback, Target
from callwright.calls.status import CallStatus
from tests.calls.dialling import Dialling
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

WHISPER = Hook("http://app.example/w")
BOB, EVE = (SipTarget(f"sip:{name}@host.example", screening=WHISPER) for name in ("bob", "eve"))
ZOE = SipTarget("sip:zoe@host.example")


class Scripts:
    """Answers of callees: each screening waits for its own."""

    def __init__(self) -> None:
        self.asked: list[tuple[Call, dict[str, str]]] = []
        self.verdicts: list[asyncio.Future[bool]] = []

    async def screen(self, call: Call, hook: Hook, params: Mapping[str, str]) -> bool:
        assert hook == WHISPER
        self.asked.append((call, dict(params)))
        self.verdicts.append(call.require_leg().waiter())
        return await self.verdicts[-1]

    async def serve(self, call: Call) -> None:
        raise AssertionError("no application is dialled here")


@pytest.fixture
def scripts(room: Room) -> Scripts:
    made = Scripts()
    object.__setattr__(room.exchange, "scripts", made)
    return made


async def asked(scripts: Scripts, count: int = 1) -> "asyncio.Future[bool]":
    """The n-th question, once it has been put."""
    while len(scripts.verdicts) < count:
        await turns(1)
    return scripts.verdicts[count - 1]


async def test_who_accepts_is_connected(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    tone = await room.engine.until("tone")
    room.engine.answer_of(bob, ("X-Desk", "7"), ("Server", "x"))
    verdict = await asked(scripts)
    await turns()
    assert not room.engine.of("connect") and not room.engine.of("stop", tone.node)
    assert scripts.asked[0][1] == {"SipCallId": f"call-{bob}", "SipHeader_X-Desk": "7"}
    verdict.set_result(True)
    await room.engine.until("connect", bob)
    room.engine.end(bob)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged) == ("completed", True)


async def test_who_refuses_is_not_connected(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    (child,) = dialling.children
    room.engine.answer_of(bob)
    (await asked(scripts)).set_result(False)
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.duration, dialled.hung_up) == ("no-answer", False, None, False)
    assert dialled.call_sid == child.sid and await child.ended is CallStatus.COMPLETED
    assert room.engine.of("hangup", bob) and not room.engine.of("connect")


async def test_who_leaves_while_asked_is_not_connected(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await asked(scripts)
    room.engine.end(bob)
    assert (await dialling.task).status == "no-answer"
    assert not room.engine.of("connect")


async def test_who_leaves_at_once_is_not_asked(room: Room, scripts: Scripts, caplog: pytest.LogCaptureFixture) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    room.engine.end(bob)
    assert (await dialling.task).status == "no-answer"
    assert not scripts.asked and "failed" not in caplog.text


async def test_who_leaves_while_the_application_thinks_is_not_waited_for(room: Room, scripts: Scripts) -> None:
    thinking: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def screen(call: Call, hook: Hook, params: Mapping[str, str]) -> bool:
        scripts.asked.append((call, dict(params)))
        return await thinking

    object.__setattr__(scripts, "screen", screen)
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    while not scripts.asked:
        await turns(1)
    room.engine.end(bob)
    assert (await dialling.task).status == "no-answer"
    assert thinking.cancelled()


async def test_the_next_party_of_a_sequence_is_tried(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB, ZOE], sequential=True)
    room.engine.answer_of(await room.engine.called(1))
    (await asked(scripts)).set_result(False)
    zoe = await room.engine.called(2)
    room.engine.answer_of(zoe)
    await room.engine.until("connect", zoe)
    room.engine.end(zoe)
    dialled = await dialling.task
    assert (dialled.status, dialled.sip_call_id) == ("completed", f"call-{zoe}")


async def test_the_others_ring_on_until_one_accepts(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB, EVE])
    bob, eve = await room.engine.called(1), await room.engine.called(2)
    bobs, eves = dialling.children
    room.engine.answer_of(bob)
    await asked(scripts)
    room.engine.answer_of(eve)
    (await asked(scripts, 2)).set_result(True)
    await room.engine.until("connect", eve)
    assert await bobs.ended is CallStatus.COMPLETED and not eves.status.final
    assert room.engine.of("hangup", bob)
    room.engine.end(eve)
    assert (await dialling.task).call_sid == eves.sid


async def test_time_to_answer_does_not_cut_off_who_is_asked(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB, ZOE], timeout=10)
    bob, zoe = await room.engine.called(1), await room.engine.called(2)
    zoes = dialling.children[1]
    room.engine.answer_of(bob)
    verdict = await asked(scripts)
    await after(15)
    assert await zoes.ended is CallStatus.NO_ANSWER and room.engine.of("hangup", zoe)
    verdict.set_result(True)
    await room.engine.until("connect", bob)
    room.engine.end(bob)
    assert (await dialling.task).status == "completed"


async def test_a_caller_who_leaves_ends_the_question(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await asked(scripts)
    room.engine.end(dialling.leg)
    dialled = await dialling.task
    assert (dialled.status, dialled.hung_up) == ("canceled", True)
    assert room.engine.of("hangup", bob)


async def test_a_star_ends_the_question(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB, ZOE], hangup_on_star=True)
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await asked(scripts)
    room.engine.digit(dialling.leg, "*")
    assert (await dialling.task).status == "canceled"
    assert room.engine.of("hangup", bob)


async def test_busy_counts_before_a_refusal(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [BOB, ZOE])
    room.engine.answer_of(await room.engine.called(1))
    (await asked(scripts)).set_result(False)
    room.engine.end(await room.engine.called(2), 486)
    assert (await dialling.task).status == "busy"


async def test_keys_go_out_before_the_question(room: Room, scripts: Scripts) -> None:
    dialling = await Dialling.begin(room, [NumberTarget("+15558880000", "12", screening=WHISPER)])
    callee = await room.engine.called()
    room.engine.answer_of(callee)
    await room.engine.until("send_digits", callee)
    assert not scripts.asked
    (await asked(scripts)).set_result(True)
    await room.engine.until("connect", callee)
    assert scripts.asked[0][1] == {} and len(room.engine.of("send_digits", callee)) == 1
    room.engine.end(callee)
    await dialling.task


async def test_a_callee_taken_by_a_redirect_while_asked(room: Room, scripts: Scripts) -> None:
    """It runs its own document; the dial goes on without it."""
    dialling = await Dialling.begin(room, [BOB])
    bob = await room.engine.called()
    (child,) = dialling.children
    room.engine.answer_of(bob)
    await asked(scripts)
    await room.switchboard.redirect(child.sid, hook=Hook("http://app.example/new"), twiml=None)
    assert (await dialling.task).status == "no-answer"
    assert not room.engine.of("hangup", bob) and not child.status.final
    assert room.sessions[-1].call is child


async def test_without_scripts_nobody_is_connected_unasked(room: Room) -> None:
    dialling = await Dialling.begin(room, [BOB])
    room.engine.answer_of(await room.engine.called())
    assert (await dialling.task).status == "no-answer"


async def test_a_client_that_is_not_registered(room: Room) -> None:
    """§12, 9: no answer, at once; its callback is posted all the same."""
    target: Target = ClientTarget("bob", callback=StatusCallback(Hook("http://app.example/child")))
    dialling = await Dialling.begin(room, [target])
    dialled = await dialling.task
    assert (dialled.status, dialled.bridged, dialled.sip) == ("no-answer", False, False)
    (posted,) = room.posts.of("http://app.example/child")
    assert (posted["To"], posted["CallStatus"], posted["SipResponseCode"]) == ("client:bob", "no-answer", "480")
    steps = room.rows.steps(dialled.call_sid)
    assert ("warning", 32009) in [(kind, data.get("code")) for kind, data in steps]
