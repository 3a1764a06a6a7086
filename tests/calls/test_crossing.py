"""Callers who are passed on to another application (call-control reference §6.6)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.call import Call
from callwright.calls.control import ApplicationTarget, Dialled, DialPlan, DialRecording, Silence, StatusCallback
from callwright.calls.dial import dial
from callwright.calls.status import CallStatus
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

SID = "AP" + "7" * 32
TARGET = ApplicationTarget(SID, (("Order", "7"),), callback=StatusCallback(Hook("http://app.example/child")))


class Scripts:
    """Runs a coroutine of the test in place of an application's documents, as the switchboard would."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.work: Callable[[Call], Awaitable[None]] = self.idle
        self.question: Callable[[Call], Awaitable[bool]] = self.accept
        self.asked: list[Hook] = []
        self.served: list[Call] = []

    async def accept(self, call: Call) -> bool:
        return True

    async def idle(self, call: Call) -> None:
        await call.answer()
        await call.ended

    async def screen(self, call: Call, hook: Hook, params: Mapping[str, str]) -> bool:
        self.asked.append(hook)
        return await self.question(call)

    async def serve(self, call: Call) -> None:
        self.served.append(call)
        self.room.script = self.work
        await self.room.switchboard.serve(call)


@pytest.fixture
def scripts(room: Room) -> Scripts:
    made = Scripts(room)
    applications = {SID: Application(voice=Hook("http://other.example/voice"))}
    object.__setattr__(room.exchange, "scripts", made)
    object.__setattr__(room.exchange, "applications", lambda _, sid: applications.get(sid))
    return made


async def crossing(
    room: Room, target: ApplicationTarget = TARGET, **plan: Any
) -> "tuple[Call, int, asyncio.Task[Dialled]]":
    async def waiting(call: Call) -> None:
        await call.ended

    room.script = waiting
    call, leg = await room.inbound()
    return call, leg, asyncio.create_task(dial(call, DialPlan([target], **plan)))


async def served(scripts: Scripts) -> Call:
    while not scripts.served:
        await turns(1)
    return scripts.served[-1]


async def test_the_application_has_the_caller_and_gives_it_back(room: Room, scripts: Scripts) -> None:
    told: dict[str, str] = {}

    async def work(child: Call) -> None:
        told.update(child.parameters())
        await child.play([Silence(3)])
        child.give_back((("Paid", "yes"),))
        await child.hangup()

    scripts.work = work
    call, leg, task = await crossing(room)
    child = await served(scripts)
    dialled = await task
    assert (told["Direction"], told["To"], told["From"]) == ("inbound", SID, call.from_)
    assert (told["ApplicationSid"], told["ParentCallSid"]) == (SID, call.sid)
    assert (told["Param_Order"], told["CustomerId"], told["CallStatus"]) == ("7", call.account.sid, "ringing")
    assert (dialled.status, dialled.call_sid, dialled.hung_up) == ("completed", child.sid, False)
    assert dialled.returned == (("Paid", "yes"),) and dialled.duration in (3, 4) and not dialled.sip
    assert child.status is CallStatus.COMPLETED
    assert not room.engine.of("hangup", leg) and not call.status.final
    (posted,) = room.posts.of("http://app.example/child")
    assert (posted["CallStatus"], posted["CallSid"]) == ("completed", child.sid)
    await call.play([Silence(1)])  # the caller is where it was


async def test_digits_reach_the_application(room: Room, scripts: Scripts) -> None:
    pressed: list[str] = []

    async def work(child: Call) -> None:
        await child.answer()
        with child.require_leg().digits(lambda digit: pressed.append(digit.key)):
            await child.ended

    scripts.work = work
    _, leg, task = await crossing(room, hangup_on_star=True)
    await served(scripts)
    await turns()
    room.engine.digit(leg, "1", "*")
    assert (await task).status == "completed"
    assert pressed == ["1", "*"]


async def test_answer_on_bridge_leaves_the_answer_to_the_application(room: Room, scripts: Scripts) -> None:
    release = asyncio.Event()

    async def work(child: Call) -> None:
        await release.wait()
        await child.answer()
        await child.hangup()

    scripts.work = work
    call, leg, task = await crossing(room, answer_on_bridge=True)
    await served(scripts)
    await turns()
    assert call.status is CallStatus.RINGING and not room.engine.of("answer", leg)
    release.set()
    assert (await task).status == "completed"
    assert [one.values["code"] for one in room.engine.of("answer", leg)] == [200]


@pytest.mark.parametrize(("reason", "status"), [("busy", "busy"), ("rejected", "no-answer")])
async def test_the_application_rejects(room: Room, scripts: Scripts, reason: str, status: str) -> None:
    async def work(child: Call) -> None:
        await child.reject(reason)

    scripts.work = work
    call, leg, task = await crossing(room)
    dialled = await task
    assert (dialled.status, dialled.bridged, dialled.duration) == (status, False, None)
    assert not room.engine.of("hangup", leg) and not call.status.final


async def test_an_application_that_never_answers(room: Room, scripts: Scripts) -> None:
    async def work(child: Call) -> None:
        await child.ended

    scripts.work = work
    _, _, task = await crossing(room, timeout=9)
    assert (await task).status == "no-answer"


async def test_the_time_limit(room: Room, scripts: Scripts) -> None:
    _, _, task = await crossing(room, time_limit=60)
    dialled = await task
    assert dialled.status == "completed" and dialled.duration in (60, 61)


async def test_the_caller_leaves(room: Room, scripts: Scripts) -> None:
    call, leg, task = await crossing(room)
    child = await served(scripts)
    await turns()
    room.engine.end(leg)
    dialled = await task
    assert (dialled.status, dialled.hung_up) == ("completed", True)
    assert await child.ended is CallStatus.COMPLETED and await call.ended is CallStatus.COMPLETED


async def test_the_caller_leaves_before_the_answer(room: Room, scripts: Scripts) -> None:
    async def work(child: Call) -> None:
        await child.ended

    scripts.work = work
    _, leg, task = await crossing(room)
    child = await served(scripts)
    room.engine.end(leg, 487)
    dialled = await task
    assert (dialled.status, dialled.hung_up) == ("canceled", True)
    assert await child.ended is CallStatus.CANCELED


async def test_a_redirect_of_the_caller_ends_the_crossing(room: Room, scripts: Scripts) -> None:
    call, leg, task = await crossing(room)
    child = await served(scripts)
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await child.ended is CallStatus.COMPLETED
    assert not room.engine.of("hangup", leg) and not call.status.final


async def test_it_is_recorded(room: Room, scripts: Scripts) -> None:
    async def work(child: Call) -> None:
        await child.play([Silence(3)])
        await child.hangup()

    scripts.work = work
    call, _, task = await crossing(room, recording=DialRecording(dual=True))
    recorded = (await task).recording
    assert recorded is not None
    assert room.rows.row("recordings", recorded.sid)["call_sid"] == call.sid


async def test_to_and_customer_as_they_were_written(room: Room, scripts: Scripts) -> None:
    call, _, task = await crossing(room, ApplicationTarget(SID, customer_id="me", copy_parent_to=True))
    told = (await served(scripts)).parameters()
    assert (told["To"], told["CustomerId"]) == (call.to, "me")
    task.cancel()
    await asyncio.wait({task})


async def test_an_application_that_is_not_there(room: Room) -> None:
    call, _, task = await crossing(room)
    assert await task == Dialled("failed")
    assert ("warning", 21420) in [(kind, data.get("code")) for kind, data in room.rows.steps(call.sid)]


async def test_applications_that_pass_a_caller_round(room: Room, scripts: Scripts) -> None:
    """A circle ends: the eleventh is refused, and each before it gets the caller back."""
    results: list[str] = []

    async def work(child: Call) -> None:
        await child.answer()
        results.append((await dial(child, DialPlan([TARGET]))).status)
        await child.hangup()

    scripts.work = work
    call, _, task = await crossing(room)
    assert (await task).status == "completed"
    assert results == ["failed", *["completed"] * 9] and len(scripts.served) == 10
    await after(1)
    assert not call.status.final


QUESTION = Hook("http://app.example/first")
ASKED = ApplicationTarget(SID, screening=QUESTION)


async def test_a_document_before_the_application(room: Room, scripts: Scripts) -> None:
    """It is heard by the caller, as the child call."""

    async def question(child: Call) -> bool:
        assert not scripts.served
        await child.play([Silence(2)])
        return True

    async def work(child: Call) -> None:
        await child.hangup()

    scripts.question, scripts.work = question, work
    call, leg, task = await crossing(room, ASKED, answer_on_bridge=True)
    dialled = await task
    assert (scripts.asked, len(scripts.served)) == ([QUESTION], 1)
    assert (dialled.status, dialled.bridged, dialled.call_sid) == ("completed", True, scripts.served[0].sid)
    assert len(room.engine.of("answer", leg)) == 1 and not call.status.final


@pytest.mark.parametrize("answered", [True, False])
async def test_a_document_that_keeps_the_caller_from_the_application(
    room: Room, scripts: Scripts, answered: bool
) -> None:
    async def question(child: Call) -> bool:
        if answered:
            await child.play([Silence(2)])
        return False

    scripts.question = question
    call, leg, task = await crossing(room, ASKED)
    dialled = await task
    assert (dialled.status, dialled.bridged, dialled.duration) == ("no-answer", False, None)
    assert not scripts.served and not room.engine.of("hangup", leg) and not call.status.final


async def test_the_caller_leaves_in_the_document_before(room: Room, scripts: Scripts) -> None:
    scripts.question = _endless
    _, leg, task = await crossing(room, ASKED)
    while not scripts.asked:
        await turns(1)
    room.engine.end(leg)
    dialled = await task
    assert (dialled.status, dialled.hung_up, scripts.served) == ("canceled", True, [])


async def test_nobody_answers_in_the_document_before(room: Room, scripts: Scripts) -> None:
    scripts.question = _endless
    _, _, task = await crossing(room, ASKED, timeout=9)
    assert ((await task).status, scripts.served) == ("no-answer", [])


async def test_a_redirect_takes_the_child_from_the_document_before(room: Room, scripts: Scripts) -> None:
    """What it is sent to runs in place of both, and then the caller is back."""

    async def question(child: Call) -> bool:
        await child.answer()
        return await _endless(child)

    scripts.question = question
    call, _, task = await crossing(room, ASKED)
    while not any(
        child.parent is call and child.status is CallStatus.IN_PROGRESS for child in room.exchange.live.values()
    ):
        await turns(1)
    (child,) = (one for one in room.exchange.live.values() if one.parent is call)
    ran: list[str] = []

    async def elsewhere(one: Call) -> None:
        ran.append(one.sid)
        await one.hangup()

    room.script = elsewhere
    await room.switchboard.redirect(child.sid, hook=Hook("http://app.example/else"), twiml=None)
    assert (await task).status == "completed"
    assert (ran, scripts.served) == ([child.sid], []) and not call.status.final


async def _endless(child: Call) -> bool:
    await asyncio.shield(child.ended)
    return False
