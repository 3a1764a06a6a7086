"""Presence documents: those that phones publish are read with care, what watchers get is put together of them and of
what we know ourselves (RFC 3863, RFC 4479, RFC 4480)."""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import TypeAlias

from lxml import etree

from callwright.sip.events import document
from callwright.sip.events.document import Document
from callwright.sip.events.package import PRESENCE

MOST_BYTES = 4 * 1024
"""Of a published document: what watchers are told of it must fit into a NOTIFY."""
PIDF = "urn:ietf:params:xml:ns:pidf"
MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
RPID = "urn:ietf:params:xml:ns:pidf:rpid"

OPEN, CLOSED = "open", "closed"

_EMPTY = f'<presence xmlns="{PIDF}" xmlns:dm="{MODEL}" xmlns:rpid="{RPID}"/>'
_TUPLE, _BASIC, _NOTE = f"{{{PIDF}}}tuple", f"{{{PIDF}}}status/{{{PIDF}}}basic", f"{{{PIDF}}}note"
_PERSON, _DEVICE = f"{{{MODEL}}}person", f"{{{MODEL}}}device"
_DECLARATION = re.compile(r"\A\ufeff?<\?xml\s[^?<>]{0,200}\?>")

Element: TypeAlias = etree._Element  # lxml has no public name for it


def parse(body: bytes) -> Element:
    """The root of a presence document, without tuples whose basic status is neither open nor closed.

    Raises:
        ValueError: too long, not UTF-8, not well-formed, no presence document, or one with a document type.
    """
    if len(body) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    try:
        text = _DECLARATION.sub("", body.decode())  # an encoding that it names is not asked
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it has a document type")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise ValueError(f"not well-formed: {fault}"[:200]) from None
    if root.tag != f"{{{PIDF}}}presence":
        raise ValueError("the root element is not that of a presence document")
    for one in root.findall(_TUPLE):
        if one.findtext(_BASIC, OPEN).strip() not in (OPEN, CLOSED):  # baresip's "unknown", before it knows
            root.remove(one)
    return root


def compose(aor: str, published: Sequence[bytes], *, registered: bool, talking: bool) -> Document:
    """What watchers of a user are told.

    What his phones publish comes first, then a tuple of our own: open when a phone is registered, unless everything
    that is published says closed (he does not want to be called). A phone in use is an activity of the person. When
    it would be too much for a NOTIFY, what was published first is left out.

    Args:
        published: documents that `parse` has taken.
        talking: whether a phone of his is in use.
    """
    roots = [parse(one) for one in published]
    while True:
        text = _composed(aor, roots, registered=registered, talking=talking)
        if not roots or len(text.encode()) <= document.MOST_BYTES:
            return Document(PRESENCE.content_type, text)
        roots = roots[1:]


def _composed(aor: str, roots: Sequence[Element], *, registered: bool, talking: bool) -> str:
    root = etree.fromstring(_EMPTY)
    root.set("entity", f"sip:{aor}")
    for number, tuple_ in enumerate(_parts(roots, _TUPLE), 1):
        tuple_.set("id", f"p{number}")
        root.append(tuple_)
    statuses = [text.strip() for one in root.findall(_TUPLE) if (text := one.findtext(_BASIC))]
    away = bool(statuses) and all(status == CLOSED for status in statuses)
    _own_tuple(root, aor, OPEN if registered and not away else CLOSED)
    root.extend(_parts(roots, _NOTE))
    for number, part in enumerate(_parts(roots, _PERSON, _DEVICE), 1):
        part.set("id", f"d{number}")
        root.append(part)
    if talking:
        person = etree.SubElement(root, _PERSON, id="phone")
        activities = etree.SubElement(person, f"{{{RPID}}}activities")
        etree.SubElement(activities, f"{{{RPID}}}on-the-phone")
    text = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _parts(roots: Sequence[Element], *tags: str) -> Iterator[Element]:
    """Copies of the children with these names, of all documents."""
    for root in roots:
        for child in root:
            if child.tag in tags:
                copy = deepcopy(child)
                copy.tail = None
                yield copy


def _own_tuple(root: Element, aor: str, basic: str) -> None:
    own = etree.SubElement(root, _TUPLE, id="registration")
    status = etree.SubElement(own, f"{{{PIDF}}}status")
    etree.SubElement(status, f"{{{PIDF}}}basic").text = basic
    etree.SubElement(own, f"{{{PIDF}}}contact").text = f"sip:{aor}"
