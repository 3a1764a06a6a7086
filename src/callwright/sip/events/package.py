"""Event packages: what can be subscribed to (RFC 6665 §5)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from callwright.sip.contact import split

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")


@dataclass(frozen=True, slots=True)
class Package:
    """One event package.

    Attributes:
        content_type: of its documents.
        private: only the user himself may watch it; others of his account may not, unless it is a mailbox that they
            share.
    """

    name: str
    content_type: str
    private: bool = False


PRESENCE = Package("presence", "application/pidf+xml")
DIALOG = Package("dialog", "application/dialog-info+xml")
REGISTRATION = Package("reg", "application/reginfo+xml", private=True)
MESSAGE_SUMMARY = Package("message-summary", "application/simple-message-summary", private=True)

PACKAGES = {package.name: package for package in (PRESENCE, DIALOG, REGISTRATION, MESSAGE_SUMMARY)}
ALLOWED = ("Allow-Events", ", ".join(PACKAGES))
"""What a 489 says."""


def event_of(values: Sequence[str]) -> tuple[str, str]:
    """Package and id of an Event header field (RFC 6665 §8.2.1); empty strings when it is none."""
    if len(values) != 1:
        return "", ""
    name, *parameters = (part.strip() for part in values[0].split(";"))
    given = {key.strip().lower(): value.strip() for key, _, value in (one.partition("=") for one in parameters)}
    id_ = given.get("id", "")
    if not _TOKEN.fullmatch(name) or (id_ and not _TOKEN.fullmatch(id_)):
        return "", ""
    return name, id_


def accepts(values: Sequence[str], content_type: str) -> bool:
    """Whether Accept fields, if there are any, name a content type (RFC 3261 §20.1)."""
    if not values:
        return True
    main = content_type.partition("/")[0]
    ranges = {part.partition(";")[0].strip().lower() for value in values for part in split(value, ",")}
    return not ranges.isdisjoint({content_type, f"{main}/*", "*/*"})
