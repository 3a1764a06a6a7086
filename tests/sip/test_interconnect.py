"""What trunks do by themselves, on a fake engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callwright.sip.health import HealthState
from callwright.sip.interconnect import Interconnect
from tests.calls.fakes import ACCOUNT_SID, Room
from tests.calls.jumping import skipping, turns

CHALLENGE = 'Digest realm="{}", nonce="n", algorithm=MD5, qop="auth"'
TRUNK = {
    "name": "line",
    "account": ACCOUNT_SID,
    "targets": ["sip:192.0.2.9:5070;transport=tcp"],
    "ping_s": 10,
    "quarantine_after": 1,
    "register": {"server": "sip:carrier.many", "username": "line1", "password": "secret", "realm": "carrier"},
}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    with skipping(asyncio.get_running_loop()):
        one = Room.open(tmp_path, trunk=[TRUNK])
        yield one
        await one.close()


@pytest.fixture
async def serving(room: Room) -> AsyncIterator["asyncio.Task[None]"]:
    trunks = room.exchange.trunks
    interconnect = Interconnect(
        room.endpoint, trunks, room.exchange.health, lambda: room.engine.admit(trunks.sources(), trunks.policies())
    )
    task = asyncio.create_task(interconnect.serve())
    await room.engine.until("request", count=2)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def sent(room: Room, method: str) -> list[tuple[int, dict[str, str], str]]:
    """(request, headers, next hop) of every request of a method."""
    return [
        (one.node, dict(one.values["headers"]), one.values["next_hop"])
        for one in room.engine.of("request")
        if one.values["method"] == method
    ]


async def test_a_ping(room: Room, serving: "asyncio.Task[None]") -> None:
    ((request, _, hop),) = sent(room, "OPTIONS")
    assert hop == "sip:192.0.2.9:5070;transport=tcp"
    room.engine.respond_to(request, 503)
    await turns()
    assert room.exchange.health.state("line", hop) is HealthState.QUARANTINED


async def test_registered_by_its_own_credentials_and_let_in(room: Room, serving: "asyncio.Task[None]") -> None:
    ((request, headers, hop),) = sent(room, "REGISTER")
    assert hop == "sip:192.0.2.1" and "Authorization" not in headers
    room.engine.respond_to(request, 401, "Who", ("WWW-Authenticate", CHALLENGE.format("carrier")))
    await room.engine.until("request", count=3)
    request, headers, _ = sent(room, "REGISTER")[1]
    assert 'username="line1"' in headers["Authorization"] and headers["CSeq"] == "2 REGISTER"
    room.engine.respond_to(request, 200, "OK", ("Expires", "300"))
    await room.engine.until("admit", count=2)
    sources = room.engine.of("admit")[-1].values["sources"]
    assert sources == ["192.0.2.1/32", "192.0.2.2/32"]
    found = room.exchange.trunks.by_line("192.0.2.2", "line1")
    assert found is not None and found.name == "line"


async def test_another_realm_gets_nothing(room: Room, serving: "asyncio.Task[None]") -> None:
    ((request, _, _),) = sent(room, "REGISTER")
    room.engine.respond_to(request, 401, "Who", ("WWW-Authenticate", CHALLENGE.format("elsewhere")))
    await turns()
    assert len(sent(room, "REGISTER")) == 1


async def test_taken_back_at_the_end(room: Room, serving: "asyncio.Task[None]") -> None:
    ((request, _, _),) = sent(room, "REGISTER")
    room.engine.respond_to(request, 200)
    await room.engine.until("admit", count=2)
    began = asyncio.get_running_loop().time()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert sent(room, "REGISTER")[-1][1]["Expires"] == "0"
    assert asyncio.get_running_loop().time() - began < 4, "nobody answers, and it ends all the same"
