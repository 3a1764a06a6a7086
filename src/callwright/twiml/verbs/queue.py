"""`<Queue>`: dials the first of a queue (call-control reference §1.6)."""

from callwright.calls.queue.plan import LONGEST_NAME, DequeuePlan
from callwright.twiml.attribute import address, idle, method, text
from callwright.twiml.characters import has_controls
from callwright.twiml.reading import Element, Reading, text_of

BAD_NAME, LONG_NAME = 14212, 14213
NO_TASKS = "no TaskRouter"

URL = address("url", 14211)
METHOD = method(code=14210)
ATTRIBUTES = (
    URL,
    METHOD,
    idle(text("reservationSid", 14214), NO_TASKS),
    idle(text("postWorkActivitySid", 14215), NO_TASKS),
)


def parse(element: Element, reading: Reading) -> DequeuePlan | None:
    """The queue at an element; None, with a warning, when it has no name that can be used."""
    values = reading.values(element, ATTRIBUTES)
    reading.children(element)
    name = text_of(element)
    if not name or has_controls(name):
        reading.warn(element, BAD_NAME, "no name of a queue")
        return None
    if len(name) > LONGEST_NAME:
        reading.warn(element, LONG_NAME, f"a name of more than {LONGEST_NAME} characters")
        return None
    return DequeuePlan(name, whisper=reading.hook(element, values[URL], values[METHOD], URL.code))
