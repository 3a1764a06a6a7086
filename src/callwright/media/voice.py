"""What a line carries, 20 ms at a time: level, noise or voice or a single tone; and where an utterance begins and ends.

Pure arithmetic on int16 samples; nothing here knows of calls. A frame is voice when it stands out of the line's own
noise, is not as flat as noise is in its spectrum, and is more than a single tone.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

FRAME_MS = 20
FULL_SCALE = 32768.0
SILENT_DBOV = -100.0
"""The level of digital silence."""

NOTHING_DBOV = -60.0
"""The spectrum of what is below this is nobody's concern."""

LOWEST_HZ, HIGHEST_HZ = 100.0, 3800.0
"""The band that a telephone carries."""
MAIN_LOBE_HZ = 110.0
"""Half the width of a single tone in the spectrum of one windowed frame."""
KEY_LOW_HZ, KEY_HIGH_HZ, KEY_SHARE = (670.0, 970.0), (1170.0, 1670.0), 0.96
"""The two groups of which a DTMF digit has one tone each (ITU-T Q.23), and the part of the energy that they have."""
TONE_SHARE = 0.93
"""The part of a frame's energy that lies in that width when there is nothing but a tone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        level: dBov.
        flatness: of the spectrum, 0 (all energy in one place) to 1; white noise has about 0.55.
        tone: Hz, when a single tone is all that there is; 0 otherwise.
        key: whether a DTMF digit is all that there is.
    """

    level: float
    flatness: float
    tone: float
    key: bool = False

    @property
    def signal(self) -> bool:
        """Whether it is a machine's and no voice."""
        return self.key or self.tone > 0


class Analysis:
    """Cuts samples into frames.

    Args:
        rate: Hz of the samples.
    """

    def __init__(self, rate: int) -> None:
        self._length = rate * FRAME_MS // 1000
        self._size = 1 << (self._length * 2 - 1).bit_length()
        self._window = np.hanning(self._length)
        hz = np.fft.rfftfreq(self._size, 1 / rate)
        self._first, self._last = (int(place) for place in np.searchsorted(hz, (LOWEST_HZ, HIGHEST_HZ)))
        self._hz = hz[self._first : self._last]
        self._low, self._high = (
            slice(*(int(place) for place in np.searchsorted(self._hz, group))) for group in (KEY_LOW_HZ, KEY_HIGH_HZ)
        )
        self._lobe = max(1, round(MAIN_LOBE_HZ * self._size / rate))
        self._rest = b""

    def feed(self, samples: bytes) -> list[Frame]:
        """The frames that are complete with these samples (int16 little-endian mono)."""
        samples = self._rest + samples
        count = len(samples) // (2 * self._length)
        self._rest = samples[count * 2 * self._length :]
        if not count:
            return []
        pcm = np.frombuffer(samples, "<i2", count * self._length).reshape(count, self._length) / FULL_SCALE
        power = np.einsum("ij,ij->i", pcm, pcm) / self._length
        levels = 10 * np.log10(np.maximum(power, 1e-10))
        if levels.max() < NOTHING_DBOV:
            return [Frame(float(level), 1.0, 0.0) for level in levels]
        spectra = np.square(np.abs(np.fft.rfft(pcm * self._window, self._size)[:, self._first : self._last])) + 1e-12
        sums = np.cumsum(spectra, axis=1)
        flatness = np.exp(np.log(spectra).mean(axis=1)) / (sums[:, -1] / spectra.shape[1])
        tones = self._tones(spectra, sums)
        tones[levels < NOTHING_DBOV] = 0.0
        keys = self._keys(spectra, sums) & (tones == 0.0)
        rows = zip(levels.tolist(), flatness.tolist(), tones.tolist(), keys.tolist(), strict=True)
        return [Frame(level, flat, hz, key) for level, flat, hz, key in rows]

    def _tones(self, spectra: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
        peaks = spectra.argmax(axis=1)
        near = self._near(sums, peaks)
        found: NDArray[np.float64] = np.where(near >= TONE_SHARE * sums[:, -1], self._hz[peaks], 0.0)
        return found

    def _keys(self, spectra: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The strongest tone of each of the two groups that DTMF has, and whether there is nothing else."""
        low = self._low.start + spectra[:, self._low].argmax(axis=1)
        high = self._high.start + spectra[:, self._high].argmax(axis=1)
        lower, higher = self._near(sums, low), self._near(sums, high)
        both = np.minimum(lower, higher) >= 0.1 * sums[:, -1]
        found: NDArray[np.bool_] = both & (lower + higher >= KEY_SHARE * sums[:, -1])
        return found

    def _near(self, sums: NDArray[np.float64], places: NDArray[np.intp]) -> NDArray[np.float64]:
        """The energy within the main lobe of a tone at these places."""
        rows = np.arange(len(sums))
        above = sums[rows, np.minimum(places + self._lobe, sums.shape[1] - 1)]
        below = places - self._lobe - 1
        near: NDArray[np.float64] = above - np.where(below >= 0, sums[rows, np.maximum(below, 0)], 0.0)
        return near


class VoiceActivity:
    """Tells voice from the noise of one line, frame by frame."""

    QUIETEST_DBOV = -48.0
    """Nothing below this is voice."""
    ABOVE_NOISE_DB = 8.0
    NOISE_FRAMES = 75
    """The quietest of so many frames is the line's noise."""
    FLAT = 0.42
    CONSONANT_FRAMES = 10
    """So long after a vowel flat frames are its consonants."""
    VOWEL_FRAMES = 2
    """A single frame of noise may look like one of a vowel, so many in a row do not."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=self.NOISE_FRAMES)
        self._hang = self._vowel = 0

    def feed(self, frame: Frame) -> bool:
        """Whether this frame, the next one of the line, is voice."""
        self._recent.append(frame.level)
        noise = min(self._recent) if len(self._recent) >= self.NOISE_FRAMES // 2 else SILENT_DBOV
        loud = frame.level > max(self.QUIETEST_DBOV, noise + self.ABOVE_NOISE_DB)
        loud = loud and not frame.signal
        if loud and frame.flatness < self.FLAT:
            self._vowel += 1
            if self._vowel >= self.VOWEL_FRAMES:
                self._hang = self.CONSONANT_FRAMES
            return True
        self._vowel = 0
        self._hang = max(0, self._hang - 1)
        return loud and self._hang > 0


class Turn(Enum):
    """Where an utterance stands."""

    WAITING = "waiting"
    SPEAKING = "speaking"
    OVER = "over"


class Endpointer:
    """Finds the beginning and the end of one utterance.

    Args:
        pause: seconds without voice that end it.
        longest: seconds after which it ends anyhow.
    """

    BEGIN_OF, BEGIN_WINDOW = 6, 8
    """An utterance has begun when so many of the last frames are voice: clicks and short noises are none."""

    def __init__(self, pause: float, longest: float) -> None:
        self._pause = round(pause * 1000 / FRAME_MS)
        self._longest = round(longest * 1000 / FRAME_MS)
        self._window: deque[bool] = deque(maxlen=self.BEGIN_WINDOW)
        self._quiet = self._length = 0
        self.turn = Turn.WAITING

    def feed(self, voice: bool) -> Turn:
        """The state after one more frame. Once over it stays over; see `reset`."""
        if self.turn is Turn.WAITING:
            self._window.append(voice)
            if sum(self._window) >= self.BEGIN_OF:
                self.turn, self._quiet, self._length = Turn.SPEAKING, 0, 0
        elif self.turn is Turn.SPEAKING:
            self._length += 1
            self._quiet = 0 if voice else self._quiet + 1
            if self._quiet >= self._pause or self._length >= self._longest:
                self.turn = Turn.OVER
        return self.turn

    def reset(self) -> None:
        """Waits for the next utterance."""
        self._window.clear()
        self.turn = Turn.WAITING
