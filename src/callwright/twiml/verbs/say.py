"""`<Say>`: speaks text (call-control reference §1.2, §1.3)."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from callwright.calls.control import CallControl, Prompt, Speech
from callwright.twiml.attribute import loop, pattern
from callwright.twiml.outcome import Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.ssml import fragment
from callwright.twiml.verbs.verb import Verb

VOICES = r"man|woman|alice|Polly\.[A-Za-z]{1,40}(-[A-Za-z-]{1,40})?|Google\.[A-Za-z0-9-]{1,80}"
"""The families of voices; what a name of one sounds like is the speech provider's business."""

VOICE = pattern("voice", VOICES, code=13511)
LANGUAGE = pattern("language", r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", code=13512)
LOOP = loop("loop", 13510)

EMPTY = 13520
TOO_LONG = 13521
MOST_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Say(Verb):
    """Text to speak.

    Attributes:
        voice: "" for the server's default voice.
        language: BCP 47; "" for the voice's own.
        loop: 0 until hang-up.
        ssml: `text` is an SSML fragment.
    """

    name: ClassVar[str] = "Say"
    attributes = (VOICE, LANGUAGE, LOOP)
    nested = (replace(VOICE, code=13321), LANGUAGE, replace(LOOP, code=13322))
    """The same with the codes that they have inside <Gather>."""

    text: str
    voice: str = VOICE.default
    language: str = LANGUAGE.default
    loop: int = LOOP.default
    ssml: bool = False

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        return cls.read(element, reading, in_gather=False)

    @classmethod
    def read(cls, element: Element, reading: Reading, *, in_gather: bool) -> Self | None:
        """The verb, or None when there is nothing to say or too much of it."""
        values = reading.values(element, cls.nested if in_gather else cls.attributes)
        spoken = "".join(str(part) for part in element.itertext()).strip()
        if len(spoken) > MOST_CHARACTERS:
            reading.warn(element, TOO_LONG, f"more than {MOST_CHARACTERS} characters to say")
            return None
        ssml = len(element) > 0
        text = fragment(element, reading).strip() if ssml else spoken
        if not text:
            reading.warn(element, EMPTY, "nothing to say")
            return None
        return cls(text, values[VOICE], values[LANGUAGE], values[LOOP], ssml)

    @property
    def speech(self) -> Speech:
        """The same as a prompt."""
        return Speech(self.text, voice=self.voice, language=self.language, loop=self.loop, ssml=self.ssml)

    def prompts(self) -> tuple[Prompt, ...]:
        return (self.speech,)

    async def execute(self, control: CallControl) -> Step:
        await control.play([self.speech])
        return None
