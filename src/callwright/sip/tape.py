"""A recording in progress, and what is known of its file afterwards."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Taped:
    """A finished recording file. Times in ms; first_voice and last_voice are -1 when nothing but silence was heard."""

    path: str
    duration: int
    voiced: int
    first_voice: int
    last_voice: int
    dropped: int
    error: str


class Tape:
    """One recording in progress: connect legs to its channels, stop it, wait for the file."""

    def __init__(self, endpoint: "Endpoint", nodes: tuple[int, ...], limit: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self.nodes = nodes
        self.limit = limit
        self._recorded: asyncio.Future[Taped] = endpoint.loop.create_future()

    def connect(self, leg: Leg, channel: int = 0) -> None:
        """Records what this leg says on a channel."""
        self._endpoint.engine.connect(leg.node, self.nodes[channel])

    def listen(self, node: int) -> None:
        """Records what any node, a bus too, gives to be heard."""
        self._endpoint.engine.connect(node, self.nodes[0])

    def overhear(self, leg: Leg, channel: int = 0) -> None:
        """Records what this leg hears on a channel."""
        self._endpoint.engine.overhear(leg.node, self.nodes[channel])

    def pause(self, on: bool, *, silence: bool = True) -> None:
        """Pauses, or goes on. Paused time is written as silence, or left out."""
        self._endpoint.engine.pause(self.nodes[0], on, silence)

    async def stop(self) -> Taped:
        """Ends the recording (once; later calls only wait) and returns the finished file."""
        self._endpoint.engine.stop(self.nodes[0])
        return await asyncio.shield(self._recorded)

    def on_recorded(self, taped: Taped) -> None:
        """The engine closed the file."""
        self._recorded.set_result(taped)
