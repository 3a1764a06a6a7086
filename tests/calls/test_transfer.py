"""`<Refer>`: what becomes of a caller who is asked to call somebody else (call-control reference §1.10)."""

import asyncio

import pytest

from callwright.calls.call import Call
from callwright.calls.control import ReferPlan, Referred
from callwright.calls.fences import Fences
from callwright.calls.transfer import ANSWER_S, GRACE_S, PROGRESS_S, Story
from callwright.engine import EventKind
from callwright.sip.borrowed import Borrowed
from callwright.sip.transfer import Report, Source
from tests.calls.fakes import Room
from tests.calls.jumping import turns

PLAN = ReferPlan("sip:bob@pbx.example", (("X-Order", "a b"),))


class Asking:
    """A caller who is being referred."""

    def __init__(self, room: Room, call: Call, leg: int, node: int, task: "asyncio.Task[Referred]") -> None:
        self.room, self.call, self.leg, self.node, self.task = room, call, leg, node, task

    @classmethod
    async def begin(cls, room: Room, plan: ReferPlan = PLAN) -> "Asking":
        async def waiting(call: Call) -> None:
            await call.ended

        room.script = waiting
        call, leg = await room.inbound()
        before = len(room.engine.of("refer"))
        task = asyncio.create_task(call.refer(plan))
        await room.engine.until("answer", leg)
        assert len(room.engine.of("refer")) == before, "not before the ACK"
        room.engine.answer_of(leg)
        return cls(room, call, leg, (await room.engine.until("refer", count=before + 1)).node, task)

    def hears(self, by: str, code: int = 0, *, last: bool = False) -> None:
        self.room.engine.happen(EventKind.TRANSFER, self.node, code, "", by=by, last=last)

    def codes(self) -> list[int]:
        """Of the warnings."""
        return [int(str(data["code"])) for kind, data in self.room.rows.steps(self.call.sid) if kind == "warning"]


async def test_a_caller_who_is_transferred_is_hung_up(room: Room) -> None:
    asking = await Asking.begin(room)
    (command,) = room.engine.of("refer")
    assert command.values == {
        "leg": asking.leg,
        "uri": "sip:bob@pbx.example?X-Order=a%20b",
        "headers": [("X-Order", "a b")],
    }
    asking.hears("answer", 202)
    asking.hears("notify", 180)
    await turns()
    assert room.engine.of("hangup") == []
    asking.hears("notify", 200, last=True)
    assert await asking.task == Referred("completed", 202, 200, hung_up=True)
    assert len(room.engine.of("hangup", asking.leg)) == 1
    assert asking.codes() == []


@pytest.mark.parametrize(
    ("told", "status"), [(486, "busy"), (480, "no-answer"), (603, "no-answer"), (487, "canceled"), (503, "failed")]
)
async def test_a_transfer_that_comes_to_nothing_leaves_the_caller(room: Room, told: int, status: str) -> None:
    asking = await Asking.begin(room)
    asking.hears("answer", 202)
    asking.hears("notify", told, last=True)
    assert await asking.task == Referred(status, 202, told)
    assert room.engine.of("hangup") == []
    assert asking.codes() == ([32219] if status == "failed" else [])


@pytest.mark.parametrize("code", [405, 603, 486])
async def test_a_refer_that_is_refused(room: Room, code: int) -> None:
    asking = await Asking.begin(room)
    asking.hears("answer", code, last=True)
    assert await asking.task == Referred("failed", code, 0)
    assert asking.codes() == [32218]


async def test_nobody_answers_the_refer(room: Room) -> None:
    asking = await Asking.begin(room)
    began = asyncio.get_running_loop().time()
    assert await asking.task == Referred("failed", 0, 0)
    assert ANSWER_S <= asyncio.get_running_loop().time() - began < PROGRESS_S
    assert [one.node for one in room.engine.of("forget")] == [asking.node]


async def test_no_report_comes(room: Room) -> None:
    asking = await Asking.begin(room)
    began = asyncio.get_running_loop().time()
    asking.hears("answer", 202)
    assert await asking.task == Referred("failed", 202, 0)
    assert asyncio.get_running_loop().time() - began >= PROGRESS_S
    assert asking.codes() == [32219]


async def test_a_phone_that_says_it_will_not_report(room: Room) -> None:
    asking = await Asking.begin(room)
    asking.hears("answer", 202)
    asking.hears("silent", last=True)
    assert await asking.task == Referred("completed", 202, 0, hung_up=True)


async def test_the_caller_leaves_before_an_answer(room: Room) -> None:
    asking = await Asking.begin(room)
    room.engine.end(asking.leg)
    assert await asking.task == Referred("canceled", 0, 0, hung_up=True)


async def test_a_phone_that_hangs_up_when_it_has_been_asked(room: Room) -> None:
    """Its report may follow its BYE, for a moment."""
    asking = await Asking.begin(room)
    asking.hears("answer", 202)
    asking.hears("notify", 100)
    room.engine.end(asking.leg)
    await turns()
    asking.hears("notify", 200, last=True)
    assert await asking.task == Referred("completed", 202, 200, hung_up=True)
    silent = await Asking.begin(room)
    silent.hears("answer", 202)
    await turns()
    room.engine.end(silent.leg)
    began = asyncio.get_running_loop().time()
    assert await silent.task == Referred("in-progress", 202, 0, hung_up=True)
    assert asyncio.get_running_loop().time() - began < GRACE_S + 5


async def test_a_redirect_stops_the_waiting(room: Room) -> None:
    asking = await Asking.begin(room)
    asking.task.cancel()
    await asyncio.wait({asking.task})
    assert [one.node for one in room.engine.of("forget")] == [asking.node]
    assert not asking.call.status.final


async def test_the_caller_leaves_before_he_can_be_asked(room: Room) -> None:
    async def waiting(call: Call) -> None:
        await call.ended

    room.script = waiting
    call, leg = await room.inbound()
    task = asyncio.create_task(call.refer(PLAN))
    await room.engine.until("answer", leg)
    room.engine.end(leg)
    assert await task == Referred("canceled", hung_up=True)
    assert room.engine.of("refer") == []


async def test_a_uri_that_cannot_be_sent(room: Room) -> None:
    async def waiting(call: Call) -> None:
        await call.ended

    room.script = waiting
    call, leg = await room.inbound()
    task = asyncio.create_task(call.refer(ReferPlan("bob")))
    await room.engine.until("answer", leg)
    room.engine.answer_of(leg)
    assert await task == Referred("failed")
    assert ("warning", 32219) in [(kind, data.get("code")) for kind, data in room.rows.steps(call.sid)]


async def test_a_leg_on_loan_is_given_up_whole(room: Room) -> None:
    """The caller has been transferred: whoever lent its leg loses it as well."""
    lender, leg = await room.inbound()
    await lender.answer()
    room.engine.answer_of(leg)
    await turns()
    owner = lender.require_leg()
    child = lender.child("AP", caller_id="", callback=None)
    borrowed = Borrowed(owner, lender.accept)
    child.borrow(borrowed)
    task = asyncio.create_task(child.refer(PLAN))
    node = (await room.engine.until("refer")).node
    room.engine.happen(EventKind.TRANSFER, node, 202, "", by="answer", last=False)
    room.engine.happen(EventKind.TRANSFER, node, 200, "", by="notify", last=True)
    assert (await task).hung_up
    assert owner.gone and borrowed.gone


def test_a_report_that_overtakes_the_answer() -> None:
    story = Story()
    story.hear(Report(Source.NOTIFY, 100, "", False))
    assert (story.answer, story.told, story.status(gone=False)) == (202, 100, "failed")
    story.hear(Report(Source.END, 0, "", True))
    assert story.status(gone=True) == "in-progress"


async def test_nobody_is_sent_where_the_account_may_not_call(room: Room) -> None:
    """A transfer is a way out like any other (promise S8): the phone is not even asked, nor is the call answered."""
    fences = Fences(permits=lambda account, number: not number.startswith("+88"))
    object.__setattr__(room.exchange, "fences", fences)

    async def waiting(call: Call) -> None:
        await call.ended

    room.script = waiting
    call, _ = await room.inbound()
    referred = await call.refer(ReferPlan("sip:+88213000000@carrier.example"))
    assert (referred.status, referred.hung_up) == ("failed", False)
    assert room.engine.of("refer") == [] == room.engine.of("answer") and fences.denied == 1
    assert [data["code"] for kind, data in room.rows.steps(call.sid) if kind == "warning"] == [13227]
