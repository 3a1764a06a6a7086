"""Fetching, seen through the library: redirects, signatures, addresses, failures and bounds."""

from pathlib import Path

import pytest
from aiohttp import web

from callwright import signing
from callwright.errors import MediaError
from callwright.media.library import Library
from callwright.media.limits import MediaLimits
from callwright.outbound import Outbound
from callwright.sections import OutboundHttp
from tests.harness.ports import free_port
from tests.media import sounds
from tests.media.conftest import ACCOUNT, WAV, Opener, Sound, code_of, pitch
from tests.media.fileserver import FileServer, Gate, file_server


async def test_a_file_is_fetched_signed_and_decoded(library: Library[Sound], server: FileServer) -> None:
    body = sounds.by_sndfile("MP3", "MPEG_LAYER_III", rate=44100, channels=2)
    url = server.serve("/a%20b.mp3", body, Content_Type="audio/mpeg") + "?q=1&p=%2F"
    server.handlers["/a b.mp3"] = server.handlers["/a%20b.mp3"]
    sound = await library.file(url + "#rc=2", ACCOUNT)
    assert sound.rate == 16000
    assert pitch(sound) == pytest.approx(1000, abs=2)
    [request] = server.requests
    assert request.method == "GET"
    assert request.raw_path == "/a%20b.mp3?q=1&p=%2F"
    assert request.headers["X-Twilio-Signature"] == signing.signature(ACCOUNT.auth_token, url)
    assert request.headers["User-Agent"] == "TwilioProxy/1.1"


async def test_the_final_or_the_first_url_tells_a_headerless_format(
    library: Library[Sound], server: FileServer
) -> None:
    body = sounds.by_sndfile("RAW", "ULAW")
    plain = server.serve("/plain", body, Content_Type="application/octet-stream")
    server.serve("/tone.ulaw", b"", status=302, Location=plain)
    assert pitch(await library.file(server.base + "/tone.ulaw", ACCOUNT)) == pytest.approx(1000, abs=2)


async def test_A6_redirects_are_followed_signed_and_checked(library: Library[Sound], server: FileServer) -> None:
    server.serve("/end", WAV)
    server.serve("/second", b"", status=307, Location=server.base + "/end?x=1")
    url = server.serve("/first", b"", status=302, Location="second")
    assert pitch(await library.file(url, ACCOUNT)) == pytest.approx(1000, abs=2)
    for request in server.requests:
        expected = signing.signature(ACCOUNT.auth_token, server.base + request.raw_path)
        assert request.headers["X-Twilio-Signature"] == expected
    forbidden = server.serve("/inside", b"", status=302, Location="file:///etc/passwd")
    assert await code_of(library, forbidden) == 11100


async def test_A6_private_addresses_are_refused_on_every_hop(opened: Opener, server: FileServer) -> None:
    guarded = Outbound(OutboundHttp(), frozenset({server.base}))
    await guarded.start()
    try:
        library = await opened(via=guarded)
        async with file_server() as inside:
            secret = inside.serve("/secret.wav", WAV)
            assert await code_of(library, secret) == 11210
            assert await code_of(library, server.serve("/out", b"", status=302, Location=secret)) == 11210
            assert inside.requests == []
        assert server.count("/out") == 1
    finally:
        await guarded.close()


async def test_ten_redirects_are_followed_and_eleven_are_not(library: Library[Sound], server: FileServer) -> None:
    server.serve("/hop/0", WAV)
    for number in range(1, 12):
        server.serve(f"/hop/{number}", b"", status=302, Location=f"/hop/{number - 1}")
    await library.file(server.base + "/hop/10", ACCOUNT)
    assert await code_of(library, server.base + "/hop/11") == 11215


async def test_a_password_goes_to_its_own_origin_only(library: Library[Sound], server: FileServer) -> None:
    async with file_server() as elsewhere:
        far = elsewhere.serve("/far", WAV)
        server.serve("/near", b"", status=302, Location=far)
        server.serve("/first", b"", status=302, Location="/near")
        await library.file(server.base.replace("//", "//al%40ice:p%3Aw@") + "/first", ACCOUNT)
        given = [request.headers.get("Authorization") for request in server.requests]
        assert given == ["Basic YWxAaWNlOnA6dw==", "Basic YWxAaWNlOnA6dw=="]
        assert "Authorization" not in elsewhere.requests[0].headers
        signature = server.requests[0].headers["X-Twilio-Signature"]
        assert signature == signing.signature(ACCOUNT.auth_token, server.base + "/first")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, b"", "text/plain", 11200),
        (401, WAV, "audio/wav", 11200),
        (304, b"", "audio/wav", 11200),
        (500, WAV, "audio/wav", 11200),
        (302, b"", "audio/wav", 11200),
        (200, b"", "audio/wav", 13420),
        (204, b"", "audio/wav", 13420),
        (200, b"<html>log in</html>", "text/html", 13420),
        (200, b"<html>log in</html>", "audio/wav", 13420),
    ],
)
async def test_what_cannot_be_played_has_its_code(
    library: Library[Sound], server: FileServer, status: int, body: bytes, kind: str, code: int
) -> None:
    assert await code_of(library, server.serve("/a.wav", body, status=status, Content_Type=kind)) == code


async def test_urls_that_cannot_be_fetched_have_their_codes(library: Library[Sound]) -> None:
    assert await code_of(library, "ftp://example.com/a.wav") == 11100
    assert await code_of(library, "/relative.wav") == 11100
    assert await code_of(library, f"http://127.0.0.1:{free_port()}/a.wav") == 11202
    assert await code_of(library, "http://no-such-host.invalid/a.wav") == 11210


async def test_a_connection_that_is_cut_before_an_answer_is_tried_once_more(
    library: Library[Sound], server: FileServer
) -> None:
    async def cut_once(request: web.Request) -> web.StreamResponse:
        if server.count("/a.wav") == 1 and request.transport is not None:
            request.transport.abort()
        return web.Response(body=WAV)

    assert pitch(await library.file(server.handle("/a.wav", cut_once), ACCOUNT)) == pytest.approx(1000, abs=2)
    assert server.count("/a.wav") == 2


async def test_M8_a_body_that_is_too_large_is_cut_off(opened: Opener, server: FileServer, tmp_path: Path) -> None:
    library = await opened(limits=MediaLimits(file_bytes=100_000))
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(16384))
                sent += 16384
        except ConnectionError:
            return response

    assert await code_of(library, server.handle("/endless.wav", endless)) == 11200
    assert await code_of(library, server.serve("/long.wav", bytes(100_001))) == 11200
    assert sent < 20_000_000
    assert list((tmp_path / "cache" / "partial").iterdir()) == []


async def test_M8_a_slow_body_ends_at_the_total_time(opened: Opener, server: FileServer) -> None:
    library, gate = await opened(limits=MediaLimits(total_seconds=0.3)), Gate()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(WAV[:100])
        await gate.wait()
        return response

    try:
        assert await code_of(library, server.handle("/slow.wav", slow)) == 11203
    finally:
        gate.opened.set()


async def test_a_long_sound_is_refused_and_names_its_url_but_no_secret(opened: Opener, server: FileServer) -> None:
    library = await opened(limits=MediaLimits(sound_seconds=0.25))
    url = server.serve("/a.wav", WAV)
    with pytest.raises(MediaError, match=r"/a\.wav: .*longer than 0\.25 s") as raised:
        await library.file(url + "?token=hidden", ACCOUNT)
    assert raised.value.code == 13420
    assert "hidden" not in str(raised.value)
