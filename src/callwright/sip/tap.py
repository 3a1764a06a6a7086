"""A tap: what a leg or another node says, as samples that Python may read."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint

NOTIFY_MS = 60
"""How much sound comes at a time, when nobody says."""
CAPACITY_MS = 2000


class Tap:
    """What one node says, from now on until `close`.

    Args:
        hear: called on the loop with int16 little-endian mono samples at `rate`, some `notify` ms of them at a
            time; after a stop of more than two seconds the oldest are missing.

    Attributes:
        rate: Hz.
    """

    def __init__(self, endpoint: "Endpoint", node: int, hear: Callable[[bytes], None], notify: int) -> None:
        self._endpoint = endpoint
        self._hear = hear
        self.rate = endpoint.engine.clock_rate
        self.port = endpoint.engine.tap(capacity=CAPACITY_MS, notify=notify)
        endpoint.taps[self.port] = self
        endpoint.engine.connect(node, self.port)

    def on_tapped(self) -> None:
        """The engine has samples."""
        if samples := self._endpoint.engine.read_tap(self.port):
            self._hear(samples)

    def close(self) -> None:
        """Hears no more. Idempotent."""
        if self._endpoint.taps.pop(self.port, None) is not None:
            self._endpoint.engine.stop(self.port)
