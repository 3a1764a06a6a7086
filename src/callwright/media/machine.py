"""Who answered: a person or a machine, told from the sound of the first seconds (call-control reference §2.3, §3.2).

A person says a short word and waits; a machine speaks at length, or beeps; a fax whistles. Nothing here knows of calls:
samples go in, a verdict comes out.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from callwright.media.voice import FRAME_MS, Analysis, Frame, VoiceActivity


class AnsweredBy(StrEnum):
    """AnsweredBy as the API and the webhooks spell it."""

    HUMAN = "human"
    MACHINE_START = "machine_start"
    MACHINE_END_BEEP = "machine_end_beep"
    MACHINE_END_SILENCE = "machine_end_silence"
    MACHINE_END_OTHER = "machine_end_other"
    FAX = "fax"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a verdict is reached; milliseconds.

    Attributes:
        to_end: a machine's greeting is heard to its end (DetectMessageEnd), else its beginning is enough (Enable).
        timeout: the most that is listened to.
        speech: a greeting that is longer is a machine's.
        speech_end: silence that ends a greeting.
        silence: of silence from the beginning nobody can tell.
    """

    to_end: bool = False
    timeout: int = 30_000
    speech: int = 2400
    speech_end: int = 1200
    silence: int = 5000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who answered, and after how many milliseconds that was known."""

    answered_by: AnsweredBy
    duration: int


BEEP_MS = 140
"""A shorter tone may be part of a voice."""
BEEP_HZ = (350.0, 2600.0)
STEADY_HZ = 40.0
"""A tone that wanders more is no beep."""
FAX_TONES = ((1100.0, 400), (2100.0, 1000))
"""CNG and CED (ITU-T T.30 §4): Hz, and for how many ms they sound."""
FAX_NEAR_HZ = 38.0
MESSAGE_END_MS = 2000
"""Silence after a greeting, and no beep: the machine records."""


class Tone:
    """The tone that sounds now."""

    def __init__(self) -> None:
        self.hz = 0.0
        self.length = 0
        """ms."""

    def feed(self, frame: Frame) -> int:
        """Takes the next frame. Returns how many ms the beep lasted that ends with it; 0 when none does."""
        if frame.tone and abs(frame.tone - self.hz) <= STEADY_HZ:
            self.length += FRAME_MS
            return 0
        ended = self.length if self.length >= BEEP_MS and BEEP_HZ[0] <= self.hz <= BEEP_HZ[1] else 0
        self.hz, self.length = frame.tone, FRAME_MS if frame.tone else 0
        return ended

    @property
    def fax(self) -> bool:
        """Whether it can only be a fax's."""
        return any(abs(self.hz - hz) <= FAX_NEAR_HZ and self.length >= long for hz, long in FAX_TONES)


class Detector:
    """Listens to one answer.

    Args:
        rate: of the samples, Hz.
    """

    VOICED, WINDOW = 4, 6
    """Somebody speaks when so many of the last frames are voice."""

    def __init__(self, thresholds: Thresholds, rate: int) -> None:
        self._thresholds = thresholds
        self._analysis = Analysis(rate)
        self._activity = VoiceActivity()
        self._tone = Tone()
        self._window: deque[bool] = deque(maxlen=self.WINDOW)
        self._now = self._began = self._voiced = 0
        self._machine = False
        self.verdict: Verdict | None = None

    def feed(self, samples: bytes) -> Verdict | None:
        """Takes more samples (int16 little-endian mono). The verdict, once there is one; it never changes."""
        for frame in self._analysis.feed(samples):
            if self.verdict is None and (answered_by := self._judge(frame)) is not None:
                self.verdict = Verdict(answered_by, self._now)
        return self.verdict

    def _judge(self, frame: Frame) -> AnsweredBy | None:
        limits = self._thresholds
        self._now += FRAME_MS
        beep = self._tone.feed(frame)
        if self._tone.fax and not self._began:
            return AnsweredBy.FAX
        if beep:
            return AnsweredBy.MACHINE_END_BEEP if limits.to_end else AnsweredBy.MACHINE_START
        self._hear(self._activity.feed(frame))
        if self._tone.length >= BEEP_MS:
            return None  # it goes on
        return self._of_speech() or self._of_time()

    def _hear(self, voice: bool) -> None:
        self._window.append(voice)
        if sum(self._window) < self.VOICED:
            return
        if not self._began or (not self._machine and self._now - self._voiced > self._thresholds.speech_end):
            self._began = self._now
        self._voiced = self._now

    def _of_speech(self) -> AnsweredBy | None:
        limits = self._thresholds
        if not self._began:
            return AnsweredBy.UNKNOWN if self._now >= limits.silence else None
        quiet = self._now - self._voiced
        if not self._machine and self._voiced - self._began >= limits.speech:
            self._machine = True
            if not limits.to_end:
                return AnsweredBy.MACHINE_START
        if self._machine:
            return AnsweredBy.MACHINE_END_SILENCE if quiet >= max(MESSAGE_END_MS, limits.speech_end) else None
        return AnsweredBy.HUMAN if quiet >= limits.speech_end else None

    def _of_time(self) -> AnsweredBy | None:
        if self._now < self._thresholds.timeout:
            return None
        return AnsweredBy.MACHINE_END_OTHER if self._machine else AnsweredBy.UNKNOWN
