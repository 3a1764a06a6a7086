"""Conferences in the API: records and live ones (call-control reference §3.4)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.account import Account
from callwright.store.tables import conferences, recordings

from ..conftest import BASE, MINE, OTHER, Site

BEGUN = datetime(2026, 1, 31, 10, tzinfo=UTC)


def completed(site: Site, account: Account = MINE, **columns: Any) -> str:
    sid = ids.new(ids.CONFERENCE)
    row = {
        "sid": sid,
        "account_sid": account.sid,
        "friendly_name": "room",
        "region": "us1",
        "status": "completed",
        "reason_conference_ended": "last-participant-left",
        "call_sid_ending_conference": "CA" + "a" * 32,
        "date_created": BEGUN,
        "date_updated": BEGUN,
    }
    site.store.put(conferences, row | columns)
    return sid


async def test_sdk_lists_and_fetches(site: Site, client: Client) -> None:
    sids = [completed(site, date_created=BEGUN + timedelta(days=n)) for n in range(3)]
    other = completed(site, friendly_name="other", status="init")
    completed(site, OTHER)
    listed = await asyncio.to_thread(client.conferences.list, page_size=2, friendly_name="room")
    assert [item.sid for item in listed] == sids[::-1]
    assert [one.sid for one in await asyncio.to_thread(client.conferences.list, status="init")] == [other]
    day = (BEGUN + timedelta(days=1)).date()
    dated = await asyncio.to_thread(client.conferences.list, date_created=day)
    assert [one.sid for one in dated] == [sids[1]]
    one = await asyncio.to_thread(client.conferences(sids[0]).fetch)
    assert (one.friendly_name, one.status, one.region, one.date_created) == ("room", "completed", "us1", BEGUN)
    assert (one.reason_conference_ended, one.call_sid_ending_conference) == (
        "last-participant-left",
        "CA" + "a" * 32,
    )


async def test_fields(site: Site) -> None:
    sid = completed(site)
    _, item = await site.json("GET", f"{BASE}/Conferences/{sid}.json")
    assert item.keys() == {
        *("sid", "account_sid", "friendly_name", "api_version", "date_created", "date_updated", "region", "status"),
        *("reason_conference_ended", "call_sid_ending_conference", "uri", "subresource_uris"),
    }
    assert item["subresource_uris"]["participants"] == f"{BASE}/Conferences/{sid}/Participants.json"
    _, body = await site.ask("GET", f"{BASE}/Conferences/{sid}.xml")
    assert etree.fromstring(body).findtext("Conference/FriendlyName") == "room"


@pytest.mark.parametrize("account", [MINE, OTHER])
async def test_missing(site: Site, account: Account) -> None:
    sid = completed(site, OTHER) if account is MINE else "CF" + "0" * 32
    for path in ("", "/Participants", "/Recordings"):
        status, _ = await site.json("GET", f"{BASE}/Conferences/{sid}{path}.json")
        assert status == 404


async def test_a_completed_one_cannot_be_changed_and_has_nobody(site: Site, client: Client) -> None:
    sid = completed(site)
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(lambda: client.conferences(sid).update(status="completed"))
    assert (refused.value.status, refused.value.code) == (400, 16022)
    with pytest.raises(TwilioRestException) as wrong:
        await asyncio.to_thread(lambda: client.conferences(sid).update(status="begun"))
    assert wrong.value.code == 20422
    assert await asyncio.to_thread(client.conferences(sid).participants.list) == []
    with pytest.raises(TwilioRestException) as gone:
        await asyncio.to_thread(client.conferences(sid).participants("CA" + "a" * 32).fetch)
    assert gone.value.status == 404


async def test_its_recordings(site: Site, client: Client) -> None:
    sid, elsewhere = completed(site), completed(site)
    rows = []
    for room in (sid, elsewhere):
        row = {"sid": ids.new(ids.RECORDING), "account_sid": MINE.sid, "conference_sid": room, "status": "completed"}
        site.store.put(recordings, row | {"date_created": BEGUN, "source": "Conference", "track": "both"})
        rows.append(row["sid"])
    listed = await asyncio.to_thread(client.conferences(sid).recordings.list)
    assert [one.sid for one in listed] == [rows[0]]
    _, item = await site.json("GET", f"{BASE}/Conferences/{sid}/Recordings/{rows[0]}.json")
    assert item["uri"] == f"{BASE}/Conferences/{sid}/Recordings/{rows[0]}.json"
    status, _ = await site.json("GET", f"{BASE}/Conferences/{sid}/Recordings/{rows[1]}.json")
    assert status == 404
    assert await asyncio.to_thread(client.conferences(sid).recordings(rows[0]).delete) is True
    assert await asyncio.to_thread(client.conferences(sid).recordings.list) == []
