"""Picking up a call that rings at a colleague's phone: an INVITE with Replaces, as phones send it that have seen the
call in his dialog-info (RFC 3891 §3, RFC 4235).

The call stays what it is, a child of its dial or one of the API's: its leg is another, as if a further phone of its
callee had answered. Across the border of an account no dialog exists.
"""

import logging
from typing import TYPE_CHECKING

from callwright.calls.exchange import Exchange
from callwright.calls.hosted import NOT_SECURE
from callwright.sip.leg import Invite, Leg
from callwright.sip.pickup import Pickup
from callwright.sip.users import User

if TYPE_CHECKING:
    from callwright.calls.call import Call

logger = logging.getLogger(__name__)

NO_SUCH_DIALOG, BUSY, DECLINED = 481, 486, 603


def picked_up(exchange: Exchange, leg: Leg) -> bool:
    """Whether an INVITE names a call that rings. It is answered then: 200 to a user of the call's account, 481 to
    anybody else, 603 when nobody is called any more."""
    invite = leg.invite
    assert invite is not None
    call = named(exchange, invite.replaced)
    if call is None or call.leg is None or not call.leg.rings:
        return False
    user = exchange.registrar.users.proven(invite.user, invite.realm, invite.from_uri)
    if user is None or user.account_sid != call.account_sid:
        who, source = invite.user or "nobody", f"{invite.source_host}:{invite.source_port}"
        logger.warning("pickup by %s from %s refused: the call is another account's", who, source)
        leg.hang_up(NO_SUCH_DIALOG)
    elif user.secure and invite.transport != "TLS":
        logger.warning("pickup by %s refused: its domain is secure, and it came over %s", user.aor, invite.transport)
        leg.hang_up(NOT_SECURE)
    elif call.verdict is not None:
        leg.hang_up(DECLINED)
    else:
        _take(exchange, call.leg, call, leg, user)
    return True


def refusal(exchange: Exchange, invite: Invite, account_sid: str) -> int:
    """How an INVITE of an account is refused whose Replaces names no call that rings; 0 when it may take the place."""
    if invite.early_only:
        call = named(exchange, invite.replaced)
        return BUSY if call is not None and call.account_sid == account_sid else NO_SUCH_DIALOG
    bridge = exchange.bridges.get(invite.replaced)
    return 0 if bridge is not None and bridge.account_sid == account_sid else NO_SUCH_DIALOG


def named(exchange: Exchange, node: int) -> "Call | None":
    """The live call whose leg a Replaces names, by its node."""
    leg = exchange.endpoint.legs.get(node)
    if leg is None:
        return None
    return next((call for call in exchange.live.values() if call.leg is leg.whole), None)


def _take(exchange: Exchange, ringing: Leg, call: "Call", leg: Leg, user: User) -> None:
    invite = leg.invite
    assert invite is not None
    source = f"{invite.source_host}:{invite.source_port}"
    exchange.dialogs.called(user.aor, leg.node, invite)
    pickup = Pickup(leg, ringing, lambda: call.note("picked up", by=user.aor, source=source))
    pickup.codecs, pickup.encrypted = user.codecs, user.encrypted
    pickup.accept()
