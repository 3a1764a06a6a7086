"""The sound of a recording as a file to send: WAV as recorded, mixed to one channel, or MP3.

What is made from the WAV file is kept beside it, and goes with it.
"""

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import soundfile

from callwright.api.services import Mp3

BLOCK_FRAMES = 65_536


async def sound(wav: Path, *, kind: str, channels: int, recorded: int, mp3: Mp3) -> Path:
    """The file that holds a recording in this form, made when it is asked for the first time.

    Args:
        kind: "wav" or "mp3".
        channels: 1 or 2, at most as many as were recorded.

    Raises:
        FileNotFoundError: the recording has no file.
        MediaError: it cannot be encoded.
    """
    if kind == "wav" and channels == recorded:
        return wav
    target = wav.with_suffix(f"{'.mono' if channels < recorded else ''}.{kind}")
    if not await asyncio.to_thread(target.exists):
        if kind == "mp3":
            await mp3(wav, target, channels=channels)
        else:
            await asyncio.to_thread(mix, wav, target)
    return target


def mix(source: Path, target: Path) -> None:
    """Writes the mean of all channels of a WAV file as a WAV file of one."""
    unfinished = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with (
            soundfile.SoundFile(source) as two,
            soundfile.SoundFile(unfinished, "w", two.samplerate, 1, "PCM_16", format="WAV") as one,
        ):
            for block in two.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                one.write(block.mean(axis=1))
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def remove(wav: Path) -> None:
    """Deletes a recording's file and all that was made from it."""
    for suffix in (".wav", ".mono.wav", ".mp3", ".mono.mp3"):
        wav.with_suffix(suffix).unlink(missing_ok=True)
