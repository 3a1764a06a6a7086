"""Text messages over SIP, out: whom they reach, and what is told of their end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan
from callwright.calls.pager import MOST_UNDER_WAY, Settled, Text
from callwright.errors import StoreError
from callwright.sip.transaction import Response
from tests.calls.fakes import ACCOUNT_SID, OTHER_SID, Room
from tests.calls.jumping import turns
from tests.sip.registering import Answers

SID = "SM" + "0" * 32
URI = "sip:bob@192.0.2.9"


@pytest.fixture
async def house(rooms: Callable[..., Room]) -> Room:
    """Alice has two phones, one of them behind a proxy; Eve is another account's."""
    users = [
        {"name": "alice", "account": ACCOUNT_SID, "password": "a"},
        {"name": "bob", "account": ACCOUNT_SID, "password": "b"},
        {"name": "eve", "account": OTHER_SID, "password": "c"},
    ]
    room = rooms(user=users, sip={"domain": "pbx.example"})
    answers = Answers()
    for name, *contacts in (("alice", "<sip:alice@10.0.0.5>", "<sip:alice@10.0.0.6>"), ("eve", "<sip:eve@10.0.0.7>")):
        place: Any = {"host": "203.0.113.9", "port": 40000, "transport": "TCP", "realm": "pbx.example"}
        path = [("Path", "<sip:192.0.2.1;lr>")]
        room.registrar.take(answers.register(*contacts, name=name, to=f"sip:{name}@pbx.example", headers=path, **place))
    return room


async def delivered(room: Room, to: str, *codes: int, sender: str = "+15550001000") -> Response:
    """What a delivery comes to when the requests are answered so."""
    before = len(room.engine.of("request"))
    task = asyncio.create_task(room.exchange.pager.deliver(ACCOUNT_SID, to, sender, "grüße"))
    await turns()
    sent = room.engine.of("request")[before:]
    assert len(sent) == len(codes)
    for request, code in zip(sent, codes, strict=True):
        room.engine.respond_to(request.node, code, f"said {code}")
    return await task


def sent(room: Room) -> list[dict[str, Any]]:
    return [request.values for request in room.engine.of("request")]


async def test_to_a_uri(room: Room) -> None:
    response = await delivered(room, URI, 200)
    (values,) = sent(room)
    assert (response.code, response.reason) == (200, "said 200")
    assert (values["method"], values["uri"], values["next_hop"]) == ("MESSAGE", URI, "")
    assert (values["body"], values["content_type"]) == ("grüße".encode(), "text/plain;charset=utf-8")
    headers = dict(values["headers"])
    assert headers["From"].startswith("<sip:+15550001000@127.0.0.1>;tag=") and "Contact" not in headers


async def test_to_all_phones_of_a_user(house: Room) -> None:
    """By the way that each registered, Path and all."""
    response = await delivered(house, "sip:alice@pbx.example:5060", 486, 202)
    assert response.code == 202
    assert [values["uri"] for values in sent(house)] == ["sip:alice@10.0.0.5", "sip:alice@10.0.0.6"]
    for values in sent(house):
        assert values["next_hop"] == "sip:203.0.113.9:40000;transport=tcp"
        headers = dict(values["headers"])
        assert (headers["To"], headers["Route"]) == ("<sip:alice@pbx.example>", "<sip:192.0.2.1;lr>")
        assert headers["From"].startswith("<sip:+15550001000@pbx.example>;tag=")


@pytest.mark.parametrize(
    ("codes", "best"), [((200, 202), 200), ((408, 486), 486), ((503, 408), 408), ((603, 404), 404), ((503, 600), 600)]
)
async def test_the_best_answer_counts(house: Room, codes: tuple[int, int], best: int) -> None:
    assert (await delivered(house, "sip:alice@pbx.example", *codes)).code == best


async def test_nobody_there(house: Room) -> None:
    """Another account's user is as good as none."""
    assert (await delivered(house, "sip:bob@pbx.example")).code == 480
    assert (await delivered(house, "sip:nobody@pbx.example")).code == 404
    assert (await delivered(house, "sip:eve@pbx.example")).code == 404


async def test_what_sip_cannot_carry(room: Room) -> None:
    def refuse(method: str, uri: str, **options: Any) -> int:
        raise ValueError("not a SIP URI: sip:")

    room.engine.request = refuse  # type: ignore[method-assign]  # the engine's own refusal
    response = await room.exchange.pager.deliver(ACCOUNT_SID, "sip:", "a", "x")
    assert (response.code, response.reason) == (400, "not a SIP URI: sip:")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        (200, "delivered", 0),
        (202, "sent", 0),
        (404, "undelivered", 30005),
        (480, "undelivered", 30003),
        (408, "undelivered", 30003),
        (503, "undelivered", 30003),
        (415, "undelivered", 30008),
    ],
)
async def test_the_end_is_told(room: Room, code: int, status: str, error: int) -> None:
    """First to who keeps it, then to the application."""
    told: list[Settled] = []

    async def settled(outcome: Settled) -> None:
        assert not room.posts.all
        told.append(outcome)

    text = Text(SID, room.account, URI, "+15550001000", "hi", Hook("http://app.example/s"))
    assert room.exchange.pager.send(text, settled)
    await turns()
    room.engine.respond_to(room.engine.of("request")[-1].node, code, "Why")
    await turns()
    assert told == [Settled(status, error, f"{code} Why")]
    (posted,) = room.posts.all
    expected = {
        "MessageSid": SID, "SmsSid": SID, "MessageStatus": status, "SmsStatus": status, "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01", "From": "+15550001000", "To": URI,
    }  # fmt: skip
    assert posted.params == expected | ({"ErrorCode": str(error)} if error else {})


async def test_a_store_that_fails_hides_no_end(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    async def settled(outcome: Settled) -> None:
        raise StoreError("the disk is full")

    room.exchange.pager.send(Text(SID, room.account, URI, "a", "hi", Hook("http://app.example/s")), settled)
    await turns()
    room.engine.respond_to(room.engine.of("request")[-1].node, 200)
    await turns()
    assert [posted.params["MessageStatus"] for posted in room.posts.all] == ["delivered"]
    assert "the disk is full" in caplog.text


async def test_too_many_at_once(room: Room) -> None:
    async def settled(outcome: Settled) -> None:
        raise AssertionError("none has ended")

    text = Text(SID, room.account, URI, "a", "hi")
    taken = [room.exchange.pager.send(text, settled) for _ in range(MOST_UNDER_WAY + 1)]
    assert taken == [True] * MOST_UNDER_WAY + [False]
    call, _ = await room.inbound()
    refused = await call.message(MessagePlan(URI, "+15550001000", "hi"))
    assert refused.status == "failed"
    assert [data["code"] for kind, data in room.rows.steps(call.sid) if kind == "warning"] == [30001]


async def test_a_calls_message_to_a_sip_uri(room: Room) -> None:
    """Needs no gateway; its end is a step of the call, if that still goes on."""
    call, leg = await room.inbound()
    taken = await call.message(MessagePlan(URI, "+15550001000", "hi", Hook("http://app.example/s")))
    assert taken.status == "queued" and not room.posts.all
    await turns()
    room.engine.respond_to(room.engine.of("request")[-1].node, 200, "OK")
    await turns()
    (posted,) = room.posts.all
    assert (posted.params["CallSid"], posted.params["MessageSid"]) == (call.sid, taken.sid)
    late = await call.message(MessagePlan(URI, "+15550001000", "later"))
    await turns()
    room.engine.end(leg)
    await call.ended
    room.engine.respond_to(room.engine.of("request")[-1].node, 480, "Gone")
    await turns()
    steps = [data for kind, data in room.rows.steps(call.sid) if kind == "message"]
    assert steps == [
        {"sid": taken.sid, "to": URI},
        {"sid": taken.sid, "status": "delivered", "reason": "200 OK"},
        {"sid": late.sid, "to": URI},
    ]
