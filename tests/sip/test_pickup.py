"""An inbound leg that waits for the place of one that rings, on a fake engine."""

import pytest

from callwright.calls.fork import Fork, Way
from callwright.errors import LegGone
from callwright.sip.leg import ELSEWHERE, Leg, LegState
from callwright.sip.pickup import Pickup
from tests.calls.fakes import Room
from tests.calls.jumping import turns


def placed(room: Room, uri: str = "sip:x@y") -> Leg:
    leg = room.endpoint.originate(uri, local_uri="<sip:a@b>")
    room.engine.progress(leg.node)
    return leg


async def waiting(room: Room, ringing: Leg, done: list[str]) -> Pickup:
    """One that has been answered with 200 and has sent no ACK."""
    room.endpoint.incoming = lambda leg: None
    node = room.engine.incoming()
    await turns()
    pickup = Pickup(room.endpoint.legs[node], ringing, lambda: done.append("done"))
    pickup.accept()
    return pickup


def cancelled(room: Room) -> list[tuple[int, list[tuple[str, str]]]]:
    return [(one.node, one.values["headers"]) for one in room.engine.of("hangup")]


async def test_its_ack_takes_the_place(room: Room) -> None:
    ringing, done = placed(room), list[str]()
    left = ringing.node
    pickup = await waiting(room, ringing, done)
    assert ringing.rings and not done and cancelled(room) == []
    keys: list[str] = []
    with ringing.digits(lambda digit: keys.append(digit.key)):
        room.engine.answer_of(pickup.node)
        room.engine.digit(pickup.node, "7")
        await ringing.answered()
        await turns()
    assert (ringing.node, ringing.state, ringing.call_id) == (pickup.node, LegState.CONFIRMED, f"call-{pickup.node}")
    assert keys == ["7"] and done == ["done"]
    assert cancelled(room) == [(left, list(ELSEWHERE))]
    assert list(room.endpoint.legs) == [pickup.node], "what is left of the other dialog is nobody's"
    assert not ringing.gone
    ringing.send_digits("1")
    assert room.engine.of("send_digits", ringing.node)
    room.engine.end(ringing.node)
    assert (await ringing.ended).code == 200 and room.endpoint.legs == {}


async def test_every_phone_of_a_fork_stops(room: Room) -> None:
    ways = [Way(lambda: placed(room, "sip:1")), Way(lambda: placed(room, "sip:2"))]
    fork = Fork(room.endpoint, ways, seconds=60)
    branches = [one.node for one in room.engine.of("originate")]
    assert [room.endpoint.legs[node].whole for node in branches] == [fork, fork]
    await turns()
    pickup = await waiting(room, fork, [])
    room.engine.answer_of(pickup.node)
    await fork.answered()
    assert cancelled(room) == [(node, list(ELSEWHERE)) for node in branches]
    await turns()
    assert list(room.endpoint.legs) == [pickup.node] and not fork.gone
    fork.hang_up()
    assert room.engine.of("hangup", pickup.node)
    await fork.ended


@pytest.mark.parametrize("code", [200, 486])
async def test_who_rang_has_answered_already(room: Room, code: int) -> None:
    """With a 200 or a refusal: who comes too late gets a BYE."""
    ringing, done = placed(room), list[str]()
    pickup = await waiting(room, ringing, done)
    if code == 200:
        room.engine.answer_of(ringing.node)
    else:
        room.engine.end(ringing.node, code)
    room.engine.answer_of(pickup.node)
    assert (await pickup.ended).by == "local"
    assert not done and ringing.gone is (code != 200)
    assert [node for node, _ in cancelled(room)] == [pickup.node]
    if ringing.gone:
        with pytest.raises(LegGone):
            await ringing.answered()


async def test_without_an_ack_it_rings_on(room: Room) -> None:
    ringing, done = placed(room), list[str]()
    pickup = await waiting(room, ringing, done)
    room.engine.end(pickup.node, 408)
    assert (await pickup.ended).code == 408
    assert ringing.rings and not done and list(room.endpoint.legs) == [ringing.node]
    ringing.hang_up()
    await ringing.ended
