"""Whatever phones ask for and whoever leaves, nobody talks with two, nobody is lost, and nothing is left."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from callwright.calls.call import Call
from callwright.calls.status import CallStatus
from tests.calls.dialling import BOB, Dialling
from tests.calls.fakes import SETTINGS, Room
from tests.calls.jumping import after, turns
from tests.calls.queue.test_enqueue import Party
from tests.calls.test_bridge import REFER, Scripts, asks

STEPS = 120
PLENTY = {"trunk": [{**SETTINGS["trunk"][0], "max_calls": 500, "calls_per_second": 1000}]}


class Chance:
    """Does something to calls, by a seeded chance.

    Attributes:
        tasks: of dials and queues.
    """

    def __init__(self, room: Room, seed: int) -> None:
        self.room, self.random = room, random.Random(seed)
        self.tasks: list[asyncio.Task[Any]] = []
        self.ringing: list[int] = []
        self.transfers = 900

    def live(self) -> list[int]:
        """The legs that are there, and not about to end."""
        calls = self.room.exchange.live.values()
        return [call.leg.node for call in calls if call.leg is not None and not call.leg.ending and call.leg.node]

    async def step(self) -> None:
        """One thing."""
        acts = [*[self.dial] * 4, *[self.refer] * 6, self.answer, self.queue, self.queue, self.bye_answered]
        await self.random.choice([*acts, self.leave, self.star, self.redirect, self.take_a_place, self.time])()
        await turns()

    async def dial(self) -> None:
        plan = {"refer": self.random.choice([None, REFER]), "time_limit": self.random.choice([30.0, 900.0])}
        count = len(self.room.engine.of("originate"))
        dialling = await Dialling.begin(self.room, [BOB], hangup_on_star=True, timeout=20.0, **plan)
        self.tasks.append(dialling.task)
        leg = await self.room.engine.called(count + 1)
        if self.random.random() < 0.7:
            self.room.engine.answer_of(leg)
        else:
            self.ringing.append(leg)

    async def answer(self) -> None:
        """Or a refusal."""
        if self.ringing and (leg := self.ringing.pop()) in self.live():
            if self.random.random() < 0.6:
                self.room.engine.answer_of(leg)
            else:
                self.room.engine.end(leg, 486)

    async def refer(self) -> None:
        """As far as the engine lets it through."""
        permits = {one.node: one.values for one in self.room.engine.of("permit")}
        asking = [node for node in self.live() if permits.get(node, {}).get("attended")]
        if not asking:
            return
        leg, self.transfers = self.random.choice(asking), self.transfers + 1
        if permits[leg]["blind"] and self.random.random() < 0.2:
            asks(self.room, leg, transfer=self.transfers)
            return
        talking = [node for node in self.room.exchange.bridges if node in self.live()]
        named = self.random.choice(talking if self.random.random() < 0.8 else self.live())
        asks(self.room, leg, replaced=named, transfer=self.transfers)
        if self.random.random() < 0.2:  # and something else at the same moment
            await self.random.choice([self.leave, self.redirect, self.refer])()

    async def leave(self) -> None:
        if live := self.live():
            self.room.engine.end(self.random.choice(live))

    async def star(self) -> None:
        if live := self.live():
            self.room.engine.digit(self.random.choice(live), "*")

    async def redirect(self) -> None:
        if going := [task for task in self.tasks if not task.done()]:
            self.random.choice(going).cancel()

    async def take_a_place(self) -> None:
        if live := self.live():
            self.room.engine.incoming(replaced=self.random.choice(live))

    async def queue(self) -> None:
        party = await self.random.choice([Party.waits, Party.dials])(self.room)
        self.tasks.append(party.task)

    async def time(self) -> None:
        await after(self.random.choice([1, 1, 5, 40]))

    async def bye_answered(self) -> None:
        """Of all who were sent one."""
        for call in tuple(self.room.exchange.live.values()):
            if call.leg is not None and call.leg.ending and not call.leg.gone:
                self.room.engine.end(call.leg.node, by="local")

    def check(self) -> None:
        """Who hears somebody is heard by him, and by nobody else; who was let go by his dial has somebody."""
        live = set(self.live())
        edges = {(one, other) for one, other in self.room.engine.edges() if one in live and other in live}
        assert {(other, one) for one, other in edges} == edges
        assert len({one for one, _ in edges}) == len(edges)
        talking = {one for one, _ in self.room.engine.edges()}  # also with one whose BYE is not answered yet
        served = set(self.room.exchange.scripts.served)  # type: ignore[attr-defined]  # the test's own
        lost = [call for call in self.room.exchange.live.values() if self.is_nobodys(call) and call not in served]
        assert [call.leg.node for call in lost if call.leg and call.leg.node in live - talking] == []

    def is_nobodys(self, call: Call) -> bool:
        """Whether neither a dial nor a document of its own has it."""
        return call.taken.done() and call.status is CallStatus.IN_PROGRESS


@pytest.mark.parametrize("seed", range(30))
async def test_nobody_is_lost(rooms: Callable[..., Room], seed: int) -> None:
    room = rooms(**PLENTY)
    object.__setattr__(room.exchange, "scripts", Scripts(room))
    room.engine.slow = seed % 2 == 1  # a BYE has to be answered
    chance = Chance(room, seed)
    for _ in range(STEPS):
        await chance.step()
        chance.check()
    room.engine.slow = False
    await chance.bye_answered()
    for call in tuple(room.exchange.live.values()):
        call.hang_up()
    await turns()
    await asyncio.gather(*chance.tasks, return_exceptions=True)
    failed = [task.exception() for task in chance.tasks if not task.cancelled() and task.exception()]
    assert failed == []
    assert [one.values["code"] for one in room.engine.of("notify")].count(200) >= 3, "some were carried out"
    assert room.exchange.live == {} and room.exchange.bridges == {} and len(room.exchange.unanswered) == 0
    assert room.engine.edges() == set()
