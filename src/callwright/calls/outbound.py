"""The way out: from what is dialled to the INVITEs that are tried, in order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from callwright.calls.attestation import attested
from callwright.calls.control import ApplicationTarget, ClientTarget, NumberTarget, SipTarget, Target
from callwright.calls.fences import Denial
from callwright.calls.fork import Fork, Way
from callwright.calls.showing import about, diversion, history, presented, shown, user_of
from callwright.errors import Fenced, NoSuchUser, NotRegistered
from callwright.sip.binding import Binding
from callwright.sip.contact import parse
from callwright.sip.events.dialogs import RECIPIENT
from callwright.sip.gateways import has_maddr
from callwright.sip.gruu import instance_of
from callwright.sip.identity import ANONYMOUS
from callwright.sip.leg import Ending, Headers, Leg
from callwright.sip.registrar import Registrar
from callwright.sip.trunks import Trunk
from callwright.sip.uri import is_sip, place_of, user_and_host, with_user, without_secure
from callwright.sip.users import User

if TYPE_CHECKING:
    from callwright.calls.call import Call

NO_GATEWAY = 32400
_SEPARATORS = str.maketrans("", "", " -().")
_DIALLED = re.compile(r"\+?[0-9A-D*#]{1,32}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One INVITE to try.

    Attributes:
        uri: whom it goes to; its host may be a name. "" when where it goes is known already.
        send: given the next hop of the URI, sends it and returns its leg, or None when its trunk takes no further
            call now; raises ValueError when the address cannot be used, NotRegistered when nobody is there, Fenced
            when it may not be called.
        trunk: that it goes out by; None for a URI.
    """

    uri: str
    send: Callable[[str], Leg | None]
    trunk: Trunk | None = None


def number(text: str) -> str:
    """A telephone number without the separators that people write."""
    return text.translate(_SEPARATORS)


def address_of(target: Target) -> str:
    """The `To` of a target."""
    match target:
        case SipTarget():
            return target.uri
        case ClientTarget():
            return f"client:{target.identity}"
        case ApplicationTarget():
            return target.sid
    return number(target.number)


def attempts(call: "Call", target: Target) -> list[Attempt]:
    """The INVITEs to try for a target, in order; empty when nothing carries it.

    There is no other way out of the house: each is held against the fences.
    """
    if isinstance(target, SipTarget):
        return [_fenced(call, one) or _sip_attempt(call, one) for one in (target, *target.alternatives)]
    if not isinstance(target, NumberTarget):
        return []
    dialled = number(target.number)
    if not _DIALLED.fullmatch(dialled):
        return []
    if (held := _fenced(call, target)) is not None:
        return [held]
    through = target.through or (call.exchange.byoc(call.account.sid, target.byoc) if target.byoc else ())
    if target.byoc and not through:
        message = f"{target.byoc} is not a trunk of this account whose connection policy has an enabled target"
        call.note("warning", code=NO_GATEWAY, message=message)
        return []
    if through:
        gateways = [SipTarget(with_user(uri, dialled)) for uri in through]
        return [_fenced(call, one) or Attempt(one.uri, partial(_to_uri, call, one)) for one in gateways]
    return [
        Attempt(uri, partial(_to_trunk, call, target, trunk, uri), trunk)
        for trunk in call.exchange.trunks.carrying(dialled, *call.account.lineage)
        for uri in trunk.gateways()
    ]


def _fenced(call: "Call", target: Target) -> Attempt | None:
    """An attempt that a fence holds back; None when it may go out."""
    denial = call.exchange.fences.take(call, target)
    return None if denial is None else Attempt("", partial(_hold_back, denial))


def _hold_back(denial: Denial, _next_hop: str = "") -> Leg:
    raise Fenced(denial.message, code=denial.reason.code)


def redirected(call: "Call", trunk: Trunk, headers: Headers) -> list[Attempt]:
    """Where a 3xx of a trunk's gateway leads, most preferred first: to numbers that the account may call, at hosts of
    the same trunk. Anywhere else it is not followed: the carrier would choose who is called on our account."""
    try:
        contacts = parse(value for name, value in headers if name.lower() == "contact") or []
    except ValueError as error:
        call.log.warning("a redirect of trunk %s cannot be read: %s", trunk.name, error)
        return []
    found = []
    for contact in sorted(contacts, key=lambda one: -float(one.q or 1)):
        target = NumberTarget(number(unquote(user_and_host(contact.uri)[0])))
        known = trunk.follows and trunk.is_at(contact.uri) and _DIALLED.fullmatch(target.number)
        followed = bool(known) and call.exchange.fences.take(call, target) is None
        call.note("redirect", to=contact.uri, followed=followed)
        if followed:
            found.append(Attempt(contact.uri, partial(_to_trunk, call, target, trunk, contact.uri), trunk))
    return found


def _sip_attempt(call: "Call", target: SipTarget) -> Attempt:
    """To a user's phones when the URI is of a domain of ours, else to where it says."""
    if call.exchange.registrar.users.is_local(target.uri):
        return Attempt("", partial(_to_user, call, target))
    return Attempt(target.uri, partial(_to_uri, call, target))


def _local(call: "Call", domain: str = "") -> str:
    user = user_of(call)
    return call.exchange.endpoint.local_uri("anonymous" if user == ANONYMOUS else user, domain)


def _caller(call: "Call") -> int:
    """The leg for which a call is placed, and with whose codec it is best placed; 0 when there is none."""
    caller = call.parent.leg if call.parent is not None else None
    return 0 if caller is None else caller.node


def _headers(call: "Call", target: SipTarget) -> Headers:
    return [
        ("X-Twilio-CallSid", call.sid),
        ("X-Twilio-AccountSid", call.account.sid),
        ("X-Twilio-ApiVersion", "2010-04-01"),
        *attested(call),
        *target.headers,
        *diversion(call),
        *about(call),
    ]


def _to_user(call: "Call", target: SipTarget, _next_hop: str) -> Leg:
    """The phones of a user ring, each at the address that it registered from, whatever its Contact says: all at once,
    unless their Contacts differ in q."""
    registrar = call.exchange.registrar
    user = registrar.users.named(target.uri)
    # another account's user is as good as none
    if user is None or user.account_sid != call.account.sid:
        raise NoSuchUser(f"{target.uri} is no user of the account")
    if not (bindings := registrar.phones(user, target.uri)):
        phone = f"phone {instance}" if (instance := instance_of(target.uri)) else "phone"
        raise NotRegistered(f"{user.aor} has no {phone} registered")
    ways = [
        Way(partial(_to_phone, call, target, user, one), one.preference, partial(_unanswered, registrar, one))
        for one in bindings
    ]
    if len(ways) > 1:
        return Fork(call.exchange.endpoint, ways, seconds=call.ring_s)
    leg = ways[0].send()
    leg.ended.add_done_callback(lambda ended: ways[0].ended(ended.result()))
    return leg


def _unanswered(registrar: Registrar, binding: Binding, ending: Ending) -> None:
    registrar.unreached(binding, ending.code)


def _to_phone(call: "Call", target: SipTarget, user: User, binding: Binding) -> Leg:
    local_uri, srtp = _local(call, user.domain), _srtp(target, user, binding)
    leg = call.exchange.endpoint.originate(
        binding.target,
        local_uri=local_uri,
        next_hop=binding.hop,
        route=binding.route,
        keep_hop=True,
        headers=_headers(call, target),
        codecs=user.codecs,
        srtp=srtp,
        srtp_keying=user.srtp_keying if srtp == "required" else "",
        like=_caller(call),
    )
    call.exchange.dialogs.begin(user.aor, leg.node, direction=RECIPIENT, remote=local_uri.strip("<>"))
    return leg


def _srtp(target: SipTarget, user: User, binding: Binding) -> str:
    """How a phone is offered SRTP. Keys that it may take or leave go to phones that are registered over TLS: on another
    way everybody reads them, who could then hear the call."""
    if user.encrypted or without_secure(target.uri)[1]:
        return "required"
    return user.srtp if binding.transport == "TLS" else "off"


def _to_uri(call: "Call", target: SipTarget, next_hop: str) -> Leg:
    uri, secure = without_secure(target.uri)
    place = place_of(uri, next_hop)
    if (denial := call.exchange.fences.arrive(call, uri, place)) is not None:
        _hold_back(denial)
    return call.exchange.endpoint.originate(
        uri,
        local_uri=_local(call),
        # by itself the engine would send to a `maddr`
        next_hop=next_hop or (place if has_maddr(uri) else ""),
        headers=_headers(call, target),
        username=target.username,
        password=target.password,
        srtp="required" if secure else "",
        like=_caller(call),
    )


def _to_trunk(call: "Call", target: NumberTarget, trunk: Trunk, uri: str, next_hop: str) -> Leg | None:
    if (denial := call.exchange.fences.carry(call, target, trunk.name)) is not None:
        _hold_back(denial)
    dialled = number(target.number)
    # A start of a trunk's rate is taken when it is used, and once: its second gateway gets the same call.
    if call.trunk != trunk.name:
        if not call.exchange.capacity.trunk_free(trunk):
            return None
        call.carried_by(trunk.name)
    local_uri, headers = presented(call, trunk)
    uri = with_user(uri, trunk.outbound.called(dialled))
    headers = [*headers, *history(call, trunk, uri)]
    return call.exchange.endpoint.originate(
        uri,
        local_uri=local_uri,
        next_hop=next_hop,
        headers=[*headers, *call.exchange.attestation.sign(call, trunk.name, shown(call, trunk), dialled)],
        username=trunk.username,
        password=trunk.password,
        realm=trunk.realm,
        codecs=trunk.codecs,
        srtp=trunk.srtp,
        srtp_keying=trunk.srtp_keying,
        reliable=trunk.reliable,
        quirks=trunk.quirks,
        dtmf=trunk.dtmf,
        like=_caller(call),
    )


def target_of(
    to: str,
    *,
    username: str = "",
    password: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    through: tuple[str, ...] = (),
) -> Target:
    """What a REST `To` means."""
    if is_sip(to):
        return SipTarget(to, username, password, headers)
    return NumberTarget(to, through=through)
