"""Who hears whom in a conference: edges from node to node, found anew at every change."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from callwright.calls.conference.participant import Participant

if TYPE_CHECKING:
    from callwright.engine import Engine

Edge = tuple[int, int]
"""(source, sink)."""


def edges(bus: int, participants: Iterable[Participant]) -> frozenset[Edge]:
    """The edges of a conference that has started.

    Whoever is not on hold hears the bus, which leaves his own voice out; whoever is not muted either is heard there,
    unless he coaches: then the one whom he coaches hears him, and nobody else.
    """
    there = {one.call_sid: one for one in participants if one.joined and not one.hold and one.node}
    found = set()
    for one in there.values():
        found.add((bus, one.node))
        if one.muted:
            continue
        if not one.coach:
            found.add((one.node, bus))
        elif (coached := there.get(one.coach)) is not None:
            found.add((one.node, coached.node))
    return frozenset(found)


class Mix:
    """The bus of one conference and what is connected with it."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._edges: frozenset[Edge] = frozenset()
        self.bus = engine.bus()

    def take(self, wanted: frozenset[Edge]) -> None:
        """Makes and breaks connections until they are these."""
        for source, sink in self._edges - wanted:
            self._engine.disconnect(source, sink)
        for source, sink in wanted - self._edges:
            self._engine.connect(source, sink)
        self._edges = wanted

    def close(self) -> None:
        """Breaks them all, and the bus goes."""
        self.take(frozenset())
        self._engine.stop(self.bus)
