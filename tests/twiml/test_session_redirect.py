"""Live redirects: a session leaves whatever it does at once for another document."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import (
    DialPlan,
    GatherPlan,
    NumberTarget,
    Recorded,
    RecordPlan,
    SpeechPlan,
)
from callwright.calls.status import CallStatus
from tests.twiml.playbook import (
    VOICE,
    Block,
    Playbook,
    Step,
    fetch,
    op,
    sound,
    speech,
    twiml,
)

MENU = Hook("http://app.example/m")
ANSWERED = CallStatus.IN_PROGRESS
NUMBER = DialPlan(targets=(NumberTarget("+15550003333"),))
SPOKEN = GatherPlan(keys=False, speech=SpeechPlan())
BUSY = [
    ("<Say>Hello</Say>", speech("Hello")),
    ("<Play>/a.wav</Play>", sound("http://app.example/a.wav")),
    ("<Pause length='9'/>", op("pause", 9)),
    ("<Gather action='/m' actionOnEmptyResult='true'/>", op("gather", GatherPlan())),
    ("<Record action='/m'/>", op("record", RecordPlan())),
    ("<Dial action='/m'>+15550003333</Dial>", op("dial", NUMBER)),
    ("<Gather input='speech' action='/m'/>", op("gather", SPOKEN)),
]
NEW = Hook("http://app.example/new")


@asynccontextmanager
async def running(book: Playbook, block: Block) -> AsyncIterator[None]:
    """The session in its own task, once the operation that never ends has begun; over at the end."""
    task = asyncio.create_task(book.session.run())
    await asyncio.wait_for(block.wait(), 10)
    yield
    await asyncio.wait_for(task, 10)
    book.finish()


class TestLiveRedirect:
    """Another document from outside, at any time."""

    @pytest.mark.parametrize(("verb", "step"), BUSY, ids=[verb[1:25] for verb, _ in BUSY])
    async def test_every_verb_is_left_at_once(self, verb: str, step: Step) -> None:
        block = Block()
        book = Playbook(
            fetch(VOICE) >> twiml(f"{verb}<Say>Unreachable</Say>"),
            Step(step.name, step.value) >> block,
            fetch(NEW) >> twiml("<Say>New</Say>"),
            speech("New"),
            op("hangup"),
        )
        async with running(book, block):
            assert book.session.redirect(NEW)
        assert book.cancelled == [step.name]

    async def test_with_a_text(self) -> None:
        block = Block()
        book = Playbook(
            fetch(VOICE) >> twiml("<Pause/>"), op("pause", 1) >> block, speech("New"), op("hangup"), status=ANSWERED
        )
        async with running(book, block):
            assert book.session.redirect("<Response><Say>New</Say></Response>")

    async def test_during_the_first_fetch(self) -> None:
        block = Block()
        book = Playbook(fetch(VOICE) >> block, fetch(NEW) >> twiml("<Reject/>"), op("reject", "rejected"))
        async with running(book, block):
            assert book.session.redirect(NEW)
        assert book.cancelled == ["fetch"]

    async def test_the_last_of_several_counts(self) -> None:
        block = Block()
        book = Playbook(
            fetch(VOICE) >> twiml("<Pause/>"), op("pause", 1) >> block, fetch(NEW) >> twiml(""), op("hangup")
        )
        async with running(book, block):
            assert book.session.redirect(MENU)
            assert book.session.redirect(NEW)

    async def test_one_after_the_other(self) -> None:
        first, second = Block(), Block()
        book = Playbook(
            fetch(VOICE) >> twiml("<Pause/>"),
            op("pause", 1) >> first,
            fetch(MENU) >> twiml("<Pause length='2'/>"),
            op("pause", 2) >> second,
            fetch(NEW) >> twiml(""),
            op("hangup"),
        )
        async with running(book, first):
            assert book.session.redirect(MENU)
            await asyncio.wait_for(second.wait(), 10)
            assert book.session.redirect(NEW)

    async def test_not_while_the_call_is_hung_up(self) -> None:
        block = Block()
        book = Playbook(fetch(VOICE) >> twiml(""), op("hangup") >> block)
        task = asyncio.create_task(book.session.run())
        await asyncio.wait_for(block.wait(), 10)
        assert not book.session.redirect(NEW)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()

    async def test_not_after_the_end(self) -> None:
        book = Playbook(fetch(VOICE) >> twiml(""), op("hangup"))
        await book.play_out()
        assert not book.session.redirect(NEW)

    async def test_not_once_the_caller_has_left(self) -> None:
        block = Block()
        book = Playbook(
            fetch(VOICE) >> twiml("<Record action='/m'/>"),
            (op("record", RecordPlan()) >> Recorded("RE1", "http://api.example/RE1", 1, "hangup")).then(
                CallStatus.COMPLETED
            ),
            fetch(
                MENU, RecordingUrl="http://api.example/RE1", RecordingDuration="1", RecordingSid="RE1", Digits="hangup"
            )
            >> block,
        )
        task = asyncio.create_task(book.session.run())
        await asyncio.wait_for(block.wait(), 10)
        assert not book.session.redirect(NEW)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()

    async def test_before_the_session_runs(self) -> None:
        book = Playbook(fetch(NEW) >> twiml(""), op("hangup"))
        assert book.session.redirect(NEW)
        await book.play_out()
