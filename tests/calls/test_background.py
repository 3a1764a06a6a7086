"""Recordings that go on beside a call's verbs (call-control reference §1.9, §3.2)."""

import asyncio

import pytest

from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.control import DialPlan, DialRecording, RecordingCallback, RecordPlan
from callwright.calls.dial import dial
from callwright.errors import LegGone, MediaError, RestError
from tests.calls.dialling import BOB
from tests.calls.fakes import Room
from tests.calls.jumping import turns

HOOK = Hook("http://app.example/recorded")
PLAN = DialRecording(dual=True, callback=RecordingCallback(HOOK, frozenset({"in-progress", "completed"})))


async def answered(room: Room) -> tuple[Call, int]:
    call, leg = await room.inbound()
    await call.answer()
    return call, leg


async def over(room: Room, sid: str) -> str:
    """The final status of a recording."""
    while (status := room.rows.row("recordings", sid)["status"]) in ("in-progress", "paused", "stopped"):
        await turns(1)
    return str(status)


async def test_a_document_begins_and_ends_one(room: Room) -> None:
    call, leg = await room.inbound()
    await call.start_recording(PLAN)
    assert [one.values["code"] for one in room.engine.of("answer", leg)] == [200]
    (recording,) = call.recordings.values()
    row = room.rows.row("recordings", recording.sid)
    assert (row["source"], row["channels"], row["status"]) == ("StartCallRecordingTwiML", 2, "in-progress")
    assert room.engine.of("connect", leg) and room.engine.of("overhear", leg)
    assert call.stop_recording() and not call.recordings
    assert await over(room, recording.sid) == "completed"
    assert [one["RecordingStatus"] for one in room.posts.of(HOOK.url)] == ["in-progress", "completed"]
    assert {one["RecordingSource"] for one in room.posts.of(HOOK.url)} == {"StartCallRecordingTwiML"}
    assert not call.stop_recording()


async def test_it_ends_with_the_call(room: Room) -> None:
    call, leg = await answered(room)
    await call.start_recording(PLAN)
    (recording,) = call.recordings.values()
    room.engine.end(leg)
    assert await over(room, recording.sid) == "completed"


async def test_one_at_a_time(room: Room) -> None:
    call, _ = await answered(room)
    await call.start_recording(PLAN)
    with pytest.raises(MediaError) as second:
        await call.start_recording(PLAN)
    assert second.value.code == 16108
    with pytest.raises(RestError) as third:
        await room.switchboard.record(call.sid, PLAN)
    assert third.value.code == 16108
    call.stop_recording()
    await call.start_recording(PLAN)


async def test_a_request_begins_pauses_and_ends_one(room: Room) -> None:
    call, _ = await answered(room)
    sid = await room.switchboard.record(call.sid, PLAN)
    assert room.rows.row("recordings", sid)["source"] == "StartCallRecordingAPI"
    assert room.switchboard.recording(call.sid, "Twilio.CURRENT") == sid
    (tape,) = room.engine.of("recorder")
    steps = [("paused", False), ("in-progress", True), ("paused", True), ("in-progress", True)]
    for status, silence in steps:
        await room.switchboard.steer(call.sid, "Twilio.CURRENT", status, silence=silence)
        assert room.rows.row("recordings", sid)["status"] == status
    assert [(one.values["on"], one.values["silence"]) for one in room.engine.of("pause", tape.node)] == [
        (True, False),
        (False, True),
        (True, True),
        (False, True),
    ]
    await room.switchboard.steer(call.sid, sid, "stopped", silence=True)
    assert room.rows.row("recordings", sid)["status"] == "stopped"
    assert await over(room, sid) == "completed"
    with pytest.raises(RestError) as gone:
        await room.switchboard.steer(call.sid, sid, "paused", silence=True)
    assert gone.value.code == 21220


async def test_a_call_that_is_not_in_progress(room: Room) -> None:
    call, leg = await room.inbound()
    with pytest.raises(RestError) as ringing:
        await room.switchboard.record(call.sid, PLAN)
    assert ringing.value.code == 21220
    room.engine.end(leg, 487)
    await call.ended
    for ended in (
        room.switchboard.record(call.sid, PLAN),
        room.switchboard.steer(call.sid, "x", "paused", silence=True),
    ):
        with pytest.raises(RestError) as gone:
            await ended
        assert gone.value.code == 21220
    with pytest.raises(LegGone):
        await call.start_recording(PLAN)


async def test_stopping_a_message_ends_its_verb(room: Room) -> None:
    call, _ = await answered(room)
    recording = asyncio.create_task(call.record(RecordPlan(beep=False)))
    await room.engine.until("recorder")
    (sid,) = call.recordings
    await room.switchboard.steer(call.sid, "Twilio.CURRENT", "stopped", silence=True)
    recorded = await recording
    assert recorded is not None and (recorded.sid, recorded.digits) == (sid, "")


async def test_stopping_that_of_a_dial_leaves_the_dial(room: Room) -> None:
    call, _ = await answered(room)
    dialling = asyncio.create_task(dial(call, DialPlan([BOB], recording=DialRecording())))
    bob = await room.engine.called()
    room.engine.answer_of(bob)
    await room.engine.until("recorder")
    (sid,) = call.recordings
    await room.switchboard.steer(call.sid, sid, "stopped", silence=True)
    assert await over(room, sid) == "completed" and not dialling.done()
    room.engine.end(bob)
    recorded = (await dialling).recording
    assert recorded is not None and recorded.sid == sid
