"""What a phone says of its user (RFC 3903)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Publication:
    """One published presence document.

    Attributes:
        aor: NAME@DOMAIN.
        id: of its row; stays the same when it is refreshed or modified.
        etag: SIP-ETag, another one after each PUBLISH.
        document: as it came.
    """

    aor: str
    id: str
    etag: str
    expires_at: datetime
    document: str

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
        return cls(**row)
