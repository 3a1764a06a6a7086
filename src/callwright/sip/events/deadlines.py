"""What ends when: keys in the order of time."""

import heapq
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
M = TypeVar("M", datetime, float)


class Deadlines(Generic[K, M]):
    """Keys, each with the moment at which it is due: of the wall clock, or in seconds of another one."""

    def __init__(self) -> None:
        self._heap: list[tuple[M, int, K]] = []
        self._when: dict[K, M] = {}
        self._number = 0

    def __len__(self) -> int:
        """How many keys wait."""
        return len(self._when)

    def put(self, key: K, when: M) -> None:
        """From now on it is due then, and not when it was before."""
        self._when[key] = when
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, key))
        if len(self._heap) > 2 * len(self._when) + 64:  # of what was renewed or dropped
            self._heap = [entry for entry in self._heap if self._when.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def drop(self, key: K) -> None:
        """It is not due any more. Unknown: no-op."""
        self._when.pop(key, None)

    def due(self, now: M) -> Iterator[K]:
        """Those whose time has come, the earliest first; each is dropped."""
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heapq.heappop(self._heap)
            if self._when.get(key) == when:
                del self._when[key]
                yield key
