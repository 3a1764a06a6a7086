"""As much SIP over UDP as a load needs: messages to dictionaries and back, one offer, one answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "c": "content-type"}


@dataclass(slots=True)
class Message:
    """A request or response.

    Attributes:
        method: of a request; of a response the one that CSeq names.
        status: of a response; 0: a request.
        headers: the first of each name, in lower case.
        vias: all of them, and `routes` all Record-Routes, as they came.
    """

    method: str
    status: int
    headers: dict[str, str]
    body: str
    vias: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)

    @property
    def call_id(self) -> str:
        """What the message belongs to."""
        return self.headers.get("call-id", "")

    @property
    def media(self) -> str:
        """Where the other side wants RTP, "address:port"; "" without a description."""
        address = re.search(r"^c=IN IP4 (\S+)", self.body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", self.body, re.MULTILINE)
        return f"{address[1]}:{port[1]}" if address and port else ""

    @property
    def contact(self) -> str:
        """The URI for requests inside the dialog."""
        found = re.search(r"<([^>]+)>", self.headers.get("contact", ""))
        return found[1] if found else ""


def parse(data: bytes) -> Message:
    """A datagram as a message.

    Raises:
        ValueError: it is none.
    """
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    message = Message("", 0, {}, body)
    for line in lines:
        name, colon, value = line.partition(":")
        key, text = name.strip().lower(), value.strip()
        key = COMPACT.get(key, key)
        if not colon:
            raise ValueError(f"no header: {line!r}")
        if key == "via":
            message.vias.append(text)
        elif key == "record-route":
            message.routes.append(text)
        message.headers.setdefault(key, text)
    if first.startswith("SIP/2.0 "):
        message.status = int(first.split(" ", 2)[1])
        message.method = message.headers.get("cseq", " ").rpartition(" ")[2]
    else:
        message.method = first.partition(" ")[0]
    return message


def compose(first: str, headers: Sequence[tuple[str, str]], body: str = "") -> bytes:
    """A message as a datagram."""
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append("Content-Type: application/sdp")
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def answer_to(request: Message, status: str, tag: str, contact: str, body: str = "") -> bytes:
    """A response (RFC 3261 section 8.2.6.2)."""
    to = request.headers["to"]
    headers = [
        *(("Via", via) for via in request.vias),
        *(("Record-Route", route) for route in request.routes),
        ("From", request.headers["from"]),
        ("To", to if ";tag=" in to else f"{to};tag={tag}"),
        ("Call-ID", request.call_id),
        ("CSeq", request.headers["cseq"]),
        ("Contact", contact),
    ]
    return compose(f"SIP/2.0 {status}", headers, body)


def description(host: str, port: int) -> str:
    """An offer or answer of PCMU, 20 ms, with telephone-event, to be heard there."""
    return "\r\n".join(
        [
            "v=0",
            f"o=- {port} 1 IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP 0 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            "",
        ]
    )
