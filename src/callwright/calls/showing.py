"""Whom a call that goes out shows: the caller, the number behind an anonymous one, and who has forwarded it."""

from typing import TYPE_CHECKING

from callwright.calls.status import Direction
from callwright.sip.identity import ANONYMOUS, Caller, Style, number_of, written
from callwright.sip.identity import diversion as diversion_lines
from callwright.sip.leg import Headers
from callwright.sip.trunks import Trunk
from callwright.sip.uri import is_sip, user_and_host

if TYPE_CHECKING:
    from callwright.calls.call import Call


def user_of(call: "Call") -> str:
    """The user part that the called party is to see."""
    shown = call.caller_id or call.from_
    return user_and_host(shown)[0] if is_sip(shown) else shown.removeprefix("client:")


def shown(call: "Call", trunk: Trunk) -> str:
    """The caller whom a trunk is told, before its own form; "" when the account has none that it takes."""
    user = user_of(call)
    takes = trunk.caller_ids == "any" or call.exchange.owns(call.account.sid, user)
    return user if takes else _own(call)


def presented(call: "Call", trunk: Trunk) -> tuple[str, Headers]:
    """From and the further headers of an INVITE to a trunk.

    Raises:
        ValueError: the trunk takes the account's own numbers only, and there is none to show.
    """
    form, user = trunk.outbound.calling, shown(call, trunk)
    passed_on = user == user_of(call) and _is_passed_on(call)
    if not user:
        raise ValueError(f"trunk {trunk.name} takes caller IDs that the account owns, and no other")
    style = Style(
        domain=trunk.from_domain or call.exchange.endpoint.domain,
        identity=trunk.identity,
        from_user=trunk.from_user,
        diversion=trunk.diversion,
    )
    caller = Caller(
        user=user if user == ANONYMOUS else form(user),
        name=call.parent.identity.name if call.parent and passed_on else "",
        own=form(_own(call)) if user == ANONYMOUS else "",
        diverted=[(form(number), reason) for number, reason in _diverted(call)],
    )
    local_uri, headers = written(caller, style)
    return local_uri, [*headers, *about(call)]


def diversion(call: "Call") -> Headers:
    """Who had forwarded a call before it came to us, for a SIP party (call-control reference §7.3)."""
    known = call.parent.identity.forwarded_from if call.parent else ""
    return diversion_lines([(_user(known), "unknown")], call.exchange.endpoint.domain) if known else []


def about(call: "Call") -> Headers:
    """What a call is about, for a display: call-reason (RFC 9796 §5), of which there is no URL to fetch more from."""
    if not call.reason:
        return []
    quoted = call.reason.replace("\\", "\\\\").replace('"', '\\"')
    return [("Call-Info", f'<data:>;purpose=jcard;call-reason="{quoted}"')]


def _is_passed_on(call: "Call") -> bool:
    """Whether the called party sees who has called us."""
    parent = call.parent
    return parent is not None and parent.direction is Direction.INBOUND and call.from_ == parent.from_


def _own(call: "Call") -> str:
    """A number of the account's own that stands behind another caller: the user's, or the one that was called."""
    parent = call.parent or call.forwards
    candidates = (call.caller_id, parent.caller_id, parent.to, parent.from_) if parent else (call.caller_id,)
    own = (one for one in candidates if one not in ("", ANONYMOUS) and call.exchange.owns(call.account.sid, one))
    return next(own, "")


def _diverted(call: "Call") -> list[tuple[str, str]]:
    """(number, reason) of who has forwarded a call, the last one first: we, when who called us is shown."""
    parent = call.parent
    if parent is None:
        return []
    ours = [(parent.to, "unconditional")] if _is_passed_on(call) and number_of(f"sip:{parent.to}@x") else []
    before = parent.identity.forwarded_from
    return [*ours, (_user(before), "unknown")] if before else ours


def _user(party: str) -> str:
    return user_and_host(party)[0] if is_sip(party) else party
