"""Names that this machine knows without DNS: its hosts file, and those that RFC 6761 reserves."""

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

FILE = Path("/etc/hosts")
MOST_BYTES = 1 << 20
LOOPBACK = ("127.0.0.1", "::1")


class Hosts:
    """The hosts file, read again when it has changed."""

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self._read_at: tuple[int, int] | None = None
        self._names: Mapping[str, Sequence[str]] = {}

    def addresses(self, name: str) -> Sequence[str] | None:
        """Addresses of a name; empty for one that there can never be; None when only DNS can tell."""
        name = name.rstrip(".").lower()
        if name == "invalid" or name.endswith(".invalid"):
            return ()
        if found := self._current().get(name):
            return found
        return LOOPBACK if name == "localhost" or name.endswith(".localhost") else None

    def _current(self) -> Mapping[str, Sequence[str]]:
        try:
            state = self._file.stat()
            changed = state.st_mtime_ns, state.st_size
            if changed != self._read_at:
                self._read_at = changed
                with self._file.open(encoding="utf-8", errors="replace") as lines:
                    self._names = parse(lines.read(MOST_BYTES))
        except OSError as error:
            if self._read_at is not None:
                logger.warning("%s cannot be read any more: %s", self._file, error.strerror or error)
            self._read_at, self._names = None, {}
        return self._names


def parse(text: str) -> dict[str, list[str]]:
    """Addresses by name (hosts(5)); lines that are none are passed over."""
    names: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *aliases = line.partition("#")[0].split() or [""]
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        for alias in aliases:
            names.setdefault(alias.lower(), []).append(address)
    return names
