"""Records of real calls: lists, pages, events, recordings, their representations and their end (§3.1, §3.2, §3.3)."""

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import PhoneCall, tones

from .line import Line
from .site import Site, authorization

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

HANG_UP = "<Response><Hangup/></Response>"


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target."""
    return await Site.on(line)


async def finished(site: Site, to: str = "") -> str:
    """A placed call that was answered and is over; its SID."""
    placed, incoming = await site.answered(twiml=HANG_UP, to=to or site.callee)
    await incoming.until_ended()
    await site.told("completed", placed.sid)
    return str(placed.sid)


async def recorded(site: Site, hz: float = 600) -> tuple[str, str]:
    """SIDs of a call that came in and of the recording that it made."""
    site.script("/voice", '<Record action="/done" playBeep="false" finishOnKey="#" trim="do-not-trim"/>')
    release = site.application.hold("/done", HANG_UP)
    call = await site.dial_in()
    await call.answered()
    await call.media.play(tones.tone(hz, 1.0))
    await call.media.send_digits("#")
    release.set()
    done = await site.application.request("/done")
    await call.until_ended()
    await site.over(done.form["CallSid"])
    return done.form["CallSid"], done.form["RecordingSid"]


async def test_S16_all_pages(site: Site, line: Line) -> None:
    """S16: five calls in pages of two; the SDK walks them all, newest first, and the last page has no next one."""
    sids = [await finished(site, line.dialled(2000)) for _ in range(5)]
    found = await site.do(lambda client: client.calls.list(to=line.dialled(2000), page_size=2))
    assert [call.sid for call in found] == sids[::-1]

    path = site.path(f"Calls.json?To=%2B{line.dialled(2000)[1:]}&PageSize=2")
    headers = authorization(site.daemon.account_sid, site.daemon.auth_token)
    sizes = []
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
        while path:
            async with session.get(site.daemon.base_url + path) as response:
                page = await response.json()
            sizes.append((page["page"], page["start"], page["end"], len(page["calls"])))
            path = page["next_page_uri"]
    assert sizes == [(0, 0, 1, 2), (1, 2, 3, 2), (2, 4, 4, 1)]


async def test_lists_are_filtered(site: Site, line: Line) -> None:
    """Status, To, From, StartTime and ParentCallSid."""
    before = datetime.now(UTC)
    answered = await finished(site)
    refused = await site.create()
    await (await site.carrier.incoming()).refuse(486)
    await site.over(refused.sid)

    async def sids(**filters: object) -> list[str]:
        calls = await site.do(lambda client: client.calls.list(to=site.callee, **filters))
        return [call.sid for call in calls]

    assert await sids() == [refused.sid, answered]
    assert await sids(status="busy") == [refused.sid]
    assert await sids(status="completed") == [answered]
    assert await sids(from_=site.number) == [refused.sid, answered]
    assert await sids(from_="+15550000000") == []
    assert await sids(start_time_after=before - timedelta(seconds=2)) == [answered]
    assert await sids(start_time_before=before - timedelta(days=1)) == []
    assert await sids(parent_call_sid=answered) == []


async def test_live_calls_are_listed(site: Site) -> None:
    """A call is in the list with the status that it has now."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    live = await site.do(lambda client: client.calls.list(to=site.callee, status="in-progress"))
    assert [call.sid for call in live] == [placed.sid]
    await incoming.hangup()
    await site.told("completed", placed.sid)
    assert await site.do(lambda client: client.calls.list(to=site.callee, status="in-progress")) == []


async def test_a_finished_call_is_deleted(site: Site) -> None:
    """204, then 404 with 20404; its list no longer has it."""
    sid = await finished(site)
    assert await site.do(lambda client: client.calls(sid).delete()) is True
    with pytest.raises(TwilioRestException) as missing:
        await site.fetch(sid)
    assert (missing.value.status, missing.value.code) == (404, 20404)
    assert await site.do(lambda client: client.calls.list(to=site.callee)) == []


async def test_a_live_call_is_not_deleted(site: Site) -> None:
    """20009: only finished calls can be."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    with pytest.raises(TwilioRestException) as refusal:
        await site.do(lambda client: client.calls(placed.sid).delete())
    assert refusal.value.code == 20009
    assert (await site.fetch(placed.sid)).status == "in-progress"
    await incoming.hangup()
    await site.told("completed", placed.sid)


async def test_a_recording_in_every_form(site: Site) -> None:
    """WAV without and with an extension, MP3, metadata as JSON and XML; the file holds what was said."""
    call_sid, sid = await recorded(site, 600)
    metadata = await site.do(lambda client: client.recordings(sid).fetch())
    assert (metadata.call_sid, metadata.status, metadata.channels) == (call_sid, "completed", 1)
    assert (metadata.source, metadata.duration) == ("RecordVerb", "1")
    of_call = await site.do(lambda client: client.calls(call_sid).recordings.list())
    assert [one.sid for one in of_call] == [sid]

    base = site.path(f"Recordings/{sid}")
    forms = {suffix: await site.get(base + suffix) for suffix in ("", ".wav", ".mp3", ".json", ".xml")}
    kinds = {suffix: (status, kind) for suffix, (status, kind, _) in forms.items()}
    assert kinds == {
        "": (200, "audio/x-wav"),
        ".wav": (200, "audio/x-wav"),
        ".mp3": (200, "audio/mpeg"),
        ".json": (200, "application/json"),
        ".xml": (200, "application/xml"),
    }
    pcm, rate = tones.read_wav(forms[""][2])
    assert rate == 8000 and tones.contains(pcm, 600)
    assert forms[".wav"][2] == forms[""][2]
    frame = forms[".mp3"][2]
    assert frame[:3] == b"ID3" or (frame[0] == 0xFF and frame[1] & 0xE0 == 0xE0), frame[:8]
    assert metadata.media_url == site.daemon.base_url + base


async def test_two_channels_of_a_mono_recording(site: Site) -> None:
    """RequestedChannels=2: 400 with 16113."""
    _, sid = await recorded(site)
    status, _, body = await site.get(site.path(f"Recordings/{sid}.wav?RequestedChannels=2"))
    assert status == 400 and b"16113" in body


async def test_a_recording_is_deleted(site: Site) -> None:
    """204; the sound is gone from the API and from the disk, the fields stay for those who ask for deleted ones."""
    _, sid = await recorded(site)
    assert list(site.daemon.directory.glob(f"data/recordings/**/{sid}*"))
    assert await site.do(lambda client: client.recordings(sid).delete()) is True
    for suffix in ("", ".mp3", ".json"):
        assert (await site.get(site.path(f"Recordings/{sid}{suffix}")))[0] == 404
    assert not list(site.daemon.directory.glob(f"data/recordings/**/{sid}*"))
    kept = await site.do(lambda client: client.recordings(sid).fetch(include_soft_deleted=True))
    assert kept.status == "deleted"


async def test_the_events_of_a_call(site: Site) -> None:
    """Events: one for each request to the application server, in order, with what was sent and answered (§3.2)."""
    site.script("/voice", "<Redirect>/second</Redirect>")
    site.script("/second", "<Hangup/>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.until_ended()
    await site.over(sid)
    events = await site.do(lambda client: client.calls(sid).events.list())
    assert [(event.request["method"], event.request["url"]) for event in events] == [
        ("POST", site.url("/voice")),
        ("POST", site.url("/second")),
    ]
    assert [event.response["response_code"] for event in events] == [200, 200]
    assert events[0].request["parameters"]["call_sid"] == sid
    assert events[0].request["parameters"]["call_status"] == "ringing"
    assert "<Redirect>" in events[0].response["response_body"]


async def test_a_failed_request_is_an_event(site: Site) -> None:
    """The answer's code stands in the event, and the fallback is the next one."""
    site.script("/fallback", "<Hangup/>")
    call = await site.dial_in()
    sid = (await site.application.request("/fallback")).form["CallSid"]
    await call.until_ended()
    await site.over(sid)
    events = await site.do(lambda client: client.calls(sid).events.list())
    assert [event.response["response_code"] for event in events] == [404, 200]


async def test_xml_and_csv(site: Site) -> None:
    """The same resource without .json: XML by default and by extension; a list as CSV."""
    sid = await finished(site)
    for path in (f"Calls/{sid}", f"Calls/{sid}.xml"):
        status, kind, body = await site.get(site.path(path))
        assert (status, kind) == (200, "application/xml")
        call = ElementTree.fromstring(body).find("Call")
        assert call is not None
        assert (call.findtext("Sid"), call.findtext("Status"), call.findtext("To")) == (sid, "completed", site.callee)
    status, kind, body = await site.get(site.path(f"Calls.csv?To=%2B{site.callee[1:]}"))
    assert (status, kind) == (200, "text/csv")
    assert len(body.decode().strip().splitlines()) == 2 and sid in body.decode()


async def test_every_answer_has_the_headers_of_the_api(site: Site) -> None:
    """§3.1: request id, duration, concurrency, CORS."""
    headers = authorization(site.daemon.account_sid, site.daemon.auth_token)
    url = site.daemon.base_url + site.path("Calls.json?PageSize=1")
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session, session.get(url) as response:
        assert response.headers["Twilio-Request-Id"].startswith("RQ")
        assert float(response.headers["Twilio-Request-Duration"]) >= 0
        assert response.headers["Twilio-Concurrent-Requests"] == "1"
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def live(site: Site) -> tuple[str, PhoneCall]:
    """A call that came in and goes on."""
    site.script("/voice", "<Pause length='30'/>")
    call = await site.dial_in()
    return (await site.application.request("/voice")).form["CallSid"], call


async def test_a_call_of_nobody_needs_credentials(site: Site) -> None:
    """401 with 20003 and a challenge, for no, wrong and half credentials (A9)."""
    sid, call = await live(site)
    url = site.daemon.base_url + site.path(f"Calls/{sid}.json")
    wrong: list[dict[str, str]] = [
        {},
        authorization(site.daemon.account_sid, "0" * 32),
        authorization("AC" + "f" * 32, site.daemon.auth_token),
        {"Authorization": "Basic !!!"},
        {"Authorization": f"Bearer {site.daemon.auth_token}"},
    ]
    for headers in wrong:
        async with aiohttp.ClientSession(headers=headers, trust_env=False) as session, session.get(url) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'
            assert (await response.json())["code"] == 20003
    await call.cancel()
