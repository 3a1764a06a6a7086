"""Presence documents: what is taken, and what watchers get."""

from typing import Any

import pytest
from lxml import etree

from callwright.sip.events.document import MOST_BYTES as ROOM
from callwright.sip.events.pidf import MODEL, MOST_BYTES, PIDF, RPID, compose, parse

AOR = "alice@pbx.example"
P, D, R = f"{{{PIDF}}}", f"{{{MODEL}}}", f"{{{RPID}}}"


def published(basic: str = "open", more: str = "", head: str = "") -> bytes:
    """A document as phones publish it."""
    return (
        f'{head}<presence xmlns="{PIDF}" xmlns:dm="{MODEL}" xmlns:r="{RPID}" entity="pres:elsewhere@x">'
        f'<tuple id="t1"><status><basic>{basic}</basic></status><contact priority="0.8">sip:a@h</contact>'
        f"</tuple>{more}</presence>"
    ).encode()


def told(*documents: bytes, registered: bool = True, talking: bool = False) -> Any:
    """The root of what watchers get."""
    body = compose(AOR, documents, registered=registered, talking=talking).body(0)
    assert len(body) <= ROOM
    return etree.fromstring(body)


def basics(root: Any) -> list[tuple[str, str]]:
    """(id, basic) of each tuple."""
    return [(one.get("id"), one.findtext(f"{P}status/{P}basic")) for one in root.findall(f"{P}tuple")]


def test_nothing_published() -> None:
    root = told()
    assert root.get("entity") == f"sip:{AOR}" and basics(root) == [("registration", "open")]
    assert root.findtext(f"{P}tuple/{P}contact") == f"sip:{AOR}"
    assert basics(told(registered=False)) == [("registration", "closed")]


def test_on_the_phone() -> None:
    root = told(talking=True)
    assert root.find(f"{D}person/{R}activities/{R}on-the-phone") is not None
    assert root[-1].tag == f"{D}person"
    assert told().find(f"{D}person") is None


def test_published_documents_come_first() -> None:
    """Whole, with ids of their own, whatever entity they claim."""
    away = '<note>out</note><dm:person id="t1"><r:activities><r:away/></r:activities></dm:person><x xmlns="u:x"/>'
    root = told(published("open", away), published("closed"), talking=True)
    assert root.get("entity") == f"sip:{AOR}"
    assert basics(root) == [("p1", "open"), ("p2", "closed"), ("registration", "open")]
    assert root.find(f"{P}tuple/{P}contact").get("priority") == "0.8"
    assert root.findtext(f"{P}note") == "out"
    assert [one.get("id") for one in root.findall(f"{D}person")] == ["d1", "phone"]
    assert root.find(f"{D}person/{R}activities/{R}away") is not None
    assert root.find("{u:x}x") is None
    order = [one.tag for one in root]
    assert order == [*[f"{P}tuple"] * 3, f"{P}note", *[f"{D}person"] * 2]


def test_who_is_away_on_all_phones_is_closed() -> None:
    assert basics(told(published("closed")))[-1] == ("registration", "closed")
    assert basics(told(published("closed"), published("open")))[-1] == ("registration", "open")


def test_what_was_published_first_makes_room() -> None:
    long = [published("open", f"<note>{letter * 1500}</note>") for letter in "abc"]
    notes = [one.text[0] for one in told(*long).findall(f"{P}note")]
    assert notes == ["b", "c"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not well-formed"),
        (b"\xff\xfe<", "not UTF-8"),
        (b"<a/>", "root element"),
        (b"<presence/>", "root element"),
        (published(head='<?xml version="1.0"?><!DOCTYPE p [<!ENTITY e "x">]>'), "document type"),
        (published(head='<!DOCTYPE p SYSTEM "file:///etc/passwd">'), "document type"),
        (published(more="<note>&e;</note>"), "not well-formed"),
        (published(more="<n>" * 100), "not well-formed"),
        (published(more=f"<note>{'x' * MOST_BYTES}</note>"), "more than"),
    ],
)
def test_what_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(body)


def test_what_is_taken() -> None:
    assert parse(published("unknown")).find(f"{P}tuple") is None
    for head in ('<?xml version="1.0" encoding="ISO-8859-1"?>\n', "\ufeff", "\ufeff<?xml version='1.0'?>"):
        assert parse(published(head=head, more="<note>ü</note>")).findtext(f"{P}note") == "ü"
