"""`<Redirect>`: goes on with another document (call-control reference §1.2)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl
from callwright.twiml.attribute import method
from callwright.twiml.outcome import Next, Step
from callwright.twiml.reading import RELATIVE_WITHOUT_BASE, Element, Reading, text_of
from callwright.twiml.verbs.verb import Verb

METHOD = method(code=13710)


@dataclass(frozen=True, slots=True)
class Redirect(Verb):
    """Leaves this document for the one at `hook`; does not answer the call."""

    name: ClassVar[str] = "Redirect"
    attributes = (METHOD,)

    hook: Hook

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.children(element)
        url = text_of(element)
        hook = reading.action(element, url, values[METHOD], default=True)
        if hook is None:
            if not url:
                reading.warn(element, RELATIVE_WITHOUT_BASE, "this document has no URL to go back to")
            return None
        return cls(hook)

    async def execute(self, control: CallControl) -> Step:
        return Next(self.hook)
