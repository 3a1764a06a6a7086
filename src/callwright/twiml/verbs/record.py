"""`<Record>`: records a message (call-control reference §1.5)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl, RecordingCallback, RecordPlan
from callwright.twiml.attribute import DAY, address, boolean, choice, integer, keys, method
from callwright.twiml.outcome import Finish, Next, Step
from callwright.twiml.reading import RELATIVE_WITHOUT_BASE, Element, Reading
from callwright.twiml.verbs.callbacks import (
    RECORDING_CONFIGURATION,
    RECORDING_EVENTS,
    RECORDING_METHOD,
    RECORDING_URL,
    recording_callback,
)
from callwright.twiml.verbs.verb import Verb

HANGUP = "hangup"

ACTION = address("action")
METHOD = method(code=13610)
TIMEOUT = integer("timeout", 5, 0, DAY, 13611)
MAX_LENGTH = integer("maxLength", 3600, 1, DAY, 13612)
FINISH_ON_KEY = keys("finishOnKey", "1234567890*#", 13613, most=24)
PLAY_BEEP = boolean("playBeep", True, 13616)
TRIM = choice("trim", ("trim-silence", "do-not-trim"), "trim-silence", 13699)
TRANSCRIBE = boolean("transcribe", False, 13614)
TRANSCRIBE_CALLBACK = address("transcribeCallback", 13257)

TRANSCRIBED_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Record(Verb):
    """A message of the caller.

    Attributes:
        timeout: seconds of silence that end it; 0: none does.
        max_length: seconds.
        finish_on_key: the keys that end it; "" none.
        transcribe: what it says is written down; it ends after two minutes, unless `max_length` is given.
    """

    name: ClassVar[str] = "Record"
    attributes = (
        ACTION,
        METHOD,
        TIMEOUT,
        MAX_LENGTH,
        FINISH_ON_KEY,
        PLAY_BEEP,
        TRIM,
        RECORDING_URL,
        RECORDING_METHOD,
        RECORDING_EVENTS,
        TRANSCRIBE,
        TRANSCRIBE_CALLBACK,
        RECORDING_CONFIGURATION,
    )

    action: Hook | None = None
    timeout: int = TIMEOUT.default
    max_length: int = MAX_LENGTH.default
    finish_on_key: str = FINISH_ON_KEY.default
    play_beep: bool = PLAY_BEEP.default
    trim: bool = True
    callback: RecordingCallback | None = None
    transcribe: bool = TRANSCRIBE.default
    transcribe_callback: Hook | None = None

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.children(element)
        reading.no_text(element)
        length = values[MAX_LENGTH]
        if values[TRANSCRIBE] and not values.given(MAX_LENGTH):
            length = TRANSCRIBED_LENGTH
        return cls(
            action=reading.action(element, values[ACTION], values[METHOD], default=True),
            timeout=values[TIMEOUT],
            max_length=length,
            finish_on_key=values[FINISH_ON_KEY],
            play_beep=values[PLAY_BEEP],
            trim=values[TRIM] == "trim-silence",
            callback=recording_callback(element, values, reading),
            transcribe=values[TRANSCRIBE],
            transcribe_callback=reading.hook(element, values[TRANSCRIBE_CALLBACK], "POST", TRANSCRIBE_CALLBACK.code),
        )

    async def execute(self, control: CallControl) -> Step:
        recorded = await control.record(
            RecordPlan(
                timeout=self.timeout,
                finish_on=self.finish_on_key,
                max_length=self.max_length,
                beep=self.play_beep,
                trim=self.trim,
                callback=self.callback,
                transcribe=self.transcribe,
                transcribe_callback=self.transcribe_callback,
            )
        )
        if recorded is None:
            return None
        gone = recorded.digits == HANGUP
        if self.action is None:
            control.note("warning", code=RELATIVE_WITHOUT_BASE, message="<Record>: no URL to send the recording to")
            return Finish(hung_up=True) if gone else None
        parameters = {
            "RecordingUrl": recorded.url,
            "RecordingDuration": str(recorded.duration),
            "RecordingSid": recorded.sid,
            "Digits": recorded.digits,
        }
        return Next(self.action, parameters, final=gone)
