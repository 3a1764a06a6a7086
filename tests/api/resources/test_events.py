"""Audit events of the monitor (call-control reference §3.16)."""

import asyncio
from datetime import timedelta

from twilio.rest import Client

from callwright import clock

from ..conftest import BASE, MINE, OTHER, Site, client_of
from .test_recordings import record


async def test_changes_of_a_resource_are_told(site: Site, client: Client) -> None:
    made = await asyncio.to_thread(client.applications.create, friendly_name="one")
    await asyncio.to_thread(client.applications(made.sid).update, friendly_name="two")
    await asyncio.to_thread(client.applications(made.sid).delete)
    events = client.monitor.v1.events
    listed = await asyncio.to_thread(events.list, resource_sid=made.sid)
    assert [one.event_type for one in listed] == ["application.deleted", "application.updated", "application.created"]
    assert {(one.actor_sid, one.actor_type, one.source, one.source_ip_address) for one in listed} == {
        (MINE.sid, "account", "api", "127.0.0.1")
    }
    updated = listed[1]
    assert updated.event_data == {"resource_properties": {"friendly_name": {"previous": "one", "updated": "two"}}}
    assert (updated.resource_type, updated.account_sid) == ("application", MINE.sid)
    fetched = await asyncio.to_thread(events(updated.sid).fetch)
    assert (fetched.event_type, fetched.event_date) == (updated.event_type, updated.event_date)
    assert fetched.url == f"http://voice.example/v1/Events/{updated.sid}"


async def test_by_an_api_key_and_with_its_secret_hidden(site: Site, client: Client) -> None:
    key = await asyncio.to_thread(client.new_keys.create, friendly_name="deploy")
    with client_of(site, key.sid, key.secret, MINE.sid) as by_key:
        await asyncio.to_thread(by_key.queues.create, friendly_name="no stored resource")
        made = await asyncio.to_thread(by_key.applications.create, friendly_name="by key")
    events = client.monitor.v1.events
    (one,) = await asyncio.to_thread(events.list, actor_sid=key.sid)
    assert (one.resource_sid, one.actor_type) == (made.sid, "api-key")
    (created,) = await asyncio.to_thread(events.list, resource_sid=key.sid)
    assert created.event_type == "api-key.created"
    assert key.secret not in str(created.event_data)


async def test_filters(site: Site, client: Client) -> None:
    for name in ("one", "two"):
        await asyncio.to_thread(client.applications.create, friendly_name=name)
    await asyncio.to_thread(client.addresses.create, "Customer", "Street 1", "City", "Region", "12345", "US")
    events, now = client.monitor.v1.events, clock.now()
    assert len(await asyncio.to_thread(events.list, event_type="application.created")) == 2
    assert len(await asyncio.to_thread(events.list, source_ip_address="127.0.0.1", page_size=1)) == 3
    assert await asyncio.to_thread(events.list, source_ip_address="192.0.2.1") == []
    assert await asyncio.to_thread(events.list, start_date=now + timedelta(days=1)) == []
    assert len(await asyncio.to_thread(events.list, end_date=now + timedelta(days=1))) == 3


async def test_a_recording_that_was_deleted(site: Site, client: Client) -> None:
    """What calls have left is no stored resource; that somebody deleted it is told all the same, and once."""
    sid = record(site)
    await asyncio.to_thread(client.recordings(sid).delete)
    call = site.switchboard.call(status="completed")
    await asyncio.to_thread(client.calls(call).delete)
    listed = await asyncio.to_thread(client.monitor.v1.events.list)
    assert [(one.event_type, one.resource_sid) for one in listed] == [
        ("call.deleted", call),
        ("recording.deleted", sid),
    ]


async def test_what_failed_and_what_is_only_read_is_no_event(site: Site, client: Client) -> None:
    await site.json("POST", f"{BASE}/Applications.json", data={"VoiceMethod": "PUT"})
    await asyncio.to_thread(client.applications.list)
    assert await asyncio.to_thread(client.monitor.v1.events.list) == []


async def test_nobody_elses(site: Site, client: Client) -> None:
    await asyncio.to_thread(client.applications.create, friendly_name="mine")
    (one,) = await asyncio.to_thread(client.monitor.v1.events.list)
    status, error = await site.json("GET", f"/v1/Events/{one.sid}", account=OTHER)
    assert (status, error["code"]) == (404, 20404)
    status, body = await site.json("GET", "/v1/Events", account=OTHER)
    assert (status, body["events"]) == (200, [])
