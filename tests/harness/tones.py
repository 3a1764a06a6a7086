"""Tones and what is heard of them: generation, detection, level, gaps, G.711 by table, WAV files.

PCM is a one-dimensional numpy array of int16, mono. Levels are dBov: 0 dBov is the power of a full-scale square wave
(RFC 6464 §3), so a full-scale sine is -3.01 dBov. Digital silence is `SILENCE_DBOV`.
"""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]
"""Mono samples, 16 bits."""

RATE = 8000
SILENCE_DBOV = -127.0
FULL_SCALE = 32768.0

DTMF_TONES: dict[str, tuple[int, int]] = {
    digit: (low, high)
    for low, row in ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D"))
    for high, digit in zip((1209, 1336, 1477, 1633), row, strict=True)
}
"""Row and column frequency of each digit (ITU-T Q.23)."""


def tone(
    hz: float | Sequence[float], seconds: float, *, rate: int = RATE, dbov: float = -13.0, phase: float = 0.0
) -> Pcm:
    """A steady sine, or the sum of several.

    Args:
        hz: frequency, or frequencies.
        seconds: length.
        rate: samples per second.
        dbov: level of each component.
        phase: of the first sample, in radians.
    """
    each = [hz] if isinstance(hz, int | float) else list(hz)
    moments = np.arange(round(seconds * rate)) / rate
    amplitude = FULL_SCALE * 10 ** (dbov / 20) * np.sqrt(2)
    total = sum((np.sin(2 * np.pi * f * moments + phase) for f in each), np.zeros(len(moments)))
    return to_pcm(amplitude * total)


def to_pcm(samples: NDArray[np.float64]) -> Pcm:
    """Samples of any size, clipped to 16 bits."""
    rounded: Pcm = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded


def silence(seconds: float, *, rate: int = RATE) -> Pcm:
    """Digital silence."""
    return np.zeros(round(seconds * rate), dtype=np.int16)


def dtmf(digit: str, seconds: float = 0.1, *, rate: int = RATE, dbov: float = -10.0) -> Pcm:
    """A digit as an in-band dual tone; `dbov` is the level of each of the two."""
    return tone(DTMF_TONES[digit], seconds, rate=rate, dbov=dbov)


def level_dbov(pcm: Pcm) -> float:
    """Mean level of the samples."""
    if len(pcm) == 0:
        return SILENCE_DBOV
    power = float(np.mean(np.square(pcm.astype(np.float64))))
    return 10 * float(np.log10(power / FULL_SCALE**2)) if power > 0 else SILENCE_DBOV


def tone_dbov(pcm: Pcm, hz: float, *, rate: int = RATE) -> float:
    """Level of one frequency in the samples (a Goertzel bin under a Hann window; resolution about 2 / length)."""
    if len(pcm) == 0:
        return SILENCE_DBOV
    window = np.hanning(len(pcm))
    turn = np.exp(-2j * np.pi * hz / rate * np.arange(len(pcm)))
    amplitude = 2 * abs(np.dot(pcm.astype(np.float64) * window, turn)) / max(float(window.sum()), 1.0)
    power = amplitude**2 / 2 / FULL_SCALE**2
    return max(10 * float(np.log10(power)), SILENCE_DBOV) if power > 0 else SILENCE_DBOV


def contains(
    pcm: Pcm, hz: float, *, rate: int = RATE, at_least_dbov: float = -45.0, below_total_db: float = 20.0
) -> bool:
    """Whether the tone is heard: at `at_least_dbov` or more, and at most `below_total_db` under everything heard."""
    level = tone_dbov(pcm, hz, rate=rate)
    return level >= at_least_dbov and level >= level_dbov(pcm) - below_total_db


@dataclass(frozen=True, slots=True)
class Peak:
    """One spectral line: its frequency in Hz and its level in dBov."""

    hz: float
    dbov: float


def frequencies(pcm: Pcm, rate: int = RATE, *, at_least_dbov: float = -45.0, below_peak_db: float = 25.0) -> list[Peak]:
    """The spectral lines of the samples, the strongest first; the frequency is interpolated between FFT bins."""
    if len(pcm) < 64:
        return []
    window = np.hanning(len(pcm))
    size = 1 << (len(pcm) * 2 - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64) * window, size)) * 2 / window.sum()
    levels = 20 * np.log10(np.maximum(spectrum / np.sqrt(2) / FULL_SCALE, 1e-7))
    floor = max(at_least_dbov, float(levels.max()) - below_peak_db)
    width = max(2, round(2 * size / len(pcm)))  # half the Hann window's main lobe, in bins
    peaks: list[Peak] = []
    for bin_ in np.argsort(levels)[::-1]:
        if levels[bin_] < floor:
            break
        hz = float(bin_) * rate / size
        if any(abs(hz - peak.hz) < 2 * width * rate / size for peak in peaks):
            continue
        peaks.append(Peak(_interpolated(levels, int(bin_)) * rate / size, float(levels[bin_])))
    return peaks


def _interpolated(levels: NDArray[np.float64], bin_: int) -> float:
    if bin_ in (0, len(levels) - 1):
        return float(bin_)
    before, here, after = (float(level) for level in levels[bin_ - 1 : bin_ + 2])
    curve = before - 2 * here + after
    return bin_ + (0.5 * (before - after) / curve if curve else 0.0)


@dataclass(frozen=True, slots=True)
class Gap:
    """A silent stretch inside sound: where it begins and how long it is, in seconds."""

    start: float
    length: float


def gaps(pcm: Pcm, *, longer_than_ms: float = 10.0, rate: int = RATE, below_dbov: float = -50.0) -> list[Gap]:
    """The silent stretches between the first and the last sound (measured in steps of 1 ms)."""
    step = rate // 1000
    count = len(pcm) // step
    frames = pcm[: count * step].astype(np.float64).reshape(count, step)
    peak = np.abs(frames).max(axis=1) if count else np.zeros(0)
    loud = np.flatnonzero(peak > FULL_SCALE * 10 ** (below_dbov / 20))
    if len(loud) == 0:
        return []
    spans = np.diff(loud) - 1
    return [Gap((int(loud[i]) + 1) / 1000, int(spans[i]) / 1000) for i in np.flatnonzero(spans > longer_than_ms)]


def dtmf_heard(pcm: Pcm, rate: int = RATE, *, at_least_dbov: float = -35.0) -> str:
    """The digits that are audible as dual tones, in order (frames of 20 ms; two frames make a digit)."""
    frame, digits, run, last = rate // 50, "", 0, ""
    for start in range(0, len(pcm) - frame + 1, frame):
        piece = pcm[start : start + frame]
        found = next((d for d, pair in DTMF_TONES.items() if _is_pair(piece, pair, rate, at_least_dbov)), "")
        run = run + 1 if found and found == last else 1
        last = found
        if found and run == 2:
            digits += found
    return digits


def _is_pair(piece: Pcm, pair: tuple[int, int], rate: int, at_least_dbov: float) -> bool:
    levels = [tone_dbov(piece, hz, rate=rate) for hz in pair]
    together = 10 * np.log10(sum(10 ** (level / 10) for level in levels))
    return min(levels) >= at_least_dbov and bool(together > level_dbov(piece) - 1.5) and abs(levels[0] - levels[1]) < 8


def _decoding_table(law: str) -> Pcm:
    table = np.zeros(256, dtype=np.int16)
    for code in range(256):
        if law == "PCMU":
            value = ~code & 0xFF
            magnitude = (((value & 0x0F) << 3) + 0x84 << ((value & 0x70) >> 4)) - 0x84
            table[code] = -magnitude if value & 0x80 else magnitude
        else:
            value = code ^ 0x55
            exponent = (value & 0x70) >> 4
            magnitude = ((value & 0x0F) << 4) + 8
            magnitude = magnitude + 0x100 << exponent - 1 if exponent else magnitude
            table[code] = magnitude if value & 0x80 else -magnitude
    return table


def _encoding_table(decoding: Pcm) -> NDArray[np.uint8]:
    """For each of the 65,536 samples the code whose value is nearest (index: sample + 32768)."""
    order = np.argsort(decoding, kind="stable")
    values = decoding[order].astype(np.int32)
    samples = np.arange(-32768, 32768)
    above = np.clip(np.searchsorted(values, samples), 1, len(values) - 1)
    nearer_below = samples - values[above - 1] <= values[above] - samples
    return order[np.where(nearer_below, above - 1, above)].astype(np.uint8)


_DECODING = {law: _decoding_table(law) for law in ("PCMU", "PCMA")}
_ENCODING = {law: _encoding_table(table) for law, table in _DECODING.items()}


def encode(pcm: Pcm, codec: str = "PCMU") -> bytes:
    """Samples as a payload: PCMU, PCMA (ITU-T G.711) or L16 (RFC 3551 §4.5.11)."""
    if codec == "L16":
        return pcm.astype(">i2").tobytes()
    return _ENCODING[codec][pcm.astype(np.int32) + 32768].tobytes()


def decode(payload: bytes, codec: str = "PCMU") -> Pcm:
    """A payload as samples; the inverse of `encode`."""
    if codec == "L16":
        return np.frombuffer(payload[: len(payload) // 2 * 2], dtype=">i2").astype(np.int16)
    return _DECODING[codec][np.frombuffer(payload, dtype=np.uint8)]


def wav_bytes(pcm: Pcm, rate: int = RATE) -> bytes:
    """A mono 16-bit WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()


def write_wav(path: Path | str, pcm: Pcm, rate: int = RATE) -> Path:
    """Writes `wav_bytes` to a file and returns its path."""
    Path(path).write_bytes(wav_bytes(pcm, rate))
    return Path(path)


def read_wav(source: Path | str | bytes) -> tuple[Pcm, int]:
    """Samples of the first channel and rate of a 16-bit WAV file or its bytes. Raises as `read_wav_channels`."""
    channels, rate = read_wav_channels(source)
    return channels[0], rate


def read_wav_channels(source: Path | str | bytes) -> tuple[list[Pcm], int]:
    """The samples of each channel, and the rate, of a 16-bit WAV file or its bytes.

    Raises:
        ValueError: the samples are not of 16 bits.
        wave.Error: not a PCM WAV file.
    """
    opened = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    with wave.open(opened, "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{file.getsampwidth() * 8}-bit WAV; 16 bits are expected")
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
        channels = file.getnchannels()
        return [frames[i::channels].copy() for i in range(channels)], file.getframerate()
