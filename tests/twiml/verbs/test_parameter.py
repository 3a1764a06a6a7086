"""<Parameter>."""

from lxml import etree

from callwright.twiml.reading import Reading
from callwright.twiml.verbs.parameter import read


def test_parameters_keep_their_order_and_repetitions() -> None:
    reading = Reading("")
    element = etree.fromstring("<X><Parameter name='a' value='1'/><Parameter name='a' value='2'/><Y/></X>")
    assert read(element, reading) == (("a", "1"), ("a", "2"))
    assert [warning.code for warning in reading.warnings] == [12200]
