"""Transcriptions (call-control reference §3.3)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.account import Account
from callwright.store.traces import transcriptions

from ..conftest import BASE, MINE, OTHER, Site
from .test_recordings import BEGUN, record


def transcribed(site: Site, recording: str, account: Account = MINE, **columns: Any) -> str:
    """A transcription of a recording."""
    sid = ids.new(ids.TRANSCRIPTION)
    row = {
        "sid": sid,
        "account_sid": account.sid,
        "recording_sid": recording,
        "call_sid": "CA" + "a" * 32,
        "date_created": BEGUN,
        "date_updated": BEGUN,
        "status": "completed",
        "duration": 6,
        "text": "hello there",
    }
    site.store.put(transcriptions, row | columns)
    return sid


async def test_sdk_lists_and_fetches(site: Site, client: Client) -> None:
    first, second = record(site), record(site)
    sids = [transcribed(site, first, date_created=BEGUN + timedelta(minutes=n)) for n in range(3)]
    other = transcribed(site, second)
    transcribed(site, record(site, OTHER), OTHER)
    listed = await asyncio.to_thread(client.transcriptions.list, page_size=2)
    assert [one.sid for one in listed] == [sids[2], sids[1], *sorted([sids[0], other], reverse=True)]
    of_one = await asyncio.to_thread(client.recordings(first).transcriptions.list)
    assert [one.sid for one in of_one] == sids[::-1]
    one = await asyncio.to_thread(client.transcriptions(sids[0]).fetch)
    assert (one.recording_sid, one.transcription_text, one.status) == (first, "hello there", "completed")
    assert (one.duration, one.type, one.price, one.price_unit) == ("6", "fast", None, "USD")
    assert (one.date_created, one.uri) == (BEGUN, f"{BASE}/Transcriptions/{sids[0]}.json")
    same = await asyncio.to_thread(client.recordings(first).transcriptions(sids[0]).fetch)
    assert same.sid == one.sid


async def test_the_text_alone(site: Site) -> None:
    recording = record(site)
    sid = transcribed(site, recording)
    for path in (f"{BASE}/Transcriptions/{sid}.txt", f"{BASE}/Recordings/{recording}/Transcriptions/{sid}.txt"):
        response, body = await site.ask("GET", path)
        assert (response.status, response.content_type, body) == (200, "text/plain", b"hello there")
    response, _ = await site.ask("GET", f"{BASE}/Transcriptions.txt")
    assert response.status == 404


async def test_delete(site: Site, client: Client) -> None:
    recording = record(site)
    sids = [transcribed(site, recording), transcribed(site, recording)]
    running = transcribed(site, recording, status="in-progress", text=None)
    assert await asyncio.to_thread(client.transcriptions(sids[0]).delete) is True
    assert await asyncio.to_thread(client.recordings(recording).transcriptions(sids[1]).delete) is True
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.transcriptions(running).delete)
    assert (refused.value.status, refused.value.code) == (409, 20009)
    assert [one.sid for one in await asyncio.to_thread(client.transcriptions.list)] == [running]


async def test_what_is_somebody_elses(site: Site) -> None:
    recording = record(site, OTHER)
    theirs, mine = transcribed(site, recording, OTHER), transcribed(site, record(site))
    other = record(site)
    for path in (
        f"Transcriptions/{theirs}.json",
        f"Recordings/{other}/Transcriptions/{mine}.json",
        f"Recordings/{recording}/Transcriptions.json",
        f"Recordings/{recording}/Transcriptions/{theirs}.json",
    ):
        status, body = await site.json("GET", f"{BASE}/{path}")
        assert (status, body["code"]) == (404, 20404), path
