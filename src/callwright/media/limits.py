"""Bounds of the media layer: what a file, a fetch, a decoding and the cache may cost."""

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Every bound of the media layer (promises M8 and A6).

    Attributes:
        memory_bytes: samples that the memory tier keeps alive by itself; sounds in use stay alive beyond it.
        disk_bytes: the disk cache; the least recently used entries go first.
        disk_days: entries that nobody used for so long go.
        file_bytes: the longest body that is fetched.
        sound_seconds: the longest sound that is decoded or synthesised.
        decode_seconds: wall time of one decoding.
        decoders: decodings at the same time.
        downloads: fetches of one account at the same time.
        redirects: hops that are followed.
        connect_seconds, read_seconds: of each hop.
        total_seconds: of a whole fetch, all hops together.
    """

    memory_bytes: int = 256 * MEBIBYTE
    disk_bytes: int = 1024 * MEBIBYTE
    disk_days: float = 30.0
    file_bytes: int = 50 * MEBIBYTE
    sound_seconds: float = 3600.0
    decode_seconds: float = 60.0
    decoders: int = 2
    downloads: int = 32
    redirects: int = 10
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0
