"""Trimming: the right samples stay, and the file is whole at every moment."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callwright.media.trim import trim_silence
from tests.harness import tones

SPOKEN = np.concatenate([tones.silence(1.5), tones.tone(1000, 2.0), tones.silence(0.75)])


def test_what_lies_between_stays(tmp_path: Path) -> None:
    path = tones.write_wav(tmp_path / "RE.wav", SPOKEN)
    assert trim_silence(path, 1400, 3600) == 2200
    pcm, rate = tones.read_wav(path)
    assert rate == 8000
    assert np.array_equal(pcm, SPOKEN[11200:28800])
    assert os.listdir(tmp_path) == ["RE.wav"]


def test_both_channels_stay_together(tmp_path: Path) -> None:
    left, right = tones.tone(500, 1.0), tones.tone(900, 1.0)
    soundfile.write(tmp_path / "RE.wav", np.stack([left, right], axis=1), 8000, subtype="PCM_16")
    assert trim_silence(tmp_path / "RE.wav", 250, 750) == 500
    channels, _ = tones.read_wav_channels(tmp_path / "RE.wav")
    assert np.array_equal(channels[0], left[2000:6000])
    assert np.array_equal(channels[1], right[2000:6000])


@pytest.mark.parametrize(
    ("first", "last", "left"), [(0, 10_000, 4250), (-50, 4250, 4250), (4250, 4250, 0), (9000, 9999, 0), (500, 100, 0)]
)
def test_moments_beyond_the_ends(tmp_path: Path, first: int, last: int, left: int) -> None:
    path = tones.write_wav(tmp_path / "RE.wav", SPOKEN)
    assert trim_silence(path, first, last) == left
    pcm, _ = tones.read_wav(path)
    assert len(pcm) == left * 8


def test_a_file_that_is_whole_already_is_left_alone(tmp_path: Path) -> None:
    path = tones.write_wav(tmp_path / "RE.wav", SPOKEN)
    before = path.stat().st_ino
    trim_silence(path, 0, 4250)
    assert path.stat().st_ino == before


def test_a_reader_keeps_the_file_that_it_opened(tmp_path: Path) -> None:
    path = tones.write_wav(tmp_path / "RE.wav", SPOKEN)
    with path.open("rb") as reader:
        trim_silence(path, 1400, 3600)
        assert reader.read() == tones.wav_bytes(SPOKEN)


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "RE.wav"
    path.write_bytes(b"no WAV file")
    with pytest.raises(ValueError):
        trim_silence(path, 0, 100)
    with pytest.raises(FileNotFoundError):
        trim_silence(tmp_path / "other.wav", 0, 100)
    assert path.read_bytes() == b"no WAV file"
    assert os.listdir(tmp_path) == ["RE.wav"]
