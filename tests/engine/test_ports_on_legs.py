"""Ports and legs together: prompts that a digit stops natively, what a caller hears, and what is recorded of a call."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from callwright.engine import EventKind, Sound
from tests.engine.bridge import noise
from tests.engine.station import Station
from tests.harness import tones
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


def prompt(hz: float, seconds: float, rate: int = 8000) -> Sound:
    return Sound(tones.tone(hz, seconds, rate=rate).astype("<i2").tobytes(), rate)


def kinds(station: Station, *ids: int) -> list[EventKind]:
    """Events of these ids in the order in which they came."""
    return [event.kind for event in station.events if event.id in ids and event.kind is not EventKind.MEDIA]


@pytest.mark.parametrize("method", ["rfc4733", "info"])
async def test_a_digit_stops_the_prompt_and_is_reported_before_its_end(
    station: Station, phones: Phones, method: str
) -> None:
    call, leg = await station.answered(await phones("caller"))
    player = station.engine.player([prompt(440, 1)], sink=leg, loop=0, stop_on_digit=leg)
    await call.media.heard_tone(440)

    if method == "info":
        await call.info_dtmf("5")
    else:
        await call.media.send_digits("5")
    played = await station.event(EventKind.PLAYED, player)
    await call.media.silence_heard(0.3)

    assert (played.text, played.detail["digit"]) == ("digit", "5")
    assert played.detail["position"] > 0
    assert kinds(station, leg, player)[-2:] == [EventKind.DIGIT, EventKind.PLAYED]
    await call.hangup()


async def test_a_prompt_stops_while_python_does_not_look(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    player = station.engine.player([prompt(440, 1)], sink=leg, loop=0, stop_on_digit=leg)
    await call.media.heard_tone(440)
    await call.media.send_digits("1", duration=0.04, gap=0)
    mark = call.media.mark()

    busy_until = time.monotonic() + 0.4
    while time.monotonic() < busy_until:  # holds the GIL and the event loop; the harness receives in the kernel
        pass
    await call.media.received(15, since=mark)

    assert (await station.event(EventKind.PLAYED, player)).detail["digit"] == "1"
    heard = call.media.pcm(since=mark)
    assert tones.level_dbov(heard[800:1600]) < -60
    await call.hangup()


async def test_only_the_first_digit_and_only_of_that_leg(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    other_call, other = await station.answered(await phones("other"))
    player = station.engine.player([prompt(440, 1)], sink=leg, loop=0, stop_on_digit=leg)
    deaf = station.engine.player([prompt(700, 1)], sink=leg, loop=0)
    await other_call.media.send_digits("9")
    await station.event(EventKind.DIGIT, other)
    assert kinds(station, player, deaf) == []

    await call.media.send_digits("12", duration=0.06, gap=0.04)
    played = await station.event(EventKind.PLAYED, player)
    assert [(await station.event(EventKind.DIGIT, leg)).text for _ in range(2)] == ["1", "2"]

    assert played.detail["digit"] == "1"
    assert kinds(station, player, deaf) == [EventKind.PLAYED]
    await call.media.heard_tone(700)
    station.engine.stop(deaf)
    assert (await station.event(EventKind.PLAYED, deaf)).text == "stopped"
    await call.hangup()
    await other_call.hangup()


async def test_an_earlier_digit_does_not_stop_it_and_a_digit_before_placing_does(
    station: Station, phones: Phones
) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.send_digits("1", duration=0.06, gap=0.06)
    await station.event(EventKind.DIGIT, leg)
    player = station.engine.player([prompt(440, 0.3)], sink=leg, stop_on_digit=leg)
    assert (await station.event(EventKind.PLAYED, player)).text == "finished"

    waiting = station.engine.player([prompt(440, 1)], sink=0, stop_on_digit=leg)  # nobody hears it: it cannot end
    await call.media.send_digits("2", duration=0.06)
    played = await station.event(EventKind.PLAYED, waiting)
    assert (played.text, played.detail["digit"], played.detail["position"]) == ("digit", "2", 0)
    await call.hangup()


async def test_watching_ends_with_the_player(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    players = [station.engine.player([prompt(440, 0.1)], sink=leg, stop_on_digit=leg) for _ in range(20)]
    for player in players[::2]:
        station.engine.stop(player)
    for player in players:
        await station.event(EventKind.PLAYED, player)
    await call.media.send_digits("3")
    await station.event(EventKind.DIGIT, leg)

    assert all(station.of(player) == [EventKind.PLAYED] for player in players)
    await call.hangup()


@pytest.mark.parametrize("clock_rate", [8000, 16000])
async def test_a_prompt_reaches_the_caller_whole(
    stations: Callable[..., Station], phones: Phones, clock_rate: int
) -> None:
    station = stations(clock_rate=clock_rate)
    call, leg = await station.answered(await phones("caller"))
    mark = call.media.mark()
    player = station.engine.player([prompt(440, 0.5, clock_rate), prompt(880, 0.5, clock_rate)], sink=leg)
    played = await station.event(EventKind.PLAYED, player)
    await call.media.silence_heard(0.2)

    heard = call.media.pcm(since=mark)
    sounding = np.flatnonzero(np.abs(heard) > 1000)
    whole = heard[sounding[0] : sounding[-1] + 1]
    assert played.detail["position"] == 1000
    assert len(whole) == pytest.approx(8000, abs=160)  # a filter of the bridge keeps its last samples
    assert tones.gaps(whole, longer_than_ms=2) == []
    assert [round(tones.frequencies(half)[0].hz) for half in (whole[200:3800], whole[4200:7800])] == [440, 880]
    assert tones.level_dbov(whole[200:3800]) == pytest.approx(-13, abs=0.3)
    await call.hangup()


def places(heard: tones.Pcm, pcm: tones.Pcm) -> list[int]:
    """Where in `pcm` each 10 ms of what was heard come from."""
    windows = np.lib.stride_tricks.sliding_window_view(pcm.astype(float), 80)
    windows = windows / np.linalg.norm(windows, axis=1, keepdims=True)
    pieces = (heard[at : at + 80].astype(float) for at in range(0, len(heard) - 79, 80))
    return [int(np.argmax(windows @ piece)) for piece in pieces if np.abs(piece).max() > 100]


async def test_a_prompt_goes_on_when_somebody_begins_and_ends_to_listen_in(station: Station, phones: Phones) -> None:
    pcm = noise(3 * 8000)
    call, leg = await station.answered(await phones("caller"))
    mark = call.media.mark()
    player = station.engine.player([Sound(pcm.astype("<i2").tobytes(), 8000)], sink=leg)
    for _ in range(4):
        await call.media.received(15, since=call.media.mark())
        tap = station.engine.tap()
        station.engine.connect(player, tap)  # from here on it is mixed, before that it was played encoded
        await call.media.received(15, since=call.media.mark())
        station.engine.stop(tap)
    assert (await station.event(EventKind.PLAYED, player)).detail["position"] == 3000
    await call.media.silence_heard(0.3)

    found = places(call.media.pcm(since=mark), pcm)
    steps = np.diff(found)
    assert found[0] == 0 and found[-1] >= len(pcm) - 240
    assert np.abs(steps - 80).max() <= 160  # 20 ms lost or heard twice, at most, ...
    assert np.count_nonzero(steps != 80) <= 8 + 1  # ... at a change; what is left of the last piece is no change
    await call.hangup()


async def test_a_call_is_recorded_on_two_channels(station: Station, phones: Phones, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    call, leg = await station.answered(await phones("caller"))
    caller_side, our_side = station.engine.recorder(str(path), channels=2)
    player = station.engine.player([prompt(1000, 1)], sink=leg, loop=0)
    station.engine.connect(leg, caller_side)
    station.engine.connect(player, our_side)
    call.media.tone(400)
    await call.media.heard_tone(1000)
    await call.media.received(50, since=call.media.mark())
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    station.engine.stop(caller_side)
    recorded = await station.event(EventKind.RECORDED, caller_side)

    (theirs, ours), rate = tones.read_wav_channels(path)
    middle = slice(len(ours) // 2 - rate // 4, len(ours) // 2 + rate // 4)
    assert [round(peak.hz) for peak in tones.frequencies(theirs[middle])] == [400]
    assert [round(peak.hz) for peak in tones.frequencies(ours[middle])] == [1000]
    assert recorded.detail["voiced"] > 1000
    station.engine.stop(player)
    assert (await station.event(EventKind.PLAYED, player)).text == "stopped"


async def test_a_tap_hears_the_caller_and_a_source_is_heard(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    tap = station.engine.tap(capacity=2000, notify=1000)
    source = station.engine.source(sink=leg)
    station.engine.connect(leg, tap)
    call.media.tone(600)
    station.engine.write(source, tones.tone(900, 2).astype("<i2").tobytes())
    await call.media.heard_tone(900)
    await station.event(EventKind.TAPPED, tap)
    station.engine.read_tap(tap)
    await station.event(EventKind.TAPPED, tap)

    heard = np.frombuffer(station.engine.read_tap(tap), dtype="<i2")
    assert [round(peak.hz) for peak in tones.frequencies(heard)] == [600]
    await station.event(EventKind.DRAINED, source)
    await call.media.silence_heard(0.3)
    await call.hangup()
