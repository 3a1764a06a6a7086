"""Who answers a placed call (call-control reference §2.3), on a fake engine with synthesised answers."""

import asyncio

import numpy as np

from callwright.calls.application import Application, Hook
from callwright.calls.call import Call
from callwright.calls.control import DialPlan, MachinePlan, NumberTarget
from callwright.calls.dial import dial
from callwright.calls.order import CallOrder
from callwright.media.machine import Thresholds
from tests.calls.fakes import NUMBER, Room
from tests.calls.jumping import after, turns
from tests.harness.spoken import quiet, spoken
from tests.harness.tones import Pcm
from tests.media.answers import GREETINGS

AMD, STATUS = Hook("http://app.example/amd"), Hook("http://app.example/status")
PERSON = np.concatenate([quiet(0.3), spoken("hello?"), quiet(2.0)])
MACHINE = np.concatenate([quiet(0.3), spoken(GREETINGS[0]), quiet(3.0)])


async def say(room: Room, leg: int, pcm: Pcm) -> None:
    """Says something, in pieces of 60 ms that come in their own time."""
    data = pcm.tobytes()
    for start in range(0, len(data), 960):
        room.engine.say(leg, data[start : start + 960])
        await turns()
        await after(0.06)


async def placed(room: Room, plan: MachinePlan) -> tuple[str, int]:
    """A call that was answered just now: its SID and its leg."""
    application = Application(voice=Hook("http://app.example/voice"), status_callback=STATUS)
    order = CallOrder(room.account, "+15550009999", NUMBER, application, machine=plan)
    sid = await room.switchboard.place(order)
    leg = await room.engine.called()
    room.engine.answer_of(leg)
    await room.engine.until("tap")
    return sid, leg


async def test_the_document_waits_for_the_verdict(room: Room) -> None:
    sid, leg = await placed(room, MachinePlan(Thresholds(), wait=True))
    await say(room, leg, spoken(GREETINGS[0])[:8000])
    assert room.sessions == []
    await say(room, leg, spoken(GREETINGS[0])[8000:])
    [session] = room.sessions
    params = session.call.parameters()
    assert params["AnsweredBy"] == "machine_start" and 2400 <= int(params["MachineDetectionDuration"]) < 3200
    assert room.rows.row("calls", sid)["answered_by"] == "machine_start"
    assert room.endpoint.taps == {}
    room.engine.end(leg)
    await turns()
    assert room.posts.of(STATUS.url)[-1]["AnsweredBy"] == "machine_start"


async def test_the_document_does_not_wait(room: Room) -> None:
    sid, leg = await placed(room, MachinePlan(Thresholds(), callback=AMD))
    [session] = room.sessions
    assert room.posts.of(AMD.url) == []
    await say(room, leg, PERSON)
    [posted] = room.posts.of(AMD.url)
    assert set(posted) == {"CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"}
    assert (posted["CallSid"], posted["AnsweredBy"]) == (sid, "human")
    assert "AnsweredBy" not in session.call.parameters()
    assert room.rows.row("calls", sid)["answered_by"] == "human"
    room.engine.end(leg)
    await turns()
    assert room.posts.of(STATUS.url)[-1]["AnsweredBy"] == "human"


async def test_a_greeting_is_heard_to_its_end(room: Room) -> None:
    _, leg = await placed(room, MachinePlan(Thresholds(to_end=True), callback=AMD))
    await say(room, leg, MACHINE)
    assert room.posts.of(AMD.url)[0]["AnsweredBy"] == "machine_end_silence"
    room.engine.end(leg)


async def test_who_hangs_up_before_it_is_known_is_unknown(room: Room) -> None:
    _, leg = await placed(room, MachinePlan(Thresholds(), callback=AMD))
    await say(room, leg, quiet(1.0))
    room.engine.end(leg)
    await turns()
    [posted] = room.posts.of(AMD.url)
    assert posted["AnsweredBy"] == "unknown" and room.endpoint.taps == {}


async def test_who_hangs_up_while_the_document_waits(room: Room) -> None:
    sid, leg = await placed(room, MachinePlan(Thresholds(), wait=True))
    room.engine.end(leg)
    await turns()
    assert room.sessions == [] and room.rows.row("calls", sid)["status"] == "completed"
    assert room.rows.row("calls", sid)["answered_by"] == "unknown"


async def test_without_any_sound_nobody_can_tell(room: Room) -> None:
    """The engine gives no sample at all: the time-out holds."""
    began = asyncio.get_running_loop().time()
    _, leg = await placed(room, MachinePlan(Thresholds(timeout=3000), wait=True))
    async with asyncio.timeout(60):
        while not room.sessions:
            await after(0.1)
    assert room.sessions[0].call.parameters()["AnsweredBy"] == "unknown"
    assert 3 <= asyncio.get_running_loop().time() - began < 7
    room.engine.end(leg)


async def test_a_dialled_party(room: Room) -> None:
    """The parties talk at once; the verdict is the child's, and comes when it comes."""

    async def script(call: Call) -> None:
        target = NumberTarget("+15550009999", machine=MachinePlan(Thresholds(), callback=AMD))
        await dial(call, DialPlan([target], time_limit=100))

    room.script = script
    call, caller = await room.inbound()
    callee = await room.engine.called()
    room.engine.answer_of(callee)
    await room.engine.until("connect", caller)
    await room.engine.until("tap")
    await say(room, callee, PERSON)
    [posted] = room.posts.of(AMD.url)
    child = next(sid for (sid,), row in room.rows.tables["calls"].items() if row["parent_call_sid"] == call.sid)
    assert (posted["CallSid"], posted["AnsweredBy"]) == (child, "human")
    assert room.rows.row("calls", child)["answered_by"] == "human"
    room.engine.end(callee)
    room.engine.end(caller)
