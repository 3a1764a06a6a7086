"""Who speaks in a conference, for those who have asked to be told (call-control reference §2.4, speaker)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from callwright.calls.conference.participant import Participant
from callwright.sip.tap import Tap

if TYPE_CHECKING:
    from callwright.calls.conference.conference import Conference

PIECE_MS = 100
VOICE_DBOV = -45.0
"""A telephone's speech is at -30 to -10 dBov, its noise below -50."""
BEGINS_MS, ENDS_MS = 200, 1000
"""How long voice, and silence, must last to count."""


def level_dbov(samples: bytes) -> float:
    """The mean level of int16 samples, in dBov."""
    pcm = np.frombuffer(samples, dtype="<i2").astype(np.float32)
    power = float(np.mean(np.square(pcm))) if len(pcm) else 0.0
    return 10 * float(np.log10(power / 32768.0**2)) if power > 0 else -127.0


class VoiceActivity:
    """Whether one participant speaks, from the level of one piece of sound after the other."""

    def __init__(self) -> None:
        self.speaking = False
        self._for_ms = 0.0

    def hear(self, dbov: float, ms: float) -> bool:
        """Takes a piece of `ms` milliseconds; returns whether `speaking` has changed."""
        if (dbov >= VOICE_DBOV) is self.speaking:
            self._for_ms = 0.0
            return False
        self._for_ms += ms
        if self._for_ms < (ENDS_MS if self.speaking else BEGINS_MS):
            return False
        self.speaking, self._for_ms = not self.speaking, 0.0
        return True


class Speakers:
    """Listens to each participant of a conference, while somebody wants to know who speaks."""

    def __init__(self, conference: "Conference") -> None:
        self._conference = conference
        self._taps: dict[Participant, Tap] = {}

    def watch(self, participants: Iterable[Participant]) -> None:
        """Listens to these from now on, and to no other."""
        wanted = list(participants) if self._conference.reports.speakers else []
        endpoint = self._conference.exchange.endpoint
        for participant in self._taps.keys() - set(wanted):
            self._taps.pop(participant).close()
        for participant in wanted:
            if participant not in self._taps:
                self._taps[participant] = endpoint.tap(participant.node, self._listener(participant), notify=PIECE_MS)

    def _listener(self, participant: Participant) -> "Listener":
        return Listener(self._conference, participant)


class Listener:
    """Hears one participant. Who is muted or on hold does not speak, whatever he says."""

    def __init__(self, conference: "Conference", participant: Participant) -> None:
        self._conference = conference
        self._participant = participant
        self._activity = VoiceActivity()

    def __call__(self, samples: bytes) -> None:
        one = self._participant
        level = -127.0 if one.muted or one.hold else level_dbov(samples)
        ms = len(samples) / 2 / self._conference.exchange.endpoint.engine.clock_rate * 1000
        if self._activity.hear(level, ms):
            event = "participant-speech-start" if self._activity.speaking else "participant-speech-stop"
            self._conference.reports.post(event, one)
