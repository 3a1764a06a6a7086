"""Documents: bytes of an answer in, verbs out; no I/O (call-control reference §1.1).

The parser is hardened against hostile XML: the encoding is settled before the parser sees a byte, a document type
declaration is refused, and size, depth and number of elements are bounded.
"""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from callwright.errors import DocumentError
from callwright.twiml.address import requestable
from callwright.twiml.attribute import SCHEMA_WARNING
from callwright.twiml.characters import without_controls
from callwright.twiml.reading import DocumentWarning, Element, Reading, text_of
from callwright.twiml.verbs import VERBS, Play, Say, Verb, later
from callwright.twiml.verbs.say import EMPTY, MOST_CHARACTERS, TOO_LONG

NOT_WELL_FORMED = 12100
BAD_XML_VERSION = 12101
WRONG_ROOT = 12102
TOO_LARGE = 11750
EMPTY_BODY = 11770
UNUSABLE_TYPE = 12300

MOST_BYTES = 64 * 1024
MOST_REMEMBERED = 4 * 1024
"""Bytes of an answer whose document is kept: most applications give most callers the same few answers."""
MOST_DEPTH = 32
MOST_ELEMENTS = 2000

XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
ENCODINGS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252"})
"""By Python's own names of them; every other encoding is refused."""

_DECLARATION = re.compile(r"<\?xml(?P<fields>\s[^?<>]{0,200})\?>")
_FIELD = re.compile(r"""\s(version|encoding)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Document:
    """What an application answered.

    Attributes:
        url: where it came from, the base of its relative URLs; "" when it was given in place of a URL.
    """

    verbs: tuple[Verb, ...]
    url: str = ""
    warnings: tuple[DocumentWarning, ...] = ()


def parse(body: bytes, content_type: str, url: str) -> Document:
    """The document in an answer.

    Args:
        body: decoded of any transfer or content encoding.
        content_type: the header field as received, with its parameters.
        url: where the answer came from, after redirects; "" for a document without a URL.

    Raises:
        DocumentError: it cannot be run: 12300 type, 11770 empty, 11750 too large, 12100 not well-formed or too deep,
            12101 XML version, 12102 root element.
    """
    return (_remembered if len(body) <= MOST_REMEMBERED else _read)(body, content_type, url)


def _read(body: bytes, content_type: str, url: str) -> Document:
    kind, charset = media_type(content_type)
    if kind.startswith("audio/"):
        return _recording(url)
    if not body.strip():
        raise DocumentError("the answer has no body", code=EMPTY_BODY, url=url)
    if kind in XML_TYPES:
        return _xml(body, charset, url)
    if kind == "text/plain":
        try:
            return _xml(body, charset, url)
        except DocumentError as fault:
            if fault.code == TOO_LARGE:
                raise
        return _spoken(body, charset, url)
    raise DocumentError(f"content type {kind[:100]!r} cannot be used", code=UNUSABLE_TYPE, url=url)


_remembered = lru_cache(maxsize=512)(_read)  # a document cannot change; a fault is not remembered


def media_type(content_type: str) -> tuple[str, str]:
    """The type in lower case, and its charset parameter ("" when there is none)."""
    kind, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip("\"'")
    return kind.strip().lower(), ""


def _recording(url: str) -> Document:
    if not requestable(url):
        raise DocumentError("a sound without a URL to play it from", code=UNUSABLE_TYPE, url=url)
    return Document((Play(url),), url)


def _spoken(body: bytes, charset: str, url: str) -> Document:
    text = without_controls(decoded(body, charset, url)).strip()
    if not text:
        return Document((), url, (DocumentWarning(EMPTY, "nothing to say"),))
    if len(text) > MOST_CHARACTERS:
        return Document((), url, (DocumentWarning(TOO_LONG, f"more than {MOST_CHARACTERS} characters to say"),))
    return Document((Say(text),), url)


def response(body: bytes, charset: str, url: str) -> Element:
    """The root of a document.

    Args:
        charset: of the content type; "" when it names none.

    Raises:
        DocumentError: it is none: 11750, 12100, 12101, 12102.
    """
    root = _root(body, charset, url)
    if root.tag != "Response":
        raise DocumentError(f"the root element is <{str(root.tag)[:100]}>, not <Response>", code=WRONG_ROOT, url=url)
    return root


def _xml(body: bytes, charset: str, url: str) -> Document:
    root = response(body, charset, url)
    reading = Reading(url)
    reading.values(root, ())
    if text_of(root):
        reading.warn(root, SCHEMA_WARNING, "text between verbs is ignored")
    verbs = []
    for element in root:
        if kind := VERBS.get(str(element.tag)):
            if verb := kind.parse(element, reading):
                verbs.append(verb)
        elif not later.check(element, reading):
            reading.warn(element, SCHEMA_WARNING, "is not a verb and is ignored")
    return Document(tuple(verbs), url, tuple(reading.warnings))


def _root(body: bytes, charset: str, url: str) -> Element:
    if len(body) > MOST_BYTES:
        raise DocumentError(f"a document of more than {MOST_BYTES} bytes", code=TOO_LARGE, url=url)
    text = decoded(body, charset, url)
    if declaration := _DECLARATION.match(text):
        fields = {name: double or single for name, double, single in _FIELD.findall(declaration["fields"])}
        if (version := fields.get("version")) not in ("1.0", "1.1"):
            raise DocumentError(f"XML version {version!r}", code=BAD_XML_VERSION, url=url)
        # Decoded already: what the declaration says of an encoding no longer holds. Its lines still count.
        text = "\n" * declaration[0].count("\n") + text[declaration.end() :]
    if _has_doctype(text):
        raise DocumentError("a document type declaration", code=NOT_WELL_FORMED, url=url)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise DocumentError(f"not well-formed: {fault}"[:500], code=NOT_WELL_FORMED, url=url) from fault
    _bound(root, url)
    return root


def _bound(root: Element, url: str) -> None:
    """Refuses a tree that is too deep or has too many elements. Elements are all that it can hold: the parser leaves
    comments and instructions out, and there are no entities without a document type."""
    level, depth, count = [root], 0, 0
    while level:
        depth, count = depth + 1, count + len(level)
        if depth > MOST_DEPTH or count > MOST_ELEMENTS:
            limits = f"more than {MOST_DEPTH} levels or {MOST_ELEMENTS} elements"
            raise DocumentError(limits, code=NOT_WELL_FORMED, url=url)
        level = [child for element in level for child in element]


def decoded(body: bytes, charset: str, url: str) -> str:
    """The text, by byte order mark, then charset parameter, then XML declaration, then UTF-8 (RFC 7303 §3)."""
    if body.startswith(codecs.BOM_UTF8):
        name, body = "utf-8", body[len(codecs.BOM_UTF8) :]
    elif body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "utf-16"
    else:
        name = charset or _declared(body) or "utf-8"
    try:
        if codecs.lookup(name).name not in ENCODINGS:
            raise LookupError(name)
        return body.decode(name)
    except (LookupError, ValueError) as fault:
        raise DocumentError(f"encoding {name[:40]!r} cannot be read", code=NOT_WELL_FORMED, url=url) from fault


def _declared(body: bytes) -> str:
    declaration = _DECLARATION.match(body[:256].decode("ascii", "replace"))
    fields = _FIELD.findall(declaration["fields"]) if declaration else []
    return next((double or single for name, double, single in fields if name == "encoding"), "")


def _has_doctype(text: str) -> bool:
    """Whether a document type declaration stands before the root element (XML 1.0 §2.8)."""
    position = 0
    while True:
        rest = text[position:].lstrip()
        position = len(text) - len(rest)
        for opening, closing in (("<!--", "-->"), ("<?", "?>")):
            if rest.startswith(opening):
                end = rest.find(closing, len(opening))
                if end < 0:
                    return False
                position += end + len(closing)
                break
        else:
            return rest.startswith("<!DOCTYPE")
