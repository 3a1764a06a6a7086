"""The part of the fake engine that knows who is connected with whom."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from callwright.engine import EventKind


@dataclass(frozen=True)
class Command:
    """A command that the engine was given; `node` is the leg or port it is about, 0 for none."""

    name: str
    node: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Happening:
    """An event as the engine makes it."""

    kind: EventKind
    id: int
    code: int = 0
    text: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Patchbay:
    """Buses and connections, as they were commanded."""

    commands: list[Command]
    _ids: "itertools.count[int]"
    _players: set[int]

    def _note(self, name: str, node: int = 0, **values: Any) -> None:
        self.commands.append(Command(name, node, values))

    def bus(self) -> int:
        node = next(self._ids)
        self._note("bus", node)
        return node

    def pause(self, recorder: int, on: bool, silence: bool = True) -> None:
        self._note("pause", recorder, on=on, silence=silence)

    def refer(self, leg: int, uri: str, *, headers: Sequence[tuple[str, str]] = ()) -> int:
        if not uri.startswith("sip"):
            raise ValueError(f"not a SIP URI: {uri}")
        node = next(self._ids)
        self._note("refer", node, leg=leg, uri=uri, headers=list(headers))
        return node

    def permit(self, leg: int, *, blind: bool = False, attended: bool = False) -> None:
        self._note("permit", leg, blind=blind, attended=attended)

    def notify(self, transfer: int, code: int, *, reason: str = "") -> None:
        self._note("notify", transfer, code=code)

    def forget(self, transfer: int) -> None:
        self._note("forget", transfer)

    def judge(self, request: int, *, conclusive: bool = True, delay: float = 0.0) -> None:
        self._note("judge", request=request, conclusive=conclusive, delay=delay)

    def edges(self) -> set[tuple[int, int]]:
        """Who is connected with whom: (source, sink)."""
        found: set[tuple[int, int]] = set()
        for one in self.commands:
            if one.name == "connect":
                found.add((one.node, one.values["sink"]))
            elif one.name == "disconnect":
                found.discard((one.node, one.values["sink"]))
        return found

    def playing(self, sink: int) -> list[Command]:
        """The players and tones to a node that have not ended."""
        return [one for one in self.commands if one.node in self._players and one.values.get("sink") == sink]
