"""How a phone answers the requests that come inside a call."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .dialog import HeaderLines, response_to
from .message import MessageError, Request
from .transaction import ServerTransaction

if TYPE_CHECKING:
    from .call import PhoneCall

_SIGNAL = re.compile(r"Signal\s*=\s*([0-9A-D*#])", re.IGNORECASE)


def answer_in_dialog(call: "PhoneCall", transaction: ServerTransaction) -> None:
    """Sends the final response; 501 for a method that a phone does not know."""
    handler = _HANDLERS.get(transaction.request.method, _unknown)
    try:
        handler(call, transaction)
    except MessageError as error:
        call.phone.faults.append(f"{transaction.request.method}: {error}")
        _respond(call, transaction, 400)


def _respond(
    call: "PhoneCall", transaction: ServerTransaction, status: int, headers: HeaderLines = (), body: bytes = b""
) -> None:
    transaction.respond(response_to(transaction.request, status, headers=headers, body=body, tag=call.dialog.local.tag))


def _ok(call: "PhoneCall", transaction: ServerTransaction) -> None:
    _respond(call, transaction, 200)


def _accepted(call: "PhoneCall", transaction: ServerTransaction) -> None:
    _respond(call, transaction, call.refer_status, [("Contact", call.phone.contact), *call.refer_headers])


def _unknown(call: "PhoneCall", transaction: ServerTransaction) -> None:
    _respond(call, transaction, 501)


def _invite(call: "PhoneCall", transaction: ServerTransaction) -> None:
    """Re-INVITE: 491 on glare (RFC 3261 §14.2), the status that the test wants, or the negotiation's answer."""
    glare = call.inviting
    call.begin(transaction)
    _negotiate(call, transaction, 491 if glare else call.reinvite_status)


def _update(call: "PhoneCall", transaction: ServerTransaction) -> None:
    _negotiate(call, transaction, call.reinvite_status)


def _negotiate(call: "PhoneCall", transaction: ServerTransaction, status: int) -> None:
    request = transaction.request
    call.reinvites.append(request)
    if status != 200:
        _respond(call, transaction, status)
        return
    call.dialog.refresh(request)
    body = b""
    if request.body:
        call.negotiation.received(request.body)
        body = call.negotiation.answer()
    elif request.method == "INVITE":
        body = call.negotiation.offer()
    _respond(call, transaction, 200, [("Contact", call.phone.contact), *_session_timer(request)], body)


def _session_timer(request: Request) -> HeaderLines:
    """The peer refreshes the session that it timed itself (RFC 4028 §9)."""
    timer = request.headers.get("Session-Expires")
    if not timer:
        return []
    return [("Session-Expires", timer if "refresher" in timer else f"{timer};refresher=uac"), ("Require", "timer")]


def _info(call: "PhoneCall", transaction: ServerTransaction) -> None:
    text = transaction.request.body.decode(errors="replace").strip()
    found = _SIGNAL.search(text)
    call.info_digits += found[1] if found else text if len(text) == 1 else ""
    _respond(call, transaction, 200)


def _prack(call: "PhoneCall", transaction: ServerTransaction) -> None:
    _respond(call, transaction, 200 if call.acknowledged_provisional(transaction.request) else 481)


_HANDLERS: dict[str, Callable[["PhoneCall", ServerTransaction], None]] = {
    "BYE": _ok,
    "INVITE": _invite,
    "UPDATE": _update,
    "INFO": _info,
    "PRACK": _prack,
    "NOTIFY": _ok,
    "OPTIONS": _ok,
    "MESSAGE": _ok,
    "REFER": _accepted,
}
