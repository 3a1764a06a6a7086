"""What is measured of sound, on sound that is known."""

from pathlib import Path

import numpy as np
import pytest

from . import tones


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_g711_follows_the_recommendation(codec: str) -> None:
    known = {
        "PCMU": {0x00: -32124, 0x80: 32124, 0x7F: 0, 0xFF: 0, 0xEF: 132, 0x6F: -132, 0xD0: 876},
        "PCMA": {0xD5: 8, 0x55: -8, 0x2A: -32256, 0xAA: 32256, 0xC5: 264, 0x45: -264, 0xF5: 528, 0xD4: 24},
    }
    codes = bytes(known[codec])
    assert tones.decode(codes, codec).tolist() == list(known[codec].values())
    every = tones.decode(bytes(range(256)), codec)
    again = tones.decode(tones.encode(every, codec), codec)
    assert np.array_equal(every, again)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_g711_error_is_small_and_the_level_kept(codec: str) -> None:
    sound = tones.tone(440, 0.5, dbov=-20)
    heard = tones.decode(tones.encode(sound, codec), codec)
    noise = (heard.astype(np.int32) - sound).astype(np.int16)
    assert tones.level_dbov(heard) == pytest.approx(-20, abs=0.1)
    assert tones.level_dbov(noise) < -20 - 35


def test_l16_is_exact() -> None:
    sound = tones.tone(440, 0.1)
    assert np.array_equal(tones.decode(tones.encode(sound, "L16"), "L16"), sound)


def test_levels() -> None:
    square = np.full(800, -32768, dtype=np.int16)
    assert tones.level_dbov(square) == pytest.approx(0)
    assert tones.level_dbov(tones.tone(1000, 1, dbov=-3.01)) == pytest.approx(-3.01, abs=0.01)
    assert tones.level_dbov(tones.silence(1)) == tones.SILENCE_DBOV == tones.level_dbov(tones.silence(0))
    assert tones.tone_dbov(tones.tone(1000, 0.3, dbov=-30), 1000) == pytest.approx(-30, abs=0.1)


def test_contains_tells_neighbours_apart() -> None:
    mixed = tones.tone([400, 500, 600], 0.3, dbov=-25)
    assert all(tones.contains(mixed, hz) for hz in (400, 500, 600))
    assert not any(tones.contains(mixed, hz) for hz in (300, 450, 550, 700))
    assert not tones.contains(tones.silence(0.3), 400)


def test_frequencies_come_strongest_first() -> None:
    sound = tones.to_pcm(tones.tone(440.5, 0.5, dbov=-12).astype(float) + tones.tone(1250, 0.5, dbov=-24))
    peaks = tones.frequencies(sound)
    assert [round(peak.hz, 1) for peak in peaks] == [pytest.approx(440.5, abs=0.3), pytest.approx(1250, abs=0.3)]
    assert [peak.dbov for peak in peaks] == [pytest.approx(-12, abs=0.3), pytest.approx(-24, abs=0.3)]
    assert tones.frequencies(tones.silence(0.5)) == []


def test_gaps_are_found_inside_sound_only() -> None:
    piece = tones.tone(440, 0.5)
    sound = np.concatenate(
        [tones.silence(0.2), piece, tones.silence(0.08), piece, tones.silence(0.03), piece, tones.silence(1)]
    )
    found = [value for gap in tones.gaps(sound) for value in (gap.start, gap.length)]
    assert found == pytest.approx([0.7, 0.08, 1.28, 0.03], abs=0.003)
    assert tones.gaps(sound, longer_than_ms=60)[1:] == [] and tones.gaps(tones.silence(1)) == []


def test_in_band_digits() -> None:
    pieces = [piece for digit in "159D#0" for piece in (tones.dtmf(digit, 0.08), tones.silence(0.06))]
    assert tones.dtmf_heard(np.concatenate(pieces)) == "159D#0"
    assert tones.dtmf_heard(tones.tone(697, 0.5)) == "" == tones.dtmf_heard(tones.tone([697, 900], 0.5))


def test_wav_files(tmp_path: Path) -> None:
    sound = tones.tone(440, 0.1, rate=16000)
    heard, rate = tones.read_wav(tones.write_wav(tmp_path / "a.wav", sound, 16000))
    assert rate == 16000 and np.array_equal(heard, sound)
    assert tones.read_wav(tones.wav_bytes(sound, 16000))[1] == 16000
