"""Transfers between the engine's events and who waits for them, on a fake engine."""

import asyncio
import logging

import pytest

from callwright.engine import EventKind
from callwright.sip.leg import Leg
from callwright.sip.transfer import MOST_REPORTS, Referral, Report, Source, Transfer
from tests.calls.fakes import Room
from tests.calls.jumping import turns

URI = "sip:bob@pbx.example"


@pytest.fixture
def leg(room: Room) -> Leg:
    return room.endpoint.originate("sip:x@y", local_uri="<sip:a@b>")


def asks(room: Room, leg: Leg, code: int = 202, transfer: int = 77, replaced: int = 0) -> None:
    """The peer has sent a REFER."""
    facts = {"transfer": transfer, "attended": replaced > 0, "replaced": replaced, "referred_by": "<sip:a@b>"}
    room.engine.happen(EventKind.REFER, leg.node, code, URI, **facts)


async def test_reports_come_in_order_until_the_last(room: Room, leg: Leg) -> None:
    transfer = Transfer(leg, URI, [("X-A", "1")])
    (command,) = room.engine.of("refer")
    assert command.values == {"leg": leg.node, "uri": URI, "headers": [("X-A", "1")]}
    room.engine.happen(EventKind.TRANSFER, command.node, 202, "Accepted", by="answer", last=False)
    room.engine.happen(EventKind.TRANSFER, command.node, 200, "OK", by="notify", last=True)
    assert await transfer.report() == Report(Source.ANSWER, 202, "Accepted", False)
    assert await transfer.report() == Report(Source.NOTIFY, 200, "OK", True)
    transfer.close()
    assert room.engine.of("forget") == [] and room.endpoint.transfers == {}


async def test_one_that_is_closed_is_forgotten(room: Room, leg: Leg) -> None:
    transfer = Transfer(leg, URI)
    transfer.close()
    transfer.close()
    node = room.engine.of("refer")[0].node
    assert [one.node for one in room.engine.of("forget")] == [node]
    room.engine.happen(EventKind.TRANSFER, node, 202, "", by="answer", last=False)
    await turns()
    assert room.endpoint.transfers == {}


async def test_a_peer_that_reports_without_end_fills_no_memory(room: Room, leg: Leg) -> None:
    transfer = Transfer(leg, URI)
    for code in range(100, 102 + MOST_REPORTS):
        transfer.on_report(Report(Source.NOTIFY, code, "", False))
    assert (await transfer.report()).code == 102
    transfer.close()


async def test_a_referral_reaches_who_takes_it(room: Room, leg: Leg) -> None:
    heard: list[Referral] = []
    with leg.referring(heard.append, blind=True, attended=False):
        asks(room, leg, replaced=5)
        await turns()
    (referral,) = heard
    assert (referral.target, referral.attended, referral.replaced) == (URI, True, 5)
    assert referral.referred_by == "<sip:a@b>"
    assert referral.accepted
    referral.tell(200)
    assert [(one.node, one.values["code"]) for one in room.engine.of("notify")] == [(77, 200)]
    permitted = [one.values for one in room.engine.of("permit", leg.node)]
    assert permitted == [{"blind": True, "attended": False}, {"blind": False, "attended": False}]


async def test_one_that_nobody_takes_is_told_so(room: Room, leg: Leg) -> None:
    asks(room, leg)
    asks(room, leg, code=603, transfer=0)
    await turns()
    room.engine.end(leg.node)
    asks(room, leg, transfer=78)
    await turns()
    assert [(one.node, one.values["code"]) for one in room.engine.of("notify")] == [(77, 480), (78, 480)]


async def test_a_peer_that_wants_no_reports_gets_none(room: Room, leg: Leg) -> None:
    Referral(room.endpoint, 0, 202, URI).tell(200)
    assert room.engine.of("notify") == []


async def test_a_report_of_a_kind_that_nobody_knows(room: Room, leg: Leg, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and the next one is read."""
    transfer = Transfer(leg, URI)
    node = room.engine.of("refer")[0].node
    with caplog.at_level(logging.ERROR):
        room.engine.happen(EventKind.TRANSFER, node, 202, "", by="rumour", last=False)
        room.engine.happen(EventKind.TRANSFER, node, 202, "", by="answer", last=False)
        async with asyncio.timeout(5):
            assert (await transfer.report()).source is Source.ANSWER
    assert "event TRANSFER" in caplog.text
    transfer.close()
