"""What a request to place a call asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callwright.account import Account
from callwright.calls.application import Application
from callwright.calls.control import DialRecording, MachinePlan
from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call


def _ignore_call(call: "Call") -> None:
    """Nobody waits for this call anywhere."""


def _ignore_progress(leg: Leg, early_media: bool) -> None:
    """A call that nobody hears ring."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A call to place, checked (call-control reference §3.2).

    Attributes:
        to: a telephone number without separators, or a sip: URI without its query of header fields.
        from_: who calls; for a number to call it is one that the account owns.
        timeout: how long it may ring, in seconds.
        time_limit: how long it may last from its answer, in seconds; None for the daemon's own limit.
        send_digits: keys sent after the answer, before the first document (0-9 A-D * #, w 0.5 s, W 1 s).
        record: None when it is not recorded.
        caller_id: shown in place of `from_`; "" for none.
        headers: custom SIP header fields of a sip: call, checked against the reference §7.3.
        through: URIs of the gateways that carry a number, in order; none for the account's trunks.
        forwards: the inbound call that this one passes on; None for none.
        reason: what the called party is told that the call is about; "" for nothing.
        delay: seconds before it is placed.
        machine: how it is told who answers; None when it is not.
        on_call: told of the call as soon as it is accepted.
        on_progress: told of each provisional response: (leg, early media).
    """

    account: Account
    to: str
    from_: str
    application: Application
    timeout: float = 60.0
    time_limit: float | None = None
    send_digits: str = ""
    record: DialRecording | None = None
    caller_id: str = ""
    sip_username: str = ""
    sip_password: str = field(default="", repr=False)
    headers: Sequence[tuple[str, str]] = ()
    machine: MachinePlan | None = None
    delay: float = 0.0
    on_call: "Callable[[Call], None]" = _ignore_call
    on_progress: Callable[[Leg, bool], None] = _ignore_progress
    through: tuple[str, ...] = ()
    reason: str = ""
    forwards: "Call | None" = None
