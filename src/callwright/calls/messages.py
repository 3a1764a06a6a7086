"""Text messages of a call (call-control reference §1.2).

To a SIP URI they are sent as SIP, everything else is posted to the gateway that the configuration names.
"""

from typing import TYPE_CHECKING

from callwright import ids
from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan, Sent
from callwright.calls.pager import QUEUE_OVERFLOW, Settled, Text
from callwright.calls.parameters import API_VERSION
from callwright.sip.uri import is_sip

if TYPE_CHECKING:
    from callwright.calls.call import Call

UNSUPPORTED = 13803


def send(call: "Call", plan: MessagePlan) -> Sent:
    """Queues a message; it never blocks.

    For the gateway it is signed and tried again like any callback. What becomes of it there is the gateway's to tell:
    it is given the `StatusCallback` of the document.
    """
    sid, gateway = ids.new(ids.MESSAGE), call.exchange.gateway
    if is_sip(plan.to):
        return _by_sip(call, plan, sid)
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


def _by_sip(call: "Call", plan: MessagePlan, sid: str) -> Sent:
    async def settled(outcome: Settled) -> None:
        if not call.ended.done():
            call.note("message", sid=sid, status=outcome.status, reason=outcome.reason)

    text = Text(sid, call.account, plan.to, plan.from_, plan.body, plan.callback, call.sid)
    if not call.exchange.pager.send(text, settled):
        call.note("warning", code=QUEUE_OVERFLOW, message="too many messages are under way: this one is not sent")
        return Sent(sid, "failed")
    call.note("message", sid=sid, to=plan.to)
    return Sent(sid, "queued")
