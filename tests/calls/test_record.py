"""Recording a message (call-control reference §1.5)."""

import asyncio
from pathlib import Path

import pytest

from callwright.calls.control import Recorded, RecordPlan
from callwright.calls.record import record
from callwright.engine import EventKind
from callwright.errors import LegGone, MediaError
from tests.calls.fakes import Room
from tests.calls.jumping import turns


async def begun(room: Room, **plan: object) -> "tuple[asyncio.Task[Recorded | None], int, int]":
    """A recording under way: the task, the leg and the tape."""
    call, leg = await room.inbound()
    plain = RecordPlan(**({"beep": False, "trim": False} | plan))  # type: ignore[arg-type]  # keys of the plan
    task = asyncio.create_task(record(call, plain))
    tape = await room.engine.until("recorder")
    return task, leg, tape.node


async def test_key_ends_it(room: Room) -> None:
    task, leg, _ = await begun(room, finish_on="#")
    room.engine.digit(leg, "1", "#")
    recorded = await task
    assert recorded is not None and (recorded.digits, recorded.duration) == ("#", 2)


@pytest.mark.parametrize("kind", [EventKind.SILENCE, EventKind.LIMIT])
async def test_limit_ends_it(room: Room, kind: EventKind) -> None:
    task, _, tape = await begun(room, timeout=3, max_length=60)
    values = room.engine.of("recorder")[0].values
    assert (values["silence"], values["max_duration"]) == (3, 60)
    room.engine.limit(tape, kind)
    recorded = await task
    assert recorded is not None and recorded.digits == ""


async def test_hang_up_ends_it(room: Room) -> None:
    task, leg, _ = await begun(room)
    room.engine.end(leg)
    recorded = await task
    assert recorded is not None and recorded.digits == "hangup"


async def test_nothing_but_silence(room: Room) -> None:
    room.engine.voiced = (5000, 0)
    task, _, tape = await begun(room)
    room.engine.limit(tape)
    assert await task is None


async def test_beep_comes_first(room: Room) -> None:
    call, leg = await room.inbound()
    task = asyncio.create_task(record(call, RecordPlan()))
    beep = await room.engine.until("tone")
    await turns()
    assert not room.engine.of("recorder")
    room.engine.played(beep.node)
    await room.engine.until("recorder")
    room.engine.digit(leg, "5")
    assert await task is not None


async def test_hang_up_during_the_beep(room: Room) -> None:
    call, leg = await room.inbound()
    task = asyncio.create_task(record(call, RecordPlan()))
    await room.engine.until("tone")
    room.engine.end(leg)
    with pytest.raises(LegGone):
        await task
    assert not room.rows.tables["recordings"]


async def test_cancelled_keeps_what_was_said(room: Room) -> None:
    """A live redirect: the message is complete all the same."""
    task, _, _ = await begun(room)
    task.cancel()
    await asyncio.wait({task})
    await room.exchange.tasks.settle(0.5)
    (row,) = room.rows.tables["recordings"].values()
    assert (task.cancelled(), row["status"]) == (True, "completed")


async def test_file_that_cannot_be_created(room: Room, tmp_path: Path) -> None:
    (tmp_path / room.account.sid).write_text("in the way")
    call, _ = await room.inbound()
    with pytest.raises(MediaError):
        await record(call, RecordPlan(beep=False))
    await turns()
    assert call.leg is not None and not call.leg._waiters
