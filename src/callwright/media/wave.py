"""The header of a PCM WAV file, read as it stands: complete, of a stream, or of a recording under way.

Source: Multimedia Programming Interface and Data Specifications 1.0, "Waveform Audio File Format".
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096
"""Where the data of a file must have begun."""

_PCM, _EXTENSIBLE = 1, 0xFFFE
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")


@dataclass(frozen=True, slots=True)
class WaveFacts:
    """What a file holds.

    Attributes:
        rate: samples a second of each channel.
        data_offset, data_bytes: where the samples are; whole frames that are truly in the file.
    """

    channels: int
    rate: int
    bits: int
    data_offset: int
    data_bytes: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.data_bytes / self.frame_bytes / self.rate

    def offset(self, seconds: float) -> int:
        """Bytes from the start of the data, on a frame's boundary, within the data."""
        frames = round(max(0.0, seconds) * self.rate)
        return min(frames * self.frame_bytes, self.data_bytes)


def parse(head: bytes, size: int) -> WaveFacts:
    """The facts of a file whose data runs to its end.

    Args:
        head: its first bytes, up to `HEAD_BYTES`.
        size: of the whole file. A header whose sizes do not fit it was not closed: then the data goes to the end.

    Raises:
        ValueError: it is not a PCM WAV file of whole bytes.
    """
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise ValueError("not a RIFF WAVE file")
    riff_bytes = struct.unpack_from("<I", head, 4)[0]
    at, form = 12, None
    while at + _CHUNK.size <= len(head):
        name, length = _CHUNK.unpack_from(head, at)
        at += _CHUNK.size
        if name == b"fmt " and length >= _FORMAT.size and at + _FORMAT.size <= len(head):
            form = _FORMAT.unpack_from(head, at)
        elif name == b"data":
            return _facts(form, at, length, size, riff_bytes)
        at += length + length % 2
    raise ValueError("no data chunk")


def _facts(form: tuple[int, ...] | None, at: int, length: int, size: int, riff_bytes: int) -> WaveFacts:
    if form is None:
        raise ValueError("no fmt chunk before the data")
    tag, channels, rate, _, _, bits = form
    if tag not in (_PCM, _EXTENSIBLE) or not 1 <= channels <= 8 or not rate or bits not in (8, 16, 24, 32):
        raise ValueError(f"not PCM: format {tag}, {channels} channels, {rate} Hz, {bits} bits")
    there = max(0, size - at)
    frame = channels * bits // 8
    # Only when the header's own sizes agree does something else than samples follow the data.
    closed = 0 < length <= there and riff_bytes + 8 == size
    data = length if closed else there
    return WaveFacts(channels, rate, bits, at, data - data % frame)


def measure(path: Path) -> WaveFacts:
    """The facts of a file on disk. Blocks.

    Raises:
        OSError: it cannot be read.
        ValueError: see `parse`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        return parse(head, os.fstat(file.fileno()).st_size)


def header(channels: int, rate: int, data_bytes: int) -> bytes:
    """The 44-byte header of a 16-bit PCM file."""
    frame = channels * 2
    form = _FORMAT.pack(_PCM, channels, rate, rate * frame, frame, 16)
    return (
        _CHUNK.pack(b"RIFF", data_bytes + 36)
        + b"WAVE"
        + _CHUNK.pack(b"fmt ", len(form))
        + form
        + _CHUNK.pack(b"data", data_bytes)
    )
