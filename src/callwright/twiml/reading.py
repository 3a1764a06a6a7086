"""One document being read: where it came from, and what was warned about on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from callwright.calls.application import Hook
from callwright.twiml.address import relative, requestable, resolve
from callwright.twiml.attribute import SCHEMA_WARNING, Attribute, Values

Element = etree._Element
RELATIVE_WITHOUT_BASE = 15004
BAD_URL = 11100


@dataclass(frozen=True, slots=True)
class DocumentWarning:
    """Something in a document that was ignored or replaced by a default (call-control reference §8.2)."""

    code: int
    message: str
    line: int = 0


class Reading:
    """The state of one parse.

    Attributes:
        url: the document's own URL; "" for one that has none.
        warnings: in document order, bounded.
    """

    MOST_WARNINGS = 100

    def __init__(self, url: str) -> None:
        self.url = url
        self.warnings: list[DocumentWarning] = []

    def warn(self, element: Element, code: int, message: str) -> None:
        """Records a warning at an element's line."""
        if len(self.warnings) > self.MOST_WARNINGS:
            return
        line = element.sourceline if isinstance(element.sourceline, int) else 0
        if len(self.warnings) == self.MOST_WARNINGS:
            self.warnings.append(DocumentWarning(SCHEMA_WARNING, "further warnings are left out", line))
        else:
            self.warnings.append(DocumentWarning(code, f"<{element.tag}>: {message}"[:500], line))

    def values(self, element: Element, attributes: Sequence[Attribute[Any]]) -> Values:
        """The element's attributes against its table; what is unknown or bad is warned about.

        Attributes of foreign namespaces (xml:space, xsi:...) are nobody's business here.
        """
        table = {attribute.name: attribute for attribute in attributes}
        given: dict[str, object] = {}
        for key, value in element.attrib.items():
            name = str(key)
            if name.startswith("{"):
                continue
            if (attribute := table.get(name)) is None:
                self.warn(element, SCHEMA_WARNING, f"unknown attribute {name}")
                continue
            try:
                read = attribute.read(str(value))
            except ValueError as fault:
                self.warn(element, attribute.code, f"bad value of {name}: {fault}")
                continue
            if attribute.unsupported and read != attribute.default:
                self.warn(element, attribute.code, f"{name} has no effect here: {attribute.why}")
            given[name] = read
        return Values(given)

    def children(
        self, element: Element, allowed: frozenset[str] = frozenset(), code: int = SCHEMA_WARNING
    ) -> list[Element]:
        """The allowed child elements in order; any other is warned about with `code` and left out."""
        kept = []
        for child in element:
            if child.tag in allowed:
                kept.append(child)
            else:
                self.warn(child, code, f"is not allowed in <{element.tag}>")
        return kept

    def no_text(self, element: Element) -> None:
        """Warns when there is text between the children."""
        if text_of(element):
            self.warn(element, SCHEMA_WARNING, "text is not allowed here")

    def action(self, element: Element, url: str, method: str, *, default: bool = False) -> Hook | None:
        """The hook of an `action`, resolved. A URL that cannot be requested is kept: its request fails, and a
        failed request is the fallback's business.

        Args:
            url: as it stands in the document; "" when absent.
            default: whether an absent action means the document itself.
        """
        if not url:
            return Hook(self.url, method) if default and self.url else None
        try:
            return Hook(resolve(self.url, url), method)
        except ValueError as fault:
            if relative(url):
                self.warn(element, RELATIVE_WITHOUT_BASE, str(fault))
                return None
            return Hook(url, method)

    def location(self, element: Element, url: str, code: int = BAD_URL) -> str | None:
        """A URL resolved and checked; None, with a warning, when it cannot be requested."""
        try:
            absolute = resolve(self.url, url)
        except ValueError as fault:
            self.warn(element, RELATIVE_WITHOUT_BASE if relative(url) else code, str(fault))
            return None
        if not requestable(absolute):
            self.warn(element, code, "not a URL that can be requested")
            return None
        return absolute

    def hook(self, element: Element, url: str, method: str, code: int = BAD_URL) -> Hook | None:
        """A callback's hook, resolved and checked; None when there is none or it cannot be requested."""
        if not url or (absolute := self.location(element, url, code)) is None:
            return None
        return Hook(absolute, method)


def text_of(element: Element) -> str:
    """The element's own text (its children's left out), blanks around it removed."""
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
