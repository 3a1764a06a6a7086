"""Files of every playable kind, made by the libraries that define them, each holding one tone."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.harness import tones

HZ = 1000.0
DBOV = -13.0


def stereo(pcm: tones.Pcm, other: tones.Pcm | None = None) -> NDArray[np.int16]:
    """Two channels as columns."""
    return np.stack([pcm, pcm if other is None else other], axis=1)


def by_sndfile(
    kind: str, subtype: str, *, rate: int = 8000, seconds: float = 1.0, channels: int = 1, endian: str = "FILE"
) -> bytes:
    """A file in memory with the tone in every channel."""
    pcm = tones.tone(HZ, seconds, rate=rate, dbov=DBOV)
    data = np.stack([pcm] * channels, axis=1) / 32768
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels, format=kind, subtype=subtype, endian=endian) as out:
        out.write(data)
    return file.getvalue()


def by_ffmpeg(muxer: str, codec: str, *, rate: int = 8000, seconds: float = 1.0, sample_format: str = "s16") -> bytes:
    """A mono file in memory, through PyAV's encoders."""
    pcm = tones.tone(HZ, seconds, rate=rate, dbov=DBOV)
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono", format=sample_format)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def heard(samples: bytes) -> tones.Pcm:
    """Decoded samples as an array."""
    return np.frombuffer(samples, dtype="<i2").astype(np.int16)


def write(folder: Path, body: bytes, name: str = "sound") -> Path:
    """A file with this body."""
    path = folder / name
    path.write_bytes(body)
    return path


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_CRC = _crc_table()


def checksummed(ogg: bytes) -> bytes:
    """Ogg pages with their checksums made true, so that a change is not refused for the checksum (RFC 3533 §6)."""
    body, at = bytearray(ogg), 0
    while body[at : at + 4] == b"OggS" and len(body) >= at + 27:
        segments = body[at + 26]
        end = at + 27 + segments + sum(body[at + 27 : at + 27 + segments])
        body[at + 22 : at + 26] = bytes(4)
        value = 0
        for byte in body[at:end]:
            value = (value << 8 ^ _CRC[value >> 24 ^ byte]) & 0xFFFFFFFF
        body[at + 22 : at + 26] = value.to_bytes(4, "little")
        at = end
    return bytes(body)


Maker = Callable[[], bytes]

KINDS: dict[str, tuple[Maker, str, str]] = {
    # name: (body, content type, URL)
    "wav-pcm-u8": (lambda: by_sndfile("WAV", "PCM_U8"), "", ""),
    "wav-pcm-16": (lambda: by_sndfile("WAV", "PCM_16"), "", ""),
    "wav-pcm-24": (lambda: by_sndfile("WAV", "PCM_24"), "", ""),
    "wav-pcm-32": (lambda: by_sndfile("WAV", "PCM_32"), "", ""),
    "wav-float": (lambda: by_sndfile("WAV", "FLOAT"), "", ""),
    "wav-double": (lambda: by_sndfile("WAV", "DOUBLE"), "", ""),
    "wav-mulaw": (lambda: by_sndfile("WAV", "ULAW"), "", ""),
    "wav-alaw": (lambda: by_sndfile("WAV", "ALAW"), "", ""),
    "wav-gsm610": (lambda: by_sndfile("WAV", "GSM610"), "", ""),
    "wav-ima-adpcm": (lambda: by_sndfile("WAV", "IMA_ADPCM"), "", ""),
    "wav-big-endian": (lambda: by_sndfile("WAV", "PCM_16", endian="BIG"), "", ""),
    "wav-extensible-stereo": (lambda: by_sndfile("WAVEX", "PCM_16", rate=44100, channels=2), "", ""),
    "wav-mp3-inside": (lambda: by_ffmpeg("wav", "libmp3lame", rate=44100, sample_format="s16p"), "", ""),
    "rf64": (lambda: by_sndfile("RF64", "PCM_16"), "", ""),
    "w64": (lambda: by_sndfile("W64", "PCM_16"), "", ""),
    "aiff": (lambda: by_sndfile("AIFF", "PCM_16", rate=22050), "", ""),
    "aifc-mulaw": (lambda: by_sndfile("AIFF", "ULAW"), "", ""),
    "aifc-gsm610": (lambda: by_sndfile("AIFF", "GSM610"), "", ""),
    "au-mulaw": (lambda: by_sndfile("AU", "ULAW"), "audio/basic", ""),
    "au-alaw": (lambda: by_sndfile("AU", "ALAW"), "", ""),
    "au-pcm-little-endian": (lambda: by_sndfile("AU", "PCM_16", endian="LITTLE"), "", ""),
    "caf": (lambda: by_sndfile("CAF", "PCM_16"), "", ""),
    "flac-48k-six-channels": (lambda: by_sndfile("FLAC", "PCM_24", rate=48000, channels=6), "", ""),
    "ogg-vorbis": (lambda: by_sndfile("OGG", "VORBIS", rate=44100), "", ""),
    "ogg-opus": (lambda: by_sndfile("OGG", "OPUS", rate=48000), "", ""),
    "mp3-44k-stereo": (lambda: by_sndfile("MP3", "MPEG_LAYER_III", rate=44100, channels=2), "", ""),
    "mp3-8k": (lambda: by_sndfile("MP3", "MPEG_LAYER_III", rate=8000), "", ""),
    "mp3-id3": (lambda: by_ffmpeg("mp3", "libmp3lame", rate=24000, sample_format="s16p"), "", ""),
    "raw-mulaw-by-type": (lambda: by_sndfile("RAW", "ULAW"), "audio/basic; charset=x", ""),
    "raw-mulaw-by-extension": (lambda: by_sndfile("RAW", "ULAW"), "application/octet-stream", "http://h/a.ulaw?x=1"),
    "raw-alaw-by-type": (lambda: by_sndfile("RAW", "ALAW"), "audio/x-alaw-basic", ""),
    "raw-alaw-by-extension": (lambda: by_sndfile("RAW", "ALAW"), "", "http://h/p/a.AL"),
    "raw-gsm-by-extension": (lambda: by_sndfile("RAW", "GSM610"), "text/plain", "http://h/a.gsm"),
    "raw-gsm-by-type": (lambda: by_sndfile("RAW", "GSM610"), "audio/x-gsm", ""),
    "m4a-aac": (lambda: by_ffmpeg("mp4", "aac", rate=44100, sample_format="fltp"), "", ""),
    "aac-adts": (lambda: by_ffmpeg("adts", "aac", rate=44100, sample_format="fltp"), "", ""),
    "webm-opus": (lambda: by_ffmpeg("webm", "libopus", rate=48000), "", ""),
    "wav-g722": (lambda: by_ffmpeg("wav", "g722", rate=16000), "", ""),
}
"""What the library must play. Bodies without a content type or URL are recognised by content alone."""
