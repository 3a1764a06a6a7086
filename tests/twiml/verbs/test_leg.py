"""What nouns of <Dial> share."""

import pytest
from lxml import etree

from callwright.calls.application import Hook
from callwright.twiml.reading import Reading
from callwright.twiml.verbs.leg import URL, screening, url_method

METHOD = url_method(13221)


def asked(xml: str) -> tuple[Hook | None, list[int]]:
    reading = Reading("http://app.example/")
    element = etree.fromstring(xml)
    values = reading.values(element, (URL, METHOD))
    hook = screening(element, values, METHOD, reading)
    return hook, [warning.code for warning in reading.warnings]


def test_a_document_for_the_callee() -> None:
    assert asked("<Number url='/w' method='GET'>1</Number>") == (Hook("http://app.example/w", "GET"), [])


def test_without_one_nobody_is_asked() -> None:
    assert asked("<Number>1</Number>") == (None, [])


def test_one_that_cannot_be_requested_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="cannot be requested"):
        asked("<Number url='ftp://x/'>1</Number>")
