"""Who answers: from a trunk's INVITE to its account and application."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from callwright import ids
from callwright.calls.application import Account, Application, Hook
from callwright.config import Config, NumberSection
from callwright.sip.leg import Invite
from callwright.sip.trunks import Trunk, Trunks
from callwright.sip.uri import user_and_host

ANONYMOUS = "+266696687"
_ANONYMOUS_USERS = frozenset({"", "anonymous", "restricted", "unavailable", "unknown"})
_DIGITS = re.compile(r"\+?[0-9]{3,20}\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """A number and who answers it."""

    sid: str
    number: str
    account_sid: str
    application: Application


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


def declared(section: NumberSection, config: Config) -> Number:
    """A number as the configuration file declares it. Its SID is derived, so that it is the same after a restart."""

    def hook(url: str, method: str) -> Hook | None:
        return Hook(config.absolute(url), method) if url else None

    application = Application(
        voice=hook(section.voice_url, section.voice_method),
        twiml=section.twiml or None,
        fallback=hook(section.voice_fallback_url, section.voice_fallback_method),
        status_callback=hook(section.status_callback, section.status_callback_method),
        last_resort=section.last_resort,
    )
    sid = ids.derived(ids.PHONE_NUMBER, section.account, section.number)
    return Number(sid, section.number, section.account, application)


class Router:
    """Maps an inbound INVITE to the application that answers it."""

    def __init__(self, accounts: Mapping[str, Account], numbers: list[Number], trunks: Trunks) -> None:
        self._accounts = accounts
        self._numbers = {number.number: number for number in numbers}
        self._trunks = trunks

    def number(self, number: str) -> Number | None:
        """The number as declared, with or without its plus."""
        return self._numbers.get(number) or self._numbers.get("+" + number)

    def owns(self, account_sid: str, number: str) -> bool:
        """Whether an account may show this number as its caller ID."""
        found = self.number(number)
        return found is not None and found.account_sid == account_sid

    def inbound(self, invite: Invite) -> Admission | Refusal:
        """Decides on one INVITE."""
        trunk = self._trunks.by_source(invite.source_host)
        if trunk is None:
            return Refusal(403, f"no trunk for source {invite.source_host}")
        called, _ = user_and_host(invite.request_uri)
        number = self.number(unquote(called))
        if number is None or number.account_sid != trunk.account_sid:
            return Refusal(404, f"number {called!r} is not one of trunk {trunk.name}'s account")
        return Admission(
            account=self._accounts[number.account_sid],
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
