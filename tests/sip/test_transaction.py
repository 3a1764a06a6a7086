"""Requests of ours as whoever sends them sees them: one answer, and a challenge answered where it may be."""

import asyncio
import re
from typing import Any

import pytest

from callwright.engine import EventKind
from callwright.sip.transaction import Credentials, Response, transact
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns
from tests.calls.patchbay import Command
from tests.harness.digest import Guard, parameters

URI = "sip:carrier@192.0.2.9"
CREDENTIALS = Credentials("alice", "open sesame", "carrier")
MD5 = 'Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"'
SHA = 'Digest realm="carrier", nonce="n2", algorithm=SHA-256, qop="auth-int,auth", opaque="o"'


class Exchange:
    """A transaction under way."""

    def __init__(self, room: Room, method: str = "REGISTER", uri: str = URI, **options: Any) -> None:
        self.room = room
        self.task = asyncio.create_task(transact(room.endpoint, method, uri, **options))
        self._seen = 0

    async def sent(self) -> Command:
        """The next request that is sent."""
        while len(requests := self.room.engine.of("request")) <= self._seen:
            assert not self.task.done(), self.task
            await turns()
        self._seen += 1
        return requests[self._seen - 1]

    async def refused(self, *challenges: str, code: int = 401) -> Command:
        """The next request, which is challenged."""
        request = await self.sent()
        name = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
        self.room.engine.respond_to(request.node, code, "Who", *[(name, challenge) for challenge in challenges])
        return request

    async def taken(self, code: int = 200) -> tuple[Command, Response]:
        """The next request, which is answered, and what the caller gets."""
        request = await self.sent()
        self.room.engine.respond_to(request.node, code, "Fine", ("X", "1"), body=b"b", content_type="a/b")
        return request, await self.task

    @property
    def count(self) -> int:
        """Requests sent so far."""
        return len(self.room.engine.of("request"))


def line(request: Command, name: str) -> str:
    """The one value of a header."""
    (value,) = [value for other, value in request.values["headers"] if other.lower() == name.lower()]
    return str(value)


def names(request: Command) -> set[str]:
    return {name for name, _ in request.values["headers"]}


async def test_a_request_and_its_response(room: Room) -> None:
    given = [("Expires", "60"), ("CSeq", "7 REGISTER")]
    exchange = Exchange(room, headers=given, content_type="x/y", body=b"hello", next_hop="sip:192.0.2.10", timeout=5)
    request, response = await exchange.taken()
    values = request.values
    assert (values["method"], values["uri"], values["next_hop"]) == ("REGISTER", URI, "sip:192.0.2.10")
    assert (values["content_type"], values["body"]) == ("x/y", b"hello")
    assert values["timeout"] == pytest.approx(5, abs=0.2)
    assert line(request, "Expires") == "60"
    assert re.fullmatch(r"<sip:127\.0\.0\.1>;tag=[0-9a-f]{16}", line(request, "From"))
    assert response == Response(200, "Fine", (("X", "1"),), "a/b", b"b", ("UDP", "192.0.2.9", 5060), 7)
    assert response.succeeded and response.values("x") == ["1"]


@pytest.mark.parametrize(
    ("given", "tagged"),
    [
        ("<sip:a@b>;tag=x", True),
        ("sip:a@b ; TAG = x", True),
        ("<sip:a@b;tag=x>", False),
        ('"a;tag=1" <sip:a@b>', False),
    ],
)
async def test_a_from_gets_a_tag_when_it_has_none(room: Room, given: str, tagged: bool) -> None:
    request, _ = await Exchange(room, headers=[("f", given)]).taken()
    sent = line(request, "f")
    assert (sent == given) == tagged
    assert sent.startswith(given)
    assert "From" not in names(request)


@pytest.mark.parametrize(("code", "answering"), [(401, "Authorization"), (407, "Proxy-Authorization")])
async def test_a_challenge_is_answered_once(room: Room, code: int, answering: str) -> None:
    """By the strongest digest that is offered; with the next CSeq, and everything else as before."""
    exchange = Exchange(room, "PUBLISH", credentials=CREDENTIALS, headers=[("Event", "presence")], body=b"x")
    first = await exchange.refused(MD5, 'Basic realm="carrier"', SHA, code=code)
    assert answering not in names(first)
    second = await exchange.refused(MD5, SHA, code=code)
    response = await exchange.task
    assert (response.code, response.cseq, exchange.count) == (code, 2, 2)
    assert (line(first, "CSeq"), line(second, "CSeq")) == ("1 PUBLISH", "2 PUBLISH")
    for name in ("From", "Call-ID", "Event"):
        assert line(first, name) == line(second, name)
    given = parameters(line(second, answering))
    assert (given["algorithm"], given["qop"], given["nc"], given["opaque"]) == ("SHA-256", "auth", "00000001", "o")
    assert Guard("alice", "open sesame", "carrier", "n2", "SHA-256").admits([line(second, answering)], "PUBLISH")
    assert "sesame" not in repr(CREDENTIALS)


async def test_a_stale_nonce_costs_one_more_round(room: Room) -> None:
    exchange = Exchange(room, credentials=CREDENTIALS)
    await exchange.refused(MD5)
    await exchange.refused(MD5.replace("n1", "n3") + ", stale=TRUE")
    third = await exchange.refused(MD5 + ', stale="true"')
    assert Guard("alice", "open sesame", "carrier", "n3").admits([line(third, "Authorization")], "REGISTER")
    assert ((await exchange.task).code, exchange.count) == (401, 3)


async def test_a_proxy_and_a_registrar_may_both_ask(room: Room) -> None:
    exchange = Exchange(room, credentials=CREDENTIALS)
    await exchange.refused(MD5, code=407)
    await exchange.refused(MD5 + ", stale=true", code=407)
    last, response = await exchange.taken()
    assert "Proxy-Authorization" in names(last) and response.code == 200


@pytest.mark.parametrize(
    ("challenge", "credentials"),
    [
        (MD5, None),
        (MD5.replace("carrier", "evil"), CREDENTIALS),
        (MD5.replace('"auth"', '"auth-int"'), CREDENTIALS),
        (MD5.replace("MD5", "SHA-1"), CREDENTIALS),
        ("Digest nonsense", CREDENTIALS),
        ("", CREDENTIALS),
    ],
)
async def test_what_is_not_answered(room: Room, challenge: str, credentials: Credentials | None) -> None:
    """Another realm above all: its digest could be used to guess the password."""
    exchange = Exchange(room, credentials=credentials)
    await exchange.refused(challenge)
    assert ((await exchange.task).code, exchange.count) == (401, 1)


async def test_without_a_realm_whoever_asks_is_answered(room: Room) -> None:
    exchange = Exchange(room, credentials=Credentials("alice", "open sesame"))
    await exchange.refused(MD5)
    last, _ = await exchange.taken()
    assert parameters(line(last, "Authorization"))["realm"] == "carrier"


async def test_all_rounds_share_the_time(room: Room) -> None:
    exchange = Exchange(room, credentials=CREDENTIALS, timeout=10)
    request = await exchange.sent()
    await after(8)
    room.engine.respond_to(request.node, 401, "Who", ("WWW-Authenticate", MD5))
    assert (await exchange.sent()).values["timeout"] == pytest.approx(2, abs=0.2)
    await after(3)
    room.engine.respond_to(room.engine.of("request")[-1].node, 408, "no response came in time")
    assert (await exchange.task).code == 408


async def test_names_are_looked_up(room: Room) -> None:
    """Of the first Route, or of the URI."""

    known = {
        "sip:carrier.example:5070;transport=tcp": "sip:192.0.2.20:5070;transport=tcp",
        "<sip:proxy.example;lr>": "sip:192.0.2.21",
    }

    async def locate(uri: str) -> list[str]:
        if uri == "sip:nowhere.example":
            raise OSError("no address for nowhere.example")
        return [known[uri]]

    room.endpoint.locate = locate
    request, _ = await Exchange(room, uri="sip:carrier.example:5070;transport=tcp").taken()
    assert request.values["next_hop"] == "sip:192.0.2.20:5070;transport=tcp"
    room.engine.commands.clear()
    exchange = Exchange(room, uri="sip:carrier.example", headers=[("Route", "<sip:proxy.example;lr>")])
    request, _ = await exchange.taken()
    assert request.values["next_hop"] == "sip:192.0.2.21"
    room.engine.commands.clear()
    response = await transact(room.endpoint, "OPTIONS", "sip:nowhere.example")
    assert (response.code, response.reason) == (503, "no address for nowhere.example")
    assert room.engine.of("request") == []


async def test_giving_up(room: Room) -> None:
    """A response to nobody is nothing; whoever waits is told of the end."""
    exchange = Exchange(room)
    request = await exchange.sent()
    exchange.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange.task
    room.engine.respond_to(request.node, 200)
    room.engine.respond_to(4711, 200)
    last = Exchange(room)
    await turns()
    await room.endpoint.close()
    response = await last.task
    assert (response.code, response.reason, response.source) == (503, "the endpoint is closed", ("", "", 0))


async def test_connections_that_are_gone_are_told_to_all(room: Room) -> None:
    told: list[tuple[str, str, int]] = []
    for _ in range(2):
        room.endpoint.flow_closed.append(lambda *flow: told.append(flow))
    room.engine.happen(EventKind.FLOW_CLOSED, 0, transport="TLS", source_host="192.0.2.9", source_port=40000)
    await turns()
    assert told == [("TLS", "192.0.2.9", 40000)] * 2


async def test_without_a_task_that_waits(room: Room) -> None:
    """For those who send very many: told each end once, that of the endpoint too, and nothing of what is forgotten."""
    transactions, ends = room.endpoint.transactions, list[Response]()
    content: dict[str, Any] = {"headers": [("CSeq", "1 NOTIFY")], "content_type": "", "body": b"", "next_hop": ""}
    first, second, third = (transactions.send("NOTIFY", URI, ends.append, **content) for _ in range(3))
    transactions.forget(second)
    for number in (first, first, second):
        room.engine.respond_to(number, 200, "Fine", ("X", "1"))
    await turns()
    assert [(one.code, one.headers) for one in ends] == [(200, (("X", "1"),))]
    transactions.close()
    transactions.close()
    assert [one.code for one in ends] == [200, 503] and third not in transactions._waiting
