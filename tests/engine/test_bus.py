"""Buses: many are heard by many, nobody hears himself, and it costs the mixer nothing that a bus comes and goes."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.bridge import Bridge, noise, trimmed
from tests.engine.station import Station
from tests.harness import tones
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


async def test_a_bus_adds_what_it_hears_for_all_who_hear_it(bridge: Bridge) -> None:
    pcm = noise(8000)
    bus, taps = bridge.engine.bus(), [bridge.tap() for _ in range(3)]
    for tap in taps:
        bridge.engine.connect(bus, tap)
    players = [bridge.engine.player([bridge.sound(pcm)], sink=bus) for _ in range(2)]
    for player in players:
        await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    heard = trimmed(bridge.heard(taps[0]))
    apart = len(heard) - len(pcm)  # the commands may fall into two ticks
    expected = np.zeros(len(heard), dtype=np.int16)
    expected[: len(pcm)] += pcm
    expected[apart:] += pcm
    assert all(np.array_equal(trimmed(bridge.heard(tap)), expected) for tap in taps)


async def test_a_bus_that_is_stopped_is_silent_and_gone(bridge: Bridge) -> None:
    bus, tap = bridge.engine.bus(), bridge.tap()
    bridge.engine.connect(bus, tap)
    tone = bridge.engine.tone([(440, 0, 60000, 0)], sink=bus)
    await bridge.until(lambda: bridge.heard(tap).any(), "the tone")

    bridge.engine.stop(bus)
    await bridge.pass_time(4)
    assert not bridge.heard(tap)[-bridge.frame :].any()
    bridge.engine.stop(bus)
    bridge.engine.stop(tone)
    await bridge.event(EventKind.PLAYED, tone)
    bridge.engine.stop(tap)
    await bridge.rest()


async def test_buses_can_hear_each_other_in_one_direction(bridge: Bridge) -> None:
    outer, inner, tap = bridge.engine.bus(), bridge.engine.bus(), bridge.tap()
    bridge.engine.connect(outer, inner)
    bridge.engine.connect(inner, outer)  # would close a ring: nothing happens
    bridge.engine.connect(inner, tap)
    pcm = noise(4000)
    player = bridge.engine.player([bridge.sound(pcm)], sink=outer)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)
    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


@pytest.mark.parametrize("how", ["disconnected", "by way of a bus that goes"])
async def test_what_buses_hear_of_each_other_is_turned_round_at_once(bridge: Bridge, how: str) -> None:
    """All in one batch: what goes closes no ring with what comes."""
    outer, inner, between, tap = bridge.engine.bus(), bridge.engine.bus(), bridge.engine.bus(), bridge.tap()
    first, last = (outer, inner) if how == "disconnected" else (outer, between)
    bridge.engine.connect(first, last)
    bridge.engine.connect(between, inner)
    await bridge.pass_time(2)
    if how == "disconnected":
        bridge.engine.disconnect(outer, inner)
    else:
        bridge.engine.stop(between)
    bridge.engine.connect(inner, outer)
    bridge.engine.connect(outer, tap)
    pcm = noise(4000)
    player = bridge.engine.player([bridge.sound(pcm)], sink=inner)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)
    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


@pytest.mark.parametrize("clock_rate", [8000, 16000])
async def test_everybody_in_a_conference_hears_all_the_others_and_not_himself(
    stations: Callable[..., Station], phones: Phones, clock_rate: int
) -> None:
    station = stations(clock_rate=clock_rate)
    bus = station.engine.bus()
    pitches = (400.0, 800.0, 1600.0)
    calls = [await station.answered(await phones(f"member{place}")) for place in range(len(pitches))]
    for (call, leg), hz in zip(calls, pitches, strict=True):
        station.engine.connect(leg, bus)
        station.engine.connect(bus, leg)
        call.media.tone(hz, dbov=-20)
    for (call, _), own in zip(calls, pitches, strict=True):
        levels = [await call.media.heard_tone(hz, at_least_dbov=-21) for hz in pitches if hz != own]
        assert levels == [pytest.approx(-20, abs=1)] * (len(pitches) - 1)
    for (call, leg), own in zip(calls, pitches, strict=True):
        assert tones.tone_dbov(call.media.pcm(last=0.5), own) < -50  # of -20
        await call.hangup()
        await station.event(EventKind.ENDED, leg)
    station.engine.stop(bus)


async def test_a_muted_member_is_not_heard_and_hears(station: Station, phones: Phones) -> None:
    bus = station.engine.bus()
    talker, one = await station.answered(await phones("talker"))
    listener, other = await station.answered(await phones("listener"))
    for leg in (one, other):
        station.engine.connect(leg, bus)
        station.engine.connect(bus, leg)
    talker.media.tone(500)
    listener.media.tone(900)
    await talker.media.heard_tone(900)
    await listener.media.heard_tone(500)

    station.engine.disconnect(other, bus)
    await talker.media.silence_heard(0.3)
    await listener.media.heard_tone(500)
    station.engine.connect(other, bus)
    await talker.media.heard_tone(900)
    station.engine.stop(bus)
    await talker.media.silence_heard(0.3)
    for call in (talker, listener):
        await call.hangup()
