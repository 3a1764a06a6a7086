"""Recordings as MP3, for those who ask for `.mp3` (call-control reference §3.3)."""

import asyncio
import secrets
from functools import partial
from pathlib import Path

import soundfile

from callwright.errors import MediaError
from callwright.media.workers import Workers

_BLOCK_FRAMES = 1 << 16
_SECONDS = 600.0
_FAILED = 12400


class Mp3Encoder:
    """Encodes WAV files, a few at a time; the same file asked for twice at once is encoded once.

    Args:
        count: encodings at the same time.
    """

    def __init__(self, count: int = 2) -> None:
        self._workers = Workers(count, name="encoding to MP3")
        self._under_way: dict[Path, asyncio.Task[None]] = {}

    async def __call__(self, source: Path, target: Path, *, channels: int) -> None:
        """Writes `target`, which appears when it is complete.

        Args:
            channels: 1 mixes two channels into one, with equal weight.

        Raises:
            FileNotFoundError: there is no `source`.
            MediaError: 12400: it cannot be read as WAV, or the target not written; 13420: it took too long.
        """
        task = self._under_way.get(target)
        if task is None:
            work = partial(encode, source, target, channels)
            task = self._under_way[target] = asyncio.ensure_future(self._workers.run(work, seconds=_SECONDS))
            task.add_done_callback(partial(self._ended, target))
        await asyncio.shield(task)

    def _ended(self, target: Path, task: "asyncio.Task[None]") -> None:
        del self._under_way[target]
        if not task.cancelled():
            task.exception()  # whoever waits has it; nobody may be left who does


def encode(source: Path, target: Path, channels: int) -> None:
    """Does it. Blocks; see `Mp3Encoder`."""
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with source.open("rb") as opened, soundfile.SoundFile(opened.fileno(), closefd=False) as wav:
            count = min(channels, wav.channels)
            with soundfile.SoundFile(unfinished, "w", wav.samplerate, count, "MPEG_LAYER_III", format="MP3") as out:
                # Floats: libsndfile 1.2 writes two channels of 16-bit integers at half their level.
                for block in wav.blocks(_BLOCK_FRAMES, dtype="float32", always_2d=True):
                    out.write(block.mean(axis=1, keepdims=True) if count < wav.channels else block)
        unfinished.replace(target)
    except FileNotFoundError:
        if not source.exists():
            raise
        raise MediaError("a recording cannot be encoded: its folder is gone", code=_FAILED) from None
    except (soundfile.SoundFileError, OSError) as error:
        raise MediaError(f"a recording cannot be encoded: {_said(error)}", code=_FAILED) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _said(error: Exception) -> str:
    if isinstance(error, soundfile.LibsndfileError):
        return str(error.error_string)
    return str(getattr(error, "strerror", None) or error)
