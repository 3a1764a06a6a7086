"""`<Hangup>`: ends the call (call-control reference §1.2)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl
from callwright.twiml.outcome import Finish, Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs import parameter
from callwright.twiml.verbs.verb import Verb


@dataclass(frozen=True, slots=True)
class Hangup(Verb):
    """Ends the call; `parameters` go back to the call that dialled this application, when one did."""

    name: ClassVar[str] = "Hangup"

    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        reading.values(element, cls.attributes)
        reading.no_text(element)
        return cls(parameter.read(element, reading))

    async def execute(self, control: CallControl) -> Step:
        if self.parameters:
            control.give_back(self.parameters)
        return Finish(ordered=True)
