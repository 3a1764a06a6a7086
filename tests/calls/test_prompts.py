"""Prompts: loaded early, played in order."""

import asyncio

import pytest

from callwright.calls.control import File, Keys, Silence, Speech
from callwright.calls.prompts import AHEAD, send_keys
from callwright.engine import EventKind, Sound
from callwright.errors import LegGone, MediaError
from tests.calls.fakes import PATIENCE_S, Room
from tests.calls.jumping import turns


async def test_in_order_and_each_when_the_last_has_ended(room: Room) -> None:
    call, leg = await room.inbound()
    task = asyncio.create_task(call.play([Speech("one", loop=3), Silence(2), File("http://x/two"), Keys("5")]))
    first = await room.engine.until("player")
    assert (first.values["sink"], first.values["loop"], first.values["stop_on_digit"]) == (leg, 3, 0)
    await turns()
    assert len(room.engine.of("player")) == 1 and room.sounds.asked == ["one", "http://x/two"]
    room.engine.played(first.node)
    second = await room.engine.until("player", count=2)
    assert not room.engine.of("send_digits")
    room.engine.played(second.node)
    await task
    assert [one.values["digits"] for one in room.engine.of("send_digits")] == ["5"]


async def test_a_sound_at_hand_is_not_loaded(room: Room) -> None:
    room.sounds.near["http://x/near"] = near = Sound(b"\1\0" * 160, 16000)
    call, _ = await room.inbound()
    call.prefetch([File("http://x/near"), File("http://x/far")])
    task = asyncio.create_task(call.play([File("http://x/near"), File("http://x/near"), File("http://x/far")]))
    for count in (1, 2, 3):
        player = await room.engine.until("player", count=count)
        assert (player.values["sounds"] == [near]) is (count < 3)
        room.engine.played(player.node)
    await task
    assert room.sounds.asked == ["http://x/far"]


async def test_missing_sound(room: Room) -> None:
    room.sounds.missing.add("gone")
    call, _ = await room.inbound()
    with pytest.raises(MediaError) as caught:
        await call.play([Speech("gone")])
    assert caught.value.code == 11200


async def test_player_that_the_bridge_refuses(room: Room) -> None:
    call, _ = await room.inbound()
    task = asyncio.create_task(call.play([Speech("one")]))
    player = await room.engine.until("player")
    room.engine.happen(EventKind.FAILED, player.node, text="the bridge takes no further port")
    with pytest.raises(MediaError, match="no further port"):
        await task


async def test_hang_up_while_it_loads(room: Room) -> None:
    room.sounds.held["slow"] = asyncio.Event()
    call, leg = await room.inbound()
    task = asyncio.create_task(call.play([Speech("slow")]))
    await turns()
    room.engine.end(leg)
    with pytest.raises(LegGone):
        async with asyncio.timeout(PATIENCE_S):
            await task


async def test_cancelled_stops_the_sound(room: Room) -> None:
    call, _ = await room.inbound()
    task = asyncio.create_task(call.play([Speech("one")]))
    player = await room.engine.until("player")
    task.cancel()
    await asyncio.wait({task})
    assert room.engine.of("stop", player.node)


async def test_each_sound_is_loaded_once(room: Room) -> None:
    call, _ = await room.inbound()
    call.prefetch([Speech("one"), Speech("one"), Speech("two")])
    await turns()
    task = asyncio.create_task(call.play([Speech("one")]))
    room.engine.played((await room.engine.until("player")).node)
    await task
    assert room.sounds.asked == ["one", "two"]


async def test_next_document_replaces_what_was_not_played(room: Room) -> None:
    """Or the leftovers of many documents would leave no room to load ahead."""
    call, _ = await room.inbound()
    for document in range(AHEAD + 5):
        call.prefetch([Speech(f"{document}")])
        await turns(2)
    assert len(room.sounds.asked) == AHEAD + 5
    assert len(call.prompter._loading) == 1


async def test_loads_no_more_ahead_than_that(room: Room) -> None:
    call, _ = await room.inbound()
    call.prefetch([Speech(f"{n}") for n in range(AHEAD + 5)])
    await turns()
    assert len(room.sounds.asked) == AHEAD


async def test_end_of_the_call_ends_the_loading(room: Room) -> None:
    room.sounds.held["slow"] = asyncio.Event()
    room.sounds.missing.add("gone")
    call, leg = await room.inbound()
    call.prefetch([Speech("slow"), Speech("gone")])
    await turns()
    tasks = list(call.prompter._loading.values())
    room.engine.end(leg)
    await call.ended
    await turns()
    assert [task.cancelled() or task.exception() is not None for task in tasks] == [True, True]


async def test_keys_with_pauses(room: Room) -> None:
    call, _ = await room.inbound()
    await turns()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await send_keys(call, "1w23W#")
    assert [one.values["digits"] for one in room.engine.of("send_digits")] == ["1", "23", "#"]
    assert loop.time() - began == pytest.approx(0.5 + 1.0, abs=0.2)


async def test_keys_are_waited_for_as_long_as_they_take(room: Room) -> None:
    """It depends on the codec's packets, and on the peer's answers to INFO."""
    room.engine.slow_keys = True
    call, leg = await room.inbound()
    task = asyncio.create_task(send_keys(call, "12"))
    await asyncio.wait({task}, timeout=30)
    assert not task.done()
    room.engine.happen(EventKind.DIGITS_SENT, leg)
    await task


async def test_keys_in_rounds(room: Room) -> None:
    call, leg = await room.inbound()
    await call.play([Keys("7", loop=3)])
    assert len(room.engine.of("send_digits")) == 3
    endless = asyncio.create_task(call.play([Keys("8", loop=0)]))
    await room.engine.until("send_digits", leg, count=50)
    room.engine.end(leg)
    with pytest.raises(LegGone):
        await endless
