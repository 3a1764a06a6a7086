"""The recording of a conference, from its start to its end (call-control reference §1.6, §2.5)."""

import asyncio
from typing import TYPE_CHECKING

from callwright import clock
from callwright.calls.recording import Recording
from callwright.errors import MediaError

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.conference.conference import Conference


class ConferenceRecorder:
    """Records what is heard in a conference; whoever coaches is not."""

    def __init__(self, conference: "Conference", recording: Recording) -> None:
        self._conference = conference
        self._recording = recording
        self._finished = False
        recording.listen(conference.bus)

    @classmethod
    def begin(cls, conference: "Conference", call: "Call") -> "ConferenceRecorder | None":
        """Starts to record.

        Args:
            call: the first participant's: the recording is in its name, too.

        Returns:
            None when the file cannot be created; the conference goes on.
        """
        settings = conference.settings
        try:
            recording = Recording(
                call,
                source="Conference",
                trim=settings.trim,
                callback=settings.recording_callback,
                conference_sid=conference.sid,
            )
        except MediaError as error:
            call.note("warning", code=error.code, message=error.message)
            return None
        return cls(conference, recording)

    @property
    def sid(self) -> str:
        """RE..., while it goes on; "" when it has been stopped."""
        return "" if self._finished else self._recording.sid

    def steer(self, status: str, *, silence: bool) -> None:
        """Pauses, continues or stops it.

        Args:
            status: paused, in-progress or stopped.
            silence: paused time is recorded as silence, else left out.
        """
        if status == "stopped":
            self._recording.stop()
            self.finish()
        else:
            self._recording.pause(status == "paused", silence=silence)

    def finish(self) -> None:
        """Ends the recording, once; its last callbacks follow."""
        if self._finished:
            return
        self._finished = True
        finished = self._recording.finish(voice_needed=False)
        self._conference.exchange.tasks.spawn(self._report(finished), f"end of recording {self._recording.sid}")

    async def _report(self, finished: "asyncio.Task[object]") -> None:
        """The older callback, told of the finished recording alone."""
        await finished
        conference, result = self._conference, self._recording.result
        hook = conference.settings.event_callback
        if hook is None or result is None:
            return
        size = await asyncio.to_thread(self._recording.bytes)
        told = {
            "ConferenceSid": conference.sid,
            "RecordingUrl": result.url,
            "Duration": str(result.duration),
            "RecordingFileSize": str(size),
            "timestamp": clock.rfc2822(clock.now()),
        }
        conference.reports.send(hook, told, "recording-completed")
