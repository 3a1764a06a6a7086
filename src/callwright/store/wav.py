"""The header of a WAV file that a crash left open: its sizes are still those of the first moment."""

import struct
from dataclasses import dataclass
from pathlib import Path

_MAX_HEADER = 4096


@dataclass(frozen=True, slots=True)
class Sound:
    """What a WAV file holds.

    Attributes:
        channels: 1 or 2.
        seconds: of sound that is really in the file.
    """

    channels: int
    seconds: float


def mend(path: Path) -> Sound | None:
    """Writes the true sizes into the header of a PCM or G.711 WAV file.

    Returns:
        What it holds; None when it is no WAV file or has no sound.

    Raises:
        OSError: the file cannot be read or written.
    """
    size = path.stat().st_size
    with path.open("r+b") as file:
        head = file.read(_MAX_HEADER)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return None
        found = _chunks(head)
        if found is None:
            return None
        channels, bytes_per_second, frame, data_at = found
        length = (size - data_at) // frame * frame
        if length <= 0:
            return None
        file.truncate(data_at + length)
        file.seek(4)
        file.write(struct.pack("<I", min(data_at + length - 8, 0xFFFFFFFF)))
        file.seek(data_at - 4)
        file.write(struct.pack("<I", min(length, 0xFFFFFFFF)))
    return Sound(channels, length / bytes_per_second)


def _chunks(head: bytes) -> tuple[int, int, int, int] | None:
    """Channels, bytes a second, bytes a frame and where the samples begin."""
    at, form = 12, None
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"data":
            return None if form is None else (*form, at + 8)
        if name == b"fmt " and at + 22 <= len(head):
            channels, _, bytes_per_second, frame = struct.unpack_from("<HIIH", head, at + 10)
            if not (channels and bytes_per_second and frame):
                return None
            form = (channels, bytes_per_second, frame)
        at += 8 + length + length % 2
    return None
