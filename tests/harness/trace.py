"""The record of everything that a phone sent and received, and its picture as a ladder."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .message import Message, Request, Response
from .waiting import Changes


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a message goes to or comes from."""

    transport: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.transport.lower()}:{self.host}:{self.port}"

    @property
    def reliable(self) -> bool:
        """Whether nothing that is sent there gets lost."""
        return self.transport != "UDP"


@dataclass(slots=True)
class Entry:
    """One message on the wire. `message` is None when its bytes are no SIP message."""

    time: float
    sent: bool
    peer: Peer
    data: bytes
    message: Message | None
    claimed: bool = False
    """Whether an `expect` has returned it already."""

    def title(self) -> str:
        """A short name: method and URI, or status and reason, with CSeq."""
        if self.message is None:
            return f"raw {self.data[:40]!r}"
        cseq = self.message.headers.get("CSeq")
        body = f" + {self.message.headers.get('Content-Type')}" if self.message.body else ""
        if isinstance(self.message, Request):
            return f"{self.message.method} {self.message.uri} (CSeq {cseq}){body}"
        return f"{self.message.title} (CSeq {cseq}){body}"


@dataclass(slots=True)
class Trace:
    """Entries in order, with waiting for the next one that fits."""

    owner: str
    entries: list[Entry] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    _start: float = field(default_factory=time.monotonic)

    def add(self, sent: bool, peer: Peer, data: bytes, message: Message | None) -> None:
        """Records one message."""
        self.entries.append(Entry(time.monotonic() - self._start, sent, peer, data, message))
        self.changes.notify()

    def messages(self, what: int | str, *, sent: bool = False, call_id: str = "") -> list[Message]:
        """Every recorded message of a status code or method, in order."""
        fits = _fits(what, sent, call_id, "")
        return [entry.message for entry in self.entries if entry.message is not None and fits(entry)]

    def transactions(self, method: str) -> int:
        """How many requests of a method have come; one that was sent again counts once (RFC 3261 section 17.2.3)."""
        return len({(one.headers["Via"], one.headers["CSeq"]) for one in self.messages(method)})

    def sent_raw(self, text: str) -> bool:
        """Whether raw bytes with this text in them were sent."""
        return any(entry.sent and entry.message is None and text.encode() in entry.data for entry in self.entries)

    async def expect(self, what: int | str, timeout: float, *, call_id: str = "", method: str = "") -> Message:
        """The first received message that fits and was not returned by an `expect` before.

        Args:
            what: a status code, or a request's method.
            timeout: seconds.
            call_id: only of this call.
            method: with a status code: of the answered request.
        """
        fits = _fits(what, False, call_id, method)

        def probe() -> Message | None:
            entry = next((entry for entry in self.entries if fits(entry) and not entry.claimed), None)
            if entry is None:
                return None
            entry.claimed = True
            return entry.message

        wanted = f"{what} {method}".strip()
        return await self.changes.until(probe, timeout, lambda: f"{wanted} at {self.owner}\n{self.ladder()}")

    def ladder(self, call_id: str = "") -> str:
        """The messages as text, one line each, `-->` sent and `<--` received."""
        lines = [f"ladder of {self.owner}"]
        for entry in self.entries:
            if call_id and (entry.message is None or entry.message.headers.get("Call-ID") != call_id):
                continue
            lines.append(f"{entry.time:9.3f}  {'-->' if entry.sent else '<--'} {entry.peer!s:<28} {entry.title()}")
        return "\n".join(lines)


def _fits(what: int | str, sent: bool, call_id: str, method: str) -> Callable[[Entry], bool]:
    def fits(entry: Entry) -> bool:
        message = entry.message
        if message is None or entry.sent != sent:
            return False
        if call_id and message.call_id != call_id:
            return False
        if isinstance(message, Response):
            return message.status == what and method in ("", message.cseq_method)
        return message.method == what

    return fits
