"""What a call does beside its documents and legs."""

import asyncio

import pytest

from callwright.calls.attestation import Verdict
from callwright.calls.control import ReferPlan, Referred
from callwright.engine import EventKind
from callwright.errors import LegGone
from tests.calls.fakes import Room
from tests.calls.jumping import turns


def pairs(room: Room, leg: int) -> tuple[int, int]:
    """How often a leg was connected with itself, and disconnected."""
    made = [one for one in room.engine.of("connect", leg) if one.values["sink"] == leg]
    parted = [one for one in room.engine.of("disconnect", leg) if one.values["sink"] == leg]
    return len(made), len(parted)


async def test_an_echo_lasts_until_hang_up(room: Room) -> None:
    call, leg = await room.inbound()
    echo = asyncio.create_task(call.echo())
    await room.engine.until("connect", leg)
    assert pairs(room, leg) == (1, 0)
    room.engine.end(leg)
    with pytest.raises(LegGone):
        await echo


async def test_a_redirect_ends_an_echo(room: Room) -> None:
    call, leg = await room.inbound()
    echo = asyncio.create_task(call.echo())
    await room.engine.until("connect", leg)
    echo.cancel()
    await asyncio.wait({echo})
    assert pairs(room, leg) == (1, 1)
    assert call.leg is not None
    await turns()
    assert not call.status.final


async def test_a_transfer(room: Room) -> None:
    call, leg = await room.inbound()
    room.engine.answer_of(leg)
    task = asyncio.create_task(call.refer(ReferPlan("sip:bob@pbx.example")))
    node = (await room.engine.until("refer")).node
    room.engine.happen(EventKind.TRANSFER, node, 603, "Decline", by="answer", last=True)
    assert await task == Referred("failed", 603)
    room.engine.end(leg)
    await call.ended
    assert ("warning", 32218) in [(kind, data.get("code")) for kind, data in room.rows.steps(call.sid)]


async def test_what_is_believed_of_its_caller_is_kept(room: Room) -> None:
    call, _ = await room.inbound()
    assert room.rows.row("calls", call.sid)["verstat"] is None
    call.verified(Verdict("TN-Validation-Passed-B"))
    assert room.rows.row("calls", call.sid)["verstat"] == "TN-Validation-Passed-B"
