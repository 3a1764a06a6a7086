"""Text messages of a call (call-control reference §1.2)."""

from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan, Sent
from callwright.calls.messages import Messages
from tests.calls.fakes import Room

PLAN = MessagePlan("+15557654321", "+15550001000", "Hello", Hook("http://app.example/s"))


async def test_it_is_posted_to_the_gateway(room: Room) -> None:
    object.__setattr__(room.exchange, "gateway", "http://gateway.example/send")
    call, _ = await room.inbound()
    sent = await call.message(PLAN)
    (posted,) = room.posts.all
    assert (posted.url, posted.kind) == ("http://gateway.example/send", "message")
    assert sent == Sent(posted.params["MessageSid"], "queued") and sent.sid.startswith("SM")
    assert posted.params == {
        "MessageSid": sent.sid,
        "SmsSid": sent.sid,
        "AccountSid": call.account.sid,
        "CallSid": call.sid,
        "ApiVersion": "2010-04-01",
        "From": "+15550001000",
        "To": "+15557654321",
        "Body": "Hello",
        "StatusCallback": "http://app.example/s",
    }
    assert not call.status.final and not room.engine.of("answer")
    row = room.rows.row("messages", sent.sid)
    assert (row["status"], row["direction"], row["call_sid"]) == ("queued", "outbound-call", call.sid)


async def test_without_a_gateway_it_fails_and_says_so(room: Room) -> None:
    call, leg = await room.inbound()
    sent = await call.message(PLAN)
    assert sent.status == "failed" and not room.posts.all
    room.engine.end(leg, 487)
    await call.ended
    assert ("warning", 13803) in [(kind, data.get("code")) for kind, data in room.rows.steps(call.sid)]


async def test_a_reply_says_that_it_is_one(room: Room) -> None:
    exchange = room.exchange
    sending = Messages(exchange.store, exchange.callbacks, "http://gateway.example/send", exchange.pager)
    row = sending.send(room.account, PLAN, reply=True)
    assert (row["direction"], row["call_sid"]) == ("outbound-reply", None)
    assert room.rows.row("messages", row["sid"])["status"] == "queued"
