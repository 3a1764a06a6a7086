"""Two bridged legs while others come to listen and go: relayed, mixed, relayed, and nobody hears the difference."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

from callwright.engine import EventKind
from tests.engine.station import Station
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


async def until_fed(station: Station, mode: str, legs: int) -> None:
    """Until so many legs are fed in this way: nothing tells of a change, so it is asked for every 10 ms."""
    deadline = station.now() + 5
    while station.engine.media_counts()[mode] != legs:
        assert station.now() < deadline, station.engine.media_counts()
        await station.pause(0.01)


async def bridged(station: Station, phones: Phones) -> list[tuple[PhoneCall, int]]:
    """Two legs that hear each other, packet by packet."""
    pair = [await station.answered(await phones(user)) for user in ("caller", "callee")]
    (_, one), (_, other) = pair
    station.engine.connect(one, other)
    station.engine.connect(other, one)
    await until_fed(station, "relay", 2)
    return pair


async def recorded(station: Station, call: PhoneCall, legs: tuple[int, int], file: Path) -> None:
    """A recording of two relayed legs comes, stays half a second, and goes; half a second more, as heard by a call."""
    recorder, right = station.engine.recorder(str(file), channels=2)
    for leg, tape in zip(legs, (recorder, right), strict=True):
        station.engine.connect(leg, tape)
    await until_fed(station, "mix", 2)
    await call.media.received(25)
    station.engine.stop(recorder)
    await station.event(EventKind.RECORDED, recorder)
    await until_fed(station, "relay", 2)
    await call.media.received(25)


async def visits(station: Station, phones: Phones, pair: list[tuple[PhoneCall, int]], path: Path) -> None:
    """A recording of both, a listener to one of them, a third leg: each comes, stays half a second, and goes."""
    (first, one), (_, other) = pair
    third, listener = await station.answered(await phones("listener"))
    for round in range(2):
        await recorded(station, first, (one, other), path / f"{round}.wav")

        tap = station.engine.tap()
        station.engine.connect(one, tap)
        await until_fed(station, "mix", 1)
        await first.media.received(25)
        station.engine.stop(tap)
        await until_fed(station, "relay", 2)
        await first.media.received(25)

        station.engine.connect(one, listener)
        await first.media.received(25)
        station.engine.disconnect(one, listener)
        await until_fed(station, "relay", 2)
        await first.media.received(25)
    await third.hangup()


def is_one_stream(call: PhoneCall, since: int) -> None:
    """One source, each number once and in order, timestamps that follow from it."""
    packets = [arrival.packet for arrival in call.media.heard.arrivals[since:]]
    assert len({packet.ssrc for packet in packets}) == 1
    steps = np.diff([packet.sequence for packet in packets]) & 0xFFFF
    assert set(steps) == {1}
    assert set(np.diff([packet.timestamp for packet in packets]) & 0xFFFFFFFF) == {160}


async def test_no_gap_in_tones(station: Station, phones: Phones, tmp_path: Path) -> None:
    pair = await bridged(station, phones)
    (first, _), (second, _) = pair
    first.media.tone(500)
    second.media.tone(700)
    await first.media.heard_tone(700)
    await second.media.heard_tone(500)
    marks = first.media.mark(), second.media.mark()
    await visits(station, phones, pair, tmp_path)
    for call, since, hz in ((first, marks[0], 700), (second, marks[1], 500)):
        heard = call.media.pcm(since=since)
        assert len(heard) > 12 * 25 * 160
        # A change may repeat or leave out the jitter buffer's 25 ms: another phase, which no ear notices.
        frames = heard[: len(heard) // 160 * 160].reshape(-1, 160)
        assert sum(tones.contains(frame, hz, below_total_db=3) for frame in frames) > 0.95 * len(frames)
        assert tones.gaps(heard, longer_than_ms=20, below_dbov=-30) == []
        is_one_stream(call, since)
    assert tones.contains(tones.read_wav_channels(tmp_path / "1.wav")[0][0], 500)
    for call, _ in pair:
        await call.hangup()
