"""`<Start>` and `<Stop>`: what goes on beside the verbs that follow (call-control reference §1.9)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl, DialRecording
from callwright.twiml.attribute import SCHEMA_WARNING, address, choice, idle, method
from callwright.twiml.outcome import Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.callbacks import (
    RECORDING_CONFIGURATION,
    RECORDING_EVENTS,
    RECORDING_METHOD,
    RECORDING_URL,
    recording_callback,
)
from callwright.twiml.verbs.schema import skip
from callwright.twiml.verbs.streams import FORKED
from callwright.twiml.verbs.verb import Verb

NESTED = 14300
NOUNS = frozenset({"Recording", *FORKED})

ACTION = idle(address("action", SCHEMA_WARNING), "the next verb follows at once")
METHOD = idle(method(), "that of action", warned=False)
TRIM = choice("trim", ("trim-silence", "do-not-trim"), "do-not-trim")
TRACK = choice("track", ("inbound", "outbound", "both"), "both")
CHANNELS = choice("channels", ("mono", "dual"), "dual")
RECORDING = (
    RECORDING_URL,
    RECORDING_METHOD,
    RECORDING_EVENTS,
    TRIM,
    TRACK,
    CHANNELS,
    RECORDING_CONFIGURATION,
)
"""The attributes of <Recording>; one of <Stop> has none."""


@dataclass(frozen=True, slots=True)
class Start(Verb):
    """What begins here and goes on: a recording. None when there is nothing that can."""

    name: ClassVar[str] = "Start"
    attributes = (ACTION, METHOD)

    recordings: tuple[DialRecording, ...] = ()

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        reading.values(element, cls.attributes)
        reading.no_text(element)
        recordings = []
        for noun in _nouns(element, reading):
            if noun.tag == "Recording":
                recordings.append(_recording(noun, reading))
            else:
                skip(noun, FORKED[str(noun.tag)], reading)
        return cls(tuple(recordings)) if recordings else None

    async def execute(self, control: CallControl) -> Step:
        for recording in self.recordings:
            await control.start_recording(recording)
        return None


@dataclass(frozen=True, slots=True)
class Stop(Verb):
    """Ends what a Start began."""

    name: ClassVar[str] = "Stop"

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        reading.values(element, cls.attributes)
        reading.no_text(element)
        recording = False
        for noun in _nouns(element, reading):
            if noun.tag == "Recording":
                reading.values(noun, ())
                reading.children(noun)
                recording = True
            else:
                skip(noun, FORKED[str(noun.tag)], reading)
        return cls() if recording else None

    async def execute(self, control: CallControl) -> Step:
        if not control.stop_recording():
            control.note("warning", code=SCHEMA_WARNING, message="<Stop>: the call is not being recorded")
        return None


def _nouns(element: Element, reading: Reading) -> list[Element]:
    if not len(element):
        reading.warn(element, SCHEMA_WARNING, "holds nothing")
    return reading.children(element, NOUNS, NESTED)


def _recording(element: Element, reading: Reading) -> DialRecording:
    values = reading.values(element, RECORDING)
    reading.children(element)
    reading.no_text(element)
    return DialRecording(
        dual=values[CHANNELS] == "dual",
        trim=values[TRIM] == "trim-silence",
        track=values[TRACK],
        callback=recording_callback(element, values, reading),
    )
