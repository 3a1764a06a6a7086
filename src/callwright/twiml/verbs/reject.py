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
    """Ends the call without answering it; hangs up one that is already answered. `parameters` as of Hangup."""

    name: ClassVar[str] = "Reject"
    attributes = (REASON,)

    reason: str = REASON.default
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.no_text(element)
        return cls(values[REASON], parameter.read(element, reading))

    async def execute(self, control: CallControl) -> Step:
        if self.parameters:
            control.give_back(self.parameters)
        await control.reject(self.reason)
        return Finish(hung_up=True, ordered=True)
