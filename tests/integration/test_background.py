"""What goes on beside the verbs of a real call: recordings by documents and by requests, echo, messages."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import tones
from tests.harness.application import Answer, Received
from tests.harness.daemon import TOKEN
from tests.harness.waiting import within

from .line import LATER, Line, seconds_of
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

START = (
    '<Start><Recording recordingStatusCallback="/recording" '
    'recordingStatusCallbackEvent="in-progress completed"/></Start>'
)


async def told(line: Line, status: str) -> Received:
    """The next callback of a recording, which has this status."""
    request = await line.request("/recording")
    assert request.form["RecordingStatus"] == status
    return request


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where recordings report, and what is played."""
    line.application.on("/recording", "")
    line.sound("/tone.wav", 880, 1.5)


async def test_a_document_records_what_follows(line: Line) -> None:
    """Left the caller, right what it hears; it ends where the document says."""
    call = await line.call(f"{START}<Play>/tone.wav</Play><Stop><Recording/></Stop><Play>/tone.wav</Play>")
    call.media.tone(500)
    begun = await told(line, "in-progress")
    form = (await told(line, "completed")).form
    assert (form["RecordingSource"], form["RecordingChannels"]) == ("StartCallRecordingTwiML", "2")
    assert form["RecordingSid"] == begun.form["RecordingSid"] and form["CallSid"] == begun.form["CallSid"]
    await call.until_ended()
    [left, right], rate = await line.recording(form["RecordingUrl"])
    assert rate == 8000 and 1.3 < len(right) / rate < 2.2
    assert tones.contains(left[-rate:], 500) and not tones.contains(left[-rate:], 880)
    assert 1.2 < seconds_of(right, 880) < 1.7 and not tones.contains(right, 500)


async def test_it_ends_with_the_call(line: Line) -> None:
    call = await line.call(f"{START}<Play>/tone.wav</Play>")
    await call.answered()
    await told(line, "in-progress")
    await call.media.heard_tone(880)
    await call.hangup()
    await told(line, "completed")


async def test_requests_record_pause_and_stop(line: Line) -> None:
    """What is said while it pauses is left out."""
    call = await line.call('<Play>/tone.wav</Play><Pause length="20"/>')
    await call.answered()
    await call.media.heard_tone(880)
    sid = (await line.request("/voice")).form["CallSid"]
    rest = line.daemon.rest
    callback = line.application.url("/recording")

    def recordings(client: Any) -> Any:
        return client.calls(sid).recordings

    made = await rest.do(lambda client: recordings(client).create(recording_status_callback=callback))
    assert (made.status, made.source, made.channels) == ("in-progress", "StartCallRecordingAPI", 1)
    with pytest.raises(TwilioRestException) as second:
        await rest.do(lambda client: recordings(client).create())
    assert (second.value.status, second.value.code) == (400, 16108)
    call.media.tone(500)
    await call.media.received(40)
    pausing = {"status": "paused", "pause_behavior": "skip"}
    paused = await rest.do(lambda client: recordings(client)("Twilio.CURRENT").update(**pausing))
    assert (paused.sid, paused.status) == (made.sid, "paused")
    call.media.tone(700)
    await call.media.received(60)
    call.media.tone(500)
    await rest.do(lambda client: recordings(client)(made.sid).update(status="in-progress"))
    await call.media.received(40)
    stopped = await rest.do(lambda client: recordings(client)(made.sid).update(status="stopped"))
    assert stopped.status == "stopped"
    form = (await told(line, "completed")).form
    [pcm], _ = await line.recording(form["RecordingUrl"])
    assert seconds_of(pcm, 500) > 0.8 and seconds_of(pcm, 700) < 0.2
    await call.hangup()


async def test_echo(line: Line) -> None:
    call = await line.call("<Echo/>")
    await call.answered()
    call.media.tone(600)
    await call.media.heard_tone(600)
    call.media.tone(900)
    await call.media.heard_tone(900)
    await call.hangup()


async def test_a_message_without_a_gateway(line: Line) -> None:
    line.on("/sent", LATER)
    await line.call('<Sms action="/sent">Hello</Sms>')
    assert (await line.request("/sent")).form["SmsStatus"] == "failed"
    await line.warned(13803)


@pytest.mark.asyncio(loop_scope="function")
async def test_a_message_reaches_its_gateway(sites: Callable[..., Awaitable[Site]], applications: Any) -> None:
    gateway = await applications(TOKEN)
    gateway.on("/send", Answer(status=503), "")
    site = await sites(sections={"messages": {"gateway": gateway.url("/send")}})
    site.script("/voice", f'<Sms statusCallback="/s" action="/sent">Hello ä</Sms>{LATER}')
    site.script("/sent", LATER)
    await site.dial_in()
    sent = (await site.application.request("/sent")).form
    assert sent["SmsStatus"] == "queued"
    await gateway.request("/send")
    again = await gateway.request("/send", timeout=10)
    form = again.form
    assert again.signed and form["Body"] == "Hello ä" and form["SmsSid"] == sent["SmsSid"]
    assert (form["To"], form["From"]) == (sent["From"], sent["To"])
    assert form["StatusCallback"] == site.application.url("/s")
    assert (await _settled(site, form["SmsSid"])).direction == "outbound-call"


@pytest.mark.asyncio(loop_scope="function")
async def test_a_message_by_request_is_sent_or_not(sites: Callable[..., Awaitable[Site]], applications: Any) -> None:
    """Its status is that of the gateway's answer."""
    gateway = await applications(TOKEN)
    gateway.on("/send", "", Answer(status=400))
    site = await sites(sections={"messages": {"gateway": gateway.url("/send")}})
    parties = {"to": "+15557654321", "from_": site.number}
    made = await site.do(lambda client: client.messages.create(body="Hello", **parties))
    assert made.status == "queued"
    taken = await gateway.request("/send")
    assert taken.signed and (taken.form["MessageSid"], taken.form["Body"]) == (made.sid, "Hello")
    sent = await _settled(site, made.sid)
    assert (sent.status, sent.error_code) == ("sent", None) and sent.date_sent >= sent.date_created
    refused = await site.daemon.rest.go(lambda client: client.messages.create_async(body="Again", **parties))
    await gateway.request("/send")
    failed = await _settled(site, refused.sid)
    assert (failed.status, failed.error_code) == ("failed", 30008)
    listed = await site.daemon.rest.go(lambda client: client.messages.list_async())
    assert [one.sid for one in listed] == [refused.sid, made.sid]


async def _settled(site: Site, sid: str) -> Any:
    """A message that is no longer queued."""

    async def look() -> Any:
        while (found := await site.do(lambda client: client.messages(sid).fetch())).status == "queued":
            await asyncio.wait([ended], timeout=0.05)
        return found

    ended = asyncio.create_task(site.daemon.process.wait())
    try:
        return await within(look(), 10, "the message is sent or has failed")
    finally:
        ended.cancel()
