"""Documents that answer a text message: bytes of an answer in, replies out; no I/O.

They are of the dialect's messaging kind: `<Message>` with text, or with `<Body>` and `<Media>`, and `<Redirect>`. What
cannot be read as a document fails as a voice document does (call-control reference §1.1).
"""

from dataclasses import dataclass

from callwright.calls.application import Hook
from callwright.errors import DocumentError
from callwright.twiml.attribute import SCHEMA_WARNING
from callwright.twiml.characters import without_controls
from callwright.twiml.document import TOO_LARGE, UNUSABLE_TYPE, XML_TYPES, decoded, media_type, response
from callwright.twiml.reading import DocumentWarning, Element, Reading, text_of
from callwright.twiml.verbs import Message, Redirect, Sms
from callwright.twiml.verbs.message import (
    ACTION,
    BAD_BODY,
    BAD_CALLBACK,
    CALLBACK,
    FROM,
    LONGEST,
    METHOD,
    TO,
    misdirected,
)

MOST = 10
"""Replies of one document; MOST_MEDIA of one reply."""
MOST_MEDIA = 10
MESSAGES = frozenset({Message.name, Sms.name})


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to send.

    Attributes:
        to, from_: "" for the sender of the message that is answered, and whom it was for.
        callback: who is told what becomes of it.
    """

    body: str
    to: str = ""
    from_: str = ""
    callback: Hook | None = None
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replies:
    """What an application answers.

    Attributes:
        redirect: whose document goes on; None at the end.
    """

    messages: tuple[Reply, ...] = ()
    redirect: Hook | None = None
    warnings: tuple[DocumentWarning, ...] = ()


def parse(body: bytes, content_type: str, url: str) -> Replies:
    """The replies in an answer; none in an empty one.

    Args:
        body, content_type, url: as `document.parse` has them.

    Raises:
        DocumentError: it cannot be read: as `document.parse`.
    """
    if not body.strip():
        return Replies()
    kind, charset = media_type(content_type)
    if kind in XML_TYPES:
        return _read(response(body, charset, url), url)
    if kind != "text/plain":
        raise DocumentError(f"content type {kind[:100]!r} cannot be used", code=UNUSABLE_TYPE, url=url)
    try:
        return _read(response(body, charset, url), url)
    except DocumentError as fault:
        if fault.code == TOO_LARGE:
            raise
    return _written(decoded(body, charset, url))


def _written(plain: str) -> Replies:
    """Plain text is a reply itself."""
    text = "\n".join(map(without_controls, plain.lstrip("\ufeff").splitlines())).strip()
    if not text:
        return Replies()
    if len(text) > LONGEST:
        return Replies(warnings=(DocumentWarning(BAD_BODY, f"more than {LONGEST} characters to send"),))
    return Replies((Reply(text),))


def _read(root: Element, url: str) -> Replies:
    reading = Reading(url)
    reading.values(root, ())
    if text_of(root):
        reading.warn(root, SCHEMA_WARNING, "text between verbs is ignored")
    found: list[Reply] = []
    for element in root:
        if element.tag == Redirect.name:
            redirect = Redirect.parse(element, reading)
            return Replies(tuple(found), redirect.hook if redirect else None, tuple(reading.warnings))
        if element.tag not in MESSAGES:
            reading.warn(element, SCHEMA_WARNING, "is not a verb of messaging and is ignored")
        elif len(found) == MOST:
            reading.warn(element, SCHEMA_WARNING, f"more than {MOST} messages: the first {MOST} are sent")
        elif reply := _message(element, reading):
            found.append(reply)
    return Replies(tuple(found), warnings=tuple(reading.warnings))


def _message(element: Element, reading: Reading) -> Reply | None:
    values = reading.values(element, Message.attributes)
    children = reading.children(element, frozenset({"Body", "Media"}))
    bodies = [text_of(child) for child in children if child.tag == "Body"]
    body = "\n".join(filter(None, bodies)) or text_of(element)
    media = _media([child for child in children if child.tag == "Media"], reading)
    told = reading.hook(element, values[CALLBACK], "POST", BAD_CALLBACK)
    # the older name of the same
    told = told or reading.hook(element, values[ACTION], values[METHOD], BAD_CALLBACK)
    if len(body) > LONGEST or not (body or media):
        reading.warn(element, BAD_BODY, f"the text is not of 1 to {LONGEST} characters")
        return None
    if misdirected(element, values):
        return None
    return Reply(body, values[TO], values[FROM], told, media)


def _media(elements: list[Element], reading: Reading) -> tuple[str, ...]:
    for element in elements[MOST_MEDIA:]:
        reading.warn(element, SCHEMA_WARNING, f"more than {MOST_MEDIA} media: the first {MOST_MEDIA} are sent")
    found = (reading.location(element, text_of(element)) for element in elements[:MOST_MEDIA])
    return tuple(url for url in found if url)
