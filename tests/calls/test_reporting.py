"""The status callbacks of a call (call-control reference §2.2)."""

from dataclasses import replace
from typing import Any

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.reporting import Reporting
from tests.calls.fakes import Room

STATUS = Hook("http://app.example/status", "GET")


@pytest.fixture
async def saved() -> list[dict[str, Any]]:
    return []


async def reporting(room: Room, saved: list[dict[str, Any]], *events: str) -> Reporting:
    call, _ = await room.inbound()
    application = Application(twiml="<Response/>", status_callback=STATUS, status_events=frozenset(events))
    call.application = application if events else replace(application, status_callback=None)
    return Reporting(call, lambda _, **columns: saved.append(columns))


async def test_wanted_events_are_numbered_and_kept_for_a_crash(room: Room, saved: list[dict[str, Any]]) -> None:
    one = await reporting(room, saved, "ringing", "completed")
    for event in ("initiated", "ringing", "answered"):
        one.post(event, {})
    one.post("completed", {"CallDuration": "7"})
    posted = room.posts.of(STATUS.url)
    assert [(each["SequenceNumber"], each.get("CallDuration")) for each in posted] == [("0", None), ("1", "7")]
    assert [each.kind for each in room.posts.all] == ["call-ringing", "call-completed"]
    kept = {"url": STATUS.url, "method": "GET", "events": ["completed", "ringing"]}
    assert saved == [{"status_callback": kept | {"sequence": number}} for number in (1, 2)]


async def test_nobody_to_tell(room: Room, saved: list[dict[str, Any]]) -> None:
    one = await reporting(room, saved)
    one.post("completed", {})
    assert (one.stored(), saved, room.posts.all) == (None, [], [])
