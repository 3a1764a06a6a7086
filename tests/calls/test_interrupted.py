"""The last callback of calls that a crash cut off (promise P1)."""

from typing import Any

import pytest

from callwright.calls.interrupted import post_final
from tests.calls.fakes import ACCOUNT_SID, Posts, Room

URL = "http://app.example/status"


def row(**changes: Any) -> dict[str, Any]:
    return {
        "sid": "CA1",
        "account_sid": ACCOUNT_SID,
        "parent_call_sid": None,
        "application_sid": None,
        "from": "+1",
        "to": "+2",
        "status": "completed",
        "direction": "outbound-api",
        "duration": 61,
        "sip_code": None,
        "status_callback": {"url": URL, "method": "POST", "events": ["answered", "completed"], "sequence": 2},
    } | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"CallStatus": "completed", "SipResponseCode": "200", "CallDuration": "61", "Duration": "2"}),
        ({"status": "failed", "duration": None}, {"CallStatus": "failed", "SipResponseCode": "500", "Duration": "0"}),
        ({"parent_call_sid": "CA0", "application_sid": "AP1"}, {"ParentCallSid": "CA0", "ApplicationSid": "AP1"}),
    ],
)
async def test_posted(room: Room, changes: dict[str, Any], expected: dict[str, str]) -> None:
    posts = Posts()
    post_final([row(**changes)], room.accounts, posts)
    (posted,) = posts.of(URL)
    assert posted["SequenceNumber"] == "2"
    assert {name: posted[name] for name in expected} == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"status_callback": None},
        {"account_sid": "AC0"},
        {"status_callback": {"url": URL, "method": "POST", "events": ["ringing"], "sequence": 1}},
    ],
)
async def test_not_wanted(room: Room, changes: dict[str, Any]) -> None:
    posts = Posts()
    post_final([row(**changes)], room.accounts, posts)
    assert posts.all == []
