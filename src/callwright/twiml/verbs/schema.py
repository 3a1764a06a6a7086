"""Elements that are known and not carried out: what they may say, and the warning that says they are not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callwright.twiml.attribute import SCHEMA_WARNING, Attribute, Values
from callwright.twiml.reading import Element, Reading


@dataclass(frozen=True, slots=True)
class Schema:
    """What an element may hold.

    Attributes:
        children: the elements that it may hold, each with its own schema.
        code: the warning that says that it is not carried out.
        child_code: the warning of a child element that does not belong there.
    """

    attributes: tuple[Attribute[Any], ...] = ()
    children: "Mapping[str, Schema]" = field(default_factory=dict)
    code: int = SCHEMA_WARNING
    child_code: int = SCHEMA_WARNING


def check(element: Element, schema: Schema, reading: Reading) -> Values:
    """The element's own attributes; warns about everything in it that is not as its schema says."""
    values = reading.values(element, schema.attributes)
    for attribute in schema.attributes:
        if attribute.location and values[attribute]:
            reading.location(element, values[attribute], attribute.code)
    for child in reading.children(element, frozenset(schema.children), schema.child_code):
        check(child, schema.children[str(child.tag)], reading)
    return values


def skip(element: Element, schema: Schema, reading: Reading) -> None:
    """Checks an element, and warns that it is not carried out."""
    check(element, schema, reading)
    reading.warn(element, schema.code, "is not supported and is skipped")
