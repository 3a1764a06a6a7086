"""A dialog as the phone keeps it, and the responses that belong to it (RFC 3261 §12)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from .message import Address, Headers, Message, Request, Response

REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 183: "Session Progress", 200: "OK", 202: "Accepted",
    301: "Moved Permanently", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 407: "Proxy Authentication Required", 408: "Request Timeout",
    410: "Gone", 415: "Unsupported Media Type", 420: "Bad Extension", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented",
    503: "Service Unavailable", 504: "Server Time-out", 600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist",
}  # fmt: skip

HeaderLines = Iterable[tuple[str, str]]


def new_tag() -> str:
    """A From or To tag."""
    return secrets.token_hex(5)


def new_branch() -> str:
    """A Via branch."""
    return "z9hG4bK" + secrets.token_hex(8)


def new_call_id() -> str:
    """A Call-ID."""
    return secrets.token_hex(10)


def response_to(
    request: Request, status: int, *, reason: str = "", headers: HeaderLines = (), body: bytes = b"", tag: str = ""
) -> Response:
    """A response with what it copies from its request (RFC 3261 §8.2.6.2)."""
    copied = Headers((name, value) for name, value in request.headers if _is(name, "via"))
    if 100 < status < 300:
        for value in request.headers.lines("Record-Route"):
            copied.add("Record-Route", value)
    copied.add("From", request.headers["From"])
    to = request.headers["To"]
    copied.add("To", f"{to};tag={tag}" if tag and not request.to.tag and status > 100 else to)
    copied.add("Call-ID", request.call_id)
    copied.add("CSeq", request.headers["CSeq"])
    for name, value in headers:
        copied.add(name, value)
    if body and "Content-Type" not in copied:
        copied.add("Content-Type", "application/sdp")
    return Response(copied, body, status, reason or REASONS.get(status, "Status"))


def _is(name: str, wanted: str) -> bool:
    return wanted in Headers([(name, "")])


@dataclass(slots=True)
class Dialog:
    """One side of a dialog; early while `remote` has no tag or no 2xx has come."""

    call_id: str
    local: Address
    remote: Address
    target: str
    routes: list[str] = field(default_factory=list)
    cseq: int = 0
    remote_cseq: int = 0

    @classmethod
    def called(cls, invite: Request) -> "Dialog":
        """The called side, from the INVITE (RFC 3261 §12.1.1)."""
        to = invite.to
        local = Address(to.uri, to.display, {"tag": new_tag()})
        target = Address.parse(invite.headers.values("Contact")[0]).uri
        routes = invite.headers.values("Record-Route")
        return cls(invite.call_id, local, invite.from_, target, routes, 0, invite.cseq)

    def learn(self, response: Response) -> None:
        """What a dialog-forming response tells the caller (RFC 3261 §12.1.2)."""
        self.remote = response.to
        if contacts := response.headers.values("Contact"):
            self.target = Address.parse(contacts[0]).uri
        self.routes = response.headers.values("Record-Route")[::-1]

    def refresh(self, message: Message) -> None:
        """A target refresh by re-INVITE or UPDATE (RFC 3261 §12.2)."""
        if contacts := message.headers.values("Contact"):
            self.target = Address.parse(contacts[0]).uri

    @property
    def hop(self) -> str:
        """URI of where requests go: the first route, or the remote target."""
        return Address.parse(self.routes[0]).uri if self.routes else self.target

    def request(self, method: str, *, headers: HeaderLines = (), body: bytes = b"", cseq: int | None = None) -> Request:
        """A request inside the dialog, without Via (RFC 3261 §12.2.1.1). ACK and CANCEL bring their own CSeq number."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        lines = Headers([("Route", route) for route in self.routes])
        lines.add("Max-Forwards", "70")
        lines.add("From", str(self.local))
        lines.add("To", str(self.remote))
        lines.add("Call-ID", self.call_id)
        lines.add("CSeq", f"{cseq} {method}")
        for name, value in headers:
            lines.add(name, value)
        if body and "Content-Type" not in lines:
            lines.add("Content-Type", "application/sdp")
        return Request(lines, body, method, self.target)
