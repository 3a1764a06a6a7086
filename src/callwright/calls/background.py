"""Recordings that go on beside a call's verbs (call-control reference §1.9, §3.2)."""

from typing import TYPE_CHECKING

from callwright.calls.control import DialRecording
from callwright.calls.recording import Recording
from callwright.errors import MediaError

if TYPE_CHECKING:
    from callwright.calls.call import Call

BY_REST, BY_DOCUMENT = "StartCallRecordingAPI", "StartCallRecordingTwiML"
SECOND = 16108


def begin(call: "Call", plan: DialRecording, source: str) -> Recording:
    """Begins to record an answered call until it is stopped, or the call ends.

    Raises:
        LegGone: the call has no leg.
        MediaError: 16108: one goes on already; 12400: the file cannot be created.
    """
    leg = call.require_leg()
    if current(call, BY_REST, BY_DOCUMENT) is not None:
        raise MediaError("the call is being recorded already", code=SECOND)
    recording = Recording(
        call,
        source=source,
        channels=2 if plan.dual else 1,
        track=plan.track,
        trim=plan.trim,
        callback=plan.callback,
    )
    recording.attend(leg)
    leg.ended.add_done_callback(lambda _: recording.finish(voice_needed=False))
    return recording


def current(call: "Call", *sources: str) -> Recording | None:
    """The last recording that began and still goes on; of these sources, if any are named."""
    going = [one for one in call.recordings.values() if not sources or one.source in sources]
    return going[-1] if going else None
