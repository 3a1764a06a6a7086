"""What FFmpeg (PyAV) decodes of a file, for the formats that libsndfile does not know. It blocks."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from callwright.media.formats import RAW_RATE, Codec, check_channels

_BROKEN_PACKETS = 200
_AUDIO_CODECS = ("pcm_", "adpcm_", "mp3", "mp2", "aac", "opus", "vorbis", "flac", "alac", "amr", "gsm", "g7", "speex")


def blocks(file: Path, codec: Codec) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Blocks of sound: mono samples of at most 1.0, and their rate in Hz.

    Raises:
        ValueError: it cannot be decoded, or holds what is not played.
    """
    # The demuxer is named and external references are off: no playlist can make it open another file or URL.
    options = {"protocol_whitelist": "file", "enable_drefs": "0", "max_streams": "32"}
    if codec.raw:
        options = {"protocol_whitelist": "file", "sample_rate": str(RAW_RATE)}
    try:
        with av.open(f"file:{file}", format=codec.demuxer, options=options) as container:
            yield from _frames(container)
    except av.FFmpegError as error:
        raise ValueError(error.strerror) from None


def _frames(container: InputContainer) -> Iterator[tuple[NDArray[np.float32], int]]:
    if not container.streams.audio:
        raise ValueError("no audio stream")
    stream = container.streams.audio[0]
    decoder = stream.codec_context
    if decoder is None:
        raise ValueError("an unknown codec")
    if not decoder.name.startswith(_AUDIO_CODECS):
        raise ValueError(f"the codec {decoder.name} is not played")
    decoder.thread_count = 1
    planar = AudioResampler(format="fltp")
    broken = 0
    for packet in container.demux(stream):
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            # A damaged packet costs its own sound only, as every player does it; a damaged file is given up.
            broken += 1
            if broken > _BROKEN_PACKETS:
                raise
            continue
        for frame in frames:
            check_channels(frame.layout.nb_channels)
            for piece in planar.resample(frame):
                yield piece.to_ndarray().mean(axis=0, dtype=np.float32), piece.sample_rate
