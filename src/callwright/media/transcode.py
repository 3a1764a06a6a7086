"""From a file in any common format to what the bridge plays: mono 16-bit samples at one clock rate.

libsndfile decodes what it knows; FFmpeg (PyAV) what it does not. Everything is read in blocks, so that the caps on
length and time hold while a file is being decoded, whatever its header claims. These functions block: they run on
`Workers`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from callwright.errors import MediaError
from callwright.media.formats import RAW_RATE, Codec, Format, check_channels

VERSION = 1
"""Part of cache keys: raised when the same file would give other samples than before."""

_MIN_RATE, _MAX_RATE = 4000, 384000
_BLOCK_SAMPLES = 1 << 16

Mono = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Caps of one decoding: seconds of sound, and seconds of wall time."""

    sound_seconds: float = 3600.0
    decode_seconds: float = 60.0


def decode(file: Path, form: Format, clock_rate: int, limits: DecodeLimits) -> bytes:
    """The samples of a file: int16 little-endian, mono, at `clock_rate` Hz.

    Several channels are mixed with equal weight; samples beyond full scale are clipped.

    Raises:
        MediaError: 13420: it cannot be decoded, holds no sound, is longer than the cap, or takes too long.
    """
    decoders = [_by_sndfile, _by_ffmpeg] if form.value.sndfile else [_by_ffmpeg]
    reasons = []
    deadline = time.monotonic() + limits.decode_seconds
    for decoder in decoders:
        sink = Sink(clock_rate, limits.sound_seconds, deadline)
        try:
            for block, rate in decoder(file, form.value):
                sink.feed(block, rate)
            samples = sink.finish()
        except (soundfile.SoundFileError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
            reasons.append(_reason(error))
            continue
        if samples:
            return samples
        reasons.append("no sound in it")
    raise MediaError(f"not playable as {form.value.name}: {'; '.join(reasons)}", code=13420)


def _reason(error: Exception) -> str:
    """What a library says is wrong, without the name of the temporary file."""
    if isinstance(error, soundfile.LibsndfileError):
        return str(error.error_string).rstrip(".")
    return str(error) or type(error).__name__


def resample(samples: bytes, rate: int, clock_rate: int) -> bytes:
    """Mono int16 samples of `rate` Hz at `clock_rate` Hz."""
    if rate == clock_rate:
        return samples
    sink = Sink(clock_rate, float("inf"), float("inf"))
    whole = np.frombuffer(samples, dtype="<i2")
    for start in range(0, len(whole), _BLOCK_SAMPLES):
        sink.feed(whole[start : start + _BLOCK_SAMPLES].astype(np.float32) / np.float32(32768), rate)
    return sink.finish()


class Sink:
    """Takes mono float blocks of any rate and gives int16 samples at the clock rate; holds the caps.

    Args:
        clock_rate: Hz.
        sound_seconds: the most that is taken.
        deadline: on the monotonic clock.
    """

    def __init__(self, clock_rate: int, sound_seconds: float, deadline: float) -> None:
        self._clock_rate = clock_rate
        self._sound_seconds = sound_seconds
        self._deadline = deadline
        self._heard = 0.0
        self._rate = clock_rate
        self._stream: soxr.ResampleStream | None = None
        self._samples = bytearray()

    def feed(self, block: Mono, rate: int) -> None:
        """Appends a block. `rate` may change between blocks, as it does in chained Ogg files.

        Raises:
            MediaError: 13420: a cap is passed.
            ValueError: a rate that nothing is recorded at.
        """
        if not _MIN_RATE <= rate <= _MAX_RATE:
            raise ValueError(f"a sample rate of {rate} Hz")
        if time.monotonic() > self._deadline:
            raise MediaError("decoding takes too long", code=13420)
        self._heard += len(block) / rate
        if self._heard > self._sound_seconds:
            raise MediaError(f"longer than {self._sound_seconds:g} s", code=13420)
        if rate != self._rate:
            self._flush()
            self._rate = rate
        if rate != self._clock_rate:
            if self._stream is None:
                self._stream = soxr.ResampleStream(rate, self._clock_rate, 1, dtype="float32", quality="HQ")
            block = self._stream.resample_chunk(block)
        self._append(block)

    def finish(self) -> bytes:
        """All samples."""
        self._flush()
        return bytes(self._samples)

    def _flush(self) -> None:
        if self._stream is not None:
            self._append(self._stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True))
            self._stream = None

    def _append(self, block: Mono) -> None:
        clean = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0)
        self._samples += np.clip(np.rint(clean * np.float32(32768)), -32768, 32767).astype("<i2").tobytes()


Blocks = Iterator[tuple[Mono, int]]
Decoder = Callable[[Path, Codec], Blocks]


def _by_sndfile(file: Path, codec: Codec) -> Blocks:
    with file.open("rb") as opened:
        if codec.raw == "GSM610":
            _check_gsm(opened.read(33))
            opened.seek(0)
        # A descriptor, not a path or a Python file: no name is interpreted, and reading needs no Python code.
        raw = {"samplerate": RAW_RATE, "channels": 1, "format": "RAW", "subtype": codec.raw} if codec.raw else {}
        with soundfile.SoundFile(opened.fileno(), closefd=False, **raw) as sound:
            check_channels(sound.channels)
            frames = max(1, _BLOCK_SAMPLES // sound.channels)
            while len(block := sound.read(frames, dtype="float32", always_2d=True)):
                yield block.mean(axis=1, dtype=np.float32), sound.samplerate


def _check_gsm(frame: bytes) -> None:
    """RFC 3551 §4.5.8: each 33-byte frame begins with the signature 0xD."""
    if len(frame) < 33 or frame[0] >> 4 != 0xD:
        raise ValueError("not GSM 06.10 frames")


def _by_ffmpeg(file: Path, codec: Codec) -> Blocks:
    from callwright.media import ffmpeg  # see load_ffmpeg

    return ffmpeg.blocks(file, codec)


def load_ffmpeg() -> None:
    """Loads FFmpeg's libraries, for which a start would else wait before it takes calls."""
    import_module("callwright.media.ffmpeg")
