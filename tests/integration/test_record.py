"""Record on real calls (call-control reference §1.5, §2.5): what ends it, what is in the file, who is told."""

import asyncio
from email.utils import parsedate_to_datetime

import pytest

from tests.harness import PhoneCall, tones
from tests.harness.application import Received

from .line import LATER, Line, seconds_of, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

NEXT = "<Redirect>/next</Redirect>"


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a recording leads: its action, or the verb after it."""
    line.on("/done", LATER)
    line.on("/next", "<Hangup/>")
    line.application.on("/recording", "")


async def recording(line: Line, attributes: str) -> PhoneCall:
    """An answered call that records without a beep; its 20 ms of silence so far are of no account."""
    call = await line.call(f'<Record action="/done" playBeep="false" {attributes}/>' + NEXT)
    await call.answered()
    return call


async def recorded(line: Line, request: Received) -> tuple[tones.Pcm, float]:
    """The samples of a one-channel recording at 8 kHz, and its length in seconds."""
    [pcm], rate = await line.recording(request.params["RecordingUrl"])
    assert rate == 8000
    return pcm, len(pcm) / rate


async def test_any_key_ends_it(line: Line) -> None:
    call = await recording(line, "")
    await call.media.play(tones.tone(600, 1.0))
    await call.media.send_digits("5")
    done = await line.request("/done")
    assert (done.form["Digits"], done.form["RecordingDuration"]) == ("5", "1")
    assert done.form["RecordingSid"].startswith("RE")
    sid, account = done.form["RecordingSid"], line.daemon.account_sid
    assert done.form["RecordingUrl"] == f"{line.daemon.base_url}/2010-04-01/Accounts/{account}/Recordings/{sid}"
    pcm, _ = await recorded(line, done)
    assert seconds_of(pcm, 600) == pytest.approx(1.0, abs=0.15) and steady(pcm)


async def test_only_its_key_ends_it(line: Line) -> None:
    call = await recording(line, 'finishOnKey="#"')
    await call.media.play(tones.tone(600, 0.5))
    await call.media.send_digits("12")
    await call.media.play(tones.tone(700, 0.5))
    assert line.application.count("/done") == 0
    await call.media.send_digits("#")
    done = await line.request("/done")
    assert done.form["Digits"] == "#"
    pcm, _ = await recorded(line, done)
    assert seconds_of(pcm, 600) == pytest.approx(0.5, abs=0.15)
    assert seconds_of(pcm, 700) == pytest.approx(0.5, abs=0.15)


async def test_no_key_ends_it(line: Line) -> None:
    call = await recording(line, 'finishOnKey="" timeout="1"')
    await call.media.play(tones.tone(600, 0.5))
    await call.media.send_digits("#1")
    done = await line.request("/done")
    assert done.form["Digits"] == ""


async def test_silence_ends_it(line: Line) -> None:
    call = await recording(line, 'timeout="1"')
    await call.media.play(tones.tone(600, 1.2))
    done = await line.request("/done")
    assert (done.form["Digits"], done.form["CallStatus"]) == ("", "in-progress")
    pcm, _ = await recorded(line, done)
    assert seconds_of(pcm, 600) == pytest.approx(1.2, abs=0.15)


async def test_a_short_pause_does_not_end_it(line: Line) -> None:
    call = await recording(line, 'timeout="1" trim="do-not-trim"')
    for _ in range(3):
        await call.media.play(tones.tone(600, 0.4))
        await call.media.play(tones.silence(0.6))
    pcm, _ = await recorded(line, await line.request("/done"))
    assert seconds_of(pcm, 600) == pytest.approx(1.2, abs=0.15)


async def test_silence_never_ends_it_with_timeout_zero(line: Line) -> None:
    call = await recording(line, 'timeout="0" maxLength="2" trim="do-not-trim"')
    await call.media.play(tones.tone(600, 0.4))
    _, seconds = await recorded(line, await line.request("/done"))
    assert seconds == pytest.approx(2.0, abs=0.02)


async def test_length_limit_is_exact(line: Line) -> None:
    call = await recording(line, 'maxLength="2" trim="do-not-trim"')
    call.media.tone(600)
    done = await line.request("/done")
    assert (done.form["Digits"], done.form["RecordingDuration"]) == ("", "2")
    pcm, seconds = await recorded(line, done)
    assert seconds == pytest.approx(2.0, abs=0.02) and steady(pcm)
    assert tones.contains(pcm[-1600:], 600)


async def test_hang_up_ends_it_and_the_action_is_told(line: Line) -> None:
    """§1.1: requested after the caller has left, and its answer discarded."""
    line.on("/done", NEXT)
    call = await recording(line, "")
    await call.media.play(tones.tone(600, 0.6))
    await call.hangup()
    done = await line.request("/done")
    assert (done.form["Digits"], done.form["CallStatus"]) == ("hangup", "completed")
    pcm, _ = await recorded(line, done)
    assert seconds_of(pcm, 600) == pytest.approx(0.6, abs=0.15)
    other = await line.call("<Hangup/>")
    await other.until_ended()
    assert line.application.count("/next") == 0


async def test_nothing_but_silence_goes_on_with_the_next_verb(line: Line) -> None:
    call = await recording(
        line, 'timeout="1" recordingStatusCallback="/recording" recordingStatusCallbackEvent="completed absent"'
    )
    await line.request("/next")
    absent = (await line.request("/recording")).form
    assert (absent["RecordingStatus"], absent["ErrorCode"]) == ("absent", "16102")
    assert absent["RecordingSid"].startswith("RE") and "RecordingDuration" not in absent
    await call.until_ended()
    assert line.application.count("/done") == 0


async def test_silence_around_the_voice_is_trimmed(line: Line) -> None:
    call = await recording(line, "")
    await call.media.play(tones.silence(0.8))
    await call.media.play(tones.tone(600, 0.8))
    await call.media.play(tones.silence(0.8))
    await call.media.send_digits("1")
    done = await line.request("/done")
    assert done.form["RecordingDuration"] == "1"
    pcm, seconds = await recorded(line, done)
    assert seconds == pytest.approx(0.8 + 0.2, abs=0.15)
    assert seconds_of(pcm, 600) == pytest.approx(0.8, abs=0.15)


async def test_silence_is_kept_where_the_document_says_so(line: Line) -> None:
    call = await recording(line, 'trim="do-not-trim"')
    await call.media.play(tones.silence(0.8))
    await call.media.play(tones.tone(600, 0.8))
    await call.media.play(tones.silence(0.8))
    await call.media.send_digits("1")
    pcm, seconds = await recorded(line, await line.request("/done"))
    assert seconds == pytest.approx(2.4, abs=0.3)
    assert tones.level_dbov(pcm[:4000]) < -60 and tones.level_dbov(pcm[-4000:]) < -60


async def test_beep_is_heard_and_not_recorded(line: Line) -> None:
    call = await line.call('<Record action="/done" maxLength="1" trim="do-not-trim"/>')
    call.media.tone(600)
    await call.media.heard_tone(1000)
    pcm, seconds = await recorded(line, await line.request("/done"))
    assert seconds == pytest.approx(1.0, abs=0.02)
    assert tones.contains(pcm, 600) and not tones.contains(pcm, 1000)


async def test_no_beep(line: Line) -> None:
    call = await recording(line, 'maxLength="1"')
    call.media.tone(600)
    await line.request("/done")
    assert tones.level_dbov(call.media.pcm()) < -60


async def test_callbacks(line: Line) -> None:
    events = 'recordingStatusCallbackEvent="in-progress completed absent"'
    call = await recording(line, f'recordingStatusCallback="/recording?n=1" {events}')
    begun = await line.request("/recording")
    await call.media.play(tones.tone(600, 1.0))
    await call.media.send_digits("#")
    done, ended = await asyncio.gather(line.request("/done"), line.request("/recording"))
    for request, status in ((begun, "in-progress"), (ended, "completed")):
        form = request.form
        assert (request.method, request.query["n"], form["RecordingStatus"]) == ("POST", "1", status)
        assert (form["AccountSid"], form["CallSid"]) == (line.daemon.account_sid, done.form["CallSid"])
        assert (form["RecordingSid"], form["RecordingUrl"]) == (done.form["RecordingSid"], done.form["RecordingUrl"])
        assert (form["RecordingChannels"], form["RecordingSource"]) == ("1", "RecordVerb")
        assert parsedate_to_datetime(form["RecordingStartTime"]).tzinfo is not None
    assert "RecordingDuration" not in begun.form and ended.form["RecordingDuration"] == "1"


async def test_callback_of_the_end_alone_with_get(line: Line) -> None:
    call = await recording(line, 'recordingStatusCallback="/recording" recordingStatusCallbackMethod="GET"')
    await call.media.play(tones.tone(600, 0.6))
    await call.media.send_digits("#")
    told = await line.request("/recording")
    assert (told.method, told.query["RecordingStatus"]) == ("GET", "completed")
    await call.until_ended()
    assert line.application.count("/recording") == 1


async def test_get_action(line: Line) -> None:
    call = await line.call('<Record action="/done" method="GET" playBeep="false"/>')
    await call.answered()
    await call.media.play(tones.tone(600, 0.5))
    await call.media.send_digits("#")
    done = await line.request("/done")
    assert (done.method, done.query["Digits"]) == ("GET", "#")
    assert tones.contains((await recorded(line, done))[0], 600)


async def test_without_an_action_the_document_is_asked_again(line: Line) -> None:
    line.application.on("/voice", '<Response><Record playBeep="false"/></Response>', f"<Response>{LATER}</Response>")
    call = await line.call()
    await line.request("/voice")
    await call.answered()
    await call.media.play(tones.tone(600, 0.5))
    await call.media.send_digits("#")
    assert (await line.request("/voice")).form["Digits"] == "#"


async def test_what_was_played_before_is_not_recorded(line: Line) -> None:
    line.sound("/prompt.wav", 440, 0.4)
    call = await line.call('<Play>/prompt.wav</Play><Record action="/done" playBeep="false" maxLength="1"/>')
    call.media.tone(600)
    pcm, _ = await recorded(line, await line.request("/done"))
    assert tones.contains(pcm, 600) and not tones.contains(pcm, 440)


async def test_resource_of_a_recording(line: Line) -> None:
    call = await recording(line, "")
    await call.media.play(tones.tone(600, 1.0))
    await call.media.send_digits("#")
    form = (await line.request("/done")).form
    found = await line.daemon.rest.do(lambda client: client.recordings(form["RecordingSid"]).fetch())
    assert (found.call_sid, found.status, found.source) == (form["CallSid"], "completed", "RecordVerb")
    assert (found.duration, found.channels) == ("1", 1)
