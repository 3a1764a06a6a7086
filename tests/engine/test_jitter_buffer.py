"""The jitter buffer fits itself to a line, within its bounds, and says how deep it is."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import PhoneCall
from tests.harness.impairment import Impairment, ImpairmentRelay
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

FRAMES_PER_S = 100  # of G.711


async def heard_through(
    station: Station, phones: Phones, impairment: Impairment
) -> tuple[PhoneCall, int, ImpairmentRelay]:
    """A leg whose peer talks through a bad line, and somebody who listens to it."""
    relay = await ImpairmentRelay.start(impairment)
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    call.negotiation.relay = relay
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.connect(leg, station.engine.tap(capacity=100, notify=100))
    call.media.tone(600)
    return call, leg, relay


def buffer_of(station: Station, leg: int) -> dict[str, Any]:
    """Its figures so far."""
    return dict(json.loads(station.engine.request_statistics(leg))["jitter_buffer"])


async def ended(station: Station, call: PhoneCall, leg: int) -> dict[str, Any]:
    """Its figures at the end of the call."""
    station.engine.hangup(leg)
    event = await station.event(EventKind.ENDED, leg)
    await call.until_ended()
    return dict(json.loads(event.detail["statistics"])["jitter_buffer"])


async def test_it_bears_jitter_once_it_has_met_it(stations: Stations, phones: Phones) -> None:
    bad = Impairment(loss=0.03, delay_ms=60, jitter_ms=50, reorder=0.2, reorder_ms=30, seed=4)
    station = stations(clock_rate=16000)
    call, leg, relay = await heard_through(station, phones, bad)
    await station.pause(4)
    before, lost = buffer_of(station, leg), relay.a_to_b.lost
    await station.pause(6)
    after, lost = buffer_of(station, leg), relay.a_to_b.lost - lost
    frames = 6 * FRAMES_PER_S
    assert after["discarded"] - before["discarded"] < 0.02 * frames, after
    missing = after["lost"] - before["lost"] + after["empty"] - before["empty"] - 2 * lost
    assert missing < 0.04 * frames, (before, after, lost)
    assert 60 <= after["size_ms"] <= 240
    assert (await ended(station, call, leg))["size_ms"] >= 60
    await relay.close()


@pytest.mark.parametrize(("bounds", "size"), [((20, 60), 60), ((100, 100), 100)])
async def test_it_keeps_to_its_bounds(stations: Stations, phones: Phones, bounds: tuple[int, int], size: int) -> None:
    station = stations(clock_rate=16000, jitter_buffer=bounds)
    call, leg, relay = await heard_through(station, phones, Impairment(delay_ms=60, jitter_ms=55, seed=4))
    await station.pause(4)
    assert (await ended(station, call, leg))["size_ms"] == size
    await relay.close()


async def test_a_good_line_is_not_held_up(stations: Stations, phones: Phones) -> None:
    station = stations(clock_rate=16000)
    call, leg, relay = await heard_through(station, phones, Impairment())
    await station.pause(2)
    figures = await ended(station, call, leg)
    assert figures["size_ms"] <= 60
    assert figures["avg_delay_ms"] <= 60
    await relay.close()


@pytest.mark.parametrize("bounds", [(10, 100), (100, 60), (20, 500)])
async def test_bounds_that_are_none(stations: Stations, bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="jitter_buffer"):
        stations(jitter_buffer=bounds)
