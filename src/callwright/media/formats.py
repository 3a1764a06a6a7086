"""Which kind of sound a file is: by its first bytes, else by its content type, else by its extension."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

RAW_RATE = 8000
"""Hz of files that do not say it."""
_MOST_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class Codec:
    """How a format is opened.

    Attributes:
        name: part of cache keys; stable.
        demuxer: the FFmpeg demuxer that may open it; nothing is ever probed, because some demuxers open further URLs.
        sndfile: whether libsndfile is asked first.
        raw: libsndfile's subtype of a headerless 8 kHz mono file; "" when the file describes itself.
    """

    name: str
    demuxer: str
    sndfile: bool = True
    raw: str = ""


class Format(Enum):
    """The formats that are played."""

    WAV = Codec("wav", "wav")
    W64 = Codec("w64", "w64")
    AIFF = Codec("aiff", "aiff")
    AU = Codec("au", "au")
    FLAC = Codec("flac", "flac")
    OGG = Codec("ogg", "ogg")
    # libmpg123, inside libsndfile, writes a line to standard error for each flaw of a file: it is not asked.
    MP3 = Codec("mp3", "mp3", sndfile=False)
    CAF = Codec("caf", "caf")
    MP4 = Codec("mp4", "mp4", sndfile=False)
    WEBM = Codec("webm", "webm", sndfile=False)
    AAC = Codec("aac", "aac", sndfile=False)
    AMR = Codec("amr", "amr", sndfile=False)
    MULAW = Codec("mulaw", "mulaw", raw="ULAW")
    ALAW = Codec("alaw", "alaw", raw="ALAW")
    GSM = Codec("gsm", "gsm", raw="GSM610")


HEAD_BYTES = 64

_CONTENT_TYPES = {
    # RFC 2046 §4.3: audio/basic is 8 kHz mono µ-law; the others are in wide use without a registration.
    "audio/basic": Format.MULAW,
    "audio/pcmu": Format.MULAW,
    "audio/mulaw": Format.MULAW,
    "audio/x-mulaw": Format.MULAW,
    "audio/ulaw": Format.MULAW,
    "audio/x-ulaw": Format.MULAW,
    "audio/pcma": Format.ALAW,
    "audio/alaw": Format.ALAW,
    "audio/x-alaw": Format.ALAW,
    "audio/x-alaw-basic": Format.ALAW,
    "audio/gsm": Format.GSM,
    "audio/x-gsm": Format.GSM,
    "audio/mpeg": Format.MP3,
    "audio/mp3": Format.MP3,
    "audio/x-mp3": Format.MP3,
    "audio/mpeg3": Format.MP3,
    "audio/x-mpeg": Format.MP3,
}
_EXTENSIONS = {
    ".ulaw": Format.MULAW,
    ".ul": Format.MULAW,
    ".mulaw": Format.MULAW,
    ".pcmu": Format.MULAW,
    ".alaw": Format.ALAW,
    ".al": Format.ALAW,
    ".pcma": Format.ALAW,
    ".gsm": Format.GSM,
    ".mp3": Format.MP3,
}
_NEVER_SOUND = frozenset({"text/html", "text/xml", "application/xml", "application/json", "application/xhtml+xml"})


def recognise(file: Path, *, content_type: str = "", url: str = "") -> Format | None:
    """The format of a file on disk; None when it is none that is played.

    Args:
        file: readable.
        content_type: of the HTTP response; parameters are ignored.
        url: its path's extension counts when content and content type say nothing.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        head, tagged = _head(opened)
    if tagged:
        return _by_magic(head) or _by_frame_sync(head) or Format.MP3
    return sniff(head, content_type=content_type, url=url)


def sniff(head: bytes, *, content_type: str = "", url: str = "") -> Format | None:
    """As `recognise`, from the first `HEAD_BYTES` bytes."""
    if found := _by_magic(head):
        return found
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _NEVER_SOUND:
        return None
    if found := _CONTENT_TYPES.get(kind):
        return found
    if found := _EXTENSIONS.get(extension(url)):
        return found
    return _by_frame_sync(head)


def extension(url: str) -> str:
    """The extension of a URL's path, lower case with its dot; "" when it has none."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return ""
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _head(file: BinaryIO) -> tuple[bytes, bool]:
    """The first bytes behind any ID3v2 tags, and whether there was one (ID3v2.4.0 §3.1: a size has 7-bit bytes)."""
    head, tagged = file.read(HEAD_BYTES), False
    for _ in range(4):
        if len(head) < 10 or not head.startswith(b"ID3") or any(byte & 0x80 for byte in head[6:10]):
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        file.seek(size + 10 - len(head), 1)
        head, tagged = file.read(HEAD_BYTES), True
    return head, tagged


def _by_magic(head: bytes) -> Format | None:
    start, kind = head[:4], head[8:12]
    if start in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return Format.WAV if kind == b"WAVE" else None
    if start == b"FORM":
        return Format.AIFF if kind in (b"AIFF", b"AIFC") else None
    if head.startswith(b"riff\x2e\x91\xcf\x11"):
        return Format.W64
    if head[4:8] == b"ftyp":
        return Format.MP4
    for magic, found in (
        (b"fLaC", Format.FLAC),
        (b"OggS", Format.OGG),
        (b".snd", Format.AU),
        (b"dns.", Format.AU),
        (b"caff", Format.CAF),
        (b"ID3", Format.MP3),
        (b"#!AMR", Format.AMR),
        (b"\x1a\x45\xdf\xa3", Format.WEBM),
    ):
        if head.startswith(magic):
            return found
    return None


def _by_frame_sync(head: bytes) -> Format | None:
    """MPEG audio and ADTS frames begin with 11 or 12 set bits: weak evidence (µ-law silence is 0xFF), so asked last."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return Format.AAC
    layer, bitrate, rate = head[1] & 0x06, head[2] >> 4, head[2] >> 2 & 3
    if head[1] & 0xE0 == 0xE0 and layer and bitrate != 15 and rate != 3:
        return Format.MP3
    return None


def check_channels(channels: int) -> None:
    """Whether so many are mixed down to one.

    Raises:
        ValueError: there are none, or too many.
    """
    if not 1 <= channels <= _MOST_CHANNELS:
        raise ValueError(f"{channels} channels")
