"""Mixing that is shared out to further threads: everybody hears everybody else, as if one thread had done it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import soundfile

from callwright.engine import EventKind
from tests.engine.station import Station, running_engine
from tests.engine.test_switching import bridged, is_one_stream, until_fed
from tests.harness import tones
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

CODECS = ("PCMU", "PCMA") * 4


def shared(stations: Stations, **options: object) -> Station:
    """A station of which every 20 ms of mixing are shared by three threads."""
    return stations(mixers=2, mixing_us=0, codecs=list(dict.fromkeys(CODECS)), **options)


async def test_a_conference(stations: Stations, phones: Phones, tmp_path: Path) -> None:
    station = shared(stations, clock_rate=16000)
    bus = station.engine.bus()
    recorder, *_ = station.engine.recorder(str(tmp_path / "all.wav"), sample_rate=8000)
    station.engine.connect(bus, recorder)
    members = {}
    for number, codec in enumerate(CODECS):
        call, leg = await station.placed(await phones(f"member{number}"), codecs=[codec])
        assert (await station.event(EventKind.MEDIA, leg)).detail["codec"] == codec
        hz = 400.0 + 170 * number
        call.media.tone(hz)
        station.engine.connect(leg, bus)
        station.engine.connect(bus, leg)
        members[hz] = (call, leg)
    for hz, (call, _) in members.items():
        for other in members:
            if other != hz:
                await call.media.heard_tone(other)
    assert station.engine.media_counts()["mixing_threads"] == 3
    first, leg = members.pop(400.0)
    await first.hangup()
    await station.event(EventKind.ENDED, leg)
    for hz, (call, _) in members.items():
        mark = call.media.mark()
        await call.media.received(25, since=mark)
        heard, rate = call.media.pcm(since=mark), call.media.heard.rate
        assert not tones.contains(heard, 400.0, rate=rate)
        assert tones.contains(heard, next(other for other in members if other != hz), rate=rate)
    station.engine.stop(recorder)
    assert (await station.event(EventKind.RECORDED, recorder)).detail["error"] == ""
    assert soundfile.info(str(tmp_path / "all.wav")).duration > 1


async def test_a_change_between_relay_and_mixer_leaves_no_gap(
    stations: Stations, phones: Phones, tmp_path: Path
) -> None:
    station = shared(stations)
    (first, one), (second, other) = pair = await bridged(station, phones)
    others = [await station.answered(await phones(f"other{number}")) for number in range(4)]
    bus = station.engine.bus()
    for _, leg in others:  # or the mixer has too little to share
        station.engine.connect(leg, bus)
        station.engine.connect(bus, leg)
    first.media.tone(500)
    second.media.tone(700)
    await first.media.heard_tone(700)
    mark = first.media.mark()
    for round in range(3):
        recorder, right = station.engine.recorder(str(tmp_path / f"{round}.wav"), channels=2)
        station.engine.connect(one, recorder)
        station.engine.connect(other, right)
        await until_fed(station, "mix", 6)
        await first.media.received(25)
        station.engine.stop(recorder)
        await station.event(EventKind.RECORDED, recorder)
        await until_fed(station, "relay", 2)
        await first.media.received(25)
    assert station.engine.media_counts()["mixing_threads"] == 3
    assert tones.gaps(first.media.pcm(since=mark), longer_than_ms=20, below_dbov=-30) == []
    is_one_stream(first, mark)
    for call, _ in pair:
        await call.hangup()


@pytest.mark.parametrize("options", [{"mixers": 16}, {"mixers": -2}, {"mixing_us": 20001}])
def test_settings_that_are_none(media_ports: tuple[int, int], options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))), running_engine(media_ports, **options):
        raise AssertionError("it started")
