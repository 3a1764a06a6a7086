"""Whatever callers and agents do, nobody talks with two, nobody is lost, and nothing is left."""

import asyncio
import random
from collections.abc import Callable

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop
from callwright.calls.call import Call
from tests.calls.fakes import SETTINGS, Room
from tests.calls.jumping import after, turns
from tests.calls.queue.test_enqueue import WAIT, WHISPER, Party, support

STEPS = 60
PLENTY = {"trunk": [{**SETTINGS["trunk"][0], "max_calls": 300, "calls_per_second": 1000}]}


class Chance:
    """Does something to a queue, by a seeded chance."""

    def __init__(self, room: Room, seed: int) -> None:
        self.room, self.random = room, random.Random(seed)
        self.callers: list[Party] = []
        self.agents: list[Party] = []

        async def document(call: Call) -> None:
            await call.pause(self.random.choice([1, 5]))

        room.programmes.work = {WAIT.url: document, WHISPER.url: document}

    async def step(self) -> None:
        there = [one for one in (*self.callers, *self.agents) if not one.task.done()]
        match self.random.randrange(8 if there else 3):
            case 0 | 1:
                wait: Hook | Backdrop = self.random.choice([WAIT, Backdrop.MUSIC, Backdrop.SILENCE])
                self.callers.append(await Party.waits(self.room, wait=wait, max_size=4))
            case 2:
                whisper = self.random.choice([None, WHISPER])
                self.agents.append(
                    await Party.dials(self.room, whisper=whisper, timeout=10.0, time_limit=15.0, hangup_on_star=True)
                )
            case 3:
                self.room.engine.end(self.random.choice(there).leg)
            case 4:
                self.random.choice(there).task.cancel()
            case 5:
                self.room.engine.digit(self.random.choice(there).leg, "*")
            case 6:
                self.random.choice(there).call.rooms.leave()
            case 7:
                await after(self.random.choice([1, 6, 20]))

    def check(self) -> None:
        """Each talks with at most one, who talks with him; who waits does not talk."""
        edges = self.room.engine.edges()
        legs = {one.leg for one in (*self.callers, *self.agents)}
        talking = {(source, sink) for source, sink in edges if source in legs and sink in legs}
        assert {(sink, source) for source, sink in talking} == talking
        assert len({source for source, _ in talking}) == len(talking)
        done = {one.leg for one in (*self.callers, *self.agents) if one.task.done()}
        assert not done & {source for source, _ in talking}
        if self.room.rooms.queues.find(self.room.account.sid, "support") is None:
            return
        waiting = [member.call.sid for member in support(self.room).members]
        assert len(set(waiting)) == len(waiting) <= 4
        nodes = {one.leg for one in self.callers if one.call.sid in waiting}
        assert not nodes & {source for source, _ in talking}
        assert [member.position for member in support(self.room).members] == list(range(1, len(waiting) + 1))


@pytest.mark.parametrize("seed", range(25))
async def test_nobody_is_lost(rooms: Callable[..., Room], seed: int) -> None:
    room = rooms(**PLENTY)
    chance = Chance(room, seed)
    await Party.waits(room, max_size=4)
    for _ in range(STEPS):
        await chance.step()
        await turns()
        chance.check()
    for call in tuple(room.exchange.live.values()):
        call.hang_up()
    await turns()
    parties = [*chance.callers, *chance.agents]
    await asyncio.gather(*(one.task for one in parties), return_exceptions=True)
    failed = [one.task.exception() for one in parties if not one.task.cancelled() and one.task.exception()]
    assert failed == []
    assert support(room).idle and room.engine.edges() == set()
    await turns()
    assert all(room.engine.playing(one.leg) == [] for one in parties)
