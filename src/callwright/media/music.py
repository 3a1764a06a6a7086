"""Hold music of our own: a quiet arpeggio over four chords, synthesised, so that it is nobody's recording."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")

CHORDS = (
    (220.0, 261.63, 329.63, 440.0),  # A minor
    (174.61, 261.63, 349.23, 440.0),  # F major
    (196.0, 261.63, 329.63, 523.25),  # C major over G
    (196.0, 246.94, 293.66, 392.0),  # G major
)
PATTERN = (0, 1, 2, 3, 2, 1, 2, 3)
NOTE_S = 0.5
DECAY_S = 0.45
OVERTONES = ((1.0, 1.0), (2.0, 0.25), (3.0, 0.08))
PEAK = 0.25
"""Of full scale: about -22 dBov, as loud as speech on the line."""


def hold_music(rate: int) -> bytes:
    """16 seconds whose end meets their beginning. Blocks for some tens of milliseconds.

    Args:
        rate: Hz.

    Returns:
        int16 mono.
    """
    note = round(NOTE_S * rate)
    pitches = [chord[step] for chord in CHORDS for step in PATTERN]
    whole = np.zeros(note * len(pitches), dtype=np.float64)
    tail = 3 * note
    time = np.arange(tail) / rate
    attack = np.minimum(1.0, time / 0.01)
    shape = attack * np.exp(-time / DECAY_S) * np.minimum(1.0, (tail / rate - time) / 0.02)
    for place, hz in enumerate(pitches):
        sound = shape * _voice(hz, time)
        at = (np.arange(tail) + place * note) % len(whole)  # what rings on at the end is heard at the beginning
        whole[at] += sound
    whole *= PEAK / np.abs(whole).max()
    return (whole * 32767).astype("<i2").tobytes()


def _voice(hz: float, time: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(len(time))
    for multiple, share in OVERTONES:
        total += share * np.sin(2 * np.pi * hz * multiple * time)
    return total


class HoldMusic(Generic[S]):
    """The music as one sound for everybody, made when it is first wanted.

    Args:
        rate: of the mixer, Hz.
        make: builds a sound from int16 mono samples and a rate; called on a thread.
    """

    def __init__(self, rate: int, make: Callable[[bytes, int], S]) -> None:
        self._rate = rate
        self._make = make
        self._made: S | None = None

    async def sound(self) -> S:
        """The sound."""
        if self._made is None:
            self._made = await asyncio.to_thread(lambda: self._make(hold_music(self._rate), self._rate))
        return self._made
