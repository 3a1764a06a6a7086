"""What a leg says, as samples, on a fake engine."""

import pytest

from callwright.sip.leg import Leg
from tests.calls.fakes import Room
from tests.calls.jumping import turns


@pytest.fixture
def leg(room: Room) -> Leg:
    return room.endpoint.originate("sip:x@y", local_uri="<sip:a@b>")


async def test_samples_come_until_it_is_closed(room: Room, leg: Leg) -> None:
    heard: list[bytes] = []
    tap = room.endpoint.tap(leg.node, heard.append)
    assert tap.rate == room.engine.clock_rate
    assert room.engine.of("connect", leg.node)[0].values == {"sink": tap.port}
    room.engine.say(leg.node, b"ab")
    await turns()
    room.engine.say(leg.node, b"cd")
    await turns()
    assert heard == [b"ab", b"cd"]
    room.engine.say(leg.node, b"ef")
    tap.close()
    tap.close()
    await turns()
    assert heard == [b"ab", b"cd"], "an event that was under way is not told any more"
    assert len(room.engine.of("stop", tap.port)) == 1 and room.endpoint.taps == {}


async def test_an_empty_read_is_not_told(room: Room, leg: Leg) -> None:
    heard: list[bytes] = []
    tap = room.endpoint.tap(leg.node, heard.append)
    room.engine.say(leg.node, b"")
    await turns()
    assert heard == []
    tap.close()


async def test_a_listener_that_fails_loses_no_event(room: Room, leg: Leg, caplog: pytest.LogCaptureFixture) -> None:
    def fail(samples: bytes) -> None:
        raise ValueError("nothing is heard")

    tap = room.endpoint.tap(leg.node, fail)
    room.engine.say(leg.node, b"ab")
    room.engine.end(leg.node)
    await leg.ended
    assert "event TAPPED" in caplog.text
    tap.close()
