"""Dialling a queue (call-control reference §1.6, Queue)."""

from callwright.calls.control import Dialled, DialRecording
from callwright.calls.status import CallStatus
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns
from tests.calls.queue.test_enqueue import Party, support
from tests.calls.test_bridge import asks, edges, talking


async def test_no_such_queue(room: Room) -> None:
    agent = await Party.dials(room)
    assert await agent.task == Dialled("failed")
    warned = [data["code"] for kind, data in room.rows.steps(agent.call.sid) if kind == "warning"]
    assert warned == [14212]


async def test_nobody_comes_in_time(room: Room) -> None:
    room.rooms.queues.open(room.exchange.store, room.account.sid, "support", 10)
    agent = await Party.dials(room, timeout=20.0)
    assert len(room.engine.of("tone")) == 1
    await after(19)
    assert not agent.task.done() and not support(room).idle
    dialled = await agent.task
    assert (dialled.status, dialled.bridged, dialled.queue.result) == ("no-answer", False, "timeout")
    assert support(room).idle


async def test_the_next_who_comes(room: Room) -> None:
    room.rooms.queues.open(room.exchange.store, room.account.sid, "support", 10)
    first, second = await Party.dials(room), await Party.dials(room)
    caller = await Party.waits(room)
    assert caller.talks_with(first) and not second.task.done()
    tones = [command.node for command in room.engine.of("tone")]
    assert room.engine.of("stop", tones[0]) and not room.engine.of("stop", tones[1])


async def test_it_is_answered_by_the_talk_alone(room: Room) -> None:
    """answerOnBridge: no tones, 180 until somebody is there."""
    room.rooms.queues.open(room.exchange.store, room.account.sid, "support", 10)
    agent = await Party.dials(room, answer_on_bridge=True)
    assert agent.call.status is CallStatus.RINGING and room.engine.of("tone") == []
    await Party.waits(room)
    assert agent.call.status is CallStatus.IN_PROGRESS


async def test_star_while_waiting_and_while_talking(room: Room) -> None:
    room.rooms.queues.open(room.exchange.store, room.account.sid, "support", 10)
    waiting = await Party.dials(room, hangup_on_star=True)
    room.engine.digit(waiting.leg, "1", "*")
    dialled = await waiting.task
    assert (dialled.status, dialled.hung_up) == ("canceled", False)
    caller = await Party.waits(room)
    agent = await Party.dials(room, hangup_on_star=True)
    room.engine.digit(agent.leg, "1")
    room.engine.digit(caller.leg, "*")
    await turns()
    assert [command.values["digits"] for command in room.engine.of("send_digits", caller.leg)] == ["1"]
    assert [command.values["digits"] for command in room.engine.of("send_digits", agent.leg)] == ["*"]
    room.engine.digit(agent.leg, "*")
    assert (await agent.task).status == "completed"
    assert (await caller.task).hung_up is False


async def test_time_limit(room: Room) -> None:
    caller = await Party.waits(room)
    agent = await Party.dials(room, time_limit=60.0)
    dialled = await agent.task
    assert (dialled.status, dialled.duration) == ("completed", 60)
    assert not (await caller.task).hung_up


async def test_recording(room: Room) -> None:
    await Party.waits(room)
    agent = await Party.dials(room, recording=DialRecording(dual=True), time_limit=5.0)
    recorder = await room.engine.until("recorder")
    assert recorder.values["channels"] == 2
    dialled = await agent.task
    assert dialled.recording is not None
    row = room.rows.row("recordings", dialled.recording.sid)
    assert (row["source"], row["status"], row["call_sid"]) == ("DialVerb", "completed", agent.call.sid)


async def test_the_agent_leaves_while_waiting(room: Room) -> None:
    room.rooms.queues.open(room.exchange.store, room.account.sid, "support", 10)
    agent = await Party.dials(room)
    room.engine.end(agent.leg)
    dialled = await agent.task
    assert (dialled.status, dialled.hung_up, dialled.queue.result) == ("canceled", True, "hangup")
    caller = await Party.waits(room)
    assert not caller.task.done() and support(room).members[0].call is caller.call


async def test_a_request_takes_the_agent_away(room: Room) -> None:
    caller = await Party.waits(room)
    agent = await Party.dials(room)
    await agent.redirected()
    assert not caller.talks_with(agent)
    assert str((await caller.task).result) == "bridged"


# transfers (RFC 5589 §7)


async def test_the_agent_leaves_the_caller_with_whom_it_has_called(room: Room) -> None:
    """The caller's time in the queue goes on; the agent's dial is over."""
    caller, agent = await Party.waits(room), await Party.dials(room)
    second, other, right = await talking(room)
    asks(room, agent.leg, replaced=second.leg)
    dialled = await agent.task
    assert (dialled.status, dialled.hung_up, dialled.queue.result) == ("completed", True, "bridged")
    assert (await second.task).hung_up and not caller.task.done()
    assert edges(room, caller.leg, agent.leg, right) == {(caller.leg, right), (right, caller.leg)}
    await after(30)
    room.engine.end(right)
    waited = await caller.task
    assert (str(waited.result), waited.hung_up) == ("bridged", False)
    assert await other.ended is CallStatus.COMPLETED
    assert room.exchange.bridges == {} and len(room.exchange.unanswered) == 0


async def test_the_agent_leaves_the_caller_with_somebody_who_waits_in_a_dial(room: Room) -> None:
    """Both go on with their documents."""
    caller, agent = await Party.waits(room), await Party.dials(room)
    second, child, right = await talking(room)
    asks(room, right, replaced=agent.leg)
    assert (await agent.task).hung_up and await child.ended is CallStatus.COMPLETED
    await turns()
    assert edges(room, caller.leg, agent.leg, second.leg, right) == {
        (caller.leg, second.leg),
        (second.leg, caller.leg),
    }
    await caller.redirected()
    dialled = await second.task
    assert (dialled.status, dialled.hung_up) == ("completed", False)
    assert edges(room, caller.leg, second.leg) == set() and room.exchange.bridges == {}


async def test_the_caller_leaves_the_agent_with_somebody_else(room: Room) -> None:
    """The agent's dial of the queue goes on; the caller's time in it is over."""
    caller, agent = await Party.waits(room), await Party.dials(room)
    second, _, right = await talking(room)
    asks(room, caller.leg, replaced=second.leg)
    waited = await caller.task
    assert (str(waited.result), waited.hung_up) == ("bridged", True)
    await turns()
    assert edges(room, caller.leg, agent.leg, right) == {(agent.leg, right), (right, agent.leg)}
    room.engine.end(right)
    assert (await agent.task).status == "completed"
