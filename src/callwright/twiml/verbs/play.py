"""`<Play>`: plays a file or sends DTMF (call-control reference §1.2)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl, File, Keys, Prompt
from callwright.twiml.attribute import loop, pattern
from callwright.twiml.outcome import Step
from callwright.twiml.reading import BAD_URL, Element, Reading, text_of
from callwright.twiml.verbs.verb import Verb

LOOP = loop("loop", 13410)
DIGITS = pattern("digits", r"[0-9*#wW]{1,500}", code=13430)


@dataclass(frozen=True, slots=True)
class Play(Verb):
    """A sound at an absolute URL, digits, or digits and then a sound; `loop` 0 until hang-up."""

    name: ClassVar[str] = "Play"
    attributes = (LOOP, DIGITS)

    url: str = ""
    loop: int = LOOP.default
    digits: str = DIGITS.default

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.children(element)
        text = text_of(element)
        url = (reading.location(element, text) or "") if text else ""
        if not (url or values[DIGITS]):
            if not text and "digits" not in element.attrib:
                reading.warn(element, BAD_URL, "nothing to play")
            return None
        return cls(url, values[LOOP], values[DIGITS])

    @property
    def sounds(self) -> tuple[Prompt, ...]:
        """The same as prompts."""
        sent = (Keys(self.digits, self.loop),) if self.digits else ()
        return (*sent, File(self.url, self.loop)) if self.url else sent

    def prompts(self) -> tuple[Prompt, ...]:
        return self.sounds

    async def execute(self, control: CallControl) -> Step:
        await control.play(self.sounds)
        return None
