"""Records of calls by their day (call-control reference §3.14)."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import Site

BEGUN = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)


async def test_sdk_deletes_an_archived_call(site: Site, client: Client) -> None:
    sid = site.switchboard.call(status="completed", date_created=BEGUN, end_time=BEGUN)
    live = site.switchboard.call(status="in-progress", date_created=BEGUN)
    archived = client.voice.v1.archived_calls
    for day, call in ((date(2026, 2, 1), sid), (date(2026, 1, 31), "CA" + "0" * 32)):
        with pytest.raises(TwilioRestException) as missing:
            await asyncio.to_thread(archived(day, call).delete)
        assert missing.value.status == 404
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(archived(date(2026, 1, 31), live).delete)
    assert refused.value.code == 20009
    assert await asyncio.to_thread(archived(date(2026, 1, 31), sid).delete) is True
    assert [one.sid for one in await asyncio.to_thread(client.calls.list)] == [live]


async def test_what_a_voice_server_does_not_have(client: Client) -> None:
    for lists in (client.connect_apps, client.authorized_connect_apps, client.short_codes):
        assert await asyncio.to_thread(lists.list) == []
