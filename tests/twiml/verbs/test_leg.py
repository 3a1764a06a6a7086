"""What nouns of <Dial> share."""

from lxml import etree

from callwright.twiml.reading import Reading
from callwright.twiml.verbs.leg import URL, screened, url_method


def test_a_document_for_the_callee_is_not_passed_over() -> None:
    reading = Reading("http://app.example/")
    element = etree.fromstring("<Number url='/whisper' method='GET'>1</Number>")
    values = reading.values(element, (URL, url_method(13221)))
    assert screened(element, values, reading)
    assert [warning.code for warning in reading.warnings] == [12200]


def test_without_one_the_callee_is_dialled() -> None:
    reading = Reading("http://app.example/")
    element = etree.fromstring("<Number>1</Number>")
    assert not screened(element, reading.values(element, (URL,)), reading)
    assert not reading.warnings
