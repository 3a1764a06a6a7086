"""Typed attributes."""

from typing import Any

import pytest

from callwright.twiml.attribute import (
    Attribute,
    Values,
    address,
    boolean,
    choice,
    integer,
    keys,
    loop,
    method,
    pattern,
    text,
    words,
)

EVENTS = frozenset({"ringing", "answered"})
TABLE: list[tuple[Attribute[Any], str, object]] = [
    (boolean("a", False), "true", True),
    (boolean("a", True), " False ", False),
    (integer("a", 5, 0, 600), "600", 600),
    (integer("a", 5, 0, 600), " 007 ", 7),
    (loop("a", 1), "0", 0),
    (loop("a", 1), "5000", 1000),
    (choice("a", ("x", "y"), "x"), "y", "y"),
    (method(), "get", "GET"),
    (method(), "POST", "POST"),
    (pattern("a", "[a-z]+"), " abc ", "abc"),
    (keys("a", "#", 1, most=1), "", ""),
    (keys("a", "#", 1, most=1), "*", "*"),
    (text("a"), " two words ", "two words"),
    (address("a"), " /menu ", "/menu"),
    (words("a", EVENTS, EVENTS, 1), "ringing  answered", EVENTS),
    (words("a", EVENTS, EVENTS, 1), "ringing,answered", EVENTS),
]
BAD: list[tuple[Attribute[Any], str]] = [
    (boolean("a", False), "yes"),
    (boolean("a", False), ""),
    (integer("a", 5, 0, 600), "601"),
    (integer("a", 5, 1, 600), "0"),
    (integer("a", 5, 0, 600), "-1"),
    (integer("a", 5, 0, 600), "1.5"),
    (integer("a", 5, 0, 600), "٣"),
    (integer("a", 5, 0, 600), "9" * 5000),
    (integer("a", 5, 0, 600), ""),
    (loop("a", 1), "-1"),
    (choice("a", ("x", "y"), "x"), "X"),
    (method(), "PUT"),
    (method(), ""),
    (pattern("a", "[a-z]+"), "ab1"),
    (keys("a", "#", 1, most=1), "12"),
    (keys("a", "#", 1, most=5), "a"),
    (text("a"), "two\nlines"),
    (text("a", most=3), "four"),
    (words("a", EVENTS, EVENTS, 1), "ringing busy"),
    (words("a", EVENTS, EVENTS, 1), ""),
]


@pytest.mark.parametrize(("attribute", "written", "value"), TABLE)
def test_good_values(attribute: Attribute[Any], written: str, value: object) -> None:
    assert attribute.read(written) == value


@pytest.mark.parametrize(("attribute", "written"), BAD)
def test_bad_values(attribute: Attribute[Any], written: str) -> None:
    with pytest.raises(ValueError):
        attribute.read(written)


def test_values_fall_back_to_the_default() -> None:
    length = integer("length", 1, 0, 10)
    given = Values({"length": 4})
    assert given[length] == 4
    assert given.given(length)
    assert Values({})[length] == 1
    assert not Values({}).given(length)
