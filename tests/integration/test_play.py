"""Play, Say and Pause on real calls (call-control reference §1.2, §2.6): what is heard, fetched, and passed over."""

import asyncio
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from tests.harness import tones
from tests.harness.application import Answer, Received
from tests.media.sounds import DBOV, HZ, by_sndfile

from .line import Line, document, seconds_of, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

FILES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # name: (body, content type, path); one second of HZ at DBOV each
    "wav-8k": (lambda: by_sndfile("WAV", "PCM_16"), "audio/wav", "/sound"),
    "wav-16k": (lambda: by_sndfile("WAV", "PCM_16", rate=16000), "audio/x-wav", "/sound"),
    "wav-44k1-stereo": (lambda: by_sndfile("WAV", "PCM_16", rate=44100, channels=2), "audio/wav", "/sound.wav"),
    "wav-mulaw": (lambda: by_sndfile("WAV", "ULAW"), "audio/wav", "/sound"),
    "mp3": (lambda: by_sndfile("MP3", "MPEG_LAYER_III", rate=44100, channels=2), "audio/mpeg", "/sound.mp3"),
    "ogg-vorbis": (lambda: by_sndfile("OGG", "VORBIS", rate=44100), "audio/ogg", "/sound.ogg"),
    "ogg-opus": (lambda: by_sndfile("OGG", "OPUS", rate=48000), "audio/ogg", "/sound.opus"),
    "flac": (lambda: by_sndfile("FLAC", "PCM_24", rate=48000), "audio/flac", "/sound.flac"),
    "mulaw": (lambda: by_sndfile("RAW", "ULAW"), "audio/basic", "/sound"),
    "aiff": (lambda: by_sndfile("AIFF", "PCM_16", rate=22050), "audio/aiff", "/sound.aiff"),
    "gsm": (lambda: by_sndfile("RAW", "GSM610"), "audio/x-gsm", "/sound.gsm"),
}


@pytest.mark.parametrize("name", FILES)
async def test_every_kind_of_file(line: Line, name: str) -> None:
    body, content_type, path = FILES[name]
    line.application.serve_sound(path, body(), content_type)
    call = await line.call(f"<Play>{path}</Play>")
    assert (await call.until_ended(8)).how == "bye received"
    heard = call.media.pcm()
    assert seconds_of(heard, HZ) == pytest.approx(1.0, abs=0.08) and steady(heard)
    middle = heard[len(heard) // 2 - 1600 : len(heard) // 2 + 1600]
    assert tones.tone_dbov(middle, HZ) == pytest.approx(DBOV, abs=2)


async def test_loop(line: Line) -> None:
    beep = [*tones.tone(440, 0.2, rate=16000), *tones.silence(0.2, rate=16000)]
    line.application.serve_sound("/beep.wav", tones.wav_bytes(np.array(beep, dtype=np.int16), 16000))
    call = await line.call('<Play loop="3">/beep.wav</Play>')
    await call.until_ended()
    pauses = [gap.length for gap in tones.gaps(call.media.pcm(), longer_than_ms=60)]
    assert pauses == pytest.approx([0.2, 0.2], abs=0.05)
    assert line.application.count("/beep.wav") == 1


async def test_endless_loop_has_no_seams(line: Line) -> None:
    line.sound("/tone.wav", 440, 0.5)
    call = await line.call('<Play loop="0">/tone.wav</Play>')
    await call.media.heard_tone(440)
    mark = call.media.mark()
    await call.media.received(75)
    assert tones.gaps(call.media.pcm(since=mark), longer_than_ms=20) == []
    await call.hangup()
    assert (await line.request("/status")).form["CallStatus"] == "completed"


async def test_plays_in_order_each_fetched_before_its_turn(line: Line) -> None:
    for path, hz in (("/a.wav", 440), ("/b.wav", 700), ("/c.wav", 1100)):
        line.sound(path, hz, 0.4)
    call = await line.call("<Play>/a.wav</Play><Play>/b.wav</Play><Play>/c.wav</Play>")
    await call.media.heard_tone(440, 0.2)
    assert [line.application.count(path) for path in ("/a.wav", "/b.wav", "/c.wav")] == [1, 1, 1]
    await call.until_ended()
    heard = call.media.pcm()
    assert [seconds_of(heard, hz) for hz in (440, 700, 1100)] == pytest.approx([0.4] * 3, abs=0.06)
    assert tones.gaps(heard, longer_than_ms=120) == []


async def test_pause_is_silence_of_its_length(line: Line) -> None:
    line.sound("/a.wav", 440, 0.3)
    call = await line.call('<Play>/a.wav</Play><Pause length="1"/><Play>/a.wav</Play>')
    await call.until_ended()
    [gap] = tones.gaps(call.media.pcm(), longer_than_ms=60)
    assert gap.length == pytest.approx(1.0, abs=0.15)


async def test_digits(line: Line) -> None:
    """Sent as RFC 4733; "w" and "W" are pauses of half a second and a second."""
    call = await line.call('<Play digits="1w2W#"/>')
    digits = await call.media.heard_digits("12#", timeout=8)
    assert all(digit.marker and digit.duration_ms >= 100 for digit in digits)
    begun = [digit.arrived for digit in digits]
    pauses = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert pauses == pytest.approx([0.5 + 0.24, 1.0 + 0.24], abs=0.15)
    assert (await call.until_ended()).how == "bye received"


async def test_digits_and_then_a_file(line: Line) -> None:
    line.sound("/a.wav", 440, 0.5)
    call = await line.call('<Play digits="34">/a.wav</Play>')
    await call.media.heard_digits("34")
    await call.media.heard_tone(440)
    await call.until_ended()


async def test_digits_in_a_loop(line: Line) -> None:
    call = await line.call('<Play digits="1" loop="3"/>')
    await call.media.heard_digits("111")
    assert (await call.until_ended()).how == "bye received"


async def test_digits_in_an_endless_loop(line: Line) -> None:
    call = await line.call('<Play digits="7" loop="0"/>')
    await call.media.heard_digits("7777")
    await call.hangup()


async def test_missing_file(line: Line) -> None:
    """A sound that cannot be had is a warning; the next verb runs."""
    line.sound("/there.wav", 440, 0.4)
    call = await line.call("<Play>/missing.wav</Play><Play>/there.wav</Play>")
    await call.media.heard_tone(440)
    await line.warned(11200)
    assert (await call.until_ended()).how == "bye received"


@pytest.mark.parametrize("body", [b"", b"<html>not a sound</html>" * 50, b"RIFF\xff\xff\xff\xffWAVEfmt "])
async def test_file_that_is_no_sound(line: Line, body: bytes) -> None:
    line.sound("/there.wav", 440, 0.4)
    line.application.serve_sound("/broken.wav", body)
    call = await line.call("<Play>/broken.wav</Play><Play>/there.wav</Play>")
    await call.media.heard_tone(440)
    await line.warned(13420)
    await call.until_ended()


async def test_two_callers_fetch_one_prompt_once(line: Line) -> None:
    """The second asks while the first's fetch is under way."""
    sound = tones.wav_bytes(tones.tone(440, 0.5, rate=16000), 16000)
    release = asyncio.Event()
    line.application.on("/prompt.wav", Answer(sound, content_type="audio/wav", held=release))
    calls = [await line.call("<Play>/prompt.wav</Play>") for _ in range(2)]
    for call in calls:
        await call.answered()
    await line.request("/prompt.wav")
    release.set()
    for call in calls:
        await call.until_ended()
        assert seconds_of(call.media.pcm(), 440) == pytest.approx(0.5, abs=0.06)
    assert line.application.count("/prompt.wav") == 1


async def test_a_prompt_that_may_be_kept_is_not_fetched_again(line: Line) -> None:
    line.sound("/prompt.wav", 440, 0.4, cache_control="max-age=60")
    for _ in range(2):
        call = await line.call("<Play>/prompt.wav</Play>")
        await call.until_ended()
        assert seconds_of(call.media.pcm(), 440) == pytest.approx(0.4, abs=0.06)
    assert line.application.count("/prompt.wav") == 1


async def test_a_prompt_with_an_etag_is_asked_about_and_not_sent_again(line: Line) -> None:
    line.sound("/prompt.wav", 440, 0.4, etag=True, cache_control="no-cache")
    for _ in range(2):
        call = await line.call("<Play>/prompt.wav</Play>")
        await call.until_ended()
        assert seconds_of(call.media.pcm(), 440) == pytest.approx(0.4, abs=0.06)
    first, second = await line.requests("/prompt.wav", 2)
    assert first.header("If-None-Match") == "" and second.header("If-None-Match").startswith('"')


async def test_a_changed_prompt_is_heard(line: Line) -> None:
    line.sound("/prompt.wav", 440, 0.4, etag=True, cache_control="no-cache")
    await (await line.call("<Play>/prompt.wav</Play>")).until_ended()
    line.sound("/prompt.wav", 880, 0.4, etag=True, cache_control="no-cache")
    call = await line.call("<Play>/prompt.wav</Play>")
    await call.until_ended()
    assert seconds_of(call.media.pcm(), 880) == pytest.approx(0.4, abs=0.06)


async def test_hang_up_during_a_prompt(line: Line) -> None:
    line.sound("/long.wav", 440, 30)
    line.on("/next", "<Hangup/>")
    call = await line.call("<Play>/long.wav</Play><Redirect>/next</Redirect>")
    await call.media.heard_tone(440)
    await call.hangup()
    last = await line.request("/status")
    assert (last.form["CallStatus"], last.form["SipResponseCode"]) == ("completed", "200")
    other = await line.call("<Hangup/>")
    await other.until_ended()
    assert line.application.count("/next") == 0


async def test_a_document_that_is_a_sound_is_played(line: Line) -> None:
    """§1.1: audio/* is played once, then the call ends."""
    sound = tones.wav_bytes(tones.tone(440, 0.5, rate=16000), 16000)

    def voice(request: Received) -> Answer:
        return Answer(sound, content_type="audio/x-wav")

    line.application.on("/voice", voice)
    call = await line.call()
    assert (await call.until_ended()).how == "bye received"
    assert seconds_of(call.media.pcm(), 440) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8"])
async def test_a_document_that_is_text_is_spoken(line: Line, content_type: str) -> None:
    line.application.on("/voice", Answer("Good morning", content_type=content_type))
    call = await line.call()
    assert (await call.until_ended(8)).how == "bye received"
    assert tones.level_dbov(call.media.pcm()) > -45


async def test_text_that_is_a_document_is_carried_out(line: Line) -> None:
    line.application.on("/voice", Answer(document('<Reject reason="busy"/>'), content_type="text/plain"))
    assert (await (await line.call()).refused()).status == 486


async def test_say(line: Line) -> None:
    """Speech at an audible level, of a length that fits the text, with the pause that its SSML asks for."""
    call = await line.call('<Say language="en-GB">Good <break time="800ms"/> morning, &lt;sir&gt;</Say>')
    assert (await call.until_ended(10)).how == "bye received"
    heard = call.media.pcm()
    assert -35 < tones.level_dbov(heard) < -8
    assert 1.5 < len(heard) / tones.RATE < 5
    assert max(gap.length for gap in tones.gaps(heard)) == pytest.approx(0.8, abs=0.25)


async def test_say_in_a_loop_is_synthesised_once_and_heard_twice(line: Line) -> None:
    await (await line.call("<Say>Testing</Say>")).until_ended()  # the first caller waits for the synthesis
    once = await line.call("<Say>Testing</Say>")
    await once.until_ended()
    twice = await line.call('<Say loop="2">Testing</Say>')
    await twice.until_ended()
    assert len(twice.media.pcm()) == pytest.approx(2 * len(once.media.pcm()), rel=0.15)


async def test_a_long_text_is_spoken_soon(line: Line) -> None:
    """A thousand characters take a minute to say; the caller must not wait for the last of them."""
    text = " ".join(["The quick brown fox jumps over the lazy dog."] * 23)[:1000]
    call = await line.call(f"<Say>{text}</Say>")
    await call.answered()
    await call.media.received(50)
    await call.media.received(150, timeout=8)
    assert call.media.level_dbov(2.0) > -40
    await call.hangup()


async def test_nothing_to_say_and_too_much(line: Line) -> None:
    line.sound("/there.wav", 440, 0.4)
    call = await line.call(f"<Say> </Say><Say>{'x ' * 2100}</Say><Play>/there.wav</Play>")
    await call.media.heard_tone(440)
    await line.warned(13520)
    await line.warned(13521)
    await call.until_ended()
