"""`<Parameter name value>`: a named value that some verbs and nouns carry."""

from callwright.twiml.attribute import text
from callwright.twiml.reading import Element, Reading

NAME = text("name")
VALUE = text("value")
CHILDREN = frozenset({"Parameter"})


def read(element: Element, reading: Reading) -> tuple[tuple[str, str], ...]:
    """The parameters among an element's children, in order; any other child is warned about."""
    pairs = []
    for child in reading.children(element, CHILDREN):
        values = reading.values(child, (NAME, VALUE))
        pairs.append((values[NAME], values[VALUE]))
    return tuple(pairs)
