"""Who answers: from an INVITE of a trunk or a user to its account and application."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from callwright import ids
from callwright.calls.application import Account, Application, Hook
from callwright.calls.numbers import Numbers
from callwright.config import Config
from callwright.domains import VoiceSection, domain_of
from callwright.sip.leg import Invite
from callwright.sip.trunks import Trunk, Trunks
from callwright.sip.uri import user_and_host
from callwright.sip.users import User, Users

ANONYMOUS = "+266696687"
_ANONYMOUS_USERS = frozenset({"", "anonymous", "restricted", "unavailable", "unknown"})
_DIGITS = re.compile(r"\+?[0-9]{3,20}\Z")


@dataclass(frozen=True, slots=True)
class Admission:
    """An inbound call that will be run.

    Attributes:
        trunk: that it came from; None when a user calls.
        user: who calls; None when it came from a trunk.
        number_sid: of the number that was called; None when a user calls.
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """An inbound call that will not: the SIP answer and why, for the log."""

    code: int
    why: str


def _application(section: VoiceSection, config: Config) -> Application:
    def hook(url: str, method: str) -> Hook | None:
        return Hook(config.absolute(url), method) if url else None

    return Application(
        voice=hook(section.voice_url, section.voice_method),
        fallback=hook(section.voice_fallback_url, section.voice_fallback_method),
        status_callback=hook(section.status_callback, section.status_callback_method),
    )


def lines(config: Config) -> dict[str, Application]:
    """What runs when a user calls out, by his address of record: his own application, else that of his domain."""
    shared = {section.name.lower(): _application(section, config) for section in config.domain if section.voice_url}
    found = {}
    for section in config.user:
        domain = domain_of(section, config.sip.domain)
        own = _application(section, config) if section.voice_url else shared.get(domain)
        if own is not None:
            found[f"{section.name}@{domain}"] = own
    return found


class Router:
    """Maps an inbound INVITE to the application that answers it.

    Args:
        users: who may call besides trunks.
        lines: what runs when they do, as `lines` makes it.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        numbers: Numbers,
        trunks: Trunks,
        users: Users | None = None,
        lines: Mapping[str, Application] | None = None,
    ) -> None:
        self._accounts = accounts
        self._numbers = numbers
        self._trunks = trunks
        self._users, self._lines = users or Users(()), lines or {}

    def inbound(self, invite: Invite) -> Admission | Refusal:
        """Decides on one INVITE."""
        trunk = self._trunks.by_source(invite.source_host)
        if trunk is None and invite.user:
            return self._of_user(invite)
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

    def _of_user(self, invite: Invite) -> Admission | Refusal:
        """A user calls out: whatever he dials, his own application or his domain's decides (reference §7.1)."""
        user = self._users.proven(invite.user, invite.realm)
        if user is None:
            return Refusal(403, f"{invite.user} is no user any more")
        application = self._lines.get(user.aor)
        if application is None:
            return Refusal(404, f"neither user {user.aor} nor his domain has a voice_url")
        # what a phone claims to be counts as far as it is who has authenticated
        own = self._users.named(invite.from_uri) == user
        return Admission(
            account=self._accounts[user.account_sid],
            application=application,
            user=user,
            from_=invite.from_uri if own else f"sip:{user.aor}",
            to=invite.request_uri,
            extra={
                "SipDomain": user.domain,
                "SipDomainSid": ids.derived(ids.SIP_DOMAIN, user.account_sid, user.domain),
                "SipUsername": user.name,
            },
        )


class FromUri(Protocol):
    """A request, as far as who sends it goes."""

    @property
    def from_uri(self) -> str: ...


def caller(invite: FromUri) -> str:
    """From as applications see it: a number when it looks like one, else the SIP URI."""
    user, host = user_and_host(invite.from_uri)
    if user.lower() in _ANONYMOUS_USERS:
        return ANONYMOUS
    if _DIGITS.match(plain := unquote(user)):
        return plain
    return f"sip:{user}@{host}"
