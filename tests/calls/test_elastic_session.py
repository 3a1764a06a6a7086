"""A call of an elastic trunk from its INVITE to its end, on the fake engine; with a PBX: tests/integration."""

import pytest

from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.status import CallStatus
from callwright.errors import RestError
from callwright.store.directory import Record
from tests.calls.fakes import ACCOUNT_SID, NUMBER, Room
from tests.calls.jumping import turns

RECOVERY = Hook("http://app.example/disaster", "POST")


def build(room: Room, *uris: str, **settings: str) -> None:
    """Gives the room's number a trunk with these origination URLs."""
    trunk = Record.new("TK", "trunks", ACCOUNT_SID, settings)
    urls = [{"sip_url": uri, "priority": priority, "weight": 1, "enabled": True} for priority, uri in enumerate(uris)]
    own = [Record.new("OU", "origination_urls", ACCOUNT_SID, fields, parent_sid=trunk.sid) for fields in urls]
    number = room.resources.first("incoming_phone_numbers", "phone_number", NUMBER)
    assert number is not None
    room.resources.declare([trunk, *own, number.changed(trunk_sid=trunk.sid)])


async def arrives(room: Room) -> tuple[Call, int]:
    """A call to the number, and its leg; no document runs it."""
    leg = room.engine.incoming()
    while not room.exchange.live:
        await turns(1)
    return next(iter(room.exchange.live.values())), leg


def refused(room: Room, leg: int) -> int:
    """With which code a leg was hung up."""
    return int(room.engine.of("hangup", leg)[-1].values["code"])


@pytest.mark.parametrize(
    ("code", "told", "status"),
    [
        (486, 486, CallStatus.BUSY),
        (600, 486, CallStatus.BUSY),
        (480, 480, CallStatus.NO_ANSWER),
        (603, 480, CallStatus.NO_ANSWER),
        (404, 404, CallStatus.FAILED),
        (401, 503, CallStatus.FAILED),
        (503, 503, CallStatus.FAILED),
    ],
)
async def test_what_the_pbx_says_reaches_the_caller(room: Room, code: int, told: int, status: CallStatus) -> None:
    build(room, "sip:pbx.example")
    call, leg = await arrives(room)
    room.engine.end(await room.engine.called(1), code)
    assert await call.ended is status
    assert refused(room, leg) == told
    assert room.sessions == [], "no document has run"


async def test_every_url_is_tried_before_the_document_runs(room: Room) -> None:
    build(room, "sip:one.example", "sip:two.example", disaster_recovery_url=RECOVERY.url)
    heard: list[Hook | None] = []

    async def document(call: Call) -> None:
        heard.append(call.application.voice)
        await call.answer()

    room.script = document
    call, _ = await arrives(room)
    with pytest.raises(RestError):
        await room.switchboard.redirect(call.sid, hook=RECOVERY, twiml=None)
    room.engine.end(await room.engine.called(1), 503)
    room.engine.end(await room.engine.called(2), 503)
    assert await call.ended is CallStatus.COMPLETED
    assert heard == [RECOVERY] and call.application.elastic is None


async def test_a_pbx_that_says_nothing_is_not_waited_for(room: Room) -> None:
    """Not even when it has one URL: the document is the other way."""
    build(room, "sip:pbx.example", disaster_recovery_url=RECOVERY.url)
    call, _ = await arrives(room)
    leg, begun = await room.engine.called(1), room.endpoint.loop.time()
    await room.engine.until("hangup", leg)
    assert 3.9 < room.endpoint.loop.time() - begun < 5
    assert await call.ended is CallStatus.COMPLETED
    assert [one.call for one in room.sessions] == [call]


async def test_a_trunk_without_a_url_cannot_be_reached(room: Room) -> None:
    build(room)
    call, leg = await arrives(room)
    assert await call.ended is CallStatus.FAILED
    assert refused(room, leg) == 503 and room.engine.of("originate") == []


async def test_a_caller_who_gives_up(room: Room) -> None:
    build(room, "sip:pbx.example", disaster_recovery_url=RECOVERY.url)
    call, leg = await arrives(room)
    await room.engine.called(1)
    room.engine.end(leg, 487)
    assert await call.ended is CallStatus.CANCELED
    assert room.sessions == []
