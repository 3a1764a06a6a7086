import asyncio
import os
from pathlib import Path

import numpy
import pytest
import soundfile

from callwright.api import media
from callwright.errors import MediaError


def stereo(path: Path) -> None:
    samples = numpy.zeros((media.BLOCK_FRAMES + 100, 2))
    samples[:, 0] = 0.5
    soundfile.write(path, samples, 8000, subtype="PCM_16")


def test_mixes_all_of_a_long_file(tmp_path: Path) -> None:
    stereo(tmp_path / "a.wav")
    media.mix(tmp_path / "a.wav", tmp_path / "b.wav")
    samples, rate = soundfile.read(tmp_path / "b.wav", always_2d=True)
    assert (samples.shape, rate) == ((media.BLOCK_FRAMES + 100, 1), 8000)
    assert numpy.allclose(samples, 0.25, atol=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]


def test_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(soundfile.LibsndfileError):
        media.mix(tmp_path / "a.wav", tmp_path / "b.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


async def test_makes_each_form_once(tmp_path: Path) -> None:
    stereo(tmp_path / "a.wav")
    made: list[tuple[str, int]] = []

    async def mp3(source: Path, target: Path, *, channels: int) -> None:
        made.append((target.name, channels))
        await asyncio.to_thread(target.write_bytes, b"mp3")

    async def sound(kind: str, channels: int) -> str:
        return (await media.sound(tmp_path / "a.wav", kind=kind, channels=channels, recorded=2, mp3=mp3)).name

    assert [await sound("wav", 2), await sound("wav", 1)] == ["a.wav", "a.mono.wav"]
    assert [await sound("mp3", 2), await sound("mp3", 1), await sound("mp3", 1)] == [
        "a.mp3",
        "a.mono.mp3",
        "a.mono.mp3",
    ]
    assert made == [("a.mp3", 2), ("a.mono.mp3", 1)]
    media.remove(tmp_path / "a.wav")
    assert os.listdir(tmp_path) == []


async def test_an_encoder_that_fails_is_told(tmp_path: Path) -> None:
    async def mp3(source: Path, target: Path, *, channels: int) -> None:
        raise MediaError("no encoder")

    with pytest.raises(MediaError):
        await media.sound(tmp_path / "a.wav", kind="mp3", channels=1, recorded=1, mp3=mp3)
