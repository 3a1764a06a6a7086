import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest
import soundfile
from lxml import etree
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.account import Account
from callwright.store.tables import recordings

from ..conftest import BASE, MINE, OTHER, Site

BEGUN = datetime(2026, 1, 31, 10, tzinfo=UTC)


def record(site: Site, account: Account = MINE, *, channels: int = 1, seconds: float = 1.0, **columns: Any) -> str:
    """A recording with a tone; of two channels, the second is silent."""
    sid = ids.new(ids.RECORDING)
    path = Path(account.sid) / f"{sid}.wav"
    file = site.services.recordings / path
    file.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(int(8000 * seconds)) / 8000)
    samples = numpy.column_stack([tone, numpy.zeros_like(tone)]) if channels == 2 else tone
    soundfile.write(file, samples, 8000, subtype="PCM_16")
    row = {
        "sid": sid,
        "account_sid": account.sid,
        "call_sid": "CA" + "a" * 32,
        "channels": channels,
        "source": "RecordVerb",
        "track": "both",
        "status": "completed",
        "duration": int(seconds),
        "start_time": BEGUN,
        "date_created": BEGUN,
        "date_updated": BEGUN,
        "path": str(path),
    }
    site.store.put(recordings, row | columns)
    return sid


def peak(body: bytes) -> tuple[int, float]:
    samples, _ = soundfile.read(io.BytesIO(body), always_2d=True)
    return samples.shape[1], float(numpy.abs(samples).max())


async def test_sdk_lists_and_fetches(site: Site, client: Client) -> None:
    sids = [record(site, date_created=BEGUN + timedelta(minutes=n)) for n in range(3)]
    record(site, OTHER)
    listed = await asyncio.to_thread(client.recordings.list, page_size=2)
    assert [item.sid for item in listed] == sids[::-1]
    recent = await asyncio.to_thread(client.recordings.list, date_created_after=BEGUN + timedelta(minutes=1))
    assert [item.sid for item in recent] == [sids[2], sids[1]]
    assert await asyncio.to_thread(client.recordings.list, call_sid="CA" + "b" * 32) == []
    one = await asyncio.to_thread(client.recordings(sids[0]).fetch)
    assert (one.duration, one.channels, one.source, one.status) == ("1", 1, "RecordVerb", "completed")
    assert one.media_url == f"http://voice.example{BASE}/Recordings/{sids[0]}"
    assert one.start_time == BEGUN


async def test_metadata_fields(site: Site) -> None:
    sid = record(site)
    _, item = await site.json("GET", f"{BASE}/Recordings/{sid}.json")
    assert item.keys() == {
        *("sid", "account_sid", "call_sid", "conference_sid", "api_version", "date_created", "date_updated"),
        *("start_time", "duration", "channels", "source", "status", "error_code", "price", "price_unit", "uri"),
        *("encryption_details", "media_url", "subresource_uris"),
    }
    response, body = await site.ask("GET", f"{BASE}/Recordings/{sid}.xml")
    assert response.content_type == "application/xml"
    assert etree.fromstring(body).findtext("Recording/Duration") == "1"


async def test_recordings_of_a_call(site: Site, client: Client) -> None:
    call = site.switchboard.call(status="completed")
    sid = record(site, call_sid=call)
    record(site)
    (item,) = await asyncio.to_thread(client.calls(call).recordings.list)
    assert (item.sid, item.track, item.encryption_details) == (sid, "both", None)
    one = await asyncio.to_thread(client.calls(call).recordings(sid).fetch)
    assert one.uri == f"{BASE}/Calls/{call}/Recordings/{sid}.json"
    other_call = site.switchboard.call()
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.calls(other_call).recordings(sid).fetch)
    assert refused.value.code == 20404
    assert await asyncio.to_thread(client.calls(call).recordings(sid).delete)
    assert await asyncio.to_thread(client.calls(call).recordings.list) == []


@pytest.mark.parametrize(("extension", "kind"), [("", "audio/x-wav"), (".wav", "audio/x-wav"), (".mp3", "audio/mpeg")])
async def test_sound(site: Site, extension: str, kind: str) -> None:
    sid = record(site, channels=2)
    response, body = await site.ask("GET", f"{BASE}/Recordings/{sid}{extension}")
    assert (response.status, response.content_type) == (200, kind)
    channels, level = peak(body)
    assert channels == 2
    assert 0.4 < level < 0.6
    response, body = await site.ask("GET", f"{BASE}/Recordings/{sid}{extension}?RequestedChannels=1")
    channels, level = peak(body)
    assert channels == 1
    assert 0.2 < level < 0.3
    again = await site.ask("GET", f"{BASE}/Recordings/{sid}{extension}?RequestedChannels=1")
    assert again[1] == body


async def test_sound_in_ranges_and_as_a_download(site: Site) -> None:
    sid = record(site)
    path = f"{BASE}/Recordings/{sid}.wav"
    whole, body = await site.ask("GET", path)
    part, some = await site.ask("GET", path, headers={"Range": "bytes=100-199"})
    assert (part.status, some) == (206, body[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(body)}"
    beyond, _ = await site.ask("GET", path, headers={"Range": f"bytes={len(body)}-"})
    assert beyond.status == 416
    head, nothing = await site.ask("HEAD", path)
    assert (head.status, nothing, head.headers["Content-Length"]) == (200, b"", str(len(body)))
    saved, _ = await site.ask("GET", f"{path}?Download=true")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="{sid}.wav"'
    assert "Content-Disposition" not in whole.headers


async def test_refuses_two_channels_of_one(site: Site) -> None:
    sid = record(site)
    response, body = await site.ask("GET", f"{BASE}/Recordings/{sid}.wav?RequestedChannels=2")
    assert response.status == 400
    assert etree.fromstring(body).findtext("RestException/Code") == "16113"


async def test_no_sound_before_the_end_or_when_absent(site: Site) -> None:
    for columns in ({"status": "in-progress"}, {"status": "absent"}, {"path": None}, {"path": "gone.wav"}):
        sid = record(site, **columns)
        response, _ = await site.ask("GET", f"{BASE}/Recordings/{sid}.wav")
        assert response.status == 404


async def test_sdk_deletes(site: Site, client: Client) -> None:
    sid = record(site, channels=2)
    for path in (f"{sid}.mp3?RequestedChannels=1", f"{sid}.wav?RequestedChannels=1", f"{sid}.mp3"):
        response, _ = await site.ask("GET", f"{BASE}/Recordings/{path}")
        assert response.status == 200
    folder = site.services.recordings / MINE.sid
    assert len(list(folder.iterdir())) == 4
    assert await asyncio.to_thread(client.recordings(sid).delete)
    assert list(folder.iterdir()) == []
    assert await asyncio.to_thread(client.recordings.list) == []
    for fetch in (client.recordings(sid).fetch, client.recordings(sid).delete):
        with pytest.raises(TwilioRestException) as gone:
            await asyncio.to_thread(fetch)
        assert gone.value.status == 404
    kept = await asyncio.to_thread(client.recordings(sid).fetch, include_soft_deleted=True)
    assert (kept.status, kept.media_url) == ("deleted", None)
    (listed,) = await asyncio.to_thread(client.recordings.list, include_soft_deleted=True)
    assert listed.sid == sid


async def test_refuses_to_delete_what_goes_on(site: Site) -> None:
    sid = record(site, status="in-progress", duration=None)
    status, error = await site.json("DELETE", f"{BASE}/Recordings/{sid}.json")
    assert (status, error["code"]) == (409, 20009)


async def test_a8_recordings_of_others_do_not_exist(site: Site) -> None:
    sid = record(site, OTHER)
    for method, extension in (("GET", ""), ("GET", ".wav"), ("GET", ".mp3"), ("GET", ".json"), ("DELETE", ".json")):
        response, _ = await site.ask(method, f"{BASE}/Recordings/{sid}{extension}")
        assert response.status == 404
    response, _ = await site.ask("GET", f"/2010-04-01/Accounts/{OTHER.sid}/Recordings/{sid}", account=OTHER)
    assert response.status == 200
