"""Text messages: posted to the gateway that the configuration names, and kept (call-control reference §1.2, §3.13)."""

from typing import TYPE_CHECKING, Any

from callwright import clock, ids
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan, Sent
from callwright.calls.parameters import API_VERSION
from callwright.store.store import Store
from callwright.store.traces import messages

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.exchange import Callbacks

UNSUPPORTED = 13803
NOT_SENT = 30008
NO_GATEWAY = "no [messages] gateway: the message is not sent"
QUEUED, SENT, FAILED = "queued", "sent", "failed"
BY_REQUEST, BY_CALL = "outbound-api", "outbound-call"


class Messages:
    """Sends text messages, and keeps what became of them.

    What becomes of one behind the gateway is the gateway's to tell: it is given the `StatusCallback`.

    Args:
        gateway: where they are posted; "" when nobody takes them.
    """

    def __init__(self, store: Store, callbacks: "Callbacks", gateway: str) -> None:
        self._store, self._callbacks, self._gateway = store, callbacks, gateway

    def send(self, account: Account, plan: MessagePlan, *, call_sid: str = "") -> dict[str, Any]:
        """Queues a message for the gateway, signed and tried again like any callback; it never blocks.

        Args:
            call_sid: of the call whose document sends it; "" for a request.

        Returns:
            Its row: queued, or failed without a gateway.
        """
        sid, now = ids.new(ids.MESSAGE), clock.now()
        row: dict[str, Any] = {
            "sid": sid,
            "account_sid": account.sid,
            "call_sid": call_sid or None,
            "date_created": now,
            "date_updated": now,
            "date_sent": None,
            "from": plan.from_,
            "to": plan.to,
            "body": plan.body,
            "media": list(plan.media),
            "direction": BY_CALL if call_sid else BY_REQUEST,
            "status": QUEUED if self._gateway else FAILED,
            "error_code": None if self._gateway else NOT_SENT,
            "error_message": None if self._gateway else NO_GATEWAY,
        }
        self._store.put(messages, row)
        if self._gateway:
            hook, params = Hook(self._gateway), _parameters(row, plan)
            # those of one call go out in their order
            self._callbacks.post(
                account=account, call_sid=call_sid or sid, hook=hook, params=params, kind="message", subject=sid
            )
        return row

    def delivered(self, sid: str) -> None:
        """The gateway has taken a message."""
        now = clock.now()
        self._store.put(messages, {"sid": sid, "status": SENT, "date_sent": now, "date_updated": now})

    def lost(self, sid: str, why: str) -> None:
        """The gateway never will take a message."""
        failure = {"status": FAILED, "error_code": NOT_SENT, "error_message": why}
        self._store.put(messages, {"sid": sid, **failure, "date_updated": clock.now()})


def _parameters(row: dict[str, Any], plan: MessagePlan) -> dict[str, str]:
    params = {
        "MessageSid": row["sid"],
        "SmsSid": row["sid"],
        "AccountSid": row["account_sid"],
        "ApiVersion": API_VERSION,
        "From": plan.from_,
        "To": plan.to,
        "Body": plan.body,
    }
    if row["call_sid"]:
        params["CallSid"] = row["call_sid"]
    if plan.callback:
        params["StatusCallback"] = plan.callback.url
    if plan.media:
        params["NumMedia"] = str(len(plan.media))
        params |= {f"MediaUrl{place}": url for place, url in enumerate(plan.media)}
    return params


def send(call: "Call", plan: MessagePlan) -> Sent:
    """A message of a call's document."""
    exchange = call.exchange
    row = Messages(exchange.store, exchange.callbacks, exchange.gateway).send(call.account, plan, call_sid=call.sid)
    if exchange.gateway:
        call.note("message", sid=row["sid"], to=plan.to)
    else:
        call.note("warning", code=UNSUPPORTED, message=NO_GATEWAY)
    return Sent(row["sid"], row["status"])
