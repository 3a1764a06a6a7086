"""Recordings as MP3: what was recorded is heard, on the right channel and at its level."""

import asyncio
import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from callwright.errors import MediaError
from callwright.media import mp3
from callwright.media.mp3 import Mp3Encoder
from tests.harness import tones


def recording(folder: Path, *, channels: int = 1, seconds: float = 2.0) -> Path:
    pcm = [tones.tone(hz, seconds) for hz in (700, 1500)[:channels]]
    path = folder / "RE.wav"
    soundfile.write(path, np.stack(pcm, axis=1), 8000, subtype="PCM_16")
    return path


def decoded(path: Path) -> list[tones.Pcm]:
    """The channels, by another decoder than the library that wrote them."""
    with av.open(str(path), format="mp3") as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    whole = np.concatenate(blocks, axis=1)
    return [np.clip(channel * 32768, -32768, 32767).astype(np.int16) for channel in whole]


def heard(pcm: tones.Pcm) -> list[tuple[int, int]]:
    return [(round(peak.hz), round(peak.dbov)) for peak in tones.frequencies(pcm[4000:12000])]


async def test_one_channel(tmp_path: Path) -> None:
    await Mp3Encoder()(recording(tmp_path), tmp_path / "RE.mp3", channels=1)
    [pcm] = decoded(tmp_path / "RE.mp3")
    assert heard(pcm) == [(700, -13)]
    assert len(pcm) / 8000 == pytest.approx(2.0, abs=0.2)
    assert (tmp_path / "RE.mp3").stat().st_size < (tmp_path / "RE.wav").stat().st_size / 2
    assert sorted(os.listdir(tmp_path)) == ["RE.mp3", "RE.wav"]


async def test_two_channels_stay_apart(tmp_path: Path) -> None:
    await Mp3Encoder()(recording(tmp_path, channels=2), tmp_path / "RE.mp3", channels=2)
    left, right = decoded(tmp_path / "RE.mp3")
    assert heard(left) == [(700, -13)]
    assert heard(right) == [(1500, -13)]


async def test_two_channels_mixed_into_one(tmp_path: Path) -> None:
    await Mp3Encoder()(recording(tmp_path, channels=2), tmp_path / "RE.mp3", channels=1)
    [pcm] = decoded(tmp_path / "RE.mp3")
    assert sorted(heard(pcm)) == [(700, -19), (1500, -19)]


async def test_the_same_asked_for_at_once_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Path] = []
    encode = mp3.encode

    def counting(source: Path, target: Path, channels: int) -> None:
        encoded.append(target)
        encode(source, target, channels)

    monkeypatch.setattr(mp3, "encode", counting)
    encoder, source = Mp3Encoder(), recording(tmp_path, seconds=20)
    targets = [tmp_path / "a.mp3"] * 10 + [tmp_path / "b.mp3"] * 10
    await asyncio.gather(*(encoder(source, target, channels=1) for target in targets))
    assert sorted(encoded) == [tmp_path / "a.mp3", tmp_path / "b.mp3"]
    assert (tmp_path / "a.mp3").read_bytes() == (tmp_path / "b.mp3").read_bytes()


async def test_what_cannot_be_encoded(tmp_path: Path) -> None:
    encoder, source = Mp3Encoder(), tmp_path / "RE.wav"
    with pytest.raises(FileNotFoundError):
        await encoder(source, tmp_path / "RE.mp3", channels=1)
    source.write_bytes(b"no WAV file")
    with pytest.raises(MediaError) as raised:
        await encoder(source, tmp_path / "RE.mp3", channels=1)
    assert raised.value.code == 12400
    recording(tmp_path)
    with pytest.raises(MediaError):
        await encoder(source, tmp_path / "gone" / "RE.mp3", channels=1)
    assert os.listdir(tmp_path) == ["RE.wav"]
