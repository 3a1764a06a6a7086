"""An inbound call that dials, on the fake engine."""

import asyncio
from collections.abc import Sequence
from typing import Any

from callwright.calls.call import Call
from callwright.calls.control import Dialled, DialPlan, NumberTarget, SipTarget, Target
from callwright.calls.dial import Dial
from tests.calls.fakes import Room

BOB, EVE, ZOE = (SipTarget(f"sip:{name}@host.example") for name in ("bob", "eve", "zoe"))
PHONE = NumberTarget("+15558880000")


class Dialling:
    """An inbound call that dials."""

    def __init__(self, room: Room, call: Call, leg: int, plan: DialPlan) -> None:
        self.room, self.engine, self.call, self.leg = room, room.engine, call, leg
        self.dial = Dial(call, plan)
        self.task: asyncio.Task[Dialled] = asyncio.create_task(self.dial.run())

    @classmethod
    async def begin(cls, room: Room, targets: Sequence[Target], **plan: Any) -> "Dialling":
        async def dialling(call: Call) -> None:
            await call.ended

        room.script = dialling
        call, leg = await room.inbound()
        return cls(room, call, leg, DialPlan(targets, **plan))

    @property
    def children(self) -> list[Call]:
        """The live children, in the order in which they were made."""
        return [call for call in self.room.exchange.live.values() if call.parent is self.call]

    def connected(self, one: int, other: int) -> bool:
        """Whether two nodes hear each other."""
        pairs = {(command.node, command.values["sink"]) for command in self.engine.of("connect")}
        parted = {(command.node, command.values["sink"]) for command in self.engine.of("disconnect")}
        return {(one, other), (other, one)} <= pairs - parted
