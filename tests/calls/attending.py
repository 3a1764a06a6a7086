"""Calls in conferences and queues, on the fake engine."""

import asyncio
from typing import Any

from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.conference.conference import Conference
from callwright.calls.conference.participant import Participant
from callwright.calls.conference.plan import EVENTS, ConferencePlan, ConferenceSettings
from callwright.calls.control import Dialled, StatusCallback
from tests.calls.fakes import Room
from tests.calls.jumping import turns

TOLD = Hook("http://app.example/conference")
ALL = StatusCallback(TOLD, EVENTS)
SETTINGS = ConferenceSettings(callback=ALL)


class Attendance:
    """One call that takes part in a conference."""

    def __init__(self, room: Room, call: Call, leg: int, task: "asyncio.Task[Dialled | None]") -> None:
        self.room, self.call, self.leg, self.task = room, call, leg, task

    @classmethod
    async def begin(cls, room: Room, name: str = "room", **plan: Any) -> "Attendance":
        """A call that has joined, or was not let in. Beeps are off unless the plan says otherwise."""

        async def waiting(call: Call) -> None:
            await call.ended

        room.script = waiting
        call, leg = await room.inbound()
        quiet = {"beep_on_enter": False, "beep_on_exit": False, "settings": SETTINGS}
        task = asyncio.create_task(call.rooms.confer(ConferencePlan(name, **{**quiet, **plan})))
        await turns()
        return cls(room, call, leg, task)

    @property
    def conference(self) -> Conference:
        """The conference that it is in."""
        return next(one for one in self.room.rooms.conferences if self.call.sid in one.participants)

    @property
    def participant(self) -> Participant:
        """Itself in it."""
        return self.conference.participants[self.call.sid]

    async def leaves(self) -> Dialled | None:
        """Its caller hangs up."""
        self.room.engine.end(self.leg)
        return await self.task


def events(room: Room) -> list[str]:
    """The events that were posted, in order."""
    return [posted["StatusCallbackEvent"] for posted in room.posts.of(TOLD.url)]


def heard(room: Room, *attending: Attendance) -> set[tuple[int, int]]:
    """Who hears whom by a bus or directly: (index of the source, of the sink)."""
    edges = room.engine.edges()
    nodes = [one.leg for one in attending]
    buses = {command.node for command in room.engine.of("bus")}
    found = set()
    for source in range(len(nodes)):
        for sink in range(len(nodes)):
            by_bus = any((nodes[source], bus) in edges and (bus, nodes[sink]) in edges for bus in buses)
            if source != sink and (by_bus or (nodes[source], nodes[sink]) in edges):
                found.add((source, sink))
    return found
