"""Tones: frequency, level, timing and edges as they are heard on the bridge."""

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.bridge import Bridge, trimmed
from tests.harness import tones
from tests.harness.tones import Pcm

GONE = 999_999


async def listen(bridge: Bridge, *, segments: list[tuple[float, float, int, int]], **options: float) -> Pcm:
    """The tone from its first to its last sample that is not zero, and its PLAYED in `bridge.events`."""
    tap = bridge.tap()
    port = bridge.engine.tone(segments, sink=tap, **options)
    await bridge.event(EventKind.PLAYED, port)
    await bridge.pass_time(2)
    return trimmed(bridge.heard(tap))


def click(pcm: Pcm, hz: float, rate: int = 16000) -> float:
    """Sharpest corner of the sound, relative to that of a steady tone of the same peak: a click is far above 1."""
    turn = 2 * np.pi * hz / rate
    corner = np.abs(np.diff(np.concatenate([np.zeros(4), pcm, np.zeros(4)]), n=2)).max()
    return float(corner / (np.abs(pcm.astype(np.int32)).max() * turn**2))


@pytest.mark.parametrize("hz", [50.0, 425.0, 1004.0, 3400.0, 7000.0])
async def test_a_tone_has_its_frequency_and_level(bridge: Bridge, hz: float) -> None:
    heard = await listen(bridge, segments=[(hz, 0, 600, 0)], level_dbov=-20.0)

    assert 9600 - len(heard) in range(8)  # the edges begin with samples that round to zero
    (peak,) = tones.frequencies(heard, 16000)
    assert abs(peak.hz - hz) < 0.5
    assert abs(tones.level_dbov(heard[200:-200]) - -20.0) < 0.05


async def test_a_pair_has_the_level_in_each_frequency(bridge: Bridge) -> None:
    heard = await listen(bridge, segments=[(350, 440, 1000, 0)])

    for hz in (350, 440):
        assert abs(tones.tone_dbov(heard[80:-80], hz, rate=16000) - -13.0) < 0.1
    assert {round(peak.hz) for peak in tones.frequencies(heard, 16000, below_peak_db=70)} == {350, 440}


async def test_distortion_is_below_the_quantisation_of_16_bits(bridge: Bridge) -> None:
    heard = await listen(bridge, segments=[(1000, 0, 1000, 0)], level_dbov=-6.0)

    steady = heard[800:-800].astype(np.float64)
    t = np.arange(len(steady)) / 16000
    basis = np.stack([np.sin(2 * np.pi * 1000 * t), np.cos(2 * np.pi * 1000 * t)], axis=1)
    rest = steady - basis @ np.linalg.lstsq(basis, steady, rcond=None)[0]
    assert np.abs(rest).max() <= 1.0


async def test_cadence_is_exact_and_edges_do_not_click(bridge: Bridge) -> None:
    tap = bridge.tap()
    port = bridge.engine.tone([(440, 480, 230, 70), (0.5e3, 0, 100, 50)], sink=tap, loop=3)
    played = await bridge.event(EventKind.PLAYED, port)
    await bridge.pass_time(5)

    heard = bridge.heard(tap)
    heard = heard[np.flatnonzero(heard)[0] :]
    assert (played.text, played.detail["position"]) == ("finished", 3 * 450)
    assert [round(gap.length * 1000) for gap in tones.gaps(trimmed(heard), rate=16000, below_dbov=-70)] == [
        pytest.approx(length, abs=2) for length in (70, 50, 70, 50, 70)
    ]
    assert click(heard[: 16 * 230], 480) < 2
    for start in range(0, 3 * 450 * 16, 450 * 16):
        assert not heard[start + 16 * 230 + 8 : start + 16 * 300 - 8].any()


async def test_touching_segments_of_one_tone_have_no_edge(bridge: Bridge) -> None:
    tap = bridge.tap()
    port = bridge.engine.tone([(400, 0, 33, 0), (400, 0, 10, 0)], sink=tap, loop=0)
    await bridge.hear(tap, 1.0)
    bridge.engine.stop(port)
    played = await bridge.event(EventKind.PLAYED, port)

    heard = bridge.heard(tap)
    steady = heard[np.flatnonzero(heard)[0] + 100 :][: 16000 // 2]
    period = 16000 // 400
    assert played.text == "stopped"
    assert np.abs(steady[period:].astype(int) - steady[:-period]).max() <= 1


async def test_a_change_of_tone_does_not_click(bridge: Bridge) -> None:
    heard = await listen(bridge, segments=[(950, 0, 330, 0), (1400, 0, 330, 0), (1800, 0, 330, 1000)])

    assert click(heard, 1800) < 2
    found = [tones.frequencies(heard[start : start + 4000], 16000)[0].hz for start in (600, 6000, 11200)]
    assert found == [pytest.approx(hz, abs=2) for hz in (950, 1400, 1800)]


async def test_a_tone_shorter_than_its_edges_still_rises_and_falls(bridge: Bridge) -> None:
    heard = await listen(bridge, segments=[(1000, 0, 6, 0)])

    assert 80 <= len(heard) <= 96
    assert click(heard, 1000) < 6


async def test_dtmf_digits_are_heard_with_their_twist_and_pauses(bridge: Bridge) -> None:
    digits = "0123456789*#ABCDabcd"
    tap = bridge.tap()
    port = bridge.engine.dtmf_tone(digits + "w5W6", sink=tap, on=80, off=60)
    played = await bridge.event(EventKind.PLAYED, port)
    await bridge.pass_time(5)

    heard = trimmed(bridge.heard(tap))
    assert tones.dtmf_heard(heard, 16000) == digits.upper() + "56"
    assert played.detail["position"] == 22 * 140 + 1500
    gaps = [gap.length for gap in tones.gaps(heard, longer_than_ms=100, rate=16000)]
    assert gaps == [pytest.approx(0.56, abs=0.003), pytest.approx(1.06, abs=0.003)]
    first = heard[:1280]
    low, high = (tones.tone_dbov(first, hz, rate=16000) for hz in tones.DTMF_TONES["0"])
    assert high - low == pytest.approx(2.0, abs=0.1)
    assert high == pytest.approx(-10.0, abs=0.8)


async def test_nothing_to_sound_finishes_at_once(bridge: Bridge) -> None:
    for port in (
        bridge.engine.tone([], sink=GONE),
        bridge.engine.tone([(440, 0, 0, 0)], sink=GONE, loop=0),
        bridge.engine.dtmf_tone("", sink=GONE),
    ):
        played = await bridge.event(EventKind.PLAYED, port)
        assert (played.text, played.detail["position"]) == ("finished", 0)
    gone = await bridge.event(EventKind.PLAYED, bridge.engine.tone([(440, 0, 100, 0)], sink=GONE))
    assert gone.text == "stopped"
    await bridge.rest()


async def test_tones_check_their_arguments(bridge: Bridge) -> None:
    engine = bridge.engine
    for hz in (0, -1, 8000, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="frequency"):
            engine.tone([(hz, 0, 100, 0)], sink=0)
    for on, off in ((-1, 0), (0, -1), (86_400_001, 0)):
        with pytest.raises(ValueError, match="on and off"):
            engine.tone([(440, 0, on, off)], sink=0)
    for level, hz2 in ((-3.0, 0), (-9.0, 480), (-91.0, 0), (float("nan"), 0)):
        with pytest.raises(ValueError, match="level_dbov"):
            engine.tone([(440, hz2, 100, 0)], sink=0, level_dbov=level)
    for digits in ("E", "1 2", "x", "\uff11"):
        with pytest.raises(ValueError, match="digits"):
            engine.dtmf_tone(digits, sink=0)
    assert engine.counts()["ports"] == 1  # the ticker
