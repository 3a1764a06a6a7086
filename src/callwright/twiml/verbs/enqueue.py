"""`<Enqueue>`: waits in a queue until somebody dials it (call-control reference §1.7)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Heard
from callwright.calls.control import CallControl
from callwright.calls.queue.plan import (
    LONGEST_NAME,
    MOST_MEMBERS,
    USUAL_SIZE,
    Enqueued,
    EnqueuePlan,
    QueueResult,
)
from callwright.twiml.attribute import address, idle, integer, method, text
from callwright.twiml.characters import has_controls
from callwright.twiml.outcome import Finish, Next, Step
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs.conference import heard
from callwright.twiml.verbs.verb import Verb

SHORT_NAME, LONG_NAME = 14204, 14205
NO_WORKFLOWS = 14220

ACTION = address("action", 14203)
METHOD = method(code=14201)
WAIT_URL = address("waitUrl", 14202)
WAIT_METHOD = method("waitUrlMethod", 14206)
MAX_SIZE = integer("maxQueueSize", USUAL_SIZE, 1, MOST_MEMBERS)
WORKFLOW = idle(text("workflowSid", NO_WORKFLOWS), "no TaskRouter: the action is told of an error")


@dataclass(frozen=True, slots=True)
class Enqueue(Verb):
    """A queue by name; "" when it cannot be waited in: the action is told of an error."""

    name: ClassVar[str] = "Enqueue"
    attributes = (ACTION, METHOD, WAIT_URL, WAIT_METHOD, MAX_SIZE, WORKFLOW)

    queue: str
    action: Hook | None = None
    wait: Heard = Backdrop.MUSIC
    max_size: int = MAX_SIZE.default

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.children(element, frozenset({"Task"}) if values[WORKFLOW] else frozenset())
        return cls(
            queue="" if values[WORKFLOW] else _name(element, reading),
            action=reading.action(element, values[ACTION], values[METHOD]),
            wait=heard(element, values, reading, WAIT_URL, WAIT_METHOD),
            max_size=values[MAX_SIZE],
        )

    async def execute(self, control: CallControl) -> Step:
        if not self.queue:
            return self._after(Enqueued(QueueResult.ERROR))
        plan = EnqueuePlan(self.queue, max_size=self.max_size, wait=self.wait, action=self.action)
        return self._after(await control.rooms.enqueue(plan))

    def _after(self, enqueued: Enqueued) -> Step:
        if self.action is not None:
            return Next(self.action, enqueued.parameters(), final=enqueued.hung_up)
        return Finish(hung_up=True) if enqueued.hung_up else None


def _name(element: Element, reading: Reading) -> str:
    name = text_of(element)
    if not name or has_controls(name):
        reading.warn(element, SHORT_NAME, "no name of a queue")
        return ""
    if len(name) > LONGEST_NAME:
        reading.warn(element, LONG_NAME, f"a name of more than {LONGEST_NAME} characters")
        return ""
    return name
