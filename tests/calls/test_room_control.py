from tests.calls.fakes import Room
from tests.calls.queue.test_enqueue import Party


async def test_a_call_that_waits_nowhere(room: Room) -> None:
    call, _ = await room.inbound()
    assert not call.rooms.waiting and not call.rooms.leave()


async def test_one_that_is_taken_waits_no_longer(room: Room) -> None:
    caller = await Party.waits(room)
    assert caller.call.rooms.waiting
    agent = await Party.dials(room)
    assert not caller.call.rooms.waiting and not caller.call.rooms.leave()
    assert caller.talks_with(agent) and not agent.call.rooms.waiting
    room.engine.end(agent.leg)
    await caller.task
    assert caller.call.member is None
