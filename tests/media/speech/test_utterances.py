"""Recordings cut into what is said in them."""

from pathlib import Path

import numpy as np
import pytest

from callwright.media.speech.utterances import LONGEST_S, utterances
from callwright.media.wave import header
from tests.harness import tones
from tests.harness.spoken import quiet, spoken
from tests.harness.tones import Pcm

RATE = 8000


def kept(directory: Path, *pieces: Pcm) -> Path:
    path = directory / "recording.wav"
    path.write_bytes(tones.wav_bytes(np.concatenate(pieces), RATE))
    return path


def test_two_sentences_and_the_pause_between(tmp_path: Path) -> None:
    first, second = spoken("technical support"), spoken("cancel my subscription")
    found, rate = utterances(kept(tmp_path, quiet(1.0), first, quiet(2.0), second, quiet(1.0)))
    assert rate == RATE and len(found) == 2
    for samples, said in zip(found, (first, second), strict=True):
        whole = np.frombuffer(samples, np.int16)
        voiced = np.flatnonzero(np.abs(said) > 1000)
        assert len(whole) >= voiced[-1] - voiced[0]
        assert len(whole) < len(said) + 1.6 * RATE
        assert np.abs(whole).max() == np.abs(said).max(), "its loudest place is there"


def test_who_speaks_to_the_end(tmp_path: Path) -> None:
    found, _ = utterances(kept(tmp_path, quiet(0.5), spoken("operator")[: RATE // 2]))
    assert len(found) == 1


def test_nobody_speaks(tmp_path: Path) -> None:
    assert utterances(kept(tmp_path, quiet(1.0), tones.tone(600, 1.0), quiet(1.0)))[0] == []


def test_who_never_pauses_is_cut(tmp_path: Path) -> None:
    talk = np.tile(spoken("cancel my subscription now")[1000:9000], 40)
    found, _ = utterances(kept(tmp_path, talk))
    assert len(found) > 1
    assert all(len(samples) <= (LONGEST_S + 1) * RATE * 2 for samples in found)


@pytest.mark.parametrize(("content", "error"), [(b"no sound", ValueError), (None, OSError)])
def test_what_is_no_recording(tmp_path: Path, content: bytes | None, error: type[Exception]) -> None:
    path = tmp_path / "recording.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error):
        utterances(path)


def test_two_channels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    path.write_bytes(header(2, RATE, 8) + bytes(8))
    with pytest.raises(ValueError, match="2 channels"):
        utterances(path)
