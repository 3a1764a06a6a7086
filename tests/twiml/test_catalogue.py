"""The one table of verbs, nouns and attributes, walked: each attribute good, bad and missing."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from callwright.twiml.attribute import Attribute
from callwright.twiml.catalogue import FORMS, Declared, State, elements, markdown
from callwright.twiml.document import Document
from callwright.twiml.verbs import VERBS, later
from callwright.twiml.verbs.dial import LATER, PARTIES
from tests.twiml.playbook import codes, document

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- verbs -->", "<!-- /verbs -->"
ELEMENTS = elements()
ATTRIBUTES = [(one, attribute) for one in ELEMENTS for attribute in one.attributes]


def named(one: Declared, attribute: Attribute[Any], written: str) -> str:
    return f"{one.path}@{attribute.name}={written}"[:70]


def parsed(one: Declared, *attributes: str) -> Document:
    return document(one.example.format(" ".join(attributes)))


def quoted(name: str, written: str) -> str:
    value = quoteattr(written) if "&#" not in written else f'"{written}"'
    return f"{name}={value}"


GOOD = [
    pytest.param(one, attribute, written, id=named(one, attribute, written))
    for one, attribute in ATTRIBUTES
    for written in attribute.good
]
BAD = [
    pytest.param(one, attribute, written, id=named(one, attribute, written))
    for one, attribute in ATTRIBUTES
    for written in attribute.bad
]
JUDGED_LATER = {("Dial", "callerId")}


def test_it_has_every_verb_and_noun() -> None:
    paths = {one.path for one in ELEMENTS}
    assert len(paths) == len(ELEMENTS)
    assert {*VERBS, *later.VERBS} <= paths
    assert {f"Dial/{noun}" for noun in (*PARTIES, *LATER)} <= paths
    assert {path for path, _ in FORMS} <= paths


def test_every_attribute_tells_its_values() -> None:
    """In words, with samples of good ones, and of bad ones unless any text will do."""
    for one, attribute in ATTRIBUTES:
        assert attribute.allowed and attribute.good, f"{one.path}: {attribute.name}"
        free = attribute.name in ("action", "amdStatusCallback") or (attribute.unsupported and not attribute.bad)
        assert attribute.bad or free or (one.path, attribute.name) in JUDGED_LATER, f"{one.path}: {attribute.name}"


def test_what_has_no_effect_says_why() -> None:
    for one, attribute in ATTRIBUTES:
        assert attribute.why or not attribute.unsupported, f"{one.path}: {attribute.name}"
    (dial,) = document("<Dial recordingConfigurationId='RC1'>+15550001111</Dial>").warnings
    assert dial.message.endswith("recordingConfigurationId has no effect here: no stored configurations of recordings")


@pytest.mark.parametrize("one", ELEMENTS, ids=[one.path for one in ELEMENTS])
def test_missing_attributes_have_their_defaults(one: Declared) -> None:
    """And the example is understood: what it leaves is only the word that something is not carried out."""
    found = parsed(one)
    assert all("unknown" not in warning.message for warning in found.warnings)
    if one.state is not State.NOT and not one.drops & {"name"}:
        assert found.verbs and not [code for code in codes(found) if one.path != "Connect"]


@pytest.mark.parametrize(("one", "attribute", "written"), GOOD)
def test_good_values(one: Declared, attribute: Attribute[Any], written: str) -> None:
    beside = one.beside.get(attribute.name, "")
    found = parsed(one, quoted(attribute.name, written), beside)
    alone = attribute.name in one.drops or attribute.name in ("username", "password")
    without = [] if alone else codes(parsed(one, beside))
    noted = [attribute.code] if attribute.unsupported and attribute.read(written) != attribute.default else []
    assert sorted(codes(found)) == sorted(without + noted)


@pytest.mark.parametrize(("one", "attribute", "written"), BAD)
def test_bad_values(one: Declared, attribute: Attribute[Any], written: str) -> None:
    """The warning has the declared code, and everything is as if the attribute were not there."""
    beside = "" if attribute.name in ("username", "password") else one.beside.get(attribute.name, "")
    found, without = parsed(one, quoted(attribute.name, written), beside), parsed(one, beside)
    more = codes(found)
    for code in [] if attribute.name in one.drops else codes(without):
        more.remove(code)
    said_twice = attribute.name in one.drops and more == [attribute.code] * 2  # bad, and so it is missing
    assert said_twice or more == [attribute.code]
    if attribute.name not in one.drops:
        assert found.verbs == without.verbs


def test_the_readme_has_this_table() -> None:
    """To make it anew: .venv/bin/callwright verbs --markdown"""
    text = README.read_text()
    table = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip().splitlines()
    assert table == markdown()
