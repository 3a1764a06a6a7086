"""The main job on real input: a SIP call from a trunk, run by an HTTP application server, audio both ways."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import numpy as np
import pytest

from tests.harness import ApplicationServer, Phone, tones
from tests.harness.daemon import TOKEN, Daemon

pytestmark = pytest.mark.integration

NUMBER = "+15550001000"

Phones = Callable[..., Awaitable[Phone]]
Daemons = Callable[..., Awaitable[Daemon]]
Applications = Callable[..., Awaitable[ApplicationServer]]


def sound(hz: float, seconds: float, rate: int = 16000) -> bytes:
    """A WAV file with one tone."""
    return tones.wav_bytes(tones.tone(hz, seconds, rate=rate), rate)


@pytest.fixture
async def application(applications: Applications) -> ApplicationServer:
    """An application server that checks each signature."""
    return await applications(TOKEN)


@pytest.fixture
async def running(daemon: Daemons, application: ApplicationServer) -> Daemon:
    """The daemon with one number, run by `application`."""
    number = {
        "number": NUMBER,
        "voice_url": application.url("/voice"),
        "voice_fallback_url": application.url("/fallback"),
        "status_callback": application.url("/status"),
    }
    return await daemon(numbers=[number])


async def test_ivr(running: Daemon, application: ApplicationServer, phones: Phones) -> None:
    """S1 of the reference: prompt, key, second document, hang-up, status callback, record."""
    application.serve_sound("/menu.wav", sound(440, 3.0))
    application.serve_sound("/two.wav", sound(880, 1.0))
    application.on("/voice", '<Response><Gather numDigits="1" action="/key"><Play>/menu.wav</Play></Gather></Response>')
    application.on("/key", "<Response><Play>/two.wav</Play><Hangup/></Response>")
    application.on("/status", "")
    carrier = await phones("+15557654321")

    call = await carrier.invite(running.sip_uri(NUMBER), headers=[("X-Ticket", "42")])
    first = await application.request("/voice")
    assert (first.form["CallStatus"], first.form["Direction"]) == ("ringing", "inbound")
    assert (first.form["From"], first.form["To"]) == ("+15557654321", NUMBER)
    assert first.form["SipHeader_X-Ticket"] == "42" and first.form["SipCallId"] == call.call_id
    await call.answered()
    await call.media.heard_tone(440)
    await call.media.send_digits("2")
    second = await application.request("/key")
    assert (second.form["Digits"], second.form["CallStatus"]) == ("2", "in-progress")
    await call.media.heard_tone(880)
    ending = await call.until_ended()
    assert ending.how == "bye received"
    last = await application.request("/status")
    assert last.form["CallStatus"] == "completed" and last.form["SequenceNumber"] == "0"
    assert 0 < int(last.form["CallDuration"]) < 10 and last.form["Duration"] == "1"

    record = await running.rest.do(lambda client: client.calls(first.form["CallSid"]).fetch())
    assert (record.status, record.direction, record.duration) == ("completed", "inbound", last.form["CallDuration"])


async def test_bridge(daemon: Daemons, application: ApplicationServer, phones: Phones) -> None:
    """Dial: the callee is reached through the trunk, both hear each other, the action tells how it went."""
    callee = await phones("callee")
    number = {"number": NUMBER, "voice_url": application.url("/voice")}
    trunk = {"name": "loopback", "allow": ["127.0.0.0/8"], "targets": [f"sip:{callee.address}:{callee.port}"]}
    running = await daemon(numbers=[number], trunks=[trunk])
    application.on("/voice", '<Response><Dial action="/done">+15550009999</Dial></Response>')
    application.on("/done", "<Response><Hangup/></Response>")
    caller = await phones("+15557654321")

    call = await caller.invite(running.sip_uri(NUMBER))
    incoming = await callee.incoming()
    assert (incoming.to_user, incoming.from_user) == ("+15550009999", "+15557654321")
    await incoming.ring()
    await incoming.answer()
    await call.answered()
    call.media.tone(500)
    incoming.media.tone(700)
    await incoming.media.heard_tone(500)
    await call.media.heard_tone(700)
    mark = call.media.mark(), incoming.media.mark()
    await call.media.received(100)
    assert tones.gaps(call.media.pcm(since=mark[0]), longer_than_ms=60) == []
    await incoming.hangup()
    done = await application.request("/done")
    assert (done.form["DialCallStatus"], done.form["DialBridged"]) == ("completed", "true")
    assert int(done.form["DialCallDuration"]) >= 1 and done.form["DialCallSid"].startswith("CA")
    assert (await call.until_ended()).how == "bye received"


async def test_record(running: Daemon, application: ApplicationServer, phones: Phones) -> None:
    """Record: the file holds what was said, and is fetched as WAV and MP3 through the API."""
    application.on("/voice", '<Response><Record action="/done" finishOnKey="#" maxLength="10"/></Response>')
    release = application.hold("/done", "<Response><Hangup/></Response>")
    application.on("/status", "")
    caller = await phones("+15557654321")

    call = await caller.invite(running.sip_uri(NUMBER))
    await call.answered()
    await call.media.heard_tone(1000)
    await call.media.silence_heard(0.2)
    await call.media.play(tones.tone(600, 2.0))
    await call.media.send_digits("#")
    done = await application.request("/done")
    release.set()
    assert done.form["Digits"] == "#" and done.form["RecordingSid"].startswith("RE")
    assert done.form["RecordingDuration"] == "2"
    assert (await call.until_ended()).how == "bye received"

    recording = await running.rest.do(lambda client: client.recordings(done.form["RecordingSid"]).fetch())
    assert (recording.status, recording.duration, recording.source) == ("completed", "2", "RecordVerb")
    path = done.form["RecordingUrl"].removeprefix(running.base_url)
    pcm, rate = await fetch_wav(running, path + ".wav")
    assert rate == 8000 and 1.5 < len(pcm) / rate < 2.6
    assert tones.contains(pcm, 600, rate=rate)


async def fetch_wav(daemon: Daemon, path: str) -> tuple[np.ndarray[Any, Any], int]:
    """A recording's samples and rate, fetched with the account's credentials."""
    credentials = base64.b64encode(f"{daemon.account_sid}:{daemon.auth_token}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(daemon.base_url + path) as response:
        assert response.status == 200
        return tones.read_wav(await response.read())
