"""A request outside calls that waits for its answer: REGISTER and its kind. `Endpoint` makes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from callwright.sip.leg import Headers

_TAG = re.compile(r";\s*tag\s*=", re.IGNORECASE)


def has_tag(address: str) -> bool:
    """Whether a From or To header has a tag."""
    return _TAG.search(address.rpartition(">")[2]) is not None


class Answerer(Protocol):
    """The engine, as far as a request needs it."""

    def respond(
        self,
        request: int,
        code: int,
        *,
        reason: str = "",
        headers: Headers = (),
        content_type: str = "",
        body: bytes = b"",
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What a request said, and where it came from.

    Attributes:
        user, realm: who has authenticated; both empty for a trunk.
        expires: of the header field, in seconds; -1 without one.
        headers: every line, names as the RFCs write them.
        to_tag: that the response will bear: the request's own, or a new one.
    """

    engine: Answerer
    id: int
    method: str
    request_uri: str
    to_uri: str
    call_id: str
    cseq: int
    source_host: str
    source_port: int
    transport: str
    expires: int = -1
    user: str = ""
    realm: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    from_uri: str = ""
    from_header: str = ""
    to_header: str = ""
    contact: str = ""
    content_type: str = ""
    body: bytes = b""
    to_tag: str = ""

    @classmethod
    def of(cls, engine: Answerer, id_: int, method: str, detail: Mapping[str, Any]) -> "Request":
        """What a REQUEST event tells."""
        names = ("request_uri", "to_uri", "call_id", "cseq", "source_host", "source_port", "transport", "expires")
        texts = ("from_uri", "from_header", "to_header", "contact", "content_type", "body", "to_tag")
        facts = {name: detail[name] for name in (*names, "user", "realm")}
        facts |= {name: detail[name] for name in texts if name in detail}
        return cls(engine, id_, method, headers=tuple(detail["headers"]), **facts)

    @property
    def inside(self) -> bool:
        """Whether it is of a dialog that we keep, or of none: its To has a tag."""
        return has_tag(self.to_header)

    def values(self, name: str) -> list[str]:
        """The values of all lines of a header field, in order."""
        wanted = name.lower()
        return [value for other, value in self.headers if other.lower() == wanted]

    def respond(
        self, code: int, reason: str = "", headers: Headers = (), *, content_type: str = "", body: bytes = b""
    ) -> None:
        """The final response. A no-op when it has been answered."""
        content: dict[str, Any] = {"content_type": content_type, "body": body} if body else {}
        self.engine.respond(self.id, code, reason=reason, headers=headers, **content)
