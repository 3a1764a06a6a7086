"""Who gets whom: the first who waits and the first who asks (call-control reference §1.7)."""

import asyncio
from typing import Any

import pytest

from callwright.calls.queue.plan import UNKNOWN
from callwright.calls.queue.queue import Claim, Member, Queue
from callwright.errors import RoomError
from tests.calls.fakes import Room
from tests.calls.jumping import after


@pytest.fixture
def queue(room: Room) -> Queue:
    return room.rooms.queues.open(room.exchange.store, room.account.sid, "support", 3)


async def member(room: Room, queue: Queue) -> Member:
    call, _ = await room.inbound()
    one = queue.enter(call, 1000)
    queue.wait(one, asyncio.get_running_loop().create_future())
    return one


async def claim(room: Room) -> Claim:
    call, _ = await room.inbound()
    return Claim(call, None, asyncio.get_running_loop().create_future())


def taker(one: Member) -> Any:
    assert one.taken is not None
    return one.taken.result() if one.taken.done() else None


async def test_the_first_gets_the_first(room: Room, queue: Queue) -> None:
    a, b = await member(room, queue), await member(room, queue)
    assert (a.position, b.position, queue.average_wait) == (1, 2, 0)
    first, second, third = [await claim(room) for _ in range(3)]
    for one in (first, second, third):
        queue.claim(one)
    assert (taker(a), taker(b)) == (first, second)
    assert (a.position, b.position, queue.members, queue.idle) == (0, 0, [], False)
    c = await member(room, queue)
    assert taker(c) is third and queue.idle


async def test_given_back_to_the_head(room: Room, queue: Queue) -> None:
    a, b = await member(room, queue), await member(room, queue)
    queue.claim(await claim(room))
    await after(10)
    queue.give_back(a)
    assert [one.position for one in (a, b)] == [1, 2]
    assert queue.average_wait == 10 and a.seconds == 10


async def test_the_clock_stands_when_it_is_taken(room: Room, queue: Queue) -> None:
    a = await member(room, queue)
    await after(7)
    queue.claim(await claim(room))
    await after(7)
    assert a.seconds == 7


async def test_one_who_asked_first_is_first_again(room: Room, queue: Queue) -> None:
    waiting, again = await claim(room), await claim(room)
    queue.claim(waiting)
    queue.claim(again, first=True)
    a = await member(room, queue)
    assert taker(a) is again


async def test_withdrawn(room: Room, queue: Queue) -> None:
    one = await claim(room)
    queue.claim(one)
    assert queue.withdraw(one) and not queue.withdraw(one)
    a = await member(room, queue)
    assert taker(a) is None
    queue.claim(one)
    assert one.ready.result() is None  # nobody else is wanted


async def test_one_whose_call_is_gone_gets_nobody(room: Room, queue: Queue) -> None:
    gone = await claim(room)
    queue.claim(gone)
    gone.ready.cancel()
    a = await member(room, queue)
    assert taker(a) is None and queue.members == [a]


async def test_leaving(room: Room, queue: Queue) -> None:
    a = await member(room, queue)
    assert a.waiting and a.leave() and not a.leave() and not a.waiting
    queue.remove(a)
    queue.remove(a)
    assert queue.average_wait == 0 and queue.idle


async def test_full(room: Room, queue: Queue) -> None:
    for _ in range(3):
        await member(room, queue)
    with pytest.raises(RoomError) as full:
        await member(room, queue)
    assert full.value.code == 14207 != UNKNOWN
