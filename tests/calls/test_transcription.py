"""What recordings say (call-control reference §1.5, §3.3), with a recogniser that understands what the test says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from callwright import ids
from callwright.calls import transcription
from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.control import Recorded, RecordPlan
from callwright.calls.record import record
from callwright.calls.transcription import Transcription, post_lost
from callwright.errors import MediaError
from callwright.media.speech.recognition import Heard, Listening
from tests.calls.fakes import ACCOUNT_SID, Posts, Room
from tests.calls.jumping import turns

HOOK = Hook("http://app.example/text")


TWO = [b"technical support", b"operator"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting a recording takes longer than the clock of these tests waits for a thread before it jumps."""

    def cut(path: Path) -> tuple[list[bytes], int]:
        if not path.exists():
            raise FileNotFoundError(path)
        return TWO, 8000

    monkeypatch.setattr(transcription, "utterances", cut)


async def recorded(room: Room, seconds: int = 5) -> tuple[Call, Recorded]:
    """A call, and a recording of it with two utterances."""
    call, _ = await room.inbound()
    sid = ids.new(ids.RECORDING)
    path = room.exchange.recordings.path(call.account.sid, sid)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return call, Recorded(sid, f"https://pbx.example/{sid}", seconds)


def row(room: Room, sid: str) -> dict[str, Any]:
    return room.rows.row("transcriptions", sid)


def warnings(room: Room, call: Call) -> list[object]:
    return [data["message"] for kind, data in room.rows.steps(call.sid) if kind == "warning"]


async def test_its_utterances_are_one_text(room: Room) -> None:
    room.recognition.answers = [Heard("technical support", 0.8), Heard("operator", 0.9)]
    call, made = await recorded(room)
    work = Transcription(call, made, HOOK)
    assert (row(room, work.sid)["status"], row(room, work.sid)["recording_sid"]) == ("in-progress", made.sid)
    await work.run()
    done = row(room, work.sid)
    assert (done["status"], done["text"], done["duration"]) == ("completed", "technical support operator", 5)
    assert [(hearing.samples, hearing.rate, hearing.closed) for hearing in room.recognition.hearings] == [
        (said, 8000, True) for said in TWO
    ]
    assert room.recognition.hearings[0].listening == Listening()
    (told,) = room.posts.of(HOOK.url)
    expected = {
        "TranscriptionSid": work.sid,
        "TranscriptionText": "technical support operator",
        "TranscriptionStatus": "completed",
        "TranscriptionType": "fast",
        "TranscriptionUrl": f"{made.url}/Transcriptions/{work.sid}",
        "RecordingSid": made.sid,
        "RecordingUrl": made.url,
        "CallSid": call.sid,
        "CallStatus": "in-progress",
    }
    assert expected.items() <= told.items()


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([Heard(), Heard()], "nothing was understood"),
        ([MediaError("the recogniser's process has ended", code=13340)], "process has ended"),
    ],
)
async def test_what_nobody_understands_has_failed(room: Room, answers: list[Heard | MediaError], why: str) -> None:
    room.recognition.answers = answers
    call, made = await recorded(room)
    work = Transcription(call, made, HOOK)
    await work.run()
    assert (row(room, work.sid)["status"], row(room, work.sid)["text"]) == ("failed", "")
    assert any(why in str(message) for message in warnings(room, call))
    assert [told["TranscriptionStatus"] for told in room.posts.of(HOOK.url)] == ["failed"]


@pytest.mark.parametrize("seconds", [1, 121])
async def test_too_short_and_too_long(room: Room, seconds: int) -> None:
    call, made = await recorded(room, seconds)
    work = Transcription(call, made, None)
    await work.run()
    assert row(room, work.sid)["status"] == "failed"
    assert room.recognition.hearings == [] and room.posts.all == []


async def test_a_recording_that_is_gone(room: Room) -> None:
    call, made = await recorded(room)
    room.exchange.recordings.path(call.account.sid, made.sid).unlink()
    work = Transcription(call, made, HOOK)
    await work.run()
    assert row(room, work.sid)["status"] == "failed"
    assert "cannot be read" in str(warnings(room, call)[0])


async def test_one_after_the_other(room: Room) -> None:
    """Callers who speak now are not kept from the recogniser by many recordings."""
    room.recognition.held = asyncio.Event()
    room.recognition.answers = [Heard("one", 0.9)] * 4
    call, made = await recorded(room)
    for _ in range(2):
        transcription.begin(call, made, HOOK)
    while not room.recognition.hearings:
        await turns(1)
    await turns()
    assert len(room.recognition.hearings) == 1
    room.recognition.held.set()
    await room.exchange.tasks.settle(10)
    assert len(room.recognition.hearings) == 4
    assert [told["TranscriptionStatus"] for told in room.posts.of(HOOK.url)] == ["completed"] * 2


async def test_too_many_wait(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcription, "MOST_WAITING", 0)
    call, made = await recorded(room)
    await Transcription(call, made, None).run()
    assert "others wait" in str(warnings(room, call)[0])


async def test_one_that_is_cut_off_has_failed(room: Room) -> None:
    """The daemon ends: whoever asked is told."""
    room.recognition.held = asyncio.Event()
    call, made = await recorded(room)
    work = Transcription(call, made, HOOK)
    task = asyncio.create_task(work.run())
    while not room.recognition.hearings:
        await turns(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert row(room, work.sid)["status"] == "failed"
    assert [told["TranscriptionStatus"] for told in room.posts.of(HOOK.url)] == ["failed"]


async def test_record_begins_it(room: Room) -> None:
    room.recognition.answers = [Heard("operator", 0.9)] * 2
    call, leg = await room.inbound()
    plan = RecordPlan(beep=False, trim=False, transcribe=True, transcribe_callback=HOOK)
    task = asyncio.create_task(record(call, plan))
    await room.engine.until("recorder")
    room.engine.digit(leg, "#")
    made = await task
    assert made is not None
    await room.exchange.tasks.settle(10)
    (told,) = room.posts.of(HOOK.url)
    assert (told["RecordingSid"], told["TranscriptionText"]) == (made.sid, "operator operator")


async def test_record_that_is_cut_short_begins_it(room: Room) -> None:
    """A redirect ends the instruction; what was recorded until then is kept, and written down."""
    room.recognition.answers = [Heard("operator", 0.9)] * 2
    call, _ = await room.inbound()
    plan = RecordPlan(beep=False, trim=False, transcribe=True, transcribe_callback=HOOK)
    task = asyncio.create_task(record(call, plan))
    await room.engine.until("recorder")
    task.cancel()
    await asyncio.wait({task})
    await room.exchange.tasks.settle(10)
    assert task.cancelled()
    assert [told["TranscriptionStatus"] for told in room.posts.of(HOOK.url)] == ["completed"]


async def test_record_of_nothing_begins_none(room: Room) -> None:
    room.engine.voiced = (5000, 0)
    call, _ = await room.inbound()
    task = asyncio.create_task(record(call, RecordPlan(beep=False, transcribe=True)))
    room.engine.limit((await room.engine.until("recorder")).node)
    assert await task is None
    assert "transcriptions" not in room.rows.tables


def test_what_a_crash_cut_off_is_told(room: Room) -> None:
    posts = Posts()
    wanted = {
        "url": HOOK.url,
        "method": "POST",
        "params": {"CallSid": "CA1", "RecordingUrl": "https://pbx.example/RE1"},
    }
    facts = {"sid": "TR1", "account_sid": ACCOUNT_SID, "recording_sid": "RE1", "call_sid": "CA1", "text": None}
    rows = [{**facts, "status": "failed", "callback": callback} for callback in (wanted, None)]
    post_lost(rows, room.accounts, posts)
    (told,) = posts.of(HOOK.url)
    assert (told["TranscriptionStatus"], told["TranscriptionText"], told["CallSid"]) == ("failed", "", "CA1")
    assert told["TranscriptionUrl"] == "https://pbx.example/RE1/Transcriptions/TR1"
