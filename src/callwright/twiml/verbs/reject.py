"""`<Reject>`: refuses a ringing call (call-control reference §1.2, §7.1)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl
from callwright.twiml.attribute import choice
from callwright.twiml.outcome import Finish, Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs import parameter
from callwright.twiml.verbs.verb import Verb

REASON = choice("reason", ("rejected", "busy"), "rejected", 13810)


@dataclass(frozen=True, slots=True)
class Reject(Verb):
    """Ends the call without answering it; hangs up one that is already answered."""

    name: ClassVar[str] = "Reject"
    attributes = (REASON,)

    reason: str = REASON.default

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.no_text(element)
        parameter.read(element, reading)
        return cls(values[REASON])

    async def execute(self, control: CallControl) -> Step:
        await control.reject(self.reason)
        return Finish(hung_up=True)
