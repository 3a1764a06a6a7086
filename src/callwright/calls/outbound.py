"""The way out: from what is dialled to the INVITEs that are tried, in order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from callwright.calls.control import ApplicationTarget, ClientTarget, NumberTarget, SipTarget, Target
from callwright.calls.fork import Fork
from callwright.calls.permissions import FORBIDDEN
from callwright.calls.router import ANONYMOUS
from callwright.errors import NoSuchUser, NotRegistered
from callwright.sip.binding import Binding
from callwright.sip.leg import Headers, Leg
from callwright.sip.trunks import Trunk
from callwright.sip.uri import is_sip, user_and_host, with_user, without_secure
from callwright.sip.users import User

if TYPE_CHECKING:
    from callwright.calls.call import Call

_SEPARATORS = str.maketrans("", "", " -().")
_DIALLED = re.compile(r"\+?[0-9A-D*#]{1,32}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One INVITE to try.

    Attributes:
        uri: whom it goes to; its host may be a name. "" when where it goes is known already.
        send: given the next hop of the URI, sends it and returns its leg, or None when its trunk takes no further
            call now; raises ValueError when the address cannot be used, NotRegistered when nobody is there.
    """

    uri: str
    send: Callable[[str], Leg | None]


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
    """The INVITEs to try for a target, in order; empty when nothing carries it."""
    if isinstance(target, SipTarget):
        return [_sip_attempt(call, one) for one in (target, *target.alternatives)]
    if not isinstance(target, NumberTarget):
        return []
    dialled = number(target.number)
    if not _DIALLED.fullmatch(dialled):
        return []
    if not call.exchange.permits(call.account, dialled):
        call.note("warning", code=FORBIDDEN, message=f"the account may not call the country of {dialled}")
        return []
    if target.through:
        gateways = [SipTarget(with_user(uri, dialled)) for uri in target.through]
        return [Attempt(one.uri, partial(_to_uri, call, one)) for one in gateways]
    return [
        Attempt(uri, partial(_to_trunk, call, dialled, trunk, uri))
        for trunk in call.exchange.trunks.carrying(dialled, *call.account.lineage)
        for uri in trunk.targets
    ]


def _sip_attempt(call: "Call", target: SipTarget) -> Attempt:
    """To a user's phones when the URI is of a domain of ours, else to where it says."""
    if call.exchange.registrar.users.is_local(target.uri):
        return Attempt("", partial(_to_user, call, target))
    return Attempt(target.uri, partial(_to_uri, call, target))


def _local(call: "Call", domain: str = "") -> str:
    shown = call.caller_id or call.from_
    user = user_and_host(shown)[0] if is_sip(shown) else shown.removeprefix("client:")
    return call.exchange.endpoint.local_uri("anonymous" if user == ANONYMOUS else user, domain)


def _headers(call: "Call", target: SipTarget) -> Headers:
    return [
        ("X-Twilio-CallSid", call.sid),
        ("X-Twilio-AccountSid", call.account.sid),
        ("X-Twilio-ApiVersion", "2010-04-01"),
        *target.headers,
    ]


def _to_user(call: "Call", target: SipTarget, _next_hop: str) -> Leg:
    """All phones of a user ring, each at the address that it registered from, whatever its Contact says."""
    registrar = call.exchange.registrar
    user = registrar.users.named(target.uri)
    # another account's user is as good as none
    if user is None or user.account_sid != call.account.sid:
        raise NoSuchUser(f"{target.uri} is no user of the account")
    if not (bindings := registrar.bindings(user)):
        raise NotRegistered(f"{user.aor} has no phone registered")
    endpoint, sends = call.exchange.endpoint, [partial(_to_phone, call, target, user, one) for one in bindings]
    return sends[0]() if len(sends) == 1 else Fork(endpoint, sends)


def _to_phone(call: "Call", target: SipTarget, user: User, binding: Binding) -> Leg:
    return call.exchange.endpoint.originate(
        binding.target,
        local_uri=_local(call, user.domain),
        next_hop=binding.hop,
        route=binding.route,
        keep_hop=not binding.path,  # a proxy says itself whether it stays on the way
        headers=_headers(call, target),
        codecs=user.codecs,
        srtp="required" if without_secure(target.uri)[1] else "",
    )


def _to_uri(call: "Call", target: SipTarget, next_hop: str) -> Leg:
    uri, secure = without_secure(target.uri)
    return call.exchange.endpoint.originate(
        uri,
        local_uri=_local(call),
        next_hop=next_hop,
        headers=_headers(call, target),
        username=target.username,
        password=target.password,
        srtp="required" if secure else "",
    )


def _to_trunk(call: "Call", dialled: str, trunk: Trunk, uri: str, next_hop: str) -> Leg | None:
    # A start of a trunk's rate is taken when it is used, and once: its second gateway gets the same call.
    if call.trunk != trunk.name:
        if not call.exchange.capacity.trunk_free(trunk):
            return None
        call.carried_by(trunk.name)
    return call.exchange.endpoint.originate(
        with_user(uri, dialled),
        local_uri=_local(call),
        next_hop=next_hop,
        username=trunk.username,
        password=trunk.password,
        codecs=trunk.codecs,
        srtp=trunk.srtp,
        srtp_keying=trunk.srtp_keying,
        reliable=trunk.reliable,
        dtmf=trunk.dtmf,
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
