import numpy as np
import pytest

from callwright.media.music import HoldMusic, hold_music


@pytest.mark.parametrize("rate", [8000, 16000])
def test_it_is_as_loud_as_speech_and_never_silent(rate: int) -> None:
    pcm = np.frombuffer(hold_music(rate), dtype="<i2").astype(float)
    assert len(pcm) == 16 * rate
    assert 8000 < np.abs(pcm).max() < 9000
    pieces = pcm.reshape(-1, rate // 4)
    levels = 20 * np.log10(np.sqrt((pieces**2).mean(axis=1)) / 32768)
    assert levels.min() > -40 and levels.max() < -12


def test_its_end_meets_its_beginning() -> None:
    pcm = np.frombuffer(hold_music(8000), dtype="<i2").astype(int)
    steps = np.abs(np.diff(pcm))
    assert abs(int(pcm[0]) - int(pcm[-1])) <= steps.max()


async def test_it_is_made_once() -> None:
    made: list[tuple[int, int]] = []

    def make(samples: bytes, rate: int) -> object:
        made.append((len(samples), rate))
        return object()

    music = HoldMusic(8000, make)
    assert await music.sound() is await music.sound()
    assert made == [(2 * 16 * 8000, 8000)]
