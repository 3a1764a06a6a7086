"""A request outside a dialog that waits for its answer: REGISTER and its kind. `Endpoint` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from callwright.sip.leg import Headers


class Answerer(Protocol):
    """The engine, as far as a request needs it."""

    def respond(self, request: int, code: int, *, reason: str = "", headers: Headers = ()) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What a request said, and where it came from.

    Attributes:
        user, realm: who has authenticated; both empty for a trunk.
        expires: of the header field, in seconds; -1 without one.
        headers: every line, names as the RFCs write them.
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

    @classmethod
    def of(cls, engine: Answerer, id_: int, method: str, detail: Mapping[str, Any]) -> "Request":
        """What a REQUEST event tells."""
        names = ("request_uri", "to_uri", "call_id", "cseq", "source_host", "source_port", "transport", "expires")
        facts = {name: detail[name] for name in (*names, "user", "realm")}
        return cls(engine, id_, method, headers=tuple(detail["headers"]), **facts)

    def values(self, name: str) -> list[str]:
        """The values of all lines of a header field, in order."""
        wanted = name.lower()
        return [value for other, value in self.headers if other.lower() == wanted]

    def respond(self, code: int, reason: str = "", headers: Headers = ()) -> None:
        """The final response. A no-op when it has been answered."""
        self.engine.respond(self.id, code, reason=reason, headers=headers)
