"""`<Pause>`: waits (call-control reference §1.2)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl, Silence
from callwright.twiml.attribute import DAY, integer
from callwright.twiml.outcome import Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.verb import Verb

LENGTH = integer("length", 1, 0, DAY, 13910)


@dataclass(frozen=True, slots=True)
class Pause(Verb):
    """Seconds of silence. As the first verb of a ringing call it lets it ring on."""

    name: ClassVar[str] = "Pause"
    attributes = (LENGTH,)

    length: int = LENGTH.default

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.children(element)
        reading.no_text(element)
        return cls(values[LENGTH])

    @property
    def silence(self) -> Silence:
        """The same as a prompt."""
        return Silence(self.length)

    async def execute(self, control: CallControl) -> Step:
        await control.pause(self.length)
        return None
