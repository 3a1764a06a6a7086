"""Who answers a session: where its documents come from and where its progress is reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callwright.account import Account as Account

if TYPE_CHECKING:
    from callwright.calls.elastic import Elastic

ALL_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
FINAL_ONLY = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class Hook:
    """A URL of an application server and the method it is requested with.

    Attributes:
        url: absolute; userinfo and a fragment of connection overrides (call-control reference §2.6) are allowed.
        method: "GET" or "POST".
    """

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Application:
    """What runs a session.

    Attributes:
        voice: the primary URI of the first document; None when `twiml` is given.
        twiml: a document given in place of a URI; it has no base URL.
        fallback: the secondary URI, asked when a fetch or a document fails.
        status_callback: where call progress is posted.
        status_events: which of initiated, ringing, answered, completed are posted.
        sid: AP... when a stored application handles the call.
        last_resort: see `Account`; "": the account's.
        told: what its first request says besides the standard parameters.
        elastic: the trunk that the call is of, which connects it without a document; None for none.
    """

    voice: Hook | None = None
    twiml: str | None = None
    fallback: Hook | None = None
    status_callback: Hook | None = None
    status_events: frozenset[str] = FINAL_ONLY
    sid: str | None = None
    last_resort: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    elastic: "Elastic | None" = None
