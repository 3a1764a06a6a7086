"""What is published: what a phone says of its user, what somebody knows of a mailbox (RFC 3903)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from callwright.sip.events.package import PRESENCE

NEVER = datetime.max.replace(tzinfo=UTC)
"""When something expires that nobody has to refresh."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One published document.

    Attributes:
        aor: the resource that it is of: NAME@DOMAIN, or a mailbox that users share.
        id: of its row; stays the same when it is refreshed or modified.
        etag: SIP-ETag, another one after each PUBLISH.
        document: as it came.
        package: of the event.
    """

    aor: str
    id: str
    etag: str
    expires_at: datetime
    document: str
    package: str = PRESENCE.name

    @property
    def key(self) -> tuple[str, str]:
        """Of its row."""
        return self.aor, self.id

    def lives(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at > now

    def row(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Publication":
        """The other way round."""
        return cls(**{**row, "package": row["package"] or PRESENCE.name})
