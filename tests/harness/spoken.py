"""Speech by espeak-ng, as a telephone carries it: what a person, or a machine, says into a test call."""

import subprocess
from functools import cache

import numpy as np
import soxr

from . import tones
from .tones import Pcm

RATE = 8000
VOICES = ("en-us", "en-us+f3", "en-us+f2", "en-us+m3")


@cache
def spoken(text: str, voice: str = "en-us", *, speed: int = 150, rate: int = RATE, level: float = -22.0) -> Pcm:
    """A text, spoken.

    Args:
        speed: words a minute.
        rate: of the samples, Hz; nothing above 3.9 kHz is in them.
        level: dBov of the whole, its pauses included.
    """
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    pcm, original = tones.read_wav(_whole(subprocess.run(command, capture_output=True, check=True).stdout))
    narrow = soxr.resample(pcm.astype(np.float64), original, RATE)
    wide = narrow if rate == RATE else soxr.resample(narrow, RATE, rate)
    loudness = np.sqrt(np.mean(np.square(wide)))
    return tones.to_pcm(wide * tones.FULL_SCALE * 10 ** (level / 20) / loudness)


def _whole(stream: bytes) -> bytes:
    """A WAV stream with the sizes in its head that a file would have."""
    data = stream.index(b"data") + 4
    size = len(stream) - data - 4
    size -= size % 2
    head = stream[:4] + (data - 4 + size).to_bytes(4, "little") + stream[8:data]
    return head + size.to_bytes(4, "little") + stream[data + 4 : data + 4 + size]


def quiet(seconds: float, rate: int = RATE, *, level: float = -70.0, seed: int = 1) -> Pcm:
    """A line on which nobody speaks: noise."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, round(seconds * rate))
    return tones.to_pcm(noise * tones.FULL_SCALE * 10 ** (level / 20))
