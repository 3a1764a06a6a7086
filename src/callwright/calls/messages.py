"""Text messages of a call: posted to the gateway that the configuration names (call-control reference §1.2)."""

from typing import TYPE_CHECKING

from callwright import ids
from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan, Sent
from callwright.calls.parameters import API_VERSION

if TYPE_CHECKING:
    from callwright.calls.call import Call

UNSUPPORTED = 13803


def send(call: "Call", plan: MessagePlan) -> Sent:
    """Queues a message for the gateway, signed and tried again like any callback; it never blocks.

    What becomes of it there is the gateway's to tell: it is given the `StatusCallback` of the document.
    """
    sid, gateway = ids.new(ids.MESSAGE), call.exchange.gateway
    if not gateway:
        call.note("warning", code=UNSUPPORTED, message="no [messages] gateway: the message is not sent")
        return Sent(sid, "failed")
    params = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": call.account.sid,
        "CallSid": call.sid,
        "ApiVersion": API_VERSION,
        "From": plan.from_,
        "To": plan.to,
        "Body": plan.body,
    }
    if plan.callback:
        params["StatusCallback"] = plan.callback.url
    call.exchange.callbacks.post(
        account=call.account, call_sid=call.sid, hook=Hook(gateway), params=params, kind="message"
    )
    call.note("message", sid=sid, to=plan.to)
    return Sent(sid, "queued")
