"""`<Gather>`: collects digits while prompts play (call-control reference §1.4)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl, Gathered, GatherPlan, Prompt
from callwright.twiml.attribute import DAY, Attribute, Values, address, boolean, integer, keys, method, pattern
from callwright.twiml.outcome import Next, Step
from callwright.twiml.reading import RELATIVE_WITHOUT_BASE, Element, Reading
from callwright.twiml.verbs.pause import Pause
from callwright.twiml.verbs.play import Play
from callwright.twiml.verbs.say import Say
from callwright.twiml.verbs.verb import Verb

MOST_HINTS = 500
LONGEST_HINT = 100


def _input(text: str) -> frozenset[str]:
    if not (kinds := frozenset(text.split())) or not kinds <= {"dtmf", "speech"}:
        raise ValueError("neither dtmf, speech nor both")
    return kinds


def _speech_timeout(text: str) -> int:
    """Seconds; 0 for auto."""
    if (text := text.strip()) == "auto":
        return 0
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 5 or int(text) == 0:
        raise ValueError("neither auto nor a positive number of seconds")
    return int(text)


def _hints(text: str) -> tuple[str, ...]:
    phrases = tuple(phrase.strip() for phrase in text.split(",") if phrase.strip())
    if len(phrases) > MOST_HINTS or any(len(phrase) > LONGEST_HINT for phrase in phrases):
        raise ValueError(f"more than {MOST_HINTS} phrases, or one of more than {LONGEST_HINT} characters")
    return phrases


INPUT = Attribute("input", _input, frozenset({"dtmf"}), 13326)
ACTION = address("action")
METHOD = method(code=13312)
TIMEOUT = integer("timeout", 5, 0, DAY, 13313)
NUM_DIGITS = integer("numDigits", 0, 1, 1000, 13314)
FINISH_ON_KEY = keys("finishOnKey", "#", 13310, most=1)
ACTION_ON_EMPTY_RESULT = boolean("actionOnEmptyResult", False, 13338)
SPEECH_TIMEOUT = Attribute("speechTimeout", _speech_timeout, 0, 13327)
SPEECH_MODEL = pattern("speechModel", r"[a-z][A-Za-z0-9_.-]{1,80}", "default", 13334)
PARTIAL_RESULT = address("partialResultCallback")
PARTIAL_RESULT_METHOD = method("partialResultCallbackMethod", 13329)
HINTS: Attribute[tuple[str, ...]] = Attribute("hints", _hints, (), 13330)
SPEECH = (
    SPEECH_TIMEOUT,
    integer("maxSpeechTime", 60, 1, 60, 13328),
    pattern("language", r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "en-US", 13331),
    HINTS,
    PARTIAL_RESULT,
    PARTIAL_RESULT_METHOD,
    boolean("profanityFilter", True, 13333),
    SPEECH_MODEL,
    boolean("enhanced", False),
    boolean("bargeIn", True, 13332),
    boolean("debug", False),
)
"""What only concerns speech: checked here, and used when speech is heard."""

NESTED = 13320
SPEECH_UNHEARD = 13340
AUTO_WITH_MODEL = 13335


@dataclass(frozen=True, slots=True)
class Gather(Verb):
    """Prompts, and the digits pressed during and after them.

    Attributes:
        kinds: of input that are listened for: dtmf, speech.
        action: what digits are sent to; None when the document has no URL of its own and names none.
        timeout: seconds without a key, from the end of the prompts and again from each key.
        num_digits: that end the input; 0 for no limit.
        finish_on_key: the key that ends the input; "" none.
        action_on_empty_result: whether the action is requested without input, too.
    """

    name: ClassVar[str] = "Gather"
    attributes = (INPUT, ACTION, METHOD, TIMEOUT, NUM_DIGITS, FINISH_ON_KEY, ACTION_ON_EMPTY_RESULT, *SPEECH)

    sounds: tuple[Prompt, ...] = ()
    action: Hook | None = None
    kinds: frozenset[str] = INPUT.default
    timeout: int = TIMEOUT.default
    num_digits: int = NUM_DIGITS.default
    finish_on_key: str = FINISH_ON_KEY.default
    action_on_empty_result: bool = ACTION_ON_EMPTY_RESULT.default

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        _check_speech(element, values, reading)
        reading.no_text(element)
        return cls(
            sounds=_sounds(element, reading),
            action=reading.action(element, values[ACTION], values[METHOD], default=True),
            kinds=values[INPUT],
            timeout=values[TIMEOUT],
            num_digits=values[NUM_DIGITS],
            finish_on_key=values[FINISH_ON_KEY],
            action_on_empty_result=values[ACTION_ON_EMPTY_RESULT],
        )

    def prompts(self) -> tuple[Prompt, ...]:
        return self.sounds

    async def execute(self, control: CallControl) -> Step:
        if "dtmf" in self.kinds:
            gathered = await control.gather(
                GatherPlan(
                    prompts=self.sounds,
                    timeout=self.timeout,
                    finish_on=self.finish_on_key,
                    max_digits=self.num_digits,
                )
            )
        else:
            await self._hear_nothing(control)
            gathered = Gathered("")
        if not (gathered.digits or self.action_on_empty_result):
            return None
        if self.action is None:
            control.note("warning", code=RELATIVE_WITHOUT_BASE, message="<Gather>: no URL to send the digits to")
            return None
        return Next(self.action, self._parameters(gathered))

    async def _hear_nothing(self, control: CallControl) -> None:
        """Speech alone, and nobody to recognise it: the prompts, then the time in which nothing was understood."""
        await control.answer()
        if self.sounds:
            await control.play(self.sounds)
        await control.pause(self.timeout)

    def _parameters(self, gathered: Gathered) -> dict[str, str]:
        parameters: dict[str, str] = {}
        if "dtmf" in self.kinds:
            parameters |= {"Digits": gathered.digits, "FinishedOnKey": gathered.finished_on}
        if "speech" in self.kinds and not gathered.digits:
            parameters["SpeechResult"] = ""
        return parameters


def _check_speech(element: Element, values: Values, reading: Reading) -> None:
    reading.hook(element, values[PARTIAL_RESULT], values[PARTIAL_RESULT_METHOD], PARTIAL_RESULT.code)
    if values.given(SPEECH_MODEL) and "auto" in element.get("speechTimeout", ""):
        reading.warn(element, AUTO_WITH_MODEL, "a speechModel needs a speechTimeout in seconds")
    if "speech" in values[INPUT]:
        reading.warn(element, SPEECH_UNHEARD, "speech is not recognised here; digits are")


def _sounds(element: Element, reading: Reading) -> tuple[Prompt, ...]:
    sounds: list[Prompt] = []
    for child in reading.children(element, frozenset({"Say", "Play", "Pause"}), NESTED):
        match child.tag:
            case "Say":
                if say := Say.read(child, reading, in_gather=True):
                    sounds.append(say.speech)
            case "Play":
                if play := Play.parse(child, reading):
                    sounds.extend(play.sounds)
            case "Pause":
                if pause := Pause.parse(child, reading):
                    sounds.append(pause.silence)
    return tuple(sounds)
