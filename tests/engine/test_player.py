"""Players: what is heard of a list of sounds, sample by sample, and how playing ends."""

import asyncio
import gc
import time
import weakref

import numpy as np
import pytest

from callwright.engine import EventKind, Sound
from tests.engine.bridge import Bridge, noise, start_of, trimmed

NOBODY = 999_999


async def test_sounds_follow_each_other_without_a_gap_sample_for_sample(bridge: Bridge) -> None:
    first, second, third = noise(1237, seed=1), noise(321, seed=3), noise(8011, seed=5)
    tap = bridge.tap()

    player = bridge.engine.player([bridge.sound(first), bridge.sound(second), bridge.sound(third)], sink=tap)
    played = await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(3)

    whole = np.concatenate([first, second, third])
    heard = bridge.heard(tap)
    start = start_of(heard)
    assert start % bridge.frame == 0
    assert np.array_equal(heard[start : start + len(whole)], whole)
    assert not heard[start + len(whole) :].any()
    assert played.text == "finished"
    assert played.detail == {"position": len(whole) * 1000 // 16000, "digit": ""}


async def test_played_comes_while_the_last_frame_is_heard(bridge: Bridge) -> None:
    tap = bridge.tap()
    length = 10 * bridge.frame

    player = bridge.engine.player([bridge.sound(noise(length))], sink=tap)
    await bridge.event(EventKind.PLAYED, player)

    assert len(trimmed(bridge.heard(tap))) <= length
    await bridge.pass_time(2)
    assert len(trimmed(bridge.heard(tap))) == length


async def test_the_next_player_continues_where_the_first_has_ended(bridge: Bridge) -> None:
    first, second = noise(10 * bridge.frame, seed=1), noise(5 * bridge.frame, seed=3)
    tap = bridge.tap()

    player = bridge.engine.player([bridge.sound(first)], sink=tap)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.event(EventKind.PLAYED, bridge.engine.player([bridge.sound(second)], sink=tap))
    await bridge.pass_time(2)

    heard = trimmed(bridge.heard(tap))
    gap = len(heard) - len(first) - len(second)
    assert gap % bridge.frame == 0
    assert gap <= 2 * bridge.frame  # Python took part: none on an idle machine
    assert np.array_equal(heard[: len(first)], first)
    assert np.array_equal(heard[-len(second) :], second)


@pytest.mark.parametrize("length", [1, 319, 320, 321, 640])
async def test_any_length_ends_exactly(bridge: Bridge, length: int) -> None:
    pcm = noise(length)
    tap = bridge.tap()

    player = bridge.engine.player([bridge.sound(pcm)], sink=tap)
    played = await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)
    assert played.detail["position"] == length * 1000 // 16000


async def test_the_whole_list_is_repeated(bridge: Bridge) -> None:
    sounds = [noise(777, seed=1), noise(50, seed=3)]
    tap = bridge.tap()

    player = bridge.engine.player([bridge.sound(pcm) for pcm in sounds], sink=tap, loop=3)
    played = await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    whole = np.concatenate(sounds * 3)
    assert np.array_equal(trimmed(bridge.heard(tap)), whole)
    assert played.detail["position"] == len(whole) * 1000 // 16000


async def test_loop_zero_plays_until_it_is_stopped(bridge: Bridge) -> None:
    pcm = noise(500)
    tap = bridge.tap()

    player = bridge.engine.player([bridge.sound(pcm)], sink=tap, loop=0)
    await bridge.hear(tap, 1.0)
    assert bridge.of(player) == []
    bridge.engine.stop(player)
    played = await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(3)

    heard = trimmed(bridge.heard(tap))
    assert np.array_equal(heard, np.resize(pcm, len(heard)))
    assert played.text == "stopped"
    assert abs(played.detail["position"] - len(heard) / 16) <= 20
    assert not bridge.heard(tap)[-bridge.frame :].any()


async def test_an_ended_player_is_told_once(bridge: Bridge) -> None:
    tap = bridge.tap()
    player = bridge.engine.player([bridge.sound(noise(320))], sink=tap)
    await bridge.event(EventKind.PLAYED, player)

    bridge.engine.stop(player)
    bridge.engine.stop(player)
    bridge.engine.stop(NOBODY)
    await bridge.pass_time(5)

    assert len(bridge.of(player)) == 1


async def test_nothing_to_play_finishes_at_once(bridge: Bridge) -> None:
    silent = bridge.sound(noise(0))
    for sounds, loop in (([], 1), ([silent], 1), ([silent, silent], 0)):
        player = bridge.engine.player(sounds, sink=NOBODY, loop=loop)
        played = await bridge.event(EventKind.PLAYED, player)
        assert (played.text, played.detail["position"]) == ("finished", 0)
    assert silent.duration == 0
    assert bridge.engine.counts()["ports"] == 1  # the ticker


async def test_empty_sounds_are_passed_over(bridge: Bridge) -> None:
    pcm, empty = noise(400), bridge.sound(noise(0))
    tap = bridge.tap()

    player = bridge.engine.player([empty, bridge.sound(pcm), empty, bridge.sound(pcm), empty], sink=tap, loop=2)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    assert np.array_equal(trimmed(bridge.heard(tap)), np.tile(pcm, 4))


async def test_a_player_without_a_listener_waits_and_loses_nothing(bridge: Bridge) -> None:
    pcm = noise(1000)
    tap = bridge.tap()

    player = bridge.engine.player([bridge.sound(pcm)], sink=0)
    await bridge.pass_time(10)
    assert bridge.of(player) == []
    bridge.engine.connect(player, tap)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


async def test_a_sink_that_is_gone_ends_the_player(bridge: Bridge) -> None:
    player = bridge.engine.player([bridge.sound(noise(16000))], sink=NOBODY, loop=0)

    played = await bridge.event(EventKind.PLAYED, player)

    assert (played.text, played.detail["position"]) == ("stopped", 0)
    await bridge.rest()


async def test_players_to_one_sink_are_added(bridge: Bridge) -> None:
    pcm = noise(5000)
    tap = bridge.tap()
    sound = bridge.sound(pcm)

    players = [bridge.engine.player([sound], sink=tap) for _ in range(3)]
    for player in players:
        await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    heard = trimmed(bridge.heard(tap))
    assert len(heard) <= len(pcm) + 2 * bridge.frame  # the three commands may fall into two ticks
    if len(heard) == len(pcm):
        assert np.array_equal(heard, 3 * pcm)


async def test_one_player_is_heard_by_several_sinks(bridge: Bridge) -> None:
    pcm = noise(3000)
    taps = [bridge.tap() for _ in range(5)]

    player = bridge.engine.player([bridge.sound(pcm)], sink=0)
    for tap in taps:
        bridge.engine.connect(player, tap)
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    for tap in taps[1:]:
        heard = trimmed(bridge.heard(tap))
        assert np.array_equal(heard, pcm[len(pcm) - len(heard) :])
    assert np.array_equal(trimmed(bridge.heard(taps[0])), pcm)


async def test_many_players_share_one_native_copy(bridge: Bridge) -> None:
    pcm = noise(16000)
    sound = bridge.sound(pcm)
    taps = [bridge.tap() for _ in range(100)]

    players = [bridge.engine.player([sound, sound], sink=tap) for tap in taps]
    assert bridge.sounds == 1
    for player in players:
        assert (await bridge.event(EventKind.PLAYED, player)).text == "finished"
    await bridge.pass_time(2)

    whole = np.tile(pcm, 2)
    assert all(np.array_equal(trimmed(bridge.heard(tap)), whole) for tap in taps)
    for tap in taps:
        bridge.engine.stop(tap)
    await bridge.rest(sounds=1)


async def test_a_sound_lives_as_long_as_it_is_played(bridge: Bridge) -> None:
    pcm = noise(48000)  # collecting a large process's garbage may take a second
    tap = bridge.tap()
    sound = bridge.sound(pcm)
    known = weakref.ref(sound)

    player = bridge.engine.player([sound], sink=tap)
    del sound
    gc.collect()
    assert known() is None
    assert bridge.sounds == 1
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)
    bridge.engine.stop(tap)
    await bridge.rest(sounds=0)


async def test_playing_goes_on_while_python_is_busy(bridge: Bridge) -> None:
    pcm = noise(16000)
    tap = bridge.tap()
    player = bridge.engine.player([bridge.sound(pcm)], sink=tap)
    await bridge.hear(tap, 0.2)

    busy_until = time.monotonic() + 0.5
    while time.monotonic() < busy_until:  # holds the GIL and the event loop
        pass
    await bridge.event(EventKind.PLAYED, player)
    await bridge.pass_time(2)

    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


async def test_commands_from_several_threads(bridge: Bridge) -> None:
    pcm = noise(640)
    sound = bridge.sound(pcm)

    def play() -> list[int]:
        return [bridge.engine.player([sound], sink=0) for _ in range(50)]

    players = [id_ for ids in await asyncio.gather(*(asyncio.to_thread(play) for _ in range(4))) for id_ in ids]
    assert len(set(players)) == 200
    for player in players:
        bridge.engine.stop(player)
    for player in players:
        assert (await bridge.event(EventKind.PLAYED, player)).text == "stopped"
    await bridge.rest(sounds=1)


async def test_what_plays_at_the_close_is_stopped(bridge: Bridge) -> None:
    tap = bridge.tap()
    player = bridge.engine.player([bridge.sound(noise(320))], sink=tap, loop=0)
    unheard = bridge.engine.player([bridge.sound(noise(320))], sink=0)
    await bridge.hear(tap, 0.1)

    bridge.close()

    assert [event.text for event in bridge.of(player) + bridge.of(unheard)] == ["stopped", "stopped"]
    assert bridge.sounds == 0
    with pytest.raises(RuntimeError, match="closed"):
        bridge.engine.player([bridge.sound(noise(320))], sink=tap)


def test_a_sound_checks_its_arguments() -> None:
    with pytest.raises(ValueError, match="even number"):
        Sound(b"\0\0\0", 8000)
    for rate in (7999, 48001, 0, -1):
        with pytest.raises(ValueError, match="8000 to 48000"):
            Sound(b"\0\0", rate)
    sound = Sound(bytes(2 * 44100), 44100)
    assert (sound.duration, sound.clock_rate) == (1.0, 44100)


async def test_a_player_checks_its_arguments(bridge: Bridge) -> None:
    tap = bridge.tap()
    with pytest.raises(ValueError, match="clock rate"):
        bridge.engine.player([Sound(bytes(320), 8000)], sink=tap)
    with pytest.raises(ValueError, match="loop"):
        bridge.engine.player([], sink=tap, loop=-1)
    with pytest.raises(TypeError):
        bridge.engine.player([None], sink=tap)  # type: ignore[list-item]  # what is wrong is the point
    with pytest.raises(TypeError):
        bridge.engine.player([], sink=-1)
