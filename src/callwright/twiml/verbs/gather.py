"""`<Gather>`: collects digits and words while prompts play (call-control reference §1.4)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl, Gathered, GatherPlan, Prompt, SpeechPlan
from callwright.twiml.attribute import DAY, Attribute, Values, address, boolean, idle, integer, keys, method, pattern
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
MAX_SPEECH_TIME = integer("maxSpeechTime", 60, 1, 60, 13328)
LANGUAGE = pattern("language", r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "en-US", 13331)
SPEECH_MODEL = pattern("speechModel", r"[a-z][A-Za-z0-9_.-]{1,80}", "default", 13334)
PARTIAL_RESULT = address("partialResultCallback")
PARTIAL_RESULT_METHOD = method("partialResultCallbackMethod", 13329)
HINTS: Attribute[tuple[str, ...]] = Attribute("hints", _hints, (), 13330)
PROFANITY_FILTER = boolean("profanityFilter", True, 13333)
BARGE_IN = boolean("bargeIn", True, 13332)
ONE_RECOGNISER = "one recogniser"
SPEECH = (
    SPEECH_TIMEOUT,
    MAX_SPEECH_TIME,
    LANGUAGE,
    HINTS,
    PARTIAL_RESULT,
    PARTIAL_RESULT_METHOD,
    PROFANITY_FILTER,
    SPEECH_MODEL,
    idle(boolean("enhanced", False), ONE_RECOGNISER, warned=False),
    BARGE_IN,
    idle(boolean("debug", False), ONE_RECOGNISER, warned=False),
)
"""What only concerns speech."""

COMMANDS_MODEL = "numbers_and_commands"
NESTED = 13320
AUTO_WITH_MODEL = 13335


@dataclass(frozen=True, slots=True)
class Gather(Verb):
    """Prompts, and the digits pressed or the words spoken during and after them.

    Attributes:
        kinds: of input that are listened for: dtmf, speech.
        action: what digits are sent to; None when the document has no URL of its own and names none.
        timeout: seconds without a key or a word, from the end of the prompts and again from each key.
        num_digits: that end the input; 0 for no limit.
        finish_on_key: the key that ends the input; "" none.
        action_on_empty_result: whether the action is requested without input, too.
        speech: how words are listened for; None when they are not.
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
    speech: SpeechPlan | None = None

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        speech = _speech(element, values, reading)
        reading.no_text(element)
        return cls(
            sounds=_sounds(element, reading),
            action=reading.action(element, values[ACTION], values[METHOD], default=True),
            kinds=values[INPUT],
            timeout=values[TIMEOUT],
            num_digits=values[NUM_DIGITS],
            finish_on_key=values[FINISH_ON_KEY],
            action_on_empty_result=values[ACTION_ON_EMPTY_RESULT],
            speech=speech if "speech" in values[INPUT] else None,
        )

    def prompts(self) -> tuple[Prompt, ...]:
        return self.sounds

    async def execute(self, control: CallControl) -> Step:
        gathered = await control.gather(
            GatherPlan(
                prompts=self.sounds,
                timeout=self.timeout,
                finish_on=self.finish_on_key,
                max_digits=self.num_digits,
                keys="dtmf" in self.kinds,
                speech=self.speech,
            )
        )
        if not (gathered.digits or gathered.speech or self.action_on_empty_result):
            return None
        if self.action is None:
            control.note("warning", code=RELATIVE_WITHOUT_BASE, message="<Gather>: no URL to send the input to")
            return None
        return Next(self.action, self._parameters(gathered))

    def _parameters(self, gathered: Gathered) -> dict[str, str]:
        parameters: dict[str, str] = {}
        if "dtmf" in self.kinds and not gathered.speech:
            parameters |= {"Digits": gathered.digits, "FinishedOnKey": gathered.finished_on}
        if self.speech is not None and not gathered.digits:
            parameters |= {"SpeechResult": gathered.speech, "Language": self.speech.language}
        if gathered.speech:
            parameters["Confidence"] = f"{gathered.confidence:.4f}"
        return parameters


def _speech(element: Element, values: Values, reading: Reading) -> SpeechPlan:
    """How words are to be listened for. Without a `speechTimeout` it is the `timeout`; 0 leaves it to the listener."""
    hook = reading.hook(element, values[PARTIAL_RESULT], values[PARTIAL_RESULT_METHOD], PARTIAL_RESULT.code)
    if values.given(SPEECH_MODEL) and "auto" in element.get("speechTimeout", ""):
        reading.warn(element, AUTO_WITH_MODEL, "a speechModel needs a speechTimeout in seconds")
    return SpeechPlan(
        language=values[LANGUAGE],
        hints=values[HINTS],
        commands=values[SPEECH_MODEL] == COMMANDS_MODEL,
        pause=values[SPEECH_TIMEOUT] if values.given(SPEECH_TIMEOUT) else values[TIMEOUT],
        longest=values[MAX_SPEECH_TIME],
        barge_in=values[BARGE_IN],
        unmasked=not values[PROFANITY_FILTER],
        partial=hook,
    )


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
