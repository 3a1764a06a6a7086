"""The library against a real server: what is fetched, when, and what is played."""

import asyncio
import gc
import logging
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web

from callwright import signing
from callwright.errors import MediaError
from callwright.media.library import Library
from callwright.media.limits import MediaLimits
from callwright.media.speech.protocol import Utterance
from tests.harness import tones
from tests.media.conftest import ACCOUNT, OTHER, WAV, Clock, Opener, Sound, code_of, pitch
from tests.media.fileserver import FileServer, Gate, file_server

OTHER_WAV = tones.wav_bytes(tones.tone(600, 0.5, rate=16000), 16000)


# sharing


async def test_a_hundred_identical_requests_are_one(library: Library[Sound], server: FileServer) -> None:
    gate = Gate()

    async def gated(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(body=WAV)

    url = server.handle("/a.wav", gated)
    waiting = [asyncio.create_task(library.file(url, ACCOUNT)) for _ in range(100)]
    await gate.arrived.wait()
    gate.opened.set()
    found = await asyncio.gather(*waiting)
    assert server.count("/a.wav") == 1
    assert all(sound is found[0] for sound in found)
    assert library.counters == {"joined": 99, "fetched": 1, "decoded": 1}


async def test_a_failure_is_told_to_all_who_wait_and_is_not_remembered(
    library: Library[Sound], server: FileServer
) -> None:
    gate = Gate()

    async def failing(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(status=500)

    url = server.handle("/a.wav", failing)
    waiting = [asyncio.create_task(library.file(url, ACCOUNT)) for _ in range(5)]
    await gate.arrived.wait()
    gate.opened.set()
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, MediaError) and outcome.code == 11200
    server.serve("/a.wav", WAV)
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(1000, abs=2)


async def test_a_caller_who_leaves_does_not_end_the_fetch_for_the_others(
    library: Library[Sound], server: FileServer
) -> None:
    gate = Gate()

    async def gated(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(body=WAV)

    url = server.handle("/a.wav", gated)
    first, second = (asyncio.create_task(library.file(url, ACCOUNT)) for _ in range(2))
    await gate.arrived.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.opened.set()
    assert (await second).rate == 16000
    assert server.count("/a.wav") == 1


async def test_closing_ends_what_is_under_way(opened: Opener, server: FileServer) -> None:
    library, gate = await opened(), Gate()

    async def gated(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(body=WAV)

    waiting = asyncio.create_task(library.file(server.handle("/a.wav", gated), ACCOUNT))
    await gate.arrived.wait()
    await library.close()
    with pytest.raises(MediaError, match="closing"):
        await waiting
    gate.opened.set()


async def test_one_content_is_one_sound_whatever_its_urls_and_accounts(
    library: Library[Sound], server: FileServer
) -> None:
    one, two = (server.serve(path, WAV, Cache_Control="max-age=60") for path in ("/1.wav", "/2.wav"))
    found = [await library.file(one, ACCOUNT), await library.file(two, ACCOUNT), await library.file(one, OTHER)]
    assert all(sound is found[0] for sound in found)
    assert server.count("/1.wav") == 2  # a signed answer belongs to the account that asked
    assert library.counters["decoded"] == 1
    assert server.requests[2].headers["X-Twilio-Signature"] == signing.signature(OTHER.auth_token, one)


async def test_sounds_in_use_are_shared_beyond_the_memory_bound(opened: Opener, server: FileServer) -> None:
    library = await opened(limits=MediaLimits(memory_bytes=1000))
    url = server.serve("/a.wav", WAV, Cache_Control="max-age=60")

    async def play_twice() -> None:
        sound = await library.file(url, ACCOUNT)
        assert await library.file(url, ACCOUNT) is sound

    await asyncio.create_task(play_twice())
    assert library.memory_bytes == 0
    assert library.counters["disk"] == 0
    gc.collect()
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(1000, abs=2)
    assert library.counters["disk"] == 1
    assert server.count("/a.wav") == 1


# freshness


async def test_a_fresh_file_is_played_without_a_request(
    library: Library[Sound], server: FileServer, now: Clock
) -> None:
    url = server.serve("/a.wav", WAV, Cache_Control="max-age=60", Date=formatdate(now.at, usegmt=True))
    sound = await library.file(url, ACCOUNT)
    now.at += 59
    assert await library.file(url, ACCOUNT) is sound
    assert server.count("/a.wav") == 1
    now.at += 2
    server.serve("/a.wav", OTHER_WAV)
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(600, abs=2)
    assert server.count("/a.wav") == 2


async def test_what_is_fresh_and_in_memory_is_at_hand(library: Library[Sound], server: FileServer, now: Clock) -> None:
    url = server.serve("/a.wav", WAV, Cache_Control="max-age=60", Date=formatdate(now.at, usegmt=True))
    assert library.at_hand(url, ACCOUNT) is None and library.at_hand("nowhere", ACCOUNT) is None
    sound = await library.file(url, ACCOUNT)
    assert library.at_hand(url, ACCOUNT) is sound and library.at_hand(url, OTHER) is None
    now.at += 61
    assert library.at_hand(url, ACCOUNT) is None
    assert server.count("/a.wav") == 1


async def test_an_etag_is_revalidated_and_304_keeps_the_sound(library: Library[Sound], server: FileServer) -> None:
    url = server.serve_validated("/a.wav", WAV, '"one"')
    sound = await library.file(url, ACCOUNT)
    assert await library.file(url, ACCOUNT) is sound
    assert [request.headers.get("If-None-Match") for request in server.requests] == [None, '"one"']
    assert library.counters["revalidated"] == 1
    server.serve_validated("/a.wav", OTHER_WAV, '"two"')
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(600, abs=2)
    await library.file(url, ACCOUNT)
    assert server.requests[-1].headers["If-None-Match"] == '"two"'


async def test_last_modified_is_revalidated_too(library: Library[Sound], server: FileServer, now: Clock) -> None:
    stamp = formatdate(now.at, usegmt=True)
    url = server.serve("/a.wav", WAV, Last_Modified=stamp, Date=stamp)
    await library.file(url, ACCOUNT)
    server.serve("/a.wav", b"", status=304)
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(1000, abs=2)
    assert server.requests[1].headers["If-Modified-Since"] == stamp


async def test_a_304_renews_the_lifetime(library: Library[Sound], server: FileServer, now: Clock) -> None:
    url = server.serve_validated(
        "/a.wav", WAV, '"one"', Cache_Control="max-age=10", Date=formatdate(now.at, usegmt=True)
    )
    await library.file(url, ACCOUNT)
    now.at += 11
    fresh = {"Cache_Control": "max-age=10", "Date": formatdate(now.at, usegmt=True)}
    server.serve_validated("/a.wav", WAV, '"one"', **fresh)
    await library.file(url, ACCOUNT)
    now.at += 9
    await library.file(url, ACCOUNT)
    assert server.count("/a.wav") == 2


async def test_without_any_caching_header_each_play_asks_again_but_decodes_once(
    library: Library[Sound], server: FileServer
) -> None:
    url = server.serve("/a.wav", WAV)
    for _ in range(3):
        await library.file(url, ACCOUNT)
    assert server.count("/a.wav") == 3
    assert library.counters["decoded"] == 1


async def test_no_store_leaves_nothing_behind(library: Library[Sound], server: FileServer, tmp_path: Path) -> None:
    url = server.serve("/a.wav", WAV, Cache_Control="no-store, max-age=60", ETag='"x"')
    await asyncio.create_task(library.file(url, ACCOUNT))
    gc.collect()
    await library.file(url, ACCOUNT)
    assert server.count("/a.wav") == 2
    assert library.counters["decoded"] == 2
    assert "If-None-Match" not in server.requests[1].headers
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    assert library.memory_bytes == 0


async def test_no_cache_always_asks(library: Library[Sound], server: FileServer) -> None:
    url = server.serve_validated("/a.wav", WAV, '"x"', Cache_Control="no-cache, max-age=60")
    await library.file(url, ACCOUNT)
    await library.file(url, ACCOUNT)
    assert server.requests[1].headers["If-None-Match"] == '"x"'


async def test_a_temporary_redirect_is_asked_again_though_its_target_is_fresh(
    library: Library[Sound], server: FileServer
) -> None:
    server.serve_validated("/one.wav", WAV, '"1"', Cache_Control="max-age=600")
    server.serve_validated("/two.wav", OTHER_WAV, '"2"', Cache_Control="max-age=600")
    url = server.serve("/a.wav", b"", status=302, Location="/one.wav")
    await library.file(url, ACCOUNT)
    await library.file(url, ACCOUNT)
    assert server.requests[-1].headers["If-None-Match"] == '"1"'
    server.serve("/a.wav", b"", status=302, Location="/two.wav")
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(600, abs=2)
    assert "If-None-Match" not in server.requests[-1].headers  # the condition was about another URL


async def test_a_redirect_with_a_lifetime_is_taken_for_granted(library: Library[Sound], server: FileServer) -> None:
    server.serve("/one.wav", WAV, Cache_Control="max-age=600")
    url = server.serve("/a.wav", b"", status=302, Location="/one.wav", Cache_Control="max-age=600")
    await library.file(url, ACCOUNT)
    await library.file(url, ACCOUNT)
    assert len(server.requests) == 2


async def test_a_stale_copy_stands_in_only_if_its_server_allowed_it(
    library: Library[Sound], server: FileServer, now: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    date = formatdate(now.at, usegmt=True)
    lenient = server.serve("/lenient.wav", WAV, Cache_Control="max-age=1, stale-if-error=60", Date=date)
    strict = server.serve("/strict.wav", WAV, Cache_Control="max-age=1", Date=date)
    sound = await library.file(lenient, ACCOUNT)
    await library.file(strict, ACCOUNT)
    now.at += 30
    for path in ("/lenient.wav", "/strict.wav"):
        server.serve(path, b"", status=503)
    with caplog.at_level(logging.WARNING):
        assert await library.file(lenient, ACCOUNT) is sound
    assert "stale-if-error" in caplog.text
    assert await code_of(library, strict) == 11200
    server.serve("/lenient.wav", b"", status=404)
    assert await code_of(library, lenient) == 11200  # gone is an answer, not a failure
    server.serve("/lenient.wav", b"", status=503)
    now.at += 40
    assert await code_of(library, lenient) == 11200


async def test_a_stale_copy_stands_in_when_the_server_is_down(opened: Opener, now: Clock) -> None:
    library = await opened()
    async with file_server() as server:
        url = server.serve(
            "/a.wav", WAV, Cache_Control="max-age=1, stale-if-error=60", Date=formatdate(now.at, usegmt=True)
        )
        sound = await library.file(url, ACCOUNT)
    now.at += 30
    assert await library.file(url, ACCOUNT) is sound


# the disk


async def test_the_cache_survives_a_restart(opened: Opener, server: FileServer, now: Clock) -> None:
    url = server.serve_validated("/a.wav", WAV, '"x"', Cache_Control="max-age=60", Date=formatdate(now.at, usegmt=True))
    before = await opened()
    samples = (await before.file(url, ACCOUNT)).samples
    await before.close()
    after = await opened()
    assert (await after.file(url, ACCOUNT)).samples == samples
    assert server.count("/a.wav") == 1
    assert after.counters == {"disk": 1}
    now.at += 61
    await after.file(url, ACCOUNT)
    assert server.requests[1].headers["If-None-Match"] == '"x"'


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "grown"])
@pytest.mark.parametrize("folder", ["sounds", "responses"])
async def test_a_damaged_entry_is_fetched_again_whole(
    opened: Opener, server: FileServer, tmp_path: Path, damage: str, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.serve_validated("/a.wav", WAV, '"x"', Cache_Control="max-age=60")
    before = await opened()
    samples = (await before.file(url, ACCOUNT)).samples
    await before.close()
    [path] = [path for path in (tmp_path / "cache" / folder).rglob("*") if path.is_file()]
    body = path.read_bytes()
    middle = len(body) // 2
    changed = {
        "cut": body[:middle],
        "flipped": body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :],
        "emptied": b"",
        "grown": body + b"\0",
    }
    path.write_bytes(changed[damage])
    after = await opened()
    assert (await after.file(url, ACCOUNT)).samples == samples
    assert server.count("/a.wav") == 2
    assert "If-None-Match" not in server.requests[1].headers
    assert after.disk.damaged == 1
    assert "is damaged" in caplog.text
    third = await opened()
    assert (await third.file(url, ACCOUNT)).samples == samples
    assert server.count("/a.wav") == 2


async def test_a_confirmed_copy_that_is_damaged_is_asked_for_whole(
    opened: Opener, server: FileServer, tmp_path: Path
) -> None:
    url = server.serve_validated("/a.wav", WAV, '"x"')
    before = await opened()
    samples = (await before.file(url, ACCOUNT)).samples
    await before.close()
    [path] = (tmp_path / "cache" / "sounds").rglob("*.pcm")
    path.write_bytes(path.read_bytes()[:-2])
    after = await opened()
    assert (await after.file(url, ACCOUNT)).samples == samples
    assert [request.headers.get("If-None-Match") for request in server.requests] == [None, '"x"', None]


async def test_another_clock_rate_has_its_own_sounds(opened: Opener, server: FileServer) -> None:
    url = server.serve("/a.wav", WAV, Cache_Control="max-age=60")
    wide = await opened(rate=16000)
    assert len((await wide.file(url, ACCOUNT)).samples) == 16000
    narrow = await opened(rate=8000)
    assert len((await narrow.file(url, ACCOUNT)).samples) == pytest.approx(8000, abs=4)


async def test_a_disk_that_cannot_be_written_costs_no_playing(
    opened: Opener, server: FileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = await opened()
    for folder in ("sounds", "responses"):
        (tmp_path / "cache" / folder).rmdir()
        (tmp_path / "cache" / folder).write_bytes(b"in the way")
    url = server.serve("/a.wav", WAV, Cache_Control="max-age=60")
    sound = await library.file(url, ACCOUNT)
    assert await library.file(url, ACCOUNT) is sound
    assert "cannot write" in caplog.text


async def test_urls_and_secrets_are_not_written_to_the_disk(opened: Opener, server: FileServer, tmp_path: Path) -> None:
    library = await opened()
    server.serve("/end", WAV, Cache_Control="max-age=60")
    server.serve("/a.wav", b"", status=302, Location="/end?token=far-hidden")
    await library.file(server.base.replace("//", "//alice:hidden-too@") + "/a.wav?token=near-hidden", ACCOUNT)
    written = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert b"hidden" not in written
    assert ACCOUNT.auth_token.encode() not in written


# speech


class Tones:
    """A synthesiser that speaks a tone for each text, and counts."""

    identity = "tones 1"

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str, str, bool]] = []

    async def synthesise(self, text: str, *, voice: str, language: str, ssml: bool) -> Utterance:
        self.spoken.append((text, voice, language, ssml))
        if voice == "nobody":
            raise MediaError("no such voice", code=13511)
        return Utterance(tones.tone(440, 1, rate=22050).tobytes(), 22050)


async def test_speech_is_synthesised_once_and_kept(opened: Opener) -> None:
    synthesis = Tones()
    library = await opened(synthesis=synthesis)
    found = await asyncio.gather(*(library.speech("hello", voice="man", language="en-US") for _ in range(10)))
    assert all(sound is found[0] for sound in found)
    assert pitch(found[0]) == pytest.approx(440, abs=2)
    assert len(found[0].samples) == pytest.approx(32000, abs=4)
    await library.close()
    again = await opened(synthesis=synthesis)
    assert (await again.speech("hello", voice="man", language="en-US")).samples == found[0].samples
    assert synthesis.spoken == [("hello", "man", "en-US", False)]
    for different in ({"voice": "woman"}, {"language": "fr"}, {"ssml": True}):
        await again.speech("hello", **{"voice": "man", "language": "en-US", **different})
    assert len(synthesis.spoken) == 4
    synthesis.identity = "tones 2"
    await again.speech("hello", voice="man", language="en-US")
    assert len(synthesis.spoken) == 5


async def test_speech_that_cannot_be_spoken_has_its_code(opened: Opener) -> None:
    library, silent = await opened(synthesis=Tones()), await opened(folder="silent")
    for voice, text, code in (("nobody", "hello", 13511), ("man", " \n", 13520), ("man", "a" * 65537, 13521)):
        with pytest.raises(MediaError) as raised:
            await library.speech(text, voice=voice)
        assert raised.value.code == code
    with pytest.raises(MediaError, match="no speech synthesis"):
        await silent.speech("hello")
