from typing import Any

import pytest

from callwright.calls.backdrop import Backdrop
from callwright.calls.conference.participant import Participant
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.status import CallStatus
from tests.calls.fakes import Room

STATUSES = {
    CallStatus.QUEUED: "queued",
    CallStatus.INITIATED: "connecting",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "connected",
    CallStatus.COMPLETED: "complete",
    CallStatus.BUSY: "failed",
    CallStatus.FAILED: "failed",
    CallStatus.NO_ANSWER: "failed",
    CallStatus.CANCELED: "failed",
}


@pytest.mark.parametrize("status", list(CallStatus))
async def test_what_the_status_of_its_call_means(room: Room, status: CallStatus, monkeypatch: Any) -> None:
    call, _ = await room.inbound()
    monkeypatch.setattr(type(call), "status", status)
    assert str(Participant(call, ConferencePlan("room"), joined=False).status) == STATUSES[status]
    assert str(Participant(call, ConferencePlan("room"), joined=True).status) == "connected"
    monkeypatch.undo()


async def test_what_its_events_tell(room: Room) -> None:
    call, leg = await room.inbound()
    one = Participant(call, ConferencePlan("room", end_on_exit=True), joined=True)
    usual = {
        "CallSid": call.sid,
        "Muted": "false",
        "Hold": "false",
        "Coaching": "false",
        "EndConferenceOnExit": "true",
        "StartConferenceOnEnter": "true",
    }
    assert one.parameters() == usual and one.node == leg
    plan = ConferencePlan("room", label="boss", coach="CA1", muted=True, start_on_enter=False)
    other = Participant(call, plan, joined=True)
    other.hold = True
    assert other.parameters() == {
        "CallSid": call.sid,
        "Muted": "true",
        "Hold": "true",
        "Coaching": "true",
        "CallSidToCoach": "CA1",
        "EndConferenceOnExit": "false",
        "StartConferenceOnEnter": "false",
        "ParticipantLabel": "boss",
    }


async def test_what_it_hears_when_nobody_says(room: Room) -> None:
    call, _ = await room.inbound()
    one = Participant(call, ConferencePlan("room"), joined=True)
    assert (one.wait, one.hold_sound) == (Backdrop.MUSIC, Backdrop.MUSIC)
