"""A recording: its file, its row, its callbacks. Used by Record, by Dial and for whole calls."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from callwright import clock, ids
from callwright.calls.control import Recorded, RecordingCallback
from callwright.errors import MediaError
from callwright.media.trim import trim_silence
from callwright.sip.leg import Leg
from callwright.sip.tape import Tape, Taped
from callwright.store import tables

if TYPE_CHECKING:
    from callwright.calls.call import Call

MARGIN_MS = 100
TOO_SHORT, SILENT = 16101, 16102
CANNOT_RECORD = 12400


class Recording:
    """One recording of one call, from its first sample to its final callback.

    Args:
        call: whose recording it is (the parent leg of a dialled call).
        source: RecordVerb, DialVerb, OutboundAPI, ... (call-control reference §2.5).
        trim: leading and trailing silence is cut off at the end.
        max_duration, silence: seconds; 0 for none.
        conference_sid: CF..., when it is a conference's, in which the call is one of several.

    Attributes:
        ended: done when a limit is reached, or the file cannot go on.
        result: once it is finished; None when it is absent.

    Raises:
        MediaError: the file cannot be created.
    """

    def __init__(
        self,
        call: "Call",
        *,
        source: str,
        channels: int = 1,
        track: str = "both",
        trim: bool = False,
        max_duration: float = 0,
        silence: float = 0,
        callback: RecordingCallback | None = None,
        conference_sid: str | None = None,
    ) -> None:
        self.call = call
        self.sid = ids.new(ids.RECORDING)
        self.ended = call.exchange.endpoint.loop.create_future()
        self.result: Recorded | None = None
        self._channels = channels
        self._trim, self._callback = trim, callback
        self._started = clock.now()
        self._path = call.exchange.recordings.path(call.account.sid, self.sid)
        self._tape = self._open(channels, max_duration, silence)
        self._row: dict[str, object] = {
            "sid": self.sid,
            "account_sid": call.account.sid,
            "call_sid": call.sid,
            "conference_sid": conference_sid,
            "channels": channels,
            "source": source,
            "track": track,
            "status": "in-progress",
            "start_time": self._started,
            "date_created": self._started,
            "path": str(self._path.relative_to(call.exchange.recordings.directory)),
        }
        self._finishing: asyncio.Task[Recorded | None] | None = None
        call.recordings[self.sid] = self
        self._save()
        call.note("recording", sid=self.sid, source=source, channels=channels)
        self._post("in-progress")

    def _open(self, channels: int, max_duration: float, silence: float) -> Tape:
        def begin() -> Tape:
            return self.call.exchange.endpoint.tape(
                str(self._path), channels=channels, max_duration=max_duration, silence=silence, limit=self._on_limit
            )

        try:
            try:
                return begin()
            except FileNotFoundError:  # the account's first recording
                self._path.parent.mkdir(parents=True, exist_ok=True)
                return begin()
        except OSError as error:
            raise MediaError(f"cannot record to {self._path}: {error.strerror}", code=CANNOT_RECORD) from None

    @property
    def url(self) -> str:
        """The recording's resource, without an extension."""
        base = self.call.exchange.public_url
        return f"{base}/2010-04-01/Accounts/{self.call.account.sid}/Recordings/{self.sid}"

    def bytes(self) -> int:
        """How long its file is; 0 when it is gone. Blocks."""
        return self._path.stat().st_size if self._path.exists() else 0

    def hear(self, leg: Leg) -> None:
        """Records what this leg says."""
        self._tape.connect(leg)

    def listen(self, node: int) -> None:
        """Records what a bus gives to be heard."""
        self._tape.listen(node)

    def attend(self, leg: Leg) -> None:
        """Records, by the track, what this leg says, what it hears, or both; two channels keep them apart."""
        if self._row["track"] != "outbound":
            self._tape.connect(leg)
        if self._row["track"] != "inbound":
            self._tape.overhear(leg, channel=self._channels - 1)

    @property
    def source(self) -> str:
        """Who asked for it."""
        return str(self._row["source"])

    def pause(self, on: bool, *, silence: bool = True) -> None:
        """Pauses, or goes on. Paused time is recorded as silence, or left out."""
        self._tape.pause(on, silence=silence)
        self._save(status="paused" if on else "in-progress")
        self.call.note("recording paused" if on else "recording resumed", sid=self.sid)

    def stop(self) -> None:
        """Ends it at somebody else's wish: whoever waits for its limit takes it as reached."""
        self._save(status="stopped")
        self._on_limit()
        if self.source != "RecordVerb":
            self.finish(voice_needed=False)

    def _on_limit(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _save(self, **columns: object) -> None:
        self._row.update(columns, date_updated=clock.now())
        self.call.exchange.store.put(tables.recordings, self._row)

    def finish(self, *, voice_needed: bool) -> "asyncio.Task[Recorded | None]":
        """Ends the file, trims it, writes the final row and posts the final callback, whatever becomes of the caller
        of this. The task's result is None when the recording is absent. Once; later calls get the same task.

        Args:
            voice_needed: a recording of nothing but silence is absent.
        """
        if self._finishing is None:
            self.call.recordings.pop(self.sid, None)
            self._finishing = self.call.exchange.tasks.spawn(self._finish(voice_needed), f"recording {self.sid}")
        return self._finishing

    async def _finish(self, voice_needed: bool) -> Recorded | None:
        taped = await self._tape.stop()
        if taped.error or taped.dropped:
            why = taped.error or f"{taped.dropped} frames were lost, the disk is too slow"
            self.call.note("warning", message=f"recording {self.sid} is incomplete: {why}")
        duration = await self._trimmed(taped) if self._trim and taped.voiced else taped.duration
        if duration == 0 or (voice_needed and not taped.voiced):
            await self._absent(TOO_SHORT if duration == 0 else SILENT)
            return None
        seconds = max(1, round(duration / 1000))
        self._save(status="completed", duration=seconds)
        self.call.note("recorded", sid=self.sid, seconds=seconds)
        self._post("completed", seconds)
        self.result = Recorded(self.sid, self.url, seconds)
        return self.result

    async def _trimmed(self, taped: Taped) -> int:
        """Cuts the silence off both ends; the milliseconds that are left."""
        first, last = max(0, taped.first_voice - MARGIN_MS), min(taped.duration, taped.last_voice + MARGIN_MS)
        try:
            return await asyncio.get_running_loop().run_in_executor(None, trim_silence, self._path, first, last)
        except (OSError, ValueError) as error:
            self.call.note("warning", message=f"recording {self.sid} keeps its silence: {error}")
            return taped.duration

    async def _absent(self, code: int) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, partial(self._path.unlink, missing_ok=True))
        except OSError as error:
            self.call.note("warning", message=f"the empty recording {self.sid} cannot be removed: {error}")
        self._save(status="absent", duration=0, error_code=code)
        self.call.note("recorded", sid=self.sid, absent=code)
        self._post("absent", error=code)

    def _post(self, status: str, seconds: int | None = None, error: int | None = None) -> None:
        if self._callback is None or status not in self._callback.events:
            return
        params = {
            "AccountSid": self.call.account.sid,
            "CallSid": self.call.sid,
            "RecordingSid": self.sid,
            "RecordingUrl": self.url,
            "RecordingStatus": status,
            "RecordingChannels": str(self._channels),
            "RecordingStartTime": clock.rfc2822(self._started),
            "RecordingSource": str(self._row["source"]),
            "RecordingTrack": str(self._row["track"]),
        }
        if self._row["conference_sid"]:
            params["ConferenceSid"] = str(self._row["conference_sid"])
        if seconds is not None:
            params["RecordingDuration"] = str(seconds)
        if error is not None:
            params["ErrorCode"] = str(error)
        self.call.exchange.callbacks.post(
            account=self.call.account,
            call_sid=self.call.sid,
            hook=self._callback.hook,
            params=params,
            kind=f"recording-{status}",
        )
