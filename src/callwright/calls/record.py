"""Recording a message (call-control reference §1.5)."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from callwright.calls import transcription
from callwright.calls.control import Recorded, RecordPlan
from callwright.calls.recording import Recording
from callwright.errors import LegGone, MediaError
from callwright.media.tones import BEEP
from callwright.sip.leg import Digit, Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call

HANGUP = "hangup"


async def record(call: "Call", plan: RecordPlan) -> Recorded | None:
    """Beeps, records until a key, silence, the length limit or hang-up.

    Returns:
        None when nothing but silence was recorded.

    Raises:
        LegGone: the caller hung up before the recording began.
        MediaError: the file cannot be created.
    """
    leg = call.require_leg()
    if plan.beep:
        await call.exchange.endpoint.tone(leg, BEEP)
    done = leg.waiter()

    def on_digit(digit: Digit) -> None:
        if digit.key in plan.finish_on and not done.done():
            done.set_result(digit.key)

    try:
        recording = _begin(call, leg, plan)
    except MediaError:
        done.cancel()
        raise
    recording.ended.add_done_callback(lambda _: None if done.done() else done.set_result(""))
    try:
        with leg.digits(on_digit):
            digits = await done
    except LegGone:
        digits = HANGUP
    finally:
        finished = recording.finish(voice_needed=True)
        if plan.transcribe:
            finished.add_done_callback(lambda done: _transcribe(call, done, plan))
    recorded = await asyncio.shield(finished)
    return replace(recorded, digits=digits) if recorded else None


def _transcribe(call: "Call", finished: "asyncio.Task[Recorded | None]", plan: RecordPlan) -> None:
    """What was recorded is written down, whatever has become of the instruction meanwhile."""
    if not finished.cancelled() and finished.exception() is None and (recorded := finished.result()) is not None:
        transcription.begin(call, recorded, plan.transcribe_callback)


def _begin(call: "Call", leg: Leg, plan: RecordPlan) -> Recording:
    recording = Recording(
        call,
        source="RecordVerb",
        trim=plan.trim,
        max_duration=plan.max_length,
        silence=plan.timeout,
        callback=plan.callback,
    )
    recording.hear(leg)
    return recording
