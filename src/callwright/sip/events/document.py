"""What a NOTIFY carries, and how text gets into XML."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

MOST_BYTES = 4_500
"""Of a document: with the longest header fields that are taken a NOTIFY is still one that the engine sends."""
FRAME_BYTES = 800
"""What is left of that for what stands around the elements of a document."""


@dataclass(frozen=True, slots=True)
class Document:
    """The state of a resource.

    Attributes:
        text: all of it; up to the number of its version when there is an `after`.
        after: what follows that number, which is another for each NOTIFY.
    """

    content_type: str
    text: str
    after: str = ""

    def body(self, version: int) -> bytes:
        """As it is sent."""
        return (f"{self.text}{version}{self.after}" if self.after else self.text).encode()


def attribute(text: str) -> str:
    """The value of an attribute, in quotes; what XML 1.0 cannot hold is a question mark."""
    return quoteattr(_UNWRITABLE.sub("?", text))


def element(text: str) -> str:
    """The text of an element."""
    plain = _UNWRITABLE.sub("?", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def newest(elements: Iterable[str]) -> str:
    """The last of these elements, in order: as many as a document has room for."""
    room, taken = MOST_BYTES - FRAME_BYTES, list[str]()
    for one in reversed(list(elements)):
        room -= len(one.encode())
        if room < 0:
            break
        taken.append(one)
    return "".join(reversed(taken))
