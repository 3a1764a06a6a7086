"""What becomes of an INVITE: a call that is run, or a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callwright.calls.application import Account, Application
from callwright.sip.identity import UNKNOWN, Identity
from callwright.sip.leg import Headers
from callwright.sip.trunks import Trunk
from callwright.sip.users import User


@dataclass(frozen=True, slots=True)
class Admission:
    """An inbound call that will be run.

    Attributes:
        trunk: that it came from; None when a user calls.
        user: who calls; None when it came from a trunk.
        number_sid: of the number that was called; None when a user calls.
        identity: what a trunk asserts of who calls.
        secure: its media must be encrypted.
        extra: parameters of its requests that the INVITE itself does not hold.
    """

    account: Account
    application: Application
    from_: str
    to: str
    trunk: Trunk | None = None
    user: User | None = None
    number_sid: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    identity: Identity = UNKNOWN
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An inbound call that will not: the SIP answer and why, for the log."""

    code: int
    why: str
    headers: Headers = ()
