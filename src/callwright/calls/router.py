"""Who answers: from a trunk's INVITE to its account and application."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from callwright.calls.application import Account, Application
from callwright.calls.numbers import Numbers
from callwright.sip.leg import Invite
from callwright.sip.trunks import Trunk, Trunks
from callwright.sip.uri import user_and_host

ANONYMOUS = "+266696687"
_ANONYMOUS_USERS = frozenset({"", "anonymous", "restricted", "unavailable", "unknown"})
_DIGITS = re.compile(r"\+?[0-9]{3,20}\Z")


@dataclass(frozen=True, slots=True)
class Admission:
    """An inbound call that will be run."""

    account: Account
    application: Application
    trunk: Trunk
    from_: str
    to: str
    number_sid: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An inbound call that will not: the SIP answer and why, for the log."""

    code: int
    why: str


class Router:
    """Maps an inbound INVITE to the application that answers it."""

    def __init__(self, accounts: Mapping[str, Account], numbers: Numbers, trunks: Trunks) -> None:
        self._accounts = accounts
        self._numbers = numbers
        self._trunks = trunks

    def inbound(self, invite: Invite) -> Admission | Refusal:
        """Decides on one INVITE."""
        trunk = self._trunks.by_source(invite.source_host)
        if trunk is None:
            return Refusal(403, f"no trunk for source {invite.source_host}")
        called, _ = user_and_host(invite.request_uri)
        number = self._numbers.find(unquote(called))
        account = self._accounts.get(number.account_sid) if number else None
        if number is None or account is None or trunk.account_sid not in account.lineage:
            return Refusal(404, f"number {called!r} is not one of trunk {trunk.name}'s account")
        if not account.active:
            return Refusal(403, f"account {account.sid} is {account.status}")
        return Admission(
            account=account,
            application=number.application,
            trunk=trunk,
            from_=caller(invite),
            to=number.number,
            number_sid=number.sid,
        )


def caller(invite: Invite) -> str:
    """From as applications see it: a number when it looks like one, else the SIP URI."""
    user, host = user_and_host(invite.from_uri)
    if user.lower() in _ANONYMOUS_USERS:
        return ANONYMOUS
    if _DIGITS.match(plain := unquote(user)):
        return plain
    return f"sip:{user}@{host}"
