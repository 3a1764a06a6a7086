"""Sources and taps: PCM between Python and the bridge, sample for sample, whatever the pace of Python."""

import asyncio

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.bridge import Bridge, noise, start_of, trimmed
from tests.harness.tones import Pcm

GONE = 999_999


def packed(pcm: Pcm) -> bytes:
    return pcm.astype("<i2").tobytes()


async def test_a_source_is_heard_sample_for_sample(bridge: Bridge) -> None:
    pcm = noise(16000)
    tap = bridge.tap()
    source = bridge.engine.source(sink=tap)

    taken = [bridge.engine.write(source, packed(piece)) for piece in np.split(pcm, [1, 5000, 5001])]
    await bridge.event(EventKind.DRAINED, source)
    await bridge.pass_time(2)

    assert taken == [1, 4999, 1, 10999]
    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


async def test_writing_while_it_plays_makes_no_gap(bridge: Bridge) -> None:
    pcm = noise(3 * 16000)
    tap = bridge.tap()
    source = bridge.engine.source(sink=tap, capacity=400)

    written = bridge.engine.write(source, packed(pcm[: 16000 // 5]))
    while written < len(pcm):
        await bridge.pass_time(1)
        written += bridge.engine.write(source, packed(pcm[written : written + 3000]))
    await bridge.until(lambda: len(trimmed(bridge.heard(tap))) >= len(pcm), "all of it in the tap")

    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


async def test_a_full_source_takes_what_fits(bridge: Bridge) -> None:
    pcm = noise(16000)
    source = bridge.engine.source(sink=0, capacity=100)

    assert bridge.engine.write(source, packed(pcm)) == 1600
    assert bridge.engine.write(source, packed(pcm[1600:])) == 0
    tap = bridge.tap()
    bridge.engine.connect(source, tap)
    await bridge.event(EventKind.DRAINED, source)
    assert bridge.engine.write(source, packed(pcm[1600:2000])) == 400
    await bridge.until(lambda: len(bridge.of(source, EventKind.DRAINED)) == 2, "DRAINED again")
    await bridge.pass_time(2)

    heard = trimmed(bridge.heard(tap))
    assert np.array_equal(heard[:1600], pcm[:1600])
    assert np.array_equal(heard[-400:], pcm[1600:2000])


async def test_drained_comes_once_for_each_time_it_runs_dry(bridge: Bridge) -> None:
    tap = bridge.tap()
    source = bridge.engine.source(sink=tap)
    await bridge.pass_time(5)
    assert bridge.of(source) == []

    for times in range(1, 6):
        bridge.engine.write(source, packed(noise(700)))
        await bridge.until(lambda times=times: len(bridge.of(source)) == times, f"DRAINED {times} times")
        await bridge.pass_time(3)
        assert len(bridge.of(source)) == times
        assert {event.kind for event in bridge.of(source)} == {EventKind.DRAINED}


async def test_clear_silences_at_once_and_makes_room(bridge: Bridge) -> None:
    tap = bridge.tap()
    source = bridge.engine.source(sink=tap, capacity=5000)
    first, second = noise(5 * 16000, seed=1), noise(1600, seed=3)
    assert bridge.engine.write(source, packed(first)) == len(first)
    await bridge.until(lambda: len(trimmed(bridge.heard(tap))) >= 3200, "the first 200 ms")

    bridge.engine.clear(source)
    await bridge.pass_time(3)
    assert not bridge.heard(tap)[-bridge.frame :].any()
    assert bridge.of(source) == []  # cleared is not played
    assert bridge.engine.write(source, packed(second)) == len(second)
    await bridge.event(EventKind.DRAINED, source)
    await bridge.pass_time(2)

    heard = trimmed(bridge.heard(tap))
    before = trimmed(heard[: -len(second)])
    assert np.array_equal(heard[-len(second) :], second)
    assert 3200 <= len(before) < len(first)
    assert np.array_equal(before, first[: len(before)])


async def test_clear_without_a_listener_makes_room(bridge: Bridge) -> None:
    source = bridge.engine.source(sink=0, capacity=100)
    assert bridge.engine.write(source, packed(noise(1600))) == 1600

    bridge.engine.clear(source)

    assert bridge.engine.write(source, packed(noise(1601))) == 1600


async def test_a_tap_hears_silence_in_real_time_when_nobody_speaks(bridge: Bridge) -> None:
    tap = bridge.tap()
    start = bridge.ticks
    heard = await bridge.hear(tap, 1.0)

    assert not heard.any()
    assert abs(bridge.ticks - start - len(heard) / bridge.frame) <= 5


async def test_a_tap_that_is_not_read_keeps_the_newest(bridge: Bridge) -> None:
    pcm = noise(16000)
    tap = bridge.engine.tap(capacity=200, notify=200)
    player = bridge.engine.player([bridge.sound(pcm)], sink=tap)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)  # the last frame is read before it is heard

    heard = np.frombuffer(bridge.engine.read_tap(tap), dtype="<i2")

    assert len(heard) == 3200
    end = len(heard) - int(np.flatnonzero(heard[::-1])[0])
    assert np.array_equal(heard[:end], pcm[len(pcm) - end :])
    assert len(bridge.of(tap, EventKind.TAPPED)) == 1


async def test_tapped_comes_once_for_each_reading(bridge: Bridge) -> None:
    tap = bridge.engine.tap(capacity=2000, notify=100)
    for times in range(1, 4):
        await bridge.until(lambda times=times: len(bridge.of(tap)) == times, f"TAPPED {times} times")
        await bridge.pass_time(10)
        assert len(bridge.of(tap)) == times
        assert len(bridge.engine.read_tap(tap)) >= 2 * 1600
    bridge.engine.stop(tap)


async def test_reading_at_any_moment_loses_nothing(bridge: Bridge) -> None:
    pcm = noise(16000)
    tap = bridge.engine.tap(capacity=1000, notify=1000)
    player = bridge.engine.player([bridge.sound(pcm)], sink=tap)
    pieces: list[bytes] = []

    def read() -> None:
        while not bridge.of(player):
            pieces.append(bridge.engine.read_tap(tap))

    reading = asyncio.to_thread(read)
    await asyncio.gather(reading, bridge.event(EventKind.PLAYED, player))
    await bridge.pass_time(2)
    pieces.append(bridge.engine.read_tap(tap))

    heard = np.frombuffer(b"".join(pieces), dtype="<i2")
    assert np.array_equal(trimmed(heard), pcm)


async def test_a_stopped_port_takes_no_commands(bridge: Bridge) -> None:
    tap = bridge.tap()
    source = bridge.engine.source(sink=tap)
    bridge.engine.write(source, packed(noise(16000)))
    await bridge.hear(tap, 0.1)

    bridge.engine.stop(source)
    bridge.engine.stop(tap)
    await bridge.rest()

    assert bridge.engine.write(source, packed(noise(10))) == 0
    assert bridge.engine.write(tap, packed(noise(10))) == 0
    assert bridge.engine.read_tap(tap) == b""
    assert bridge.engine.read_tap(source) == b""
    bridge.engine.clear(source)
    bridge.engine.clear(GONE)
    assert bridge.of(source) == []


async def test_a_source_for_a_sink_that_is_gone_simply_goes(bridge: Bridge) -> None:
    source = bridge.engine.source(sink=GONE)
    await bridge.rest()

    assert bridge.engine.write(source, packed(noise(10))) == 0


async def test_disconnecting_silences_and_connecting_resumes(bridge: Bridge) -> None:
    pcm = noise(16000)
    tap = bridge.tap()
    player = bridge.engine.player([bridge.sound(pcm)], sink=tap)
    await bridge.hear(tap, 0.3)

    bridge.engine.disconnect(player, tap)
    await bridge.pass_time(10)
    silent = bridge.heard(tap)[-2 * bridge.frame :]
    bridge.engine.connect(player, tap)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    assert not silent.any()
    heard = bridge.heard(tap)
    sounding = heard[start_of(heard) :].reshape(-1, bridge.frame)
    assert np.array_equal(sounding[sounding.any(axis=1)].ravel()[: len(pcm)], pcm)


async def test_rings_check_their_arguments(bridge: Bridge) -> None:
    for capacity in (19, 600_001, -1):
        with pytest.raises(ValueError, match="capacity"):
            bridge.engine.source(sink=0, capacity=capacity)
        with pytest.raises(ValueError, match="capacity"):
            bridge.engine.tap(capacity=capacity)
    for notify in (0, 201):
        with pytest.raises(ValueError, match="notify"):
            bridge.engine.tap(capacity=200, notify=notify)
    with pytest.raises(ValueError, match="even number"):
        bridge.engine.write(1, b"\0")
