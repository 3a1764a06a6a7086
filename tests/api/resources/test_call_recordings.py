"""Recordings of a live call: begun, paused, continued and stopped by requests (call-control reference §3.2)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client

from callwright.calls.application import Hook
from callwright.calls.control import DialRecording, RecordingCallback
from callwright.store.tables import calls
from tests.api.conftest import BASE, OTHER, Site


async def live(site: Site, **columns: Any) -> str:
    """A call that is in progress."""
    sid = site.switchboard.call(status="in-progress", **columns)
    await site.store.flushed()
    return sid


async def refused(work: Callable[[], object]) -> tuple[int, int]:
    """Status and code of a refusal."""
    with pytest.raises(TwilioRestException) as fault:
        await asyncio.to_thread(work)
    return fault.value.status, fault.value.code


async def test_sdk_begins_one(site: Site, client: Client) -> None:
    sid = await live(site)
    made = await asyncio.to_thread(
        client.calls(sid).recordings.create,
        recording_channels="dual",
        recording_track="inbound",
        trim="trim-silence",
        recording_status_callback="http://app.example/cb",
        recording_status_callback_method="GET",
        recording_status_callback_event=["in-progress", "absent"],
    )
    callback = RecordingCallback(Hook("http://app.example/cb", "GET"), frozenset({"in-progress", "absent"}))
    plan = DialRecording(dual=True, trim=True, track="inbound", callback=callback)
    assert site.switchboard.commands == [("record", sid, plan)]
    assert (made.call_sid, made.status, made.channels, made.source) == (
        sid,
        "in-progress",
        2,
        "StartCallRecordingAPI",
    )
    assert client.http_client.last.status_code == 201
    assert made.uri == f"{BASE}/Calls/{sid}/Recordings/{made.sid}.json"


async def test_as_it_is_without_parameters(site: Site, client: Client) -> None:
    sid = await live(site)
    await asyncio.to_thread(client.calls(sid).recordings.create)
    assert site.switchboard.commands == [("record", sid, DialRecording())]


async def test_sdk_pauses_continues_and_stops_it(site: Site, client: Client) -> None:
    sid = await live(site)
    made = await asyncio.to_thread(client.calls(sid).recordings.create)
    current = client.calls(sid).recordings("Twilio.CURRENT")
    assert (await asyncio.to_thread(current.fetch)).sid == made.sid
    paused = await asyncio.to_thread(current.update, status="paused", pause_behavior="skip")
    assert (paused.sid, paused.status) == (made.sid, "paused")
    named = client.calls(sid).recordings(made.sid)
    assert (await asyncio.to_thread(named.update, status="in-progress")).status == "in-progress"
    assert (await asyncio.to_thread(named.update, status="stopped")).status == "stopped"
    steered = [command[2:] for command in site.switchboard.commands if command[0] == "steer"]
    assert steered == [(made.sid, "paused", False), (made.sid, "in-progress", True), (made.sid, "stopped", True)]
    assert await refused(lambda: named.update(status="paused")) == (400, 21220)
    assert await refused(current.fetch) == (404, 20404)


async def test_a_call_that_is_not_in_progress(site: Site, client: Client) -> None:
    sid = await live(site)
    site.store.put(calls, {"sid": sid, "status": "completed"})
    await site.store.flushed()
    assert await refused(client.calls(sid).recordings.create) == (400, 21220)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20422),
        ({"Status": "loud"}, 20422),
        ({"Status": "paused", "PauseBehavior": "hum"}, 20422),
    ],
)
async def test_what_cannot_be_understood(site: Site, form: dict[str, str], code: int) -> None:
    sid = await live(site)
    path = f"{BASE}/Calls/{sid}/Recordings"
    _, made = await site.json("POST", f"{path}.json", data={})
    status, error = await site.json("POST", f"{path}/{made['sid']}.json", data=form)
    assert (status, error["code"]) == (400, code)


async def test_a8_calls_of_others_do_not_exist(site: Site) -> None:
    theirs = await live(site, account_sid=OTHER.sid)
    for path in (f"{BASE}/Calls/{theirs}/Recordings.json", f"{BASE}/Calls/{theirs}/Recordings/Twilio.CURRENT.json"):
        status, error = await site.json("POST", path, data={"Status": "paused"})
        assert (status, error["code"]) == (404, 20404)
    assert site.switchboard.commands == []
