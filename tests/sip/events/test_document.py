"""Text in XML, versions, and room."""

from xml.etree import ElementTree

from callwright.sip.events.document import MOST_BYTES, Document, attribute, element, newest


def test_versions_are_numbers_of_the_body() -> None:
    assert Document("a/b", "<x v='", "'/>").body(7) == b"<x v='7'/>"
    assert Document("a/b", "<x/>").body(7) == b"<x/>"


def test_hostile_text_stays_text() -> None:
    text = "a\"'<&>\x00\ud800b"
    written = f"<x y={attribute(text)}>{element(text)}</x>"
    read = ElementTree.fromstring(written)
    assert read.attrib["y"] == read.text == "a\"'<&>??b"


def test_the_newest_have_room() -> None:
    elements = [f"<e n='{number:04}'/>" for number in range(1000)]
    kept = newest(elements)
    assert kept.endswith(elements[-1]) and elements[0] not in kept
    assert MOST_BYTES - 900 < len(kept) < MOST_BYTES
    assert newest(elements[:3]) == "".join(elements[:3])
