"""Collecting digits (call-control reference §1.4)."""

import asyncio

import pytest

from callwright.calls.control import File, Gathered, GatherPlan, Silence, Speech
from callwright.calls.gather import Collector, gather
from callwright.errors import LegGone
from callwright.sip.leg import Digit
from tests.calls.fakes import Room
from tests.calls.jumping import after, timers, turns


def press(collector: Collector, keys: str) -> None:
    for key in keys:
        collector.on_digit(Digit(key, 100, "rfc4733"))


@pytest.fixture
async def done() -> "asyncio.Future[Gathered]":
    return asyncio.get_running_loop().create_future()


async def test_finishing_key_is_no_digit(done: "asyncio.Future[Gathered]") -> None:
    collector = Collector(GatherPlan(), done, None)
    press(collector, "12#3")
    assert await done == Gathered("12", finished_on="#")


async def test_finishing_key_alone(done: "asyncio.Future[Gathered]") -> None:
    press(Collector(GatherPlan(finish_on="*"), done, None), "*")
    assert await done == Gathered("", finished_on="*")


async def test_no_finishing_key(done: "asyncio.Future[Gathered]") -> None:
    press(Collector(GatherPlan(finish_on="", max_digits=3), done, None), "#*A4")
    assert await done == Gathered("#*A")


async def test_clock_starts_anew_with_each_key(done: "asyncio.Future[Gathered]") -> None:
    loop = asyncio.get_running_loop()
    collector = Collector(GatherPlan(timeout=5), done, None)
    began = loop.time()
    collector.start_clock()
    await after(4)
    press(collector, "1")
    await after(4)
    press(collector, "2")
    assert await done == Gathered("12")
    assert loop.time() - began == pytest.approx(13, abs=0.5)


async def test_stopped_clock_never_ends_it(done: "asyncio.Future[Gathered]") -> None:
    collector = Collector(GatherPlan(timeout=1), done, None)
    collector.start_clock()
    collector.stop_clock()
    await after(10)
    assert not done.done()


async def test_time_runs_from_the_end_of_the_prompts(room: Room) -> None:
    call, _ = await room.inbound()
    loop = asyncio.get_running_loop()
    gathering = asyncio.create_task(gather(call, GatherPlan(prompts=[Speech("press"), Silence(2)], timeout=3)))
    player = await room.engine.until("player")
    await after(60)
    began = loop.time()
    room.engine.played(player.node)
    assert await gathering == Gathered("")
    assert loop.time() - began == pytest.approx(5, abs=0.5)


async def test_key_stops_the_prompts(room: Room) -> None:
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, GatherPlan(prompts=[Speech("one"), Speech("two")], max_digits=2)))
    player = await room.engine.until("player")
    assert player.values["stop_on_digit"] == leg
    room.engine.digit(leg, "1")
    await turns()
    assert room.engine.of("stop", player.node) and len(room.engine.of("player")) == 1
    room.engine.digit(leg, "2")
    assert await gathering == Gathered("12")


async def test_missing_prompt_is_passed_over(room: Room) -> None:
    room.sounds.missing.add("http://app.example/gone.wav")
    call, leg = await room.inbound()
    prompts = [File("http://app.example/gone.wav"), Speech("two")]
    gathering = asyncio.create_task(gather(call, GatherPlan(prompts=prompts, max_digits=1)))
    await room.engine.until("player")
    room.engine.digit(leg, "7")
    assert await gathering == Gathered("7")
    assert ("warning", 11200) in [(kind, data.get("code")) for kind, data in room.rows.steps(call.sid)]


async def test_no_timer_is_left(room: Room) -> None:
    call, leg = await room.inbound()
    await turns()
    before = timers()
    gathering = asyncio.create_task(gather(call, GatherPlan(timeout=86400)))
    await turns()
    assert timers() == before + 1
    room.engine.digit(leg, "1", "#")
    assert await gathering == Gathered("1", finished_on="#")
    assert timers() == before


async def test_hang_up_while_prompting(room: Room) -> None:
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, GatherPlan(prompts=[Speech("one")])))
    await room.engine.until("player")
    room.engine.end(leg)
    with pytest.raises(LegGone):
        await gathering


async def test_hang_up_while_a_prompt_loads(room: Room) -> None:
    room.sounds.held["slow"] = asyncio.Event()
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, GatherPlan(prompts=[Speech("slow")])))
    await turns()
    room.engine.end(leg)
    with pytest.raises(LegGone):
        await gathering
    assert room.engine.of("player") == []


async def test_cancelled_leaves_nothing(room: Room) -> None:
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, GatherPlan(prompts=[Speech("one")])))
    player = await room.engine.until("player")
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await turns()
    assert room.engine.of("stop", player.node)
    room.engine.digit(leg, "1")
    await after(60)
    assert not call.status.final and call.leg is not None and call.leg._waiters == set()
