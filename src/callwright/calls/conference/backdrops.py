"""What single participants hear apart from the conference: waiting for its start, or on hold."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Heard, Loudspeaker
from callwright.calls.conference.participant import Participant
from callwright.errors import CallwrightError
from callwright.media.tones import Segment
from callwright.sip.endpoint import Played

if TYPE_CHECKING:
    from callwright.calls.conference.conference import Conference


class Backdrops:
    """Keeps playing to each participant what it should hear apart from the others."""

    def __init__(self, conference: "Conference") -> None:
        self._conference = conference

    def tune(self, participant: Participant) -> None:
        """Starts, changes or stops what plays to a participant; what it hears already goes on."""
        wanted = self._wanted(participant)
        if participant.backdrop is not None:
            if participant.backdrop[0] == wanted:
                return
            participant.backdrop[1].cancel()
            participant.backdrop = None
        if wanted is not Backdrop.SILENCE:
            work = self._play(participant, wanted)
            task = self._conference.exchange.tasks.spawn(work, f"backdrop of {participant.call_sid}")
            participant.backdrop = (wanted, task)

    def _wanted(self, participant: Participant) -> Heard:
        if not participant.joined or participant.call_sid not in self._conference.participants:
            return Backdrop.SILENCE
        if participant.hold:
            return participant.hold_sound
        return Backdrop.SILENCE if self._conference.started else participant.wait

    async def _play(self, participant: Participant, heard: Heard) -> None:
        conference, call = self._conference, participant.call
        loudspeaker = Loudspeaker(conference.exchange, conference.account, participant.node)
        if isinstance(heard, Hook):
            try:
                await loudspeaker.documents(heard, call.parameters() | conference.named(), call=call)
                return
            except CallwrightError as error:
                call.note("warning", code=error.code, message=f"hold music in its place: {error.message}")
        await self._music(loudspeaker, participant)

    async def _music(self, loudspeaker: Loudspeaker, participant: Participant) -> None:
        try:
            await loudspeaker.music()
        except CallwrightError as error:
            participant.call.note("warning", code=error.code, message=f"silence in place of music: {error.message}")


class Announcer:
    """Announcements, to a whole conference or to one participant: a new one takes the place of the one before. And the
    tones of an entrance and an exit."""

    def __init__(self, conference: "Conference") -> None:
        self._conference = conference
        self._playing: dict[str, asyncio.Task[None]] = {}
        self._beeps: set[asyncio.Task[Played]] = set()

    def announce(self, hook: Hook, participant: Participant | None = None) -> None:
        """Begins an announcement; how it ended is an event of the conference."""
        whom = participant.call_sid if participant is not None else ""
        self.stop(whom)
        work = self._announce(hook, participant)
        self._playing[whom] = self._conference.exchange.tasks.spawn(work, f"announcement in {self._conference.sid}")

    def beep(self, segments: Sequence[Segment]) -> None:
        """Everybody hears that somebody has entered or left."""
        conference = self._conference
        work = conference.exchange.endpoint.tone_into(conference.bus, segments)
        task = conference.exchange.tasks.spawn(work, f"beep in {conference.sid}")
        self._beeps.add(task)
        task.add_done_callback(self._beeps.discard)

    def stop(self, whom: str) -> None:
        """Ends the announcement to a participant (a CallSid), or to all ("")."""
        if (playing := self._playing.pop(whom, None)) is not None:
            playing.cancel()

    def close(self) -> None:
        """Ends them all: what plays to a bus that is gone would never end by itself."""
        for whom in tuple(self._playing):
            self.stop(whom)
        for beep in self._beeps:
            beep.cancel()

    async def _announce(self, hook: Hook, participant: Participant | None) -> None:
        conference = self._conference
        call = participant.call if participant is not None else None
        node = participant.node if participant is not None else conference.bus
        params = conference.named() | (call.parameters() if call is not None else {"ApiVersion": "2010-04-01"})
        loudspeaker = Loudspeaker(conference.exchange, conference.account, node)
        try:
            await loudspeaker.documents(hook, params, call=call, endless=False)
        except CallwrightError as error:
            conference.log.warning("the announcement of %s failed: %d %s", conference.sid, error.code, error.message)
            failed = {"ReasonAnnouncementFailed": error.message, "AnnounceUrl": hook.url}
            conference.reports.post("announcement-fail", participant, **failed)
        else:
            conference.reports.post("announcement-end", participant, AnnounceUrl=hook.url)
