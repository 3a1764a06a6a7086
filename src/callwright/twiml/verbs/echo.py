"""`<Echo>`: the caller hears itself (call-control reference §1.2)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl
from callwright.twiml.outcome import Finish, Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.verb import Verb


@dataclass(frozen=True, slots=True)
class Echo(Verb):
    """Until the caller hangs up."""

    name: ClassVar[str] = "Echo"

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        reading.values(element, cls.attributes)
        reading.children(element)
        reading.no_text(element)
        return cls()

    async def execute(self, control: CallControl) -> Step:
        await control.echo()
        return Finish()
