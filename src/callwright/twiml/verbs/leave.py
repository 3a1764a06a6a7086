"""`<Leave>`: leaves the queue that the call waits in (call-control reference §1.7)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.control import CallControl
from callwright.twiml.attribute import SCHEMA_WARNING
from callwright.twiml.outcome import Finish, Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.verb import Verb


@dataclass(frozen=True, slots=True)
class Leave(Verb):
    """Ends the wait; the document that put the call into the queue goes on. Elsewhere it has no effect."""

    name: ClassVar[str] = "Leave"

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        reading.values(element, cls.attributes)
        reading.children(element)
        reading.no_text(element)
        return cls()

    async def execute(self, control: CallControl) -> Step:
        if control.rooms.leave():
            return Finish()
        control.note("warning", code=SCHEMA_WARNING, message="<Leave>: the call waits in no queue")
        return None
