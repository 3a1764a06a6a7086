"""Waiting in a queue, and what ends it (call-control reference §1.7)."""

import asyncio
from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop
from callwright.calls.call import Call
from callwright.calls.queue.plan import DequeuePlan, Enqueued, EnqueuePlan, QueueResult
from callwright.calls.queue.queue import Queue
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

ACTION, WAIT, WHISPER = (Hook(f"http://app.example/{name}") for name in ("action", "wait", "whisper"))


class Party:
    """A call that waits in the queue "support", or dials it."""

    def __init__(self, room: Room, call: Call, leg: int, task: "asyncio.Task[Any]") -> None:
        self.room, self.call, self.leg, self.task = room, call, leg, task

    @classmethod
    async def _begin(cls, room: Room, work: Any) -> "Party":
        async def waiting(call: Call) -> None:
            await call.ended

        room.script = waiting
        call, leg = await room.inbound()
        task = asyncio.create_task(work(call))
        await turns()
        return cls(room, call, leg, task)

    @classmethod
    async def waits(cls, room: Room, **plan: Any) -> "Party":
        """It waits; without music unless the plan says otherwise."""
        whole = EnqueuePlan("support", **{"wait": Backdrop.SILENCE, "action": ACTION, **plan})
        return await cls._begin(room, lambda call: call.rooms.enqueue(whole))

    @classmethod
    async def dials(cls, room: Room, **plan: Any) -> "Party":
        """It dials the queue."""
        return await cls._begin(room, lambda call: call.rooms.dequeue(DequeuePlan("support", **plan)))

    async def redirected(self) -> None:
        """A request takes the call away."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def talks_with(self, other: "Party") -> bool:
        """Whether they hear each other."""
        return {(self.leg, other.leg), (other.leg, self.leg)} <= self.room.engine.edges()


def support(room: Room) -> Queue:
    queue = room.rooms.queues.find(room.account.sid, "support")
    assert queue is not None
    return queue


async def test_a_queue_is_made_by_the_first_and_stays(room: Room) -> None:
    first = await Party.waits(room, max_size=7)
    queue = support(room)
    row = room.rows.row("queues", queue.sid)
    assert (row["friendly_name"], row["max_size"], row["account_sid"]) == ("support", 7, room.account.sid)
    room.engine.end(first.leg)
    result = await first.task
    assert result == Enqueued(QueueResult.HANGUP, queue.sid, 0, hung_up=True)
    assert support(room) is queue and queue.members == [] and queue.idle


async def test_they_talk_until_the_agent_hangs_up(room: Room) -> None:
    caller = await Party.waits(room)
    await after(12)
    agent = await Party.dials(room)
    assert caller.talks_with(agent) and support(room).members == []
    await after(5)
    room.engine.end(agent.leg)
    assert await caller.task == Enqueued(QueueResult.BRIDGED, support(room).sid, 12)
    dialled = await agent.task
    assert (dialled.status, dialled.hung_up, dialled.call_sid) == ("completed", True, caller.call.sid)
    assert (dialled.queue.result, dialled.queue.waited, dialled.queue.duration) == ("bridged", 12, 5)
    assert not caller.talks_with(agent) and not caller.call.status.final


async def test_they_talk_until_the_caller_hangs_up(room: Room) -> None:
    caller = await Party.waits(room)
    agent = await Party.dials(room)
    room.engine.end(caller.leg)
    assert (await caller.task).result is QueueResult.BRIDGED
    dialled = await agent.task
    assert (dialled.status, dialled.hung_up, dialled.bridged) == ("completed", False, True)


async def test_music_stops_when_somebody_comes(room: Room) -> None:
    caller = await Party.waits(room, wait=Backdrop.MUSIC)
    (player,) = room.engine.playing(caller.leg)
    assert player.values["sounds"] == [room.music.one] and player.values["loop"] == 0
    await Party.dials(room)
    assert room.engine.playing(caller.leg) == []


async def test_wait_documents_again_and_again_with_the_position(room: Room) -> None:
    async def document(call: Call) -> None:
        await call.pause(10)

    room.programmes.work[WAIT.url] = document
    first = await Party.waits(room)
    await Party.waits(room, wait=WAIT)
    await after(25)
    asked = [params for url, params in room.programmes.asked if url == WAIT.url]
    assert [params["QueueTime"] for params in asked] == ["0", "10", "20"]
    assert {params["QueuePosition"] for params in asked} == {"2"}
    assert asked[0]["CurrentQueueSize"] == "2" and asked[2]["AvgQueueTime"] == "20"
    await first.redirected()
    await after(10)
    assert room.programmes.asked[-1][1]["QueuePosition"] == "1"


async def test_music_in_place_of_a_document_that_fails(room: Room) -> None:
    caller = await Party.waits(room, wait=WAIT)
    assert len(room.engine.playing(caller.leg)) == 1
    warned = [data["code"] for kind, data in room.rows.steps(caller.call.sid) if kind == "warning"]
    assert warned == [11200]


async def test_leave(room: Room) -> None:
    caller = await Party.waits(room)
    assert caller.call.rooms.waiting and caller.call.rooms.leave()
    assert not caller.call.rooms.waiting and not caller.call.rooms.leave()
    assert await caller.task == Enqueued(QueueResult.LEAVE, support(room).sid, 0)
    assert not caller.call.rooms.leave()


async def test_full_by_its_own_size_and_by_the_calls(room: Room) -> None:
    first = await Party.waits(room, max_size=2)
    second = await Party.waits(room, max_size=1)
    assert await second.task == Enqueued(QueueResult.FULL, support(room).sid)
    await Party.waits(room)
    fourth = await Party.waits(room)
    assert (await fourth.task).result is QueueResult.FULL
    warned = [data["code"] for kind, data in room.rows.steps(fourth.call.sid) if kind == "warning"]
    assert warned == [14207]
    room.engine.end(first.leg)
    await first.task
    fifth = await Party.waits(room)
    assert not fifth.task.done()


@pytest.mark.parametrize("bridged", [False, True])
async def test_a_request_takes_it_away(room: Room, bridged: bool) -> None:
    """The action is told by a callback."""
    caller = await Party.waits(room)
    agent = await Party.dials(room) if bridged else None
    await caller.redirected()
    (told,) = room.posts.of(ACTION.url)
    result = "redirected-from-bridged" if bridged else "redirected"
    assert (told["QueueResult"], told["QueueSid"], told["CallSid"]) == (result, support(room).sid, caller.call.sid)
    assert support(room).members == []
    if agent is not None:
        assert (await agent.task).status == "completed"


async def test_a_whisper_before_they_talk(room: Room) -> None:
    async def document(call: Call) -> None:
        await call.pause(4)

    room.programmes.work[WHISPER.url] = document
    caller = await Party.waits(room)
    await after(3)
    agent = await Party.dials(room, whisper=WHISPER)
    asked = {"QueueSid": support(room).sid, "QueueTime": "3", "DequeingCallSid": agent.call.sid}
    assert room.programmes.asked == [(WHISPER.url, asked)]
    assert not caller.talks_with(agent)
    await after(4.1)
    await turns()
    assert caller.talks_with(agent)


async def test_a_whisper_that_fails_keeps_nobody_apart(room: Room) -> None:
    caller = await Party.waits(room)
    agent = await Party.dials(room, whisper=WHISPER)
    assert caller.talks_with(agent)


async def whispering(room: Room) -> tuple[Party, Party]:
    """A caller who hears a whisper without end, and the agent who waits for him."""

    async def document(call: Call) -> None:
        await call.pause(1000)

    room.programmes.work[WHISPER.url] = document
    caller = await Party.waits(room)
    return caller, await Party.dials(room, whisper=WHISPER)


async def test_an_agent_who_goes_during_the_whisper_gives_the_caller_back(room: Room) -> None:
    caller, agent = await whispering(room)
    behind = await Party.waits(room)
    room.engine.end(agent.leg)
    dialled = await agent.task
    assert (dialled.status, dialled.hung_up, dialled.bridged) == ("canceled", True, False)
    await turns()
    assert [member.call for member in support(room).members] == [caller.call, behind.call]
    other = await Party.dials(room)
    assert caller.talks_with(other)


async def test_a_caller_who_goes_during_the_whisper_is_followed_by_the_next(room: Room) -> None:
    caller, agent = await whispering(room)
    room.engine.end(caller.leg)
    assert (await caller.task).result is QueueResult.HANGUP
    del room.programmes.work[WHISPER.url]
    other = await Party.waits(room)
    assert other.talks_with(agent)


async def test_nobody_follows_in_time(room: Room) -> None:
    caller, agent = await whispering(room)
    await after(40)
    room.engine.end(caller.leg)
    assert (await agent.task).status == "no-answer"
    assert support(room).idle


async def test_a_request_during_the_whisper(room: Room) -> None:
    caller, agent = await whispering(room)
    await caller.redirected()
    assert room.posts.of(ACTION.url)[0]["QueueResult"] == "bridging-in-process"
    assert not agent.task.done()
