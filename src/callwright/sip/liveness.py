"""Bindings that lead nowhere any more: their connection is gone (RFC 5626 §4.5, §7).

A phone that has registered over TCP or TLS is reached by its own connection only. When that is gone it has a short time
to come back; then it is not there, whatever time its registration had left, and those who watch it are told.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

from callwright.sip.binding import Binding, Key
from callwright.sip.registrar import TOGETHER, Registrar

TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Grace:
    """How long a phone whose connection is gone has to come back, in seconds.

    Attributes:
        start: after a start of the daemon, when all of them have lost theirs.
    """

    connection: float = 5.0
    start: float = 60.0


class Liveness:
    """Which bindings have lost their connection, and for how long.

    Args:
        time: a monotonic clock, in seconds.
    """

    def __init__(
        self, registrar: Registrar, grace: Grace | None = None, *, time: Callable[[], float] = time.monotonic
    ) -> None:
        self._registrar, self._grace, self._time = registrar, grace or Grace(), time
        self._at: dict[tuple[str, str, int], set[Key]] = {}  # keys by the far end of their connection
        self._bindings: dict[Key, Binding] = {}
        self._until: dict[Key, float] = {}  # of those that have lost it
        self._due: list[tuple[float, Key]] = []
        self._wake = asyncio.Event()
        registrar.follow(self)
        registrar.stranded = self._until.keys()

    def __len__(self) -> int:
        """How many have lost their connection."""
        return len(self._until)

    def bound(self, binding: Binding) -> None:
        """A phone has registered, and is where it says."""
        if binding.is_connected:
            self._at.setdefault(binding.place, set()).add(binding.key)
            self._bindings[binding.key] = binding

    def released(self, binding: Binding) -> None:
        """A binding is no more, or has another in its place."""
        if not binding.is_connected:
            return
        keys = self._at.get(binding.place, set())
        keys.discard(binding.key)
        if not keys:
            self._at.pop(binding.place, None)
        self._bindings.pop(binding.key, None)
        self._until.pop(binding.key, None)

    def resume(self) -> None:
        """The bindings that the daemon before this one kept have lost their connections with it."""
        for key in tuple(self._bindings):
            self._lost(key, self._grace.start)

    def closed(self, transport: str, host: str, port: int) -> None:
        """A connection is gone."""
        for key in tuple(self._at.get((transport, host, port), ())):
            self._lost(key, self._grace.connection)

    def _lost(self, key: Key, seconds: float) -> None:
        until = self._time() + seconds
        if until < self._until.get(key, until + 1):
            self._until[key] = until
            heapq.heappush(self._due, (until, key))
            self._wake.set()

    async def serve(self) -> None:
        """Drops the bindings whose phones have not come back in time, until cancelled."""
        while True:
            if not self._due:
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(min(TICK_S, max(0.0, self._due[0][0] - self._time())))
            await self.expire()

    async def expire(self) -> None:
        """Drops those whose time is up."""
        now, dropped = self._time(), 0
        while self._due and self._due[0][0] <= now:
            until, key = heapq.heappop(self._due)
            if self._until.get(key) != until:
                continue  # it has come back, or is gone
            self._registrar.drop(self._bindings[key], "connection", "its connection is gone")
            dropped += 1
            if dropped % TOGETHER == 0:
                await asyncio.sleep(0)
