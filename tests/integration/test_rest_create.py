"""Calls that the API places, from the request to the last callback (call-control reference §2.2, §3.2, §9 S3)."""

import email.utils
from typing import Any

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import Guard, tones

from .line import GATEWAY_PASSWORD, GATEWAY_USER, Line
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target."""
    return await Site.on(line)


async def test_S3_every_step_is_told_in_order(site: Site) -> None:
    """S3: 201 queued, then initiated, ringing, answered, the document's request, completed."""
    site.serve_tone("/prompt.wav", 440, 0.5)
    site.script("/voice", "<Play>/prompt.wav</Play>")

    placed = await site.create()
    assert (placed.status, placed.direction, placed.duration) == ("queued", "outbound-api", None)
    assert (placed.to, placed._from, placed.queue_time) == (site.callee, site.number, "0")
    assert placed.date_created is not None and placed.start_time is None
    incoming = await site.carrier.incoming()
    assert (incoming.to_user, incoming.from_user) == (site.callee, site.number)
    initiated = await site.told("initiated", placed.sid)
    await incoming.ring()
    ringing = await site.told("ringing", placed.sid)
    await incoming.answer()
    answered = await site.told("in-progress", placed.sid)
    voice = await site.application.request("/voice")
    await incoming.media.heard_tone(440)
    assert (await incoming.until_ended()).how == "bye received"
    completed = await site.told("completed", placed.sid)

    steps = [initiated, ringing, answered, completed]
    assert [step.form["SequenceNumber"] for step in steps] == ["0", "1", "2", "3"]
    assert {step.form["CallbackSource"] for step in steps} == {"call-progress-events"}
    assert all(email.utils.parsedate_to_datetime(step.form["Timestamp"]) for step in steps)
    assert all("CallDuration" not in step.form and "SipResponseCode" not in step.form for step in steps[:3])
    ending = {name: completed.form[name] for name in ("Duration", "CallDuration", "SipResponseCode")}
    assert ending == {"Duration": "1", "CallDuration": "1", "SipResponseCode": "200"}
    assert answered.order < voice.order < completed.order
    for request in (*steps, voice):
        facts = {name: request.form[name] for name in ("Direction", "From", "To", "Caller", "Called", "AccountSid")}
        assert facts == {
            "Direction": "outbound-api",
            "From": site.number,
            "Caller": site.number,
            "To": site.callee,
            "Called": site.callee,
            "AccountSid": site.daemon.account_sid,
        }
    assert (voice.form["CallStatus"], voice.form["CallSid"]) == ("in-progress", placed.sid)

    record = await site.fetch(placed.sid)
    assert (record.status, record.duration, record.direction) == ("completed", "1", "outbound-api")
    assert record.start_time is not None and record.end_time >= record.start_time


async def test_S3_a_document_in_the_request(site: Site) -> None:
    """Twiml in place of Url runs without any request to an application server."""
    site.serve_tone("/prompt.wav", 880, 0.6)
    placed, incoming = await site.answered(twiml=f"<Response><Play>{site.url('/prompt.wav')}</Play></Response>")
    await incoming.media.heard_tone(880)
    assert (await incoming.until_ended()).how == "bye received"
    await site.told("completed", placed.sid)
    assert site.application.count("/voice") == 0


async def test_url_wins_over_twiml(site: Site) -> None:
    """32019: with both, Twiml is left alone."""
    site.script("/voice", "<Hangup/>")
    placed, incoming = await site.answered(url=site.url("/voice"), twiml="<Response><Pause length='9'/></Response>")
    await incoming.until_ended()
    await site.told("completed", placed.sid)
    assert site.application.count("/voice") == 1


async def test_a_document_by_get(site: Site) -> None:
    """Method=GET carries the parameters in the query, beside those of the URL."""
    site.script("/voice", "<Hangup/>")
    placed, incoming = await site.answered(url=site.url("/voice?campaign=7"), method="GET")
    await incoming.until_ended()
    request = await site.application.request("/voice")
    assert (request.method, request.query["campaign"], request.query["CallSid"]) == ("GET", "7", placed.sid)


async def test_completed_alone_is_told_by_default(site: Site) -> None:
    """StatusCallbackEvent defaults to completed, whose SequenceNumber is then 0."""
    placed = await site.create(twiml="<Response><Hangup/></Response>", status_callback_event=None)
    incoming = await site.carrier.incoming()
    await incoming.answer()
    completed = await site.told("completed", placed.sid)
    assert completed.form["SequenceNumber"] == "0"
    assert site.application.count("/status") == 1


async def test_S3_no_answer(site: Site) -> None:
    """S3: the ring timeout cancels; the completed event says no-answer with 487, and Url is never fetched."""
    placed = await site.create(timeout=1)
    incoming = await site.carrier.incoming()
    await incoming.ring()
    await site.told("initiated", placed.sid)
    await site.told("ringing", placed.sid)
    ending = await incoming.until_ended()
    assert ending.how == "cancelled"
    last = await site.told("no-answer", placed.sid)
    assert (last.form["SipResponseCode"], last.form["CallDuration"], last.form["Duration"]) == ("487", "0", "0")
    assert last.form["SequenceNumber"] == "2"
    assert site.application.count("/voice") == 0
    record = await site.fetch(placed.sid)
    assert (record.status, record.duration, record.start_time) == ("no-answer", "0", None)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (486, "busy"),
        (600, "busy"),
        (603, "no-answer"),
        (480, "no-answer"),
        (403, "failed"),
        (404, "failed"),
        (484, "failed"),
        (488, "failed"),
    ],
)
async def test_what_a_refusal_means(site: Site, code: int, status: str) -> None:
    """The table of §7.4."""
    placed = await site.create()
    incoming = await site.carrier.incoming()
    await incoming.ring()
    await incoming.refuse(code)
    await site.told("initiated", placed.sid)
    await site.told("ringing", placed.sid)
    last = await site.told(status, placed.sid)
    assert last.form["SipResponseCode"] == str(code)
    assert (await site.fetch(placed.sid)).status == status
    assert site.application.count("/voice") == 0


async def test_a_gateway_that_fails_is_passed_over(site: Site, line: Line) -> None:
    """503 of the first target: the call goes to the second one, and its progress is told once."""
    second = await line.gateway(1)
    placed = await site.create(twiml="<Response><Hangup/></Response>")
    await (await site.carrier.incoming()).refuse(503)
    incoming = await second.incoming()
    await incoming.answer()
    await site.told("initiated", placed.sid)
    await site.told("in-progress", placed.sid)
    await site.told("completed", placed.sid)


async def test_no_trunk_carries_the_number(site: Site) -> None:
    """An unroutable number: 201, then failed with 404 and no INVITE (§7.4)."""
    placed = await site.create(to="+999123456789")
    last = await site.told("failed", placed.sid)
    assert last.form["SipResponseCode"] == "404"
    assert (await site.fetch(placed.sid)).status == "failed"
    assert site.carrier.calls == []


async def test_send_digits_after_the_answer(site: Site) -> None:
    """SendDigits reach the callee as RFC 4733 events, in order, once it has answered."""
    site.script("/voice", "<Pause length='2'/>")
    _, incoming = await site.answered(send_digits="1w5#")
    await incoming.media.heard_digits("15#")
    await site.application.request("/voice")
    await incoming.hangup()


async def test_what_a_call_is_about(site: Site) -> None:
    """CallReason goes to the carrier as call-reason (RFC 9796 §5)."""
    site.script("/voice", "<Hangup/>")
    _, incoming = await site.answered(call_reason="Your parcel")
    assert incoming.invite.headers["Call-Info"] == '<data:>;purpose=jcard;call-reason="Your parcel"'
    await incoming.until_ended()


async def test_a_time_limit_ends_the_call(site: Site) -> None:
    """TimeLimit counts from the answer."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered(time_limit=1)
    assert (await incoming.until_ended()).how == "bye received"
    last = await site.told("completed", placed.sid)
    assert 1 <= int(last.form["CallDuration"]) <= 2


async def test_a_recorded_call(site: Site) -> None:
    """Record=true: both sides are recorded from the answer, and the final callback names the recording (§2.2)."""
    site.serve_tone("/prompt.wav", 440, 2.0)
    site.script("/voice", "<Play>/prompt.wav</Play>")
    site.application.on("/recorded", "")
    placed, incoming = await site.answered(
        record=True, recording_status_callback=site.url("/recorded"), trim="do-not-trim"
    )
    incoming.media.tone(620)
    assert (await incoming.until_ended()).how == "bye received"
    told = await site.application.request("/recorded")
    facts = {name: told.form[name] for name in ("RecordingStatus", "RecordingSource", "RecordingChannels", "CallSid")}
    assert facts == {
        "RecordingStatus": "completed",
        "RecordingSource": "OutboundAPI",
        "RecordingChannels": "1",
        "CallSid": placed.sid,
    }
    sid = told.form["RecordingSid"]
    pcm, rate = await site.wav(sid)
    assert (rate, tones.contains(pcm, 620)) == (8000, True)
    assert 1.5 < len(pcm) / rate < 3.0
    assert tones.contains(pcm, 440), "what the callee heard is not in the recording"
    last = await site.told("completed", placed.sid)
    assert (last.form["RecordingSid"], last.form["RecordingDuration"]) == (sid, told.form["RecordingDuration"])
    assert last.form["RecordingUrl"] == told.form["RecordingUrl"]


async def test_a_recording_of_two_channels(site: Site) -> None:
    """RecordingChannels=dual keeps the two sides apart."""
    site.serve_tone("/prompt.wav", 440, 1.5)
    site.script("/voice", "<Play>/prompt.wav</Play>")
    site.application.on("/recorded", "")
    _, incoming = await site.answered(
        record=True, recording_channels="dual", recording_status_callback=site.url("/recorded"), trim="do-not-trim"
    )
    incoming.media.tone(620)
    await incoming.until_ended()
    told = await site.application.request("/recorded")
    assert told.form["RecordingChannels"] == "2"
    _, _, body = await site.get(site.path(f"Recordings/{told.form['RecordingSid']}.wav"))
    sides, _ = tones.read_wav_channels(body)
    heard = sorted((tones.contains(side, 440), tones.contains(side, 620)) for side in sides)
    assert heard == [(False, True), (True, False)]


@pytest.mark.parametrize("channels", ["mono", "dual"])
@pytest.mark.parametrize(("track", "heard"), [("inbound", {620}), ("outbound", {440}), ("both", {440, 620})])
async def test_a_recording_of_one_side(site: Site, channels: str, track: str, heard: set[int]) -> None:
    """RecordingTrack: inbound is what the called party says, outbound what it hears; the other side is not there."""
    site.serve_tone("/prompt.wav", 440, 1.5)
    site.script("/voice", "<Play>/prompt.wav</Play>")
    site.application.on("/recorded", "")
    _, incoming = await site.answered(
        record=True,
        recording_track=track,
        recording_channels=channels,
        recording_status_callback=site.url("/recorded"),
        trim="do-not-trim",
    )
    incoming.media.tone(620)
    await incoming.until_ended()
    told = (await site.application.request("/recorded")).form
    assert (told["RecordingTrack"], told["RecordingChannels"]) == (track, "2" if channels == "dual" else "1")
    _, _, body = await site.get(site.path(f"Recordings/{told['RecordingSid']}.wav"))
    sides, _ = tones.read_wav_channels(body)
    found = [{hz for hz in (440, 620) if tones.tone_dbov(side, hz) > -30} for side in sides]
    assert found == ([{620} & heard, {440} & heard] if channels == "dual" else [heard])


async def test_a_sip_party_with_headers(site: Site, line: Line) -> None:
    """To=sip:...?X-...: custom headers, and those that name the call (§7.3)."""
    phone = await line.phone("bob", transport="tcp")
    site.script("/voice", "<Hangup/>")
    placed = await site.create(to=f"{phone.uri}?X-Ticket=42%20b&User-to-User=abc", from_="alice")
    incoming = await phone.incoming()
    headers = incoming.invite.headers
    assert (headers["X-Ticket"], headers["User-to-User"]) == ("42 b", "abc")
    assert headers["X-Twilio-CallSid"] == placed.sid
    assert headers["X-Twilio-AccountSid"] == site.daemon.account_sid
    assert headers["X-Twilio-ApiVersion"] == "2010-04-01"
    assert (incoming.from_user, incoming.invite.uri) == ("alice", phone.uri)
    await incoming.answer()
    voice = await site.application.request("/voice")
    assert (voice.form["From"], voice.form["To"].partition("?")[0]) == ("alice", phone.uri)
    await incoming.until_ended()


async def test_a_sip_party_that_challenges(site: Site, line: Line) -> None:
    """SipAuthUsername and SipAuthPassword answer its 407."""
    phone = await line.phone("bob")
    phone.guard = Guard("carol", "secret-of-carol", proxy=True)
    placed = await site.create(
        to=phone.uri,
        from_="alice",
        twiml="<Response><Hangup/></Response>",
        sip_auth_username="carol",
        sip_auth_password="secret-of-carol",
    )
    incoming = await phone.incoming()
    await incoming.answer()
    await site.over(placed.sid)
    assert not [text for text in site.daemon.log if "secret-of-carol" in text]


async def test_a_trunk_that_challenges(site: Site) -> None:
    """The trunk's own credentials answer its gateway."""
    site.carrier.guard = Guard(GATEWAY_USER, GATEWAY_PASSWORD)
    placed, incoming = await site.answered(twiml="<Response><Hangup/></Response>")
    await incoming.until_ended()
    await site.told("completed", placed.sid)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"to": ""}, 21201),
        ({"from_": ""}, 21213),
        ({"to": "twelve"}, 21211),
        ({"from_": "+15551112222"}, 21210),
        ({"url": "ftp://example.com/"}, 21205),
        ({"method": "PUT"}, 21209),
        ({"send_digits": "12x"}, 21206),
        ({"timeout": 0}, 21208),
        ({"twiml": "<Response>" + " " * 4000 + "</Response>"}, 32018),
        ({"to": "sip:bob@127.0.0.1?Route=x"}, 21228),
        ({"to": "sip:bob@127.0.0.1?X-A=b%0d%0aX-C:d"}, 21229),
        ({"application_sid": "AP" + "0" * 32}, 21218),
    ],
)
async def test_refused_parameters(site: Site, parameters: dict[str, Any], code: int) -> None:
    """§8.3: the SDK raises the public code, and no call is made."""
    before = len(await site.do(lambda client: client.calls.list(limit=1000)))
    with pytest.raises(TwilioRestException) as refusal:
        await site.create(**parameters)
    assert (refusal.value.code, refusal.value.status) == (code, 400)
    assert len(await site.do(lambda client: client.calls.list(limit=1000))) == before
