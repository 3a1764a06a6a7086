"""A document being read: warnings with their lines, callbacks, actions."""

import pytest
from lxml import etree

from callwright.calls.application import Hook
from callwright.twiml.attribute import idle, integer, text
from callwright.twiml.reading import Reading, text_of

BASE = "http://app.example/ivr/start"
LENGTH = integer("length", 1, 0, 10, 13910)


def element(xml: str) -> etree._Element:
    return etree.fromstring(xml)


def warned(reading: Reading) -> list[tuple[int, int]]:
    return [(warning.code, warning.line) for warning in reading.warnings]


def test_a_bad_value_is_warned_about_with_its_line() -> None:
    reading = Reading(BASE)
    values = reading.values(element("<Response>\n\n<Pause length='x'/></Response>")[0], (LENGTH,))
    assert values[LENGTH] == 1
    assert warned(reading) == [(13910, 3)]
    assert "length" in reading.warnings[0].message


def test_an_unknown_attribute_is_warned_about() -> None:
    reading = Reading(BASE)
    reading.values(element("<Pause size='2'/>"), (LENGTH,))
    assert warned(reading) == [(12200, 1)]


def test_attributes_of_other_namespaces_are_nobodys_business() -> None:
    reading = Reading(BASE)
    reading.values(element("<Pause xmlns:a='urn:a' a:length='x' xml:space='preserve'/>"), (LENGTH,))
    assert not reading.warnings


def test_an_attribute_without_effect_is_warned_about_unless_it_asks_for_nothing() -> None:
    reading = Reading(BASE)
    byoc = idle(text("byoc"), "no such trunks")
    reading.values(element("<Number byoc='BY1'/>"), (byoc,))
    reading.values(element("<Number byoc=''/>"), (byoc,))
    reading.values(element("<Number byoc='BY1'/>"), (idle(text("byoc"), "one trunk", warned=False),))
    assert warned(reading) == [(12200, 1)]
    assert reading.warnings[0].message == "<Number>: byoc has no effect here: no such trunks"


def test_warnings_are_bounded() -> None:
    reading = Reading(BASE)
    for _ in range(5000):
        reading.warn(element("<Say/>"), 13520, "x" * 5000)
    assert len(reading.warnings) == Reading.MOST_WARNINGS + 1
    assert "further" in reading.warnings[-1].message
    assert max(len(warning.message) for warning in reading.warnings) <= 500


def test_children_that_do_not_belong_are_left_out() -> None:
    reading = Reading(BASE)
    kept = reading.children(element("<Gather><Say/><Dial/><Play/></Gather>"), frozenset({"Say", "Play"}), 13320)
    assert [child.tag for child in kept] == ["Say", "Play"]
    assert warned(reading) == [(13320, 1)]


def test_text_leaves_children_out() -> None:
    assert text_of(element("<Sip> sip:a@b <Uri>x</Uri> tail </Sip>")) == "sip:a@b  tail"


@pytest.mark.parametrize(
    ("base", "url", "default", "hook", "codes"),
    [
        (BASE, "/d", False, Hook("http://app.example/d"), []),
        (BASE, "", False, None, []),
        (BASE, "", True, Hook(BASE), []),
        ("", "", True, None, []),
        ("", "/d", True, None, [15004]),
        ("", "http://app.example/d", False, Hook("http://app.example/d"), []),
        (BASE, "ftp://x/", False, Hook("ftp://x/"), []),
        (BASE, "http://[x", False, Hook("http://[x"), []),
    ],
)
def test_actions(base: str, url: str, default: bool, hook: Hook | None, codes: list[int]) -> None:
    reading = Reading(base)
    assert reading.action(element("<Dial/>"), url, "POST", default=default) == hook
    assert [code for code, _ in warned(reading)] == codes


@pytest.mark.parametrize(
    ("base", "url", "hook", "codes"),
    [
        (BASE, "events", Hook("http://app.example/ivr/events", "GET"), []),
        (BASE, "", None, []),
        ("", "events", None, [15004]),
        (BASE, "ftp://x/", None, [13256]),
        (BASE, "http://[x", None, [13256]),
        (BASE, "http://a b/", None, [13256]),
    ],
)
def test_callbacks(base: str, url: str, hook: Hook | None, codes: list[int]) -> None:
    reading = Reading(base)
    assert reading.hook(element("<Dial/>"), url, "GET", 13256) == hook
    assert [code for code, _ in warned(reading)] == codes
