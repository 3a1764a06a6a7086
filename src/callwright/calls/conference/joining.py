"""A call in a conference, from its entrance to its leaving (call-control reference §1.6)."""

import asyncio
from typing import TYPE_CHECKING

from callwright.calls.conference.participant import Reason
from callwright.calls.conference.plan import LABEL_IN_USE, ConferencePlan
from callwright.calls.control import Dialled, Recorded
from callwright.calls.recording import Recording
from callwright.errors import LegGone, MediaError, RoomError
from callwright.sip.leg import Digit, Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call


async def confer(call: "Call", plan: ConferencePlan) -> Dialled | None:
    """Takes part until the call leaves, is removed, or the conference ends. Cancelling it leaves at once.

    Returns:
        None when its label was in use: the instruction counts as not given.

    Raises:
        LegGone: the caller had left before.
    """
    await call.answer()
    leg = call.require_leg()
    over: asyncio.Future[Reason] = leg.waiter()
    try:
        conference, participant = call.exchange.rooms.conferences.join(call, plan)
    except RoomError as error:
        over.cancel()
        call.note("warning", code=error.code, message=f"<Conference>: {error.message}")
        return None if error.code == LABEL_IN_USE else Dialled("failed")
    participant.over = over
    recording = _record(call, leg, plan)
    reason = Reason.UPDATED_BY_REQUEST
    timer = call.exchange.endpoint.loop.call_later(participant.plan.time_limit, _settle, over)
    try:
        with leg.digits(lambda digit: _on_star(digit, plan, over)):
            reason = await over
    except LegGone:
        reason = _reason_of(leg)
    finally:
        timer.cancel()
        over.cancel()
        conference.remove(participant, reason)
        finished = recording.finish(voice_needed=False) if recording is not None else None
    recorded: Recorded | None = await asyncio.shield(finished) if finished is not None else None
    return Dialled("completed" if leg.gone else "answered", bridged=True, recording=recorded, hung_up=leg.gone)


def _reason_of(leg: Leg) -> Reason:
    """Why a participant is gone whose leg has ended: we ended it, or it did itself."""
    ours = leg.ended.result().by == "local" and not leg.fault
    return Reason.UPDATED_BY_REQUEST if ours else Reason.HUNG_UP


def _on_star(digit: Digit, plan: ConferencePlan, over: "asyncio.Future[Reason]") -> None:
    if digit.key == "*" and plan.hangup_on_star:
        _settle(over)


def _settle(over: "asyncio.Future[Reason]") -> None:
    if not over.done():
        over.set_result(Reason.HUNG_UP)


def _record(call: "Call", leg: Leg, plan: ConferencePlan) -> Recording | None:
    """What the participant says and hears, when its dial is recorded."""
    wanted = plan.recording
    if wanted is None:
        return None
    try:
        recording = Recording(
            call,
            source="DialVerb",
            channels=2 if wanted.dual else 1,
            track=wanted.track,
            trim=wanted.trim,
            callback=wanted.callback,
        )
    except MediaError as error:
        call.note("warning", code=error.code, message=error.message)
        return None
    recording.attend(leg)
    return recording
