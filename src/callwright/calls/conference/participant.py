"""A call in a conference, or on its way into one."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING

from callwright import clock
from callwright.calls.backdrop import Backdrop, Heard
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.status import CallStatus

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.conference.participation import Participation


class ParticipantStatus(StrEnum):
    """A participant's status as the API spells it (call-control reference §3.4)."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    RINGING = "ringing"
    CONNECTED = "connected"
    COMPLETE = "complete"
    FAILED = "failed"


ON_THE_WAY = {
    CallStatus.QUEUED: ParticipantStatus.QUEUED,
    CallStatus.INITIATED: ParticipantStatus.CONNECTING,
    CallStatus.RINGING: ParticipantStatus.RINGING,
    CallStatus.IN_PROGRESS: ParticipantStatus.CONNECTED,
    CallStatus.COMPLETED: ParticipantStatus.COMPLETE,
}
"""What the status of a call that has not joined means; every other one is a failure."""


class Reason(StrEnum):
    """ReasonParticipantLeft (call-control reference §2.4)."""

    ENDED_BY_REQUEST = "conference_ended_via_api"
    MODERATOR_ENDED = "moderator_ended_conference"
    UPDATED_BY_REQUEST = "participant_updated_via_api"
    HUNG_UP = "participant_hung_up"
    ADD_FAILED = "participant_add_failed"


class Participant:
    """One call of a conference.

    Args:
        joined: whether it is in the conference, or still being called.

    Attributes:
        plan: as it came; what a request changes of it stands in the attributes beside.
        hold_sound: what is heard on hold.
        over: resolved with the reason when it has left; `None` until somebody waits for that.
        backdrop: what plays to it alone, and the task that plays it.
        participation: what is kept of it; None until it has joined.
        early: the leg whose early media the conference hears; 0 for none.
    """

    def __init__(self, call: "Call", plan: ConferencePlan, *, joined: bool) -> None:
        self.call = call
        self.plan = plan
        self.joined = joined
        self.muted, self.hold = plan.muted, False
        self.coach = plan.coach
        self.end_on_exit, self.beep_on_exit = plan.end_on_exit, plan.beep_on_exit
        self.wait: Heard = plan.wait
        self.hold_sound: Heard = Backdrop.MUSIC
        self.over: asyncio.Future[Reason] | None = None
        self.backdrop: tuple[Heard, asyncio.Task[None]] | None = None
        self.early = 0
        self.participation: Participation | None = None
        self.created = self.updated = clock.now()

    @property
    def call_sid(self) -> str:
        """CA..."""
        return self.call.sid

    @property
    def node(self) -> int:
        """Its leg in the engine; 0 before there is one."""
        return self.call.leg.node if self.call.leg is not None else 0

    @property
    def status(self) -> ParticipantStatus:
        """As the API shows it."""
        return (
            ParticipantStatus.CONNECTED if self.joined else ON_THE_WAY.get(self.call.status, ParticipantStatus.FAILED)
        )

    def parameters(self) -> dict[str, str]:
        """What each event of this participant tells (call-control reference §2.4)."""
        told = {
            "CallSid": self.call_sid,
            "Muted": _word(self.muted),
            "Hold": _word(self.hold),
            "Coaching": _word(bool(self.coach)),
            "EndConferenceOnExit": _word(self.end_on_exit),
            "StartConferenceOnEnter": _word(self.plan.start_on_enter),
        }
        if self.plan.label:
            told["ParticipantLabel"] = self.plan.label
        if self.coach:
            told["CallSidToCoach"] = self.coach
        return told


def _word(value: bool) -> str:
    return "true" if value else "false"
