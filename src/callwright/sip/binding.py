"""A binding: one phone of an address of record, and the way back to it (RFC 3261 §10, RFC 3327, RFC 5626)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callwright.sip.contact import Contact, same_place
from callwright.sip.gruu import public
from callwright.sip.lookup import is_address
from callwright.sip.request import Request
from callwright.sip.uri import at_place, is_reliable, user_and_host, without_port

Key = tuple[str, str]
"""Of a binding's row: its address of record and its id."""

_NAMED = re.compile("<[^<>]+>")
_LOOSE = re.compile(";lr(?=[;=>?])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a phone has said it is, and where it really was when it said so.

    Attributes:
        aor: NAME@DOMAIN.
        id: of its row; stays the same when it is refreshed.
        uri: the Contact's: who a request is for, never where it is sent.
        host, port, transport: the source of the REGISTER: where requests are sent. transport: "UDP", "TCP" or "TLS".
        path: values of the Path fields (RFC 3327), the proxies on the way, the last one first.
        expires_at: end of the registration.
    """

    aor: str
    id: str
    uri: str
    call_id: str
    cseq: int
    expires_at: datetime
    host: str
    port: int
    transport: str
    q: str = ""
    instance: str = ""
    reg_id: int = 0
    path: tuple[str, ...] = ()
    user_agent: str = ""

    def is_of(self, contact: Contact) -> bool:
        """Whether a Contact renews this binding: the same flow of the same phone, else the same URI."""
        if contact.instance and contact.reg_id:
            return (self.instance, self.reg_id) == (contact.instance, contact.reg_id)
        return same_place(self.uri, contact.uri)

    def is_left_by(self, contact: Contact, request: Request) -> bool:
        """Whether the phone has left this binding behind: it registers again, on another connection than that which led
        here, and a phone without flows (RFC 5626) has one at a time."""
        flows = self.reg_id or contact.reg_id or self.path or "UDP" in (self.transport, request.transport)
        moved = self.host == request.source_host and self.port != request.source_port
        same = self.call_id == request.call_id or (self.instance != "" and self.instance == contact.instance)
        return same and moved and not flows

    def lives(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at > now

    def contact(self, now: datetime, *, gruu: bool = False) -> str:
        """As a 200 to REGISTER lists it, with the seconds that are left.

        Args:
            gruu: with the GRUU of its instance (RFC 5627 §5.2).
        """
        left = max(0, math.ceil((self.expires_at - now).total_seconds()))
        text = f"<{self.uri}>;expires={left}"
        if self.q:
            text += f";q={self.q}"
        if self.instance:
            text += f';+sip.instance="<{self.instance}>"'
        if self.instance and gruu:
            text += f';pub-gruu="{public(self.aor, self.instance)}"'
        return f"{text};reg-id={self.reg_id}" if self.reg_id else text

    @property
    def hop(self) -> str:
        """The address to send to: a connection from there that still stands is used again."""
        where = f"[{self.host}]" if ":" in self.host else self.host
        return f"sip:{where}:{self.port};transport={self.transport.lower()}"

    @property
    def route(self) -> tuple[str, ...]:
        """The proxies on the way to it, as name-addrs: those of its Path that route loosely, as they all must (RFC 3327
        §5.5)."""
        return tuple(uri for value in self.path for uri in _NAMED.findall(value) if _LOOSE.search(uri))

    @property
    def target(self) -> str:
        """The Request-URI for it: the Contact; without a Path at the address that it came from, where the engine, which
        looks at both, would connect to what the Contact names, or look it up."""
        host = without_port(user_and_host(self.uri)[1])
        harmless = is_address(host) and not is_reliable(self.uri)
        return self.uri if self.path or harmless else at_place(self.uri, self.host, self.port)

    @property
    def place(self) -> tuple[str, str, int]:
        """Transport, host and port of where it registered from."""
        return self.transport, self.host, self.port

    @property
    def is_connected(self) -> bool:
        """Whether there is no way to it but the connection that it registered on; what proxies on the way hold, they
        tell of themselves (RFC 5626 §5.3)."""
        return self.transport != "UDP" and not self.path

    @property
    def preference(self) -> float:
        """Its q, from 0 to 1; a Contact without one is as good as any."""
        return float(self.q or 1)

    @property
    def key(self) -> Key:
        """Of its row."""
        return self.aor, self.id

    def row(self) -> dict[str, Any]:
        """As the store keeps it."""
        names = ("aor", "id", "uri", "call_id", "cseq", "expires_at", "host", "port", "transport", "q", "instance")
        row = {name: getattr(self, name) for name in (*names, "reg_id", "user_agent")}
        return {**row, "path": list(self.path)}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Binding":
        """The other way round."""
        return cls(**{**row, "path": tuple(row["path"] or ())})
