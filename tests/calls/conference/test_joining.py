"""One call's time in a conference (call-control reference §1.6)."""

import asyncio
from typing import Any

import pytest

from callwright.calls.call import Call
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.control import DialRecording
from callwright.calls.status import CallStatus
from callwright.errors import LegGone
from callwright.sip.leg import Ending
from tests.calls.attending import TOLD, Attendance
from tests.calls.fakes import Room
from tests.calls.jumping import timers, turns


async def test_it_answers(room: Room) -> None:
    one = await Attendance.begin(room)
    assert one.call.status is CallStatus.IN_PROGRESS
    assert room.engine.of("answer", one.leg)[0].values["code"] == 200


async def test_a_caller_who_left_before(room: Room) -> None:
    async def waiting(call: Call) -> None:
        await call.ended

    room.script = waiting
    call, leg = await room.inbound()
    room.engine.end(leg)
    await call.ended
    with pytest.raises(LegGone):
        await call.rooms.confer(ConferencePlan("room"))
    assert len(room.rooms.conferences) == 0


async def test_nothing_of_it_lives_on(room: Room) -> None:
    before = timers()
    one = await Attendance.begin(room)
    assert timers() > before
    room.engine.digit(one.leg, "*")
    await turns()
    assert not one.task.done()
    await one.leaves()
    await turns()
    assert timers() <= before and not len(room.exchange.tasks)


async def test_the_recording_of_its_dial(room: Room) -> None:
    one = await Attendance.begin(room, recording=DialRecording(dual=True), hangup_on_star=True)
    recorder = await room.engine.until("recorder")
    assert recorder.values["channels"] == 2
    room.engine.digit(one.leg, "*")
    dialled = await one.task
    assert dialled is not None and dialled.recording is not None
    row = room.rows.row("recordings", dialled.recording.sid)
    assert (row["source"], row["conference_sid"], row["call_sid"]) == ("DialVerb", None, one.call.sid)


async def test_a_recording_that_cannot_begin_keeps_nobody_out(room: Room, monkeypatch: Any) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room.engine, "recorder", refuse)
    one = await Attendance.begin(room, recording=DialRecording())
    assert one.participant.joined
    warned = [data["code"] for kind, data in room.rows.steps(one.call.sid) if kind == "warning"]
    assert warned == [12400]


@pytest.mark.parametrize(
    ("by", "fault", "reason"),
    [
        ("remote", "", "participant_hung_up"),
        ("local", "", "participant_updated_via_api"),
        ("local", "no RTP for 30 s", "participant_hung_up"),
    ],
)
async def test_why_it_is_gone(room: Room, by: str, fault: str, reason: str) -> None:
    one = await Attendance.begin(room)
    assert one.call.leg is not None
    one.call.leg.fault = fault
    room.engine.end(one.leg, by=by)
    ended = await one.call.leg.ended
    assert isinstance(ended, Ending)
    await one.task
    left = [posted for posted in room.posts.of(TOLD.url) if posted["StatusCallbackEvent"] == "participant-leave"]
    assert [posted["ReasonParticipantLeft"] for posted in left] == [reason]


async def test_two_dials_one_after_the_other(room: Room) -> None:
    one = await Attendance.begin(room, hangup_on_star=True)
    first = one.conference
    room.engine.digit(one.leg, "*")
    await one.task
    again = asyncio.create_task(one.call.rooms.confer(ConferencePlan("room")))
    await turns()
    (second,) = room.rooms.conferences
    assert second is not first
    room.engine.end(one.leg)
    await again
