"""Who answers: from an INVITE of a trunk or a user to its account and application."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from callwright import ids
from callwright.calls.application import Account, Application, Hook
from callwright.calls.decision import Admission as Admission
from callwright.calls.decision import Refusal as Refusal
from callwright.calls.hosted import HostedDomains
from callwright.calls.numbers import Number, Numbers
from callwright.calls.spelling import caller as caller
from callwright.calls.spelling import spelled as spelled
from callwright.config import Config
from callwright.domains import VoiceSection, domain_of
from callwright.sip import identity
from callwright.sip.identity import ANONYMOUS as ANONYMOUS
from callwright.sip.identity import Identity
from callwright.sip.leg import Invite
from callwright.sip.trunks import Trunk, Trunks
from callwright.sip.uri import user_and_host
from callwright.sip.users import User, Users

NOT_FOUND = 404


def _application(section: VoiceSection, config: Config) -> Application:
    def hook(url: str, method: str) -> Hook | None:
        return Hook(config.absolute(url), method) if url else None

    return Application(
        voice=hook(section.voice_url, section.voice_method),
        fallback=hook(section.voice_fallback_url, section.voice_fallback_method),
        status_callback=hook(section.status_callback, section.status_callback_method),
    )


def lines(config: Config) -> dict[str, Application]:
    """What runs when a user calls out, by his address of record: his own application, else that of his domain. What
    runs for users whom an application vouches for stands at "@" and their domain."""
    shared = {section.name.lower(): _application(section, config) for section in config.domain if section.voice_url}
    asking = (section.name.lower() for section in config.domain if section.auth_url)
    found = {f"@{domain}": shared[domain] for domain in asking if domain in shared}
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
        hosted: calls to the domains of the API.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        numbers: Numbers,
        trunks: Trunks,
        users: Users | None = None,
        lines: Mapping[str, Application] | None = None,
        hosted: HostedDomains | None = None,
    ) -> None:
        self._accounts = accounts
        self._numbers = numbers
        self._trunks = trunks
        # an empty one may have users of an application's
        self._users, self._lines = Users(()) if users is None else users, lines or {}
        self._hosted = hosted

    def inbound(self, invite: Invite) -> Admission | Refusal:
        """Decides on one INVITE: by the domain of the API that it is to, if that takes it, else by who it is from."""
        hosted = self._hosted.inbound(invite) if self._hosted else None
        if isinstance(hosted, Admission):
            return hosted
        called = unquote(user_and_host(invite.request_uri)[0])
        if (line := self._trunks.by_line(invite.source_host, called)) is not None:
            return self._of_line(invite, line, called)
        trunks = self._trunks.sharing(invite.source_host)
        if not trunks and invite.user:
            trunks = self._trunks.of_user(invite.user, invite.realm)
        if trunks:
            decision = self._of_trunks(invite, trunks, called)
        elif invite.user:
            decision = self._of_user(invite)
        else:
            decision = Refusal(403, f"no trunk for source {invite.source_host}")
        return decision if isinstance(decision, Admission) else hosted or decision

    def _of_line(self, invite: Invite, line: Trunk, called: str) -> Admission | Refusal:
        """A carrier calls what a trunk has registered; the number stands there, or in To."""
        decision = self._of_trunks(invite, (line,), called)
        if isinstance(decision, Refusal) and decision.code == NOT_FOUND:
            return self._of_trunks(invite, (line,), unquote(user_and_host(invite.to_uri)[0]))
        return decision

    def _of_trunks(self, invite: Invite, trunks: Sequence[Trunk], called: str) -> Admission | Refusal:
        """A carrier calls. Of several trunks with one source it is the one whose account has the number."""
        for trunk in trunks:
            number = self._numbers.find(trunk.inbound.called(called))
            account = self._accounts.get(number.account_sid) if number else None
            if number is None or account is None or trunk.account_sid not in account.lineage:
                continue
            if not account.active:
                return Refusal(403, f"account {account.sid} is {account.status}")
            return _from_trunk(invite, trunk, account, number)
        names = ", ".join(trunk.name for trunk in trunks)
        return Refusal(NOT_FOUND, f"number {called!r} is not one of the account of trunk {names}")

    def _of_user(self, invite: Invite) -> Admission | Refusal:
        """A user calls out: whatever he dials, his own application or his domain's decides (reference §7.1)."""
        user = self._users.proven(invite.user, invite.realm)
        if user is None:
            return Refusal(403, f"{invite.user} is no user any more")
        application = self._application(user)
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
            identity=identity.of_user(invite),
            secure=user.encrypted,
            extra={
                "SipDomain": user.domain,
                "SipDomainSid": ids.derived(ids.SIP_DOMAIN, user.account_sid, user.domain),
                "SipUsername": user.name,
            },
        )

    def _application(self, user: User) -> Application | None:
        if user.hosted or user.aor in self._lines:
            return self._lines.get(user.aor)
        return Application(voice=Hook(user.voice_url)) if user.voice_url else self._lines.get(f"@{user.domain}")


def _from_trunk(invite: Invite, trunk: Trunk, account: Account, number: Number) -> Admission:
    who, form = identified(invite, trunk), trunk.inbound
    shown = spelled(who.uri, form) if who.uri else caller(invite, form)
    told = {"ForwardedFrom": who.forwarded_from, "CallerName": who.name, "StirVerstat": who.verstat}
    return Admission(
        account=account,
        application=number.application,
        trunk=trunk,
        from_=ANONYMOUS if who.private else shown,
        to=number.number,
        number_sid=number.sid,
        identity=who,
        secure=trunk.srtp == "required",
        extra={name: value for name, value in told.items() if value},
    )


def identified(invite: Invite, trunk: Trunk) -> Identity:
    """What a trunk says of who calls; who has forwarded the call as applications see it."""
    who = identity.read(invite, trusted=trunk.trusted)
    forwarders = (replace(one, uri=spelled(one.uri, trunk.inbound)) if one.uri else one for one in who.forwarders)
    return replace(who, forwarders=tuple(forwarders)) if who.forwarders else who
