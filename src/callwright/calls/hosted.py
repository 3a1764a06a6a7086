"""Calls to the API's SIP domains and to the domains of its elastic trunks: who may make them, and what runs them
(call-control reference §7.1, §7.7)."""

from collections.abc import Mapping
from urllib.parse import unquote

from callwright.calls.application import Account, Application
from callwright.calls.decision import Admission, Refusal
from callwright.calls.elastic import termination
from callwright.calls.numbers import settings
from callwright.calls.spelling import spelled
from callwright.sip.domains import TRUNKS, Domains, Standing
from callwright.sip.identity import ANONYMOUS, of_user, read
from callwright.sip.leg import Invite
from callwright.sip.uri import user_and_host, without_port
from callwright.sip.users import User
from callwright.store.directory import Record

FORBIDDEN, NOT_FOUND, NOT_SECURE = 403, 404, 488
WRONG_ADDRESS, NO_CREDENTIALS = "32201 Authentication failure - source IP address not in ACL", "32202"
ERROR_HEADER = "X-Twilio-Error"


class HostedDomains:
    """Decides on calls to the domains that accounts have made over the API."""

    def __init__(self, domains: Domains, accounts: Mapping[str, Account]) -> None:
        self._domains, self._accounts = domains, accounts

    def inbound(self, invite: Invite) -> Admission | Refusal | None:
        """Decides on one INVITE; None when it is to no such domain, and to no elastic trunk's."""
        host = without_port(user_and_host(invite.request_uri)[1])
        known = self._domains.known(host) or self._domains.trunk(host)
        if known is None:
            return None
        account = self._accounts.get(known.record.account_sid)
        if account is None or not account.active:
            return Refusal(FORBIDDEN, f"the account of domain {host} is not active")
        user = self._domains.caller(known, invite.user, invite.realm) if invite.user else None
        if (refusal := _refusal(invite, known, user)) is not None:
            return refusal
        if known.record.kind == TRUNKS:
            return _terminating(invite, known.record, account)
        return self._admitted(invite, known.record, account, user)

    def _admitted(self, invite: Invite, domain: Record, account: Account, user: User | None) -> Admission:
        trunk = self._domains.carried(domain)
        return _admission(invite, domain, account, user, _of_carrier(trunk) if trunk else _application(domain))


def _refusal(invite: Invite, known: Standing, user: User | None) -> Refusal | None:
    """Why a call to a domain is not taken; None when it is.

    Args:
        user: of the domain's callers, who has proven to be this one.
    """
    guard, host = known.guard, known.record["domain_name"]
    if guard.is_open:
        return Refusal(FORBIDDEN, f"domain {host} has neither a credential list nor an address list")
    if not guard.lets_in(invite.source_host):
        why = f"{invite.source_host} is in no address list of domain {host}"
        return Refusal(FORBIDDEN, why, headers=((ERROR_HEADER, WRONG_ADDRESS),))
    if guard.credentials is not None and user is None:
        return Refusal(FORBIDDEN, f"{invite.user or 'nobody'} is in no credential list of domain {host}")
    if known.record["secure"] and invite.transport != "TLS":
        return Refusal(
            NOT_SECURE, f"domain {host} is secure: calls to it come over TLS, this one over {invite.transport}"
        )
    return None


def _terminating(invite: Invite, trunk: Record, account: Account) -> Admission | Refusal:
    """A PBX calls a number. Who it says that calls is believed here: the fences ask whether the account owns that."""
    number = unquote(user_and_host(invite.request_uri)[0])
    if not number:
        return Refusal(NOT_FOUND, f"the call to trunk {trunk.sid} names no number")
    who = read(invite, trusted=True)
    return Admission(
        account=account,
        application=Application(elastic=termination(trunk, number)),
        from_=ANONYMOUS if who.private else spelled(who.uri or invite.from_uri),
        to=number,
        identity=who,
        secure=bool(trunk["secure"]),
    )


def _admission(
    invite: Invite, domain: Record, account: Account, user: User | None, application: Application
) -> Admission:
    # what a phone claims to be counts as far as it is who has authenticated
    name, host = user_and_host(invite.from_uri)
    own = user is None or (name, without_port(host).lower()) == (user.name, user.domain)
    extra = {"SipDomain": domain["domain_name"], "SipDomainSid": domain.sid}
    return Admission(
        account=account,
        application=application,
        user=user,
        from_=invite.from_uri if own or user is None else f"sip:{user.aor}",
        to=invite.request_uri,
        identity=of_user(invite),
        extra=extra | ({"SipUsername": user.name} if user else {}),
        secure=bool(domain["secure"]),
    )


def _application(domain: Record) -> Application:
    renamed = {
        "status_callback": domain["voice_status_callback_url"],
        "status_callback_method": domain["voice_status_callback_method"],
    }
    return settings({**domain.fields, **renamed})


def _of_carrier(trunk: Record) -> Application:
    """Who answers the calls of a carrier that an account brings along (call-control reference §7.7)."""
    return settings({**trunk.fields, "status_callback": trunk["status_callback_url"]})
