"""Recorders: what the file holds, sample by sample, and what is reported of it."""

from pathlib import Path

import numpy as np
import pytest

from callwright.engine import Event, EventKind
from tests.engine.bridge import Bridge, noise, start_of, trimmed
from tests.harness import tones
from tests.harness.tones import Pcm


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.wav"


def size_of(path: Path) -> int | None:
    """Bytes of the file; None when there is none."""
    return path.stat().st_size if path.exists() else None


async def play(bridge: Bridge, pcm: Pcm, *sinks: int) -> None:
    """Returns when all of it is in the sinks."""
    player = bridge.engine.player([bridge.sound(pcm)], sink=0)
    for sink in sinks:
        bridge.engine.connect(player, sink)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)


async def finish(bridge: Bridge, recorder: int) -> Event:
    """Stops it; its RECORDED."""
    bridge.engine.stop(recorder)
    return await bridge.event(EventKind.RECORDED, recorder)


async def test_a_recording_is_what_was_heard(bridge: Bridge, path: Path) -> None:
    pcm = noise(16000)
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000)
    await play(bridge, pcm, recorder)

    recorded = await finish(bridge, recorder)

    heard, rate = tones.read_wav(path)
    assert rate == 16000
    assert np.array_equal(trimmed(heard), pcm)
    assert recorded.text == str(path)
    assert recorded.detail["duration"] == len(heard) * 1000 // 16000
    assert (recorded.detail["dropped"], recorded.detail["error"]) == (0, "")
    assert size_of(path) == 44 + 2 * len(heard)
    await bridge.rest()


async def test_time_passes_from_the_start_while_nobody_speaks(bridge: Bridge, path: Path) -> None:
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000)
    await bridge.pass_time(25)
    await play(bridge, noise(3200), recorder)
    await bridge.pass_time(25)
    recorded = await finish(bridge, recorder)

    heard, _ = tones.read_wav(path)
    start = start_of(heard)
    assert 24 * bridge.frame <= start <= 30 * bridge.frame
    assert not heard[start + 3200 :].any()
    assert len(heard) - start - 3200 >= 24 * bridge.frame
    assert recorded.detail["duration"] == len(heard) / 16
    voice = [recorded.detail[name] for name in ("first_voice", "last_voice", "voiced")]
    assert voice == [start / 16, start / 16 + 200, 200]


async def test_a_lower_rate_is_filtered_and_keeps_time(bridge: Bridge, path: Path) -> None:
    clicks = np.zeros(16000, dtype=np.int16)
    clicks[1000::3000] = 20000
    audible, beyond = tones.tone(1000, 1, rate=16000, dbov=-20), tones.tone(4600, 1, rate=16000, dbov=-20)
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=8000)
    await play(bridge, np.concatenate([clicks, audible, beyond]), recorder)
    recorded = await finish(bridge, recorder)

    heard, rate = tones.read_wav(path)
    assert rate == 8000
    assert recorded.detail["duration"] == len(heard) / 8
    ticks = np.flatnonzero(heard[:8000] > 8000)  # a click's main lobe; -0.95 of it is the filter's gain
    offset = int(ticks[0]) - 500
    assert offset % 160 == 0
    assert list(ticks - offset) == [500, 2000, 3500, 5000, 6500]
    steady = heard[offset + 8000 + 100 : offset + 16000 - 100]
    expected = tones.tone(1000, 1, rate=8000, dbov=-20)[100:-100]
    assert np.abs(steady.astype(int) - expected).max() <= 2
    assert tones.level_dbov(heard[offset + 16100 : offset + 23900]) < -90


@pytest.mark.parametrize("clock_rate", [8000, 32000, 48000])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
async def test_any_two_rates(path: Path, clock_rate: int, sample_rate: int) -> None:
    bridge = Bridge(clock_rate)
    try:
        (recorder,) = bridge.engine.recorder(str(path), sample_rate=sample_rate, max_duration=0.5)
        await play(bridge, tones.tone(1000, 0.4, rate=clock_rate), recorder)
        recorded = await bridge.event(EventKind.RECORDED, recorder)
    finally:
        bridge.close()

    heard, rate = tones.read_wav(path)
    assert (rate, len(heard), recorded.detail["duration"]) == (sample_rate, sample_rate // 2, 500)
    start = start_of(np.where(np.abs(heard) > 1000, heard, 0))
    steady = heard[start + rate // 50 : start + rate // 5]
    assert tones.level_dbov(steady) == pytest.approx(-13.0, abs=0.05)
    assert [round(peak.hz) for peak in tones.frequencies(steady, rate, below_peak_db=60)] == [1000]


async def test_channels_of_a_dual_recording_are_aligned(bridge: Bridge, path: Path) -> None:
    both, left_only, right_only = noise(3333, seed=1), noise(4000, seed=3), noise(4000, seed=5)
    left, right = bridge.engine.recorder(str(path), channels=2, sample_rate=16000)
    await play(bridge, left_only, left)
    await play(bridge, both, left, right)
    await play(bridge, right_only, right)
    recorded = await finish(bridge, left)

    (heard_left, heard_right), _ = tones.read_wav_channels(path)
    start = start_of(heard_right)
    assert np.array_equal(heard_right[start : start + 3333], both)
    assert np.array_equal(heard_left[start : start + 3333], both)
    assert np.array_equal(trimmed(heard_left)[:4000], left_only)
    assert np.array_equal(trimmed(heard_right)[-4000:], right_only)
    assert not heard_left[start + 3333 :].any()
    assert not heard_right[:start].any()
    assert bridge.of(right) == []
    assert recorded.detail["voiced"] >= (4000 + 3333 + 4000) / 16
    await bridge.rest()


async def test_several_speakers_on_one_input_are_mixed(bridge: Bridge, path: Path) -> None:
    pcm = noise(8000, peak=4000)
    sound = bridge.sound(pcm)
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000)
    source = bridge.engine.player([sound], sink=0)
    other = bridge.engine.player([sound], sink=0)
    bridge.engine.connect(source, recorder)
    bridge.engine.connect(other, recorder)
    await bridge.event(EventKind.PLAYED, source)
    await bridge.event(EventKind.PLAYED, other)
    await finish(bridge, recorder)

    heard = trimmed(tones.read_wav(path)[0])
    apart = len(heard) - len(pcm)  # the commands may fall into two ticks
    expected = np.zeros(len(heard), dtype=np.int16)
    expected[: len(pcm)] += pcm
    expected[apart:] += pcm
    assert apart in (0, bridge.frame)
    assert np.array_equal(heard, expected)


@pytest.mark.parametrize(
    ("seconds", "rate"), [(1.0, 16000), (0.333, 16000), (0.333, 8000), (0.02, 8000), (0.001, 16000)]
)
async def test_the_limit_is_exact_and_ends_the_recording(bridge: Bridge, path: Path, seconds: float, rate: int) -> None:
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=rate, max_duration=seconds)
    recorded = await bridge.event(EventKind.RECORDED, recorder)

    assert [event.kind for event in bridge.of(recorder)] == [EventKind.LIMIT, EventKind.RECORDED]
    heard, _ = tones.read_wav(path)
    assert len(heard) == round(seconds * rate)
    assert recorded.detail["duration"] == len(heard) * 1000 // rate
    bridge.engine.stop(recorder)
    await bridge.rest()
    assert len(bridge.of(recorder)) == 2


async def test_silence_is_reported_once_each_time(bridge: Bridge, path: Path) -> None:
    (recorder,) = bridge.engine.recorder(str(path), silence=0.3)

    def silences() -> int:
        return len(bridge.of(recorder, EventKind.SILENCE))

    await bridge.pass_time(13)
    assert silences() == 0
    await bridge.until(lambda: silences() == 1, "silence from the start")
    await bridge.pass_time(30)
    assert silences() == 1
    for times in (2, 3):
        await play(bridge, noise(1600), recorder)
        assert silences() == times - 1
        await bridge.until(lambda times=times: silences() == times, "silence after voice")
    recorded = await finish(bridge, recorder)
    assert recorded.detail["voiced"] == 200
    assert silences() == 3


@pytest.mark.parametrize(("dbov", "voiced"), [(-46.0, 0), (-44.0, 400)])
async def test_voice_begins_at_45_dbov(bridge: Bridge, path: Path, dbov: float, voiced: int) -> None:
    (recorder,) = bridge.engine.recorder(str(path))
    await play(bridge, tones.tone(1000, 0.4, rate=16000, dbov=dbov), recorder)
    recorded = await finish(bridge, recorder)

    assert recorded.detail["voiced"] == voiced
    if not voiced:
        assert (recorded.detail["first_voice"], recorded.detail["last_voice"]) == (-1, -1)


async def test_soft_ends_of_words_are_voice_for_200_ms(bridge: Bridge, path: Path) -> None:
    (recorder,) = bridge.engine.recorder(str(path))
    loud, soft = (tones.tone(1000, 0.4, rate=16000, dbov=dbov) for dbov in (-20.0, -49.0))
    pause, long_pause = tones.silence(0.16, rate=16000), tones.silence(0.24, rate=16000)
    await play(bridge, np.concatenate([soft, loud, soft, pause, soft, long_pause, soft]), recorder)
    recorded = await finish(bridge, recorder)

    assert recorded.detail["voiced"] == 400 + 400 + 400
    assert recorded.detail["last_voice"] - recorded.detail["first_voice"] == 400 + 400 + 160 + 400


@pytest.mark.parametrize("gain", [-40.0, -6.0, 6.0, 20.0])
async def test_a_recording_is_made_louder_or_softer_and_clipped(bridge: Bridge, path: Path, gain: float) -> None:
    pcm = noise(8000, peak=20000)
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000, gain=gain)
    await play(bridge, pcm, recorder)
    recorded = await finish(bridge, recorder)

    heard, _ = tones.read_wav(path)
    expected = np.clip(np.rint(pcm.astype(float) * 10 ** (gain / 20)), -32768, 32767)
    start = 0 if gain < 0 else start_of(heard)
    near = [np.abs(heard[at : at + len(pcm)] - expected).max() for at in range(start, len(heard) - len(pcm) + 1, 320)]
    assert min(near) <= 1
    assert recorded.detail["voiced"] == 500  # heard before the gain


@pytest.mark.parametrize("silence", [True, False])
async def test_a_pause_is_silence_or_left_out(bridge: Bridge, path: Path, silence: bool) -> None:
    pcm = noise(2 * 16000)
    tap = bridge.tap()
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000, silence=0.5)
    player = bridge.engine.player([bridge.sound(pcm)], sink=recorder)
    bridge.engine.connect(player, tap)
    await bridge.hear(tap, 0.5)
    bridge.engine.pause(recorder, True, silence)
    await bridge.pass_time(40)
    bridge.engine.pause(recorder, False)
    await bridge.event(EventKind.PLAYED, player)
    recorded = await finish(bridge, recorder)

    heard = trimmed(tones.read_wav(path)[0])
    missing = len(pcm) - (len(heard) if not silence else int(np.count_nonzero(heard)))
    kept = int(np.flatnonzero(heard != np.resize(pcm, len(heard)))[0])
    assert 38 * bridge.frame <= missing <= 46 * bridge.frame
    assert np.array_equal(heard[:kept], pcm[:kept])
    assert np.array_equal(heard[kept + (missing if silence else 0) :], pcm[kept + missing :])
    assert bool(heard[kept : kept + missing].any()) is not silence
    assert recorded.detail["voiced"] == (len(pcm) - missing) / 16
    assert bridge.of(recorder, EventKind.SILENCE) == []  # paused time is not silence


async def test_appending_continues_the_file(bridge: Bridge, path: Path) -> None:
    first, second = noise(3200, seed=1), noise(4800, seed=3)
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000, append=True)
    await play(bridge, first, recorder)
    before = (await finish(bridge, recorder)).detail["duration"]
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000, append=True, max_duration=1.0)
    await play(bridge, second, recorder)
    recorded = await bridge.event(EventKind.RECORDED, recorder)

    heard, _ = tones.read_wav(path)
    assert len(heard) == before * 16 + 16000
    assert recorded.detail["duration"] == 1000
    assert recorded.detail["first_voice"] < 300  # from this recording's start
    assert np.array_equal(trimmed(heard[: before * 16]), first)
    assert np.array_equal(trimmed(heard[before * 16 :]), second)


async def test_without_append_the_file_is_made_anew(bridge: Bridge, path: Path) -> None:
    tones.write_wav(path, noise(80_000))
    (recorder,) = bridge.engine.recorder(str(path), max_duration=0.1)
    await bridge.event(EventKind.RECORDED, recorder)

    assert len(tones.read_wav(path)[0]) == 800
    assert size_of(path) == 44 + 1600


async def test_any_input_stops_the_whole_recording(bridge: Bridge, path: Path) -> None:
    left, right = bridge.engine.recorder(str(path), channels=2)
    await bridge.pass_time(3)
    bridge.engine.stop(right)
    await bridge.event(EventKind.RECORDED, left)

    await bridge.rest()


async def test_many_recorders_at_once(bridge: Bridge, tmp_path: Path) -> None:
    pcm = noise(16000)
    files = [tmp_path / f"{number}.wav" for number in range(50)]
    player = bridge.engine.player([bridge.sound(pcm)], sink=0)
    recorders = [bridge.engine.recorder(str(file), sample_rate=16000)[0] for file in files]
    for recorder in recorders:
        bridge.engine.connect(player, recorder)
    await bridge.event(EventKind.PLAYED, player)
    for recorder in recorders:
        assert (await finish(bridge, recorder)).detail["dropped"] == 0

    for file in files[1:]:
        heard = trimmed(tones.read_wav(file)[0])
        assert len(heard) > len(pcm) - 5 * bridge.frame
        assert np.array_equal(heard, pcm[-len(heard) :])
    assert np.array_equal(trimmed(tones.read_wav(files[0])[0]), pcm)
    await bridge.rest()


async def test_the_engines_close_completes_recordings(bridge: Bridge, path: Path) -> None:
    pcm = noise(1600)
    left, _ = bridge.engine.recorder(str(path), channels=2, sample_rate=16000)
    await play(bridge, pcm, left)

    bridge.close()

    (recorded,) = bridge.of(left)
    assert (recorded.kind, recorded.detail["error"]) == (EventKind.RECORDED, "")
    (heard, _), _ = tones.read_wav_channels(path)
    assert np.array_equal(trimmed(heard), pcm)
    with pytest.raises(RuntimeError, match="closed"):
        bridge.engine.recorder(str(path.with_name("late.wav")))
    assert size_of(path.with_name("late.wav")) is None


async def test_a_recorder_checks_its_arguments(bridge: Bridge, path: Path) -> None:
    recorder = bridge.engine.recorder
    for channels in (0, 3):
        with pytest.raises(ValueError, match="channels"):
            recorder(str(path), channels=channels)
    for rate in (0, 11025, 44100, -8000):
        with pytest.raises(ValueError, match="sample_rate"):
            recorder(str(path), sample_rate=rate)
    for seconds in (-1.0, float("nan"), float("inf"), 7 * 86400 + 1):
        with pytest.raises(ValueError, match="max_duration"):
            recorder(str(path), max_duration=seconds)
        with pytest.raises(ValueError, match="max_duration"):
            recorder(str(path), silence=seconds)
    for gain in (-40.1, 40.1, float("nan")):
        with pytest.raises(ValueError, match="gain"):
            bridge.engine.recorder(str(path), gain=gain)
    with pytest.raises(ValueError, match="NUL"):
        recorder(f"{path}\0.wav")
    assert size_of(path) is None
