"""CallToken (call-control reference §2.1, §7.6)."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import pytest

from callwright.calls import call_token
from callwright.calls.attestation import Verdict
from callwright.calls.call import Call
from callwright.errors import RestError
from tests.calls.fakes import ACCOUNT_SID, NUMBER, OTHER_SID, Room
from tests.calls.jumping import turns
from tests.calls.test_switchboard import order

CALLER = "+15557654321"


async def waiting(call: Call) -> None:
    await call.ended


@pytest.fixture
async def call(room: Room) -> Call:
    """A live call from a trunk."""
    room.script = waiting
    return (await room.inbound())[0]


def opened(token: str) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(unquote(token))
    return whole


async def test_each_request_has_it(call: Call) -> None:
    token = call.parameters()["CallToken"]
    assert opened(token)["identityHeaderTokens"] == [] and token.startswith("%7B")
    assert call_token.named(token, ACCOUNT_SID, {call.sid: call}) is call
    assert call_token.named(unquote(token), ACCOUNT_SID, {call.sid: call}) is call


async def test_it_has_the_passport(call: Call) -> None:
    call.verified(Verdict("TN-Validation-Passed-A", "a.b.c"))
    assert opened(call.parameters()["CallToken"])["identityHeaderTokens"] == ["a.b.c"]


async def test_calls_that_have_none(room: Room, call: Call) -> None:
    placed = room.exchange.live[await room.switchboard.place(order(room))]
    child = call.child("+15558880000", caller_id="", callback=None)
    assert not any("CallToken" in one.parameters() for one in (placed, child))
    assert call_token.named(call_token.made(placed), ACCOUNT_SID, room.exchange.live) is None
    placed.hang_up()
    child.hang_up()


def changed(token: str, **changes: Any) -> str:
    return json.dumps(opened(token) | changes)


@pytest.mark.parametrize(
    "token",
    ["", "x", "{}", "[]", "%7B%7D", '{"parentCallInfoToken": 1}', '{"parentCallInfoToken": "a.b.c"}', "[" * 10_000],
)
async def test_what_is_none(call: Call, token: str) -> None:
    assert call_token.named(token, ACCOUNT_SID, {call.sid: call}) is None


async def test_whose_it_is(room: Room, call: Call) -> None:
    token, live = call_token.made(call), {call.sid: call}
    jwt = opened(token)["parentCallInfoToken"]
    signed, _, mac = jwt.rpartition(".")
    assert call_token.named(token, OTHER_SID, live) is None
    assert call_token.named(changed(token, parentCallInfoToken=f"{signed}.{mac[::-1]}"), ACCOUNT_SID, live) is None
    assert call_token.named(changed(token, parentCallInfoToken=signed), ACCOUNT_SID, live) is None
    assert call_token.named(quote("x" * call_token.LONGEST), ACCOUNT_SID, live) is None
    call.hang_up()
    room.engine.end(call.require_leg().node)
    await call.ended
    assert room.switchboard.forwarded(ACCOUNT_SID, token) is None, "it ends with its call"


async def test_a_call_that_shows_its_caller(room: Room, call: Call) -> None:
    """The fences let its caller out, and no other number."""
    room.exchange.fences._owns = lambda account_sid, number: number == NUMBER
    forwards = room.switchboard.forwarded(ACCOUNT_SID, call.parameters()["CallToken"])
    facts: Mapping[str, Any] = {"from_": CALLER, "forwards": forwards}
    placed = room.exchange.live[await room.switchboard.place(order(room, **facts))]
    leg = await room.engine.called()
    assert CALLER in room.engine.of("originate", leg)[0].values["local_uri"]
    room.engine.end(leg, 486)
    assert await placed.ended == "busy"
    for refused in ({"from_": CALLER}, {**facts, "from_": "+15553334444"}):
        with pytest.raises(RestError) as error:
            await room.switchboard.place(order(room, **refused))
        assert error.value.code == 21210
    await turns()
