"""Attribute tables: the reference's rows, each proved for its good values, its absence and its bad values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from callwright.twiml.attribute import Attribute
from tests.twiml.playbook import codes, document


@dataclass(frozen=True)
class Row:
    """One attribute of the reference.

    Attributes:
        of: what the parsed verb made of it.
        good: written forms and what each means.
        default: when absent or bad.
        bad: written forms that are warned about with `code`.
        noted: the code that a good value leaves, for one that has no effect here.
    """

    name: str
    of: Callable[[Any], object]
    good: Mapping[str, object]
    default: object
    bad: Sequence[str] = ()
    code: int = 12200
    noted: int | None = None


@dataclass(frozen=True)
class Table:
    """The attributes of an element.

    Attributes:
        element: makes the verb's XML of the element's attributes.
    """

    element: Callable[[str], str]
    rows: Sequence[Row] = field(default_factory=tuple)

    def parse(self, attributes: str = "") -> tuple[Any, list[int]]:
        """The verb with these attributes, and the codes that were warned about."""
        parsed = document(self.element(attributes))
        return parsed.verbs[0], codes(parsed)

    def good(self) -> list[Any]:
        return [
            pytest.param(row, written, value, id=f"{row.name}={written}"[:60])
            for row in self.rows
            for written, value in row.good.items()
        ]

    def bad(self) -> list[Any]:
        return [pytest.param(row, written, id=f"{row.name}={written}"[:60]) for row in self.rows for written in row.bad]

    def check_good(self, row: Row, written: str, value: object) -> None:
        verb, warned = self.parse(f"{row.name}={quoteattr(written)}")
        assert row.of(verb) == value
        assert warned == ([row.noted] if row.noted else [])

    def check_bad(self, row: Row, written: str) -> None:
        verb, warned = self.parse(f"{row.name}={quoteattr(written)}")
        assert row.of(verb) == row.default
        assert warned == [row.code]

    def check_defaults(self, base: Sequence[int] = ()) -> None:
        verb, warned = self.parse()
        for row in self.rows:
            assert row.of(verb) == row.default, row.name
        assert warned == list(base)

    def check_complete(self, declared: Sequence[Attribute[Any]], spelling: str) -> None:
        """The table, the declaration and the reference's own list (§11) have the same attributes."""
        assert {row.name for row in self.rows} == {attribute.name for attribute in declared}
        assert {row.name for row in self.rows} == set(spelling.split())
