"""A subscription: who watches whom, and the dialog in which he is told (RFC 6665 §4.4, RFC 3261 §12)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callwright.sip.contact import split
from callwright.sip.leg import Headers
from callwright.sip.lookup import is_address
from callwright.sip.uri import at_place, is_reliable, user_and_host, without_port

DialogId = tuple[str, str, str]
"""Call-ID, our tag, the phone's tag."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One phone's view of one resource.

    Attributes:
        id: of its row.
        watcher, resource: addresses of record, NAME@DOMAIN.
        package, event_id: of its Event field.
        local, remote: From and To of a NOTIFY, with their tags.
        uri: the phone's Contact: who a NOTIFY is for, never where it is sent.
        routes: the Route set (Record-Route of the SUBSCRIBE).
        host, port, transport: where its last SUBSCRIBE came from, and its NOTIFYs go: "UDP", "TCP" or "TLS".
        contact: URI of ours that the dialog's requests come to.
        cseq: no NOTIFY of it, sent or to be sent before the row is written again, has a higher number.
        remote_cseq: of its last SUBSCRIBE.
    """

    id: str
    watcher: str
    resource: str
    package: str
    event_id: str
    call_id: str
    local: str
    remote: str
    uri: str
    routes: tuple[str, ...]
    host: str
    port: int
    transport: str
    contact: str
    cseq: int
    remote_cseq: int
    expires_at: datetime
    user_agent: str = ""

    @property
    def dialog(self) -> DialogId:
        """What a SUBSCRIBE in its dialog bears."""
        return self.call_id, tag_of(self.local), tag_of(self.remote)

    @property
    def event(self) -> str:
        """The Event field."""
        return f"{self.package};id={self.event_id}" if self.event_id else self.package

    @property
    def hop(self) -> str:
        """The address to send to: a connection from there that still stands is used again."""
        where = f"[{self.host}]" if ":" in self.host else self.host
        return f"sip:{where}:{self.port};transport={self.transport.lower()}"

    @property
    def target(self) -> str:
        """The Request-URI of a NOTIFY: the Contact; without a Route set at the address that the SUBSCRIBE came from,
        so that nothing is sent, or looked up, where a Contact points."""
        host = without_port(user_and_host(self.uri)[1])
        harmless = is_address(host) and not is_reliable(self.uri)
        return self.uri if self.routes or harmless else at_place(self.uri, self.host, self.port)

    def left(self, now: datetime) -> int:
        """Seconds until it ends, rounded up."""
        return max(0, math.ceil((self.expires_at - now).total_seconds()))

    def lives(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at > now

    def notify(self, cseq: int, state: str) -> Headers:
        """The header fields of a NOTIFY.

        Args:
            state: the Subscription-State field.
        """
        return [
            *(("Route", route) for route in self.routes),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} NOTIFY"),
            ("Contact", f"<{self.contact}>"),
            ("Event", self.event),
            ("Subscription-State", state),
        ]

    def row(self) -> dict[str, Any]:
        """As the store keeps it."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return {**row, "routes": list(self.routes)}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Subscription":
        """The other way round."""
        return cls(**{**row, "routes": tuple(row["routes"] or ())})


def tag_of(header: str) -> str:
    """The tag of a From or To field; "" without one, or when it cannot be read."""
    try:
        parts = split(header.rpartition(">")[2], ";")
    except ValueError:
        return ""
    given = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    return given.get("tag", "")
