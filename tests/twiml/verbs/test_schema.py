"""Elements that are known and not carried out."""

from lxml import etree

from callwright.twiml.attribute import integer
from callwright.twiml.reading import Reading
from callwright.twiml.verbs.schema import Schema, check, skip

SIZE = integer("size", 3, 1, 9, 13999)
SCHEMA = Schema((SIZE,), {"Part": Schema((SIZE,), {"Screw": Schema()})}, code=64001, child_code=14300)


def warned(xml: str, *, skipped: bool = False) -> list[int]:
    reading = Reading("")
    (skip if skipped else check)(etree.fromstring(xml), SCHEMA, reading)
    return [warning.code for warning in reading.warnings]


def test_what_is_right_leaves_nothing() -> None:
    assert warned("<Whole size='1'><Part size='2'><Screw/></Part><Part/></Whole>") == []


def test_everything_wrong_is_said_at_any_depth() -> None:
    assert warned("<Whole size='0'><Other/><Part size='x'><Nail/></Part></Whole>") == [13999, 14300, 13999, 12200]


def test_the_attributes_are_read() -> None:
    assert check(etree.fromstring("<Whole size='5'/>"), SCHEMA, Reading(""))[SIZE] == 5


def test_a_skipped_one_says_so() -> None:
    assert warned("<Whole size='0'/>", skipped=True) == [13999, 64001]
