"""`<Parameter name value>`: a named value that some verbs and nouns carry."""

from collections.abc import Sequence

from callwright.twiml.attribute import SCHEMA_WARNING, text
from callwright.twiml.reading import Element, Reading

NAME = text("name")
VALUE = text("value")
ATTRIBUTES = (NAME, VALUE)
CHILDREN = frozenset({"Parameter"})


def read(element: Element, reading: Reading) -> tuple[tuple[str, str], ...]:
    """The parameters among an element's children, in order; any other child is warned about."""
    return read_all(reading.children(element, CHILDREN), reading)


def read_all(elements: Sequence[Element], reading: Reading) -> tuple[tuple[str, str], ...]:
    """The parameters at these elements, in order; one without a name is warned about and left out."""
    pairs = []
    for element in elements:
        values = reading.values(element, ATTRIBUTES)
        reading.children(element)
        if values[NAME]:
            pairs.append((values[NAME], values[VALUE]))
        else:
            reading.warn(element, SCHEMA_WARNING, "a parameter without a name")
    return tuple(pairs)
