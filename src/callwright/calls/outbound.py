"""The way out: from what is dialled to the INVITEs that are tried, in order."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from callwright.calls.control import NumberTarget, SipTarget, Target
from callwright.sip.leg import Leg
from callwright.sip.trunks import Trunk
from callwright.sip.uri import is_sip, user_and_host, with_user

if TYPE_CHECKING:
    from callwright.calls.call import Call

_SEPARATORS = str.maketrans("", "", " -().")


def number(text: str) -> str:
    """A telephone number without the separators that people write."""
    return text.translate(_SEPARATORS)


def address_of(target: Target) -> str:
    """The `To` of a target."""
    return target.uri if isinstance(target, SipTarget) else number(target.number)


def attempts(call: "Call", target: Target) -> list[Callable[[], Leg]]:
    """The INVITEs to try for a target, each as a function that sends it and returns its leg; empty when nothing
    carries it or everything that does is full."""
    if isinstance(target, SipTarget):
        return [partial(_to_uri, call, one) for one in (target, *target.alternatives)]
    dialled = number(target.number)
    return [
        partial(_to_trunk, call, dialled, trunk, uri)
        for trunk in call.exchange.trunks.carrying(dialled, call.account.sid)
        if call.exchange.capacity.trunk_free(trunk)
        for uri in trunk.targets
    ]


def _local(call: "Call") -> str:
    user = user_and_host(call.from_)[0] if is_sip(call.from_) else call.from_.removeprefix("client:")
    return call.exchange.endpoint.local_uri(user)


def _to_uri(call: "Call", target: SipTarget) -> Leg:
    headers = [
        ("X-Twilio-CallSid", call.sid),
        ("X-Twilio-AccountSid", call.account.sid),
        ("X-Twilio-ApiVersion", "2010-04-01"),
        *target.headers,
    ]
    return call.exchange.endpoint.originate(
        target.uri, local_uri=_local(call), headers=headers, username=target.username, password=target.password
    )


def _to_trunk(call: "Call", dialled: str, trunk: Trunk, uri: str) -> Leg:
    call.carried_by(trunk.name)
    return call.exchange.endpoint.originate(
        with_user(uri, dialled), local_uri=_local(call), username=trunk.username, password=trunk.password
    )


def target_of(to: str, *, username: str = "", password: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Target:
    """What a REST `To` means."""
    if is_sip(to):
        return SipTarget(to, username, password, headers)
    return NumberTarget(to)
