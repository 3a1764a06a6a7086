"""Queues in the API (call-control reference §3.5)."""

import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import BASE, MINE, OTHER, Site


async def test_sdk_creates_changes_and_deletes(site: Site, client: Client) -> None:
    made = await asyncio.to_thread(lambda: client.queues.create(friendly_name="support", max_size=20))
    assert (made.friendly_name, made.max_size, made.current_size, made.average_wait_time) == ("support", 20, 0, 0)
    assert made.sid.startswith("QU") and made.date_created is not None
    usual = await asyncio.to_thread(lambda: client.queues.create(friendly_name="sales"))
    assert usual.max_size == 1000
    listed = await asyncio.to_thread(client.queues.list, page_size=1)
    assert [one.sid for one in listed] == [usual.sid, made.sid]
    changed = await asyncio.to_thread(lambda: client.queues(made.sid).update(friendly_name="help"))
    assert (changed.friendly_name, changed.max_size) == ("help", 20)
    same = await asyncio.to_thread(lambda: client.queues(made.sid).update(friendly_name="help", max_size=30))
    assert (same.friendly_name, same.max_size) == ("help", 30)
    assert site.services.rooms.queues.find(MINE.sid, "support") is None
    assert await asyncio.to_thread(client.queues(made.sid).delete) is True
    with pytest.raises(TwilioRestException) as gone:
        await asyncio.to_thread(client.queues(made.sid).fetch)
    assert gone.value.status == 404
    assert [one.sid for one in await asyncio.to_thread(client.queues.list)] == [usual.sid]


async def test_fields(site: Site) -> None:
    _, made = await site.json("POST", f"{BASE}/Queues.json", data={"FriendlyName": "support"})
    assert made.keys() == {
        *("sid", "account_sid", "friendly_name", "current_size", "max_size", "average_wait_time"),
        *("date_created", "date_updated", "uri", "subresource_uris"),
    }
    assert made["uri"] == f"{BASE}/Queues/{made['sid']}.json"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20002),
        ({"FriendlyName": " "}, 20002),
        ({"FriendlyName": "x" * 65}, 20002),
        ({"FriendlyName": "a\x85b"}, 20002),
        ({"FriendlyName": "taken"}, 22003),
        ({"FriendlyName": "a", "MaxSize": "0"}, 20422),
        ({"FriendlyName": "a", "MaxSize": "5001"}, 20422),
    ],
)
async def test_refused(site: Site, form: dict[str, Any], code: int) -> None:
    await site.json("POST", f"{BASE}/Queues.json", data={"FriendlyName": "taken"})
    status, refused = await site.json("POST", f"{BASE}/Queues.json", data=form)
    assert (status, refused["code"]) == (400, code)


async def test_other_accounts(site: Site) -> None:
    """Another account may use the name, and sees nothing of it."""
    _, made = await site.json("POST", f"{BASE}/Queues.json", data={"FriendlyName": "support"})
    theirs = BASE.replace(MINE.sid, OTHER.sid)
    status, _ = await site.json("POST", f"{theirs}/Queues.json", data={"FriendlyName": "support"}, account=OTHER)
    assert status == 201
    for path in ("", "/Members", "/Members/Front"):
        status, _ = await site.json("GET", f"{theirs}/Queues/{made['sid']}{path}.json", account=OTHER)
        assert status == 404


async def test_nobody_waits(site: Site, client: Client) -> None:
    made = await asyncio.to_thread(lambda: client.queues.create(friendly_name="support"))
    assert await asyncio.to_thread(client.queues(made.sid).members.list) == []
    for member in ("Front", "CA" + "0" * 32):
        with pytest.raises(TwilioRestException) as missing:
            await asyncio.to_thread(client.queues(made.sid).members(member).fetch)
        assert missing.value.status == 404
        with pytest.raises(TwilioRestException) as absent:
            await asyncio.to_thread(
                lambda who=member: client.queues(made.sid).members(who).update(url="https://app.example/x")
            )
        assert absent.value.status == 404
