"""Sounds in memory: one copy each, however many calls play it."""

import weakref
from collections import OrderedDict
from typing import Generic, TypeVar

S = TypeVar("S")


class _Live(weakref.ref[S]):
    """A sound that somebody may still hold: its key and its size."""

    __slots__ = ("key", "size")
    key: str
    size: int


class Memory(Generic[S]):
    """Keeps the most recently used sounds alive up to a number of bytes, and finds any other that is still in use.

    Belongs to the event loop's thread; a sound may die in any.

    Args:
        max_bytes: of samples that are kept without anybody using them.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[S, int]] = OrderedDict()
        self._live: dict[str, _Live[S]] = {}
        self.bytes = 0
        """Samples that are kept."""

    def __len__(self) -> int:
        """Sounds that are alive."""
        return len(self._live)

    def get(self, key: str) -> S | None:
        """The sound, if it is alive."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        live = self._live.get(key)
        sound = live() if live is not None else None
        if live is not None and sound is not None:
            self._keep(key, sound, live.size)
        return sound

    def add(self, key: str, sound: S, size: int, *, keep: bool = True) -> S:
        """Shares a sound and returns it; the one that is already there, when there is one.

        Args:
            size: bytes of samples.
            keep: whether it may outlive its users.
        """
        present = self.get(key)
        if present is not None:
            return present
        live: _Live[S] = _Live(sound, self._died)
        live.key, live.size = key, size if keep else self._max_bytes + 1
        self._live[key] = live
        self._keep(key, sound, live.size)
        return sound

    def _keep(self, key: str, sound: S, size: int) -> None:
        if size > self._max_bytes:
            return
        self._kept[key] = (sound, size)
        self.bytes += size
        while self.bytes > self._max_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self.bytes -= freed

    def _died(self, live: "weakref.ref[S]") -> None:
        assert isinstance(live, _Live)
        if self._live.get(live.key) is live:
            del self._live[live.key]
