"""Cutting the silence off both ends of a recording (call-control reference §1.5, trim-silence)."""

import os
import secrets
from pathlib import Path
from typing import BinaryIO

from callwright.media import wave

_PIECE = 1 << 20


def trim_silence(path: Path, first_ms: int, last_ms: int) -> int:
    """Keeps what lies between two moments of a 16-bit WAV file. Blocks.

    The file is replaced at once: whoever reads it sees all of it or the trimmed one, a crash too.

    Args:
        path: closed by its writer.
        first_ms, last_ms: milliseconds from the start; beyond the ends means the ends.

    Returns:
        The milliseconds that are left.

    Raises:
        OSError: the file cannot be read or written; it stays as it was.
        ValueError: it is not a 16-bit PCM WAV file.
    """
    facts = wave.measure(path)
    if facts.bits != 16:
        raise ValueError(f"{facts.bits} bits, not 16")
    first, last = facts.offset(first_ms / 1000), facts.offset(last_ms / 1000)
    length = max(0, last - first)
    if length < facts.data_bytes:
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with path.open("rb") as source, unfinished.open("wb") as kept:
                kept.write(wave.header(facts.channels, facts.rate, length))
                source.seek(facts.data_offset + first)
                _copy(source, kept, length)
                kept.flush()
                os.fsync(kept.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return round(length / facts.frame_bytes * 1000 / facts.rate)


def _copy(source: BinaryIO, kept: BinaryIO, length: int) -> None:
    while length > 0:
        piece = source.read(min(length, _PIECE))
        if not piece:
            raise OSError("the file became shorter while it was trimmed")
        kept.write(piece)
        length -= len(piece)
