"""The states of a call and the transitions between them (call-control reference §2.1, §2.2, §7.4)."""

from enum import StrEnum

from callwright.errors import Outcome


class CallStatus(StrEnum):
    """CallStatus as the API and the webhooks spell it."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in FINAL


class Direction(StrEnum):
    """Direction as the API and the webhooks spell it."""

    INBOUND = "inbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_DIAL = "outbound-dial"
    TRUNKING_ORIGINATING = "trunking-originating"
    TRUNKING_TERMINATING = "trunking-terminating"

    @property
    def inward(self) -> bool:
        """Whether it began with an INVITE to us."""
        return self in INWARD

    @property
    def called(self) -> bool:
        """Whether its From is who calls somebody of ours, which a call that it is passed on by may show again."""
        return self in (Direction.INBOUND, Direction.TRUNKING_ORIGINATING)


INWARD = frozenset({Direction.INBOUND, Direction.TRUNKING_ORIGINATING, Direction.TRUNKING_TERMINATING})
"""Directions of calls that began with an INVITE to us."""

FINAL = frozenset({CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED})

TRANSITIONS: dict[CallStatus, frozenset[CallStatus]] = {
    CallStatus.QUEUED: frozenset({CallStatus.INITIATED, *(FINAL - {CallStatus.COMPLETED})}),
    CallStatus.INITIATED: frozenset({CallStatus.RINGING, CallStatus.IN_PROGRESS, *(FINAL - {CallStatus.COMPLETED})}),
    CallStatus.RINGING: frozenset({CallStatus.IN_PROGRESS, *(FINAL - {CallStatus.COMPLETED})}),
    CallStatus.IN_PROGRESS: frozenset({CallStatus.COMPLETED}),
    **{status: frozenset() for status in FINAL},
}


def status_for_sip(code: int, *, rang: bool) -> CallStatus:
    """The final status that a SIP final response means for a call that was never answered.

    Args:
        code: 300..699.
        rang: whether a 18x came before (a 408 after ringing is no-answer, before it a failure).
    """
    if code in (486, 600):
        return CallStatus.BUSY
    if code in (430, 480, 487, 603) or (code == 408 and rang):
        return CallStatus.NO_ANSWER
    return CallStatus.FAILED


def outcome_of(status: CallStatus, code: int) -> Outcome:
    """The outcome that a call is counted under."""
    if status is CallStatus.COMPLETED:
        return Outcome.SUCCESS
    if status is CallStatus.FAILED and code >= 500:
        return Outcome.UPSTREAM_ERROR
    return Outcome.CLIENT_ERROR
