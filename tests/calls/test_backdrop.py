"""What plays to a node: prompts, documents, music."""

import asyncio

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Loudspeaker, Programme
from callwright.calls.control import File, Keys, Silence, Speech
from callwright.errors import ApplicationError, MediaError
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

BUS = 77
A, B = File("http://app.example/a.wav", 3), Speech("Hello")
HOOK = Hook("http://app.example/document")


@pytest.fixture
def loudspeaker(room: Room) -> Loudspeaker:
    return Loudspeaker(room.exchange, room.account, BUS)


async def test_prompts_one_after_the_other(room: Room, loudspeaker: Loudspeaker) -> None:
    """Each as often as it says; keys are nobody's sound."""
    playing = asyncio.create_task(loudspeaker.play([A, Keys("123"), Silence(5), B]))
    first = await room.engine.until("player")
    assert (first.values["sink"], first.values["loop"], room.sounds.asked) == (BUS, 3, [A.url])
    room.engine.played(first.node)
    await after(4.9)
    assert len(room.engine.of("player")) == 1
    second = await room.engine.until("player", count=2)
    assert (second.values["loop"], room.sounds.asked) == (1, [A.url, B.text])
    room.engine.played(second.node)
    await playing
    assert room.engine.of("send_digits") == []


async def test_a_sound_that_is_missing(room: Room, loudspeaker: Loudspeaker) -> None:
    room.sounds.missing.add(B.text)
    with pytest.raises(MediaError) as missing:
        await loudspeaker.play([B])
    assert missing.value.code == 11200


async def test_music_until_it_is_cancelled(room: Room, loudspeaker: Loudspeaker) -> None:
    playing = asyncio.create_task(loudspeaker.music())
    player = await room.engine.until("player")
    assert (player.values["sounds"], player.values["loop"]) == ([room.music.one], 0)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    await turns()
    assert room.engine.playing(BUS) == []


@pytest.mark.parametrize(("endless", "loop"), [(True, 0), (False, 3)])
async def test_a_sound_file_in_place_of_a_document(
    room: Room, loudspeaker: Loudspeaker, endless: bool, loop: int
) -> None:
    room.programmes.of[HOOK.url] = [Programme((A,), endless=True)]
    playing = asyncio.create_task(loudspeaker.documents(HOOK, {"A": "1"}, endless=endless))
    player = await room.engine.until("player")
    assert (player.values["loop"], room.programmes.asked) == (loop, [(HOOK.url, {"A": "1"})])
    room.engine.played(player.node)
    await playing


async def test_a_document_that_cannot_be_had(loudspeaker: Loudspeaker) -> None:
    with pytest.raises(ApplicationError):
        await loudspeaker.documents(HOOK, {})
