import struct
import wave
from pathlib import Path

import pytest

from callwright.store import wav


def unfinished(path: Path, seconds: float, *, channels: int = 1, extra: bytes = b"") -> None:
    """A recording whose writer was killed: sound is there, the sizes are 0."""
    fmt = struct.pack("<HHIIHH", 1, channels, 8000, 16000 * channels, 2 * channels, 16)
    sound = b"\1\2" * channels * int(8000 * seconds)
    head = b"RIFF" + b"\0" * 4 + b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + b"\0" * 4
    path.write_bytes(head + sound + extra)


@pytest.mark.parametrize(("channels", "seconds"), [(1, 2.5), (2, 1.0)])
def test_mends_the_sizes(tmp_path: Path, channels: int, seconds: float) -> None:
    unfinished(tmp_path / "a.wav", seconds, channels=channels, extra=b"\1")
    assert wav.mend(tmp_path / "a.wav") == wav.Sound(channels, seconds)
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert (sound.getnchannels(), sound.getnframes()) == (channels, int(8000 * seconds))
    assert wav.mend(tmp_path / "a.wav") == wav.Sound(channels, seconds)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\0\0\0\0abcd", b"x" * 100]
)
def test_no_sound(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    assert wav.mend(tmp_path / "a.wav") is None
    assert (tmp_path / "a.wav").read_bytes() == content


def test_empty_sound(tmp_path: Path) -> None:
    unfinished(tmp_path / "a.wav", 0)
    assert wav.mend(tmp_path / "a.wav") is None
