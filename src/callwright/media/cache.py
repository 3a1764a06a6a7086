"""The disk cache: sounds by the digest of what they were made from, and what servers said about their URLs.

    sounds/ab/abcd....pcm     a header with rate, length and SHA-256, then the samples
    responses/cd/cdef....json the SHA-256 of the next line, then one JSON object
    partial/                  bodies under way; emptied at the start

Every file is written beside its place and renamed into it. None is forced to the disk: what a crash cuts short fails
its checksum, is removed, and is fetched again. All methods block and may be called from any thread.
"""

import hashlib
import json
import logging
import os
import secrets
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_HEADER = struct.Struct("<8sIIQ32s")
_MAGIC = b"CWSOUND1"
_TOUCH_SECONDS = 600.0
_LOW_WATER = 0.9
_EVICT_SECONDS = 3600.0

MEMORY = Path("/dev/shm")


@dataclass(slots=True)
class _File:
    """A file of the cache: its size, and when it was last used (seconds since the epoch)."""

    size: int
    used: float


class DiskCache:
    """Content-addressed sounds and their responses under one directory, bounded by size and by age.

    Args:
        directory: created by `open`; nothing else may write to it.
        max_bytes: the least recently used files are removed beyond it.
        max_seconds: files that nobody used for so long are removed.
        now: seconds since the epoch.
    """

    def __init__(self, directory: Path, *, max_bytes: int, max_seconds: float, now: Callable[[], float]) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._now = now
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        self._bytes = 0
        self._evicted_at = 0.0
        self.damaged = 0
        """Files that failed their checksum since the start."""
        self.evicted = 0
        """Files removed for space or age since the start."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._bytes

    def open(self) -> None:
        """Takes stock of what is there, and removes what is too old or under way.

        Raises:
            OSError: the directory cannot be made or read.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("sounds", "responses", "partial"):
            (self._directory / folder).mkdir(parents=True, exist_ok=True)
        for unfinished in (self._directory / "partial").iterdir():
            unfinished.unlink(missing_ok=True)
        for folder in ("sounds", "responses"):
            for path in (self._directory / folder).glob("*/*"):
                facts = path.stat()
                self._files[str(path.relative_to(self._directory))] = _File(facts.st_size, facts.st_mtime)
                self._bytes += facts.st_size
        self.evict()

    def partial(self) -> Path:
        """A new place for a body under way; the caller removes it."""
        return self._directory / "partial" / secrets.token_hex(16)

    def body(self, room: int) -> Path:
        """A new place for a fetched body of up to `room` bytes; the caller removes it. In memory when the disk has no
        room: a full disk keeps nothing, but what is asked for is played (promise P3)."""
        free = os.statvfs(self._directory)
        if free.f_bavail * free.f_frsize < room and os.access(MEMORY, os.W_OK):
            return MEMORY / f"callwright-{secrets.token_hex(16)}"
        return self.partial()

    def has_sound(self, key: str) -> bool:
        """Whether a sound is there, without a look at its content."""
        return _sound(key) in self._files

    def load_sound(self, key: str, rate: int) -> bytes | None:
        """The samples; None when they are not there, damaged, or of another rate."""
        body = self._read(_sound(key))
        if body is None:
            return None
        if len(body) >= _HEADER.size:
            magic, stored_rate, _, length, digest = _HEADER.unpack_from(body)
            samples = body[_HEADER.size :]
            if magic == _MAGIC and stored_rate == rate and length == len(samples) and _sha256(samples) == digest:
                return samples
        self._damage(_sound(key))
        return None

    def save_sound(self, key: str, samples: bytes, rate: int) -> None:
        """Stores a sound. A failure to write is logged and no error: the sound is played all the same."""
        header = _HEADER.pack(_MAGIC, rate, 0, len(samples), _sha256(samples))
        self._write(_sound(key), header, samples)

    def load_response(self, key: str) -> dict[str, Any] | None:
        """What was stored about a request; None when nothing was or it is damaged."""
        body = self._read(_response(key))
        if body is None:
            return None
        digest, _, line = body.partition(b"\n")
        if digest == hashlib.sha256(line).hexdigest().encode():
            stored = json.loads(line)
            if isinstance(stored, dict):
                return stored
        self._damage(_response(key))
        return None

    def save_response(self, key: str, stored: dict[str, Any]) -> None:
        """Stores what is to be known about a request."""
        line = json.dumps(stored, sort_keys=True).encode()
        self._write(_response(key), hashlib.sha256(line).hexdigest().encode() + b"\n", line)

    def remove_response(self, key: str) -> None:
        """Forgets a request."""
        self._remove(_response(key))

    def evict(self) -> None:
        """Removes files that are too old, and the least recently used ones while there are too many bytes."""
        with self._lock:
            self._evicted_at = self._now()
            oldest = sorted(self._files.items(), key=lambda item: item[1].used)
            horizon = self._evicted_at - self._max_seconds
            left, goal = (
                self._bytes,
                self._max_bytes if self._bytes <= self._max_bytes else self._max_bytes * _LOW_WATER,
            )
            doomed = []
            for name, file in oldest:
                if file.used >= horizon and left <= goal:
                    break
                doomed.append(name)
                left -= file.size
        for name in doomed:
            self._remove(name)
        self.evicted += len(doomed)

    def _read(self, name: str) -> bytes | None:
        file = self._files.get(name)
        if file is None:
            return None
        path, now = self._directory / name, self._now()
        try:
            body = path.read_bytes()
            if abs(now - file.used) > _TOUCH_SECONDS:
                os.utime(path, (now, now))
        except OSError as error:
            log.warning("the media cache cannot read %s: %s", name, error.strerror)
            self._remove(name)
            return None
        file.used = now
        return body

    def _write(self, name: str, *parts: bytes) -> None:
        path, partial = self._directory / name, self.partial()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                for part in parts:
                    file.write(part)
            now = self._now()
            os.utime(partial, (now, now))
            partial.replace(path)
        except OSError as error:
            log.warning("the media cache cannot write %s: %s", name, error.strerror)
            partial.unlink(missing_ok=True)
            return
        with self._lock:
            size = sum(len(part) for part in parts)
            old = self._files.get(name)
            self._bytes += size - (old.size if old else 0)
            self._files[name] = _File(size, now)
        if self._bytes > self._max_bytes or now - self._evicted_at > _EVICT_SECONDS:
            self.evict()

    def _damage(self, name: str) -> None:
        log.warning("the media cache's %s is damaged; it is removed", name)
        self.damaged += 1
        self._remove(name)

    def _remove(self, name: str) -> None:
        with self._lock:
            file = self._files.pop(name, None)
            if file is None:
                return
            self._bytes -= file.size
        try:
            (self._directory / name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("the media cache cannot remove %s: %s", name, error.strerror)


def _sound(key: str) -> str:
    return f"sounds/{key[:2]}/{key}.pcm"


def _response(key: str) -> str:
    return f"responses/{key[:2]}/{key}.json"


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
