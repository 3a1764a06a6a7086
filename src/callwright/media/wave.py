"""The header of a PCM WAV file: read as it stands, mended when its writer was killed.

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
        size: of the file, bytes.
        riff_bytes, claimed_bytes: what the header claims of the RIFF and the data chunk.
    """

    channels: int
    rate: int
    bits: int
    data_offset: int
    data_bytes: int
    size: int
    riff_bytes: int
    claimed_bytes: int

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
        size: of the whole file. What the header claims beyond it, or 0 or less than a live writer has written by now,
            gives way to what is there.

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
    return WaveFacts(channels, rate, bits, at, data - data % frame, size, riff_bytes, length)


def measure(path: Path) -> WaveFacts:
    """The facts of a file on disk. Blocks.

    Raises:
        OSError: it cannot be read.
        ValueError: see `parse`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        return parse(head, os.fstat(file.fileno()).st_size)


def repair(path: Path) -> WaveFacts:
    """Makes the header's sizes true to the file, as after a killed writer, and returns the facts. Blocks.

    Raises:
        OSError, ValueError: see `measure`.
    """
    facts = measure(path)
    if facts.claimed_bytes == facts.data_bytes and facts.riff_bytes + 8 == facts.size:
        return facts
    with path.open("r+b") as file:
        file.truncate(facts.data_offset + facts.data_bytes)
        file.seek(4)
        file.write(struct.pack("<I", facts.data_offset + facts.data_bytes - 8))
        file.seek(facts.data_offset - 4)
        file.write(struct.pack("<I", facts.data_bytes))
        file.flush()
        os.fsync(file.fileno())
    return measure(path)


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
