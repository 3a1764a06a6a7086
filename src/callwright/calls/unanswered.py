"""Callers whose dials have not been answered yet: what is asked of such a leg waits for the answer (RFC 5589 §7.6)."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Unanswered:
    """By the nodes of the callers' legs."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[Callable[[], None]]] = {}

    def __len__(self) -> int:
        """How many dials."""
        return len(self._waiting)

    @contextmanager
    def ringing(self, node: int) -> Iterator[None]:
        """A dial of this leg has not been answered while the block runs, unless it is `settled` before."""
        waiting: list[Callable[[], None]] = []
        self._waiting[node] = waiting
        try:
            yield
        finally:
            if self._waiting.get(node) is waiting:
                self.settled(node)

    def settled(self, node: int) -> None:
        """The dial of a leg has been answered, or is over."""
        for then in self._waiting.pop(node, ()):
            asyncio.get_running_loop().call_soon(then)

    def wait(self, node: int, then: Callable[[], None]) -> bool:
        """Calls `then` once the dial of a leg has been answered, or is over; False when none rings."""
        if (waiting := self._waiting.get(node)) is None:
            return False
        waiting.append(then)
        return True
