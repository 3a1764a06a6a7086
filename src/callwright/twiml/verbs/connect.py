"""`<Connect>`: hands the caller to somebody who talks with it (call-control reference §1.8)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl
from callwright.twiml.attribute import SCHEMA_WARNING, address, method
from callwright.twiml.outcome import Next, Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.schema import skip
from callwright.twiml.verbs.streams import CONNECTED
from callwright.twiml.verbs.verb import Verb

ACTION = address("action")
METHOD = method()


@dataclass(frozen=True, slots=True)
class Connect(Verb):
    """None of its nouns is carried out here: each is warned about, and the verb ends at once."""

    name: ClassVar[str] = "Connect"
    attributes = (ACTION, METHOD)

    action: Hook | None = None

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.no_text(element)
        nouns = reading.children(element, frozenset(CONNECTED))
        for noun in nouns:
            skip(noun, CONNECTED[str(noun.tag)], reading)
        if not nouns:
            reading.warn(element, SCHEMA_WARNING, "nobody to connect with")
        return cls(reading.action(element, values[ACTION], values[METHOD]))

    async def execute(self, control: CallControl) -> Step:
        return Next(self.action) if self.action else None
