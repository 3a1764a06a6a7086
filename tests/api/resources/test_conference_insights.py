"""Insights of conferences (call-control reference §3.18)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.account import Account
from callwright.api.resources.conference_insights import most_at_once
from callwright.store.tables import conferences
from callwright.store.traces import participations

from ..conftest import MINE, OTHER, Site
from .test_insights import STATISTICS, ended

BEGUN = datetime(2026, 1, 31, 10, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def conference(site: Site, account: Account = MINE, **columns: Any) -> str:
    sid = ids.new(ids.CONFERENCE)
    row = {
        "sid": sid,
        "account_sid": account.sid,
        "friendly_name": "standup",
        "date_created": BEGUN,
        "date_updated": at(61),
        "start_time": at(10),
        "end_time": at(60),
        "region": "us1",
        "status": "completed",
        "reason_conference_ended": "last-participant-left",
        "call_sid_ending_conference": "CA" + "f" * 32,
        "settings": {"max_participants": 10, "record": True},
    }
    site.store.put(conferences, row | columns)
    return sid


def took_part(site: Site, room: str, call: str, begin: int, end: int | None, **columns: Any) -> str:
    sid = ids.new(ids.PARTICIPATION)
    row = {
        "sid": sid,
        "account_sid": MINE.sid,
        "conference_sid": room,
        "call_sid": call,
        "date_created": at(begin),
        "leave_time": None if end is None else at(end),
        "duration": None if end is None else end - begin,
        "moderator": True,
        "coached": [],
        "properties": {"enter_muted": False},
        "events": [],
    }
    site.store.put(participations, row | columns)
    return sid


async def test_sdk_fetches_and_lists_summaries(site: Site, client: Client) -> None:
    room = conference(site)
    calls = [ended(site, statistics=STATISTICS), ended(site, statistics=None)]
    took_part(site, room, calls[0], 0, 60)
    took_part(site, room, calls[1], 10, 30)
    took_part(site, room, calls[1], 30, 50)
    live = conference(site, status="in-progress", end_time=None, reason_conference_ended=None, date_created=at(100))
    conference(site, OTHER)
    found = client.insights.v1.conferences
    one = await asyncio.to_thread(found(room).fetch)
    assert (one.status, one.end_reason, one.ended_by) == ("completed", "last_participant_left", "CA" + "f" * 32)
    assert (one.create_time, one.start_time, one.end_time) == (BEGUN, at(10), at(60))
    assert (one.duration_seconds, one.connect_duration_seconds) == (60, 50)
    assert (one.max_participants, one.max_concurrent_participants, one.unique_participants) == (10, 2, 2)
    assert (one.recording_enabled, one.processing_state, one.mixer_region) == (True, "complete", "us1")
    assert one.tags == ["high_jitter", "high_packet_loss", "low_mos"] and one.detected_issues["quality_warnings"] == 3
    assert one.links == {"participants": f"http://voice.example/v1/Conferences/{room}/Participants"}
    listed = await asyncio.to_thread(found.list, page_size=1)
    assert [summary.conference_sid for summary in listed] == [live, room]
    assert (listed[0].status, listed[0].processing_state, listed[0].end_time) == ("in_progress", "in_progress", None)
    with pytest.raises(TwilioRestException) as missing:
        await asyncio.to_thread(found(conference(site, OTHER)).fetch)
    assert missing.value.status == 404


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"friendly_name": "standup"}, 1),
        ({"friendly_name": "other"}, 0),
        ({"status": "completed"}, 1),
        ({"status": "not_started"}, 0),
        ({"end_reason": "last_participant_left"}, 1),
        ({"end_reason": "conference_ended_via_api"}, 0),
        ({"created_after": "2026-01-31"}, 1),
        ({"created_before": "2026-01-30"}, 0),
        ({"mixer_region": "ie1"}, 0),
    ],
)
async def test_filters(site: Site, client: Client, filters: dict[str, str], count: int) -> None:
    conference(site)
    assert len(await asyncio.to_thread(lambda: client.insights.v1.conferences.list(**filters))) == count


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"tags": "low_mos"}, ["bad"]),
        ({"tags": "detected_silence"}, ["silent"]),
        ({"tags": "silent,HIGH_JITTER"}, ["bad", "silent"]),
        ({"tags": "start_failure"}, []),
        ({"detected_issues": "quality_warnings"}, ["bad", "silent"]),
        ({"detected_issues": "participant_behavior"}, []),
        ({"subaccount": MINE.sid, "tags": "low_mos"}, ["bad"]),
    ],
)
async def test_filters_by_what_was_wrong(site: Site, client: Client, filters: dict[str, str], found: list[str]) -> None:
    fine = {**STATISTICS, "mos": {"rx": 4.4, "tx": 4.4}, "tx": STATISTICS["rx"]}
    sounds = {"fine": fine, "bad": STATISTICS, "silent": {**fine, "rx": {"packets": 0}}, "unknown": None}
    for name, statistics in sounds.items():
        took_part(site, conference(site, friendly_name=name), ended(site, statistics=statistics), 0, 60)
    listed = await asyncio.to_thread(lambda: client.insights.v1.conferences.list(**filters))
    assert sorted(one.friendly_name for one in listed) == found


async def test_nobodys_subaccount(site: Site) -> None:
    status, error = await site.json("GET", f"/v1/Conferences?Subaccount={OTHER.sid}")
    assert (status, error["code"]) == (404, 20404)


async def test_a_status_that_there_is_not(site: Site) -> None:
    status, error = await site.json("GET", "/v1/Conferences?Status=over")
    assert (status, error["code"]) == (400, 20422)


async def test_sdk_reads_participants(site: Site, client: Client) -> None:
    room = conference(site)
    call = ended(site, to="+442071838750", queue_time=2400)
    facts = {"label": "boss", "coached": ["CA" + "e" * 32], "events": [["participant-mute", BEGUN.timestamp()]]}
    sid = took_part(site, room, call, 0, 60, **facts)
    gone = took_part(site, room, "CA" + "d" * 32, 10, None)
    of = client.insights.v1.conferences(room).conference_participants
    assert [one.participant_sid for one in await asyncio.to_thread(of.list)] == [gone, sid]
    (one,) = await asyncio.to_thread(of.list, label="boss")
    assert (one.call_sid, one.call_direction, one.call_status, one.call_type) == (
        call,
        "outbound",
        "completed",
        "carrier",
    )
    assert (one.to, one.country_code, one.is_moderator) == ("+442071838750", "GB", True)
    assert (one.join_time, one.leave_time, one.duration_seconds) == (BEGUN, at(60), 60)
    assert (one.is_coach, one.coached_participants, one.outbound_time_in_queue) == (True, facts["coached"], 2)
    assert one.events == {"participant-mute": [int(BEGUN.timestamp())]} and one.metrics["rtt"] == {"avg": 12}
    assert one.properties == {"enter_muted": False} and one.processing_state == "complete"
    for reference in (gone, "CA" + "d" * 32):
        left = await asyncio.to_thread(of(reference).fetch)
        assert (left.participant_sid, left.leave_time, left.duration_seconds) == (gone, at(60), 50)
        assert (left.call_status, left.metrics) == (None, None)
    with pytest.raises(TwilioRestException) as missing:
        await asyncio.to_thread(of("CP" + "0" * 32).fetch)
    assert missing.value.status == 404


def test_most_at_once() -> None:
    def there(begin: int, end: int | None) -> dict[str, Any]:
        return {"date_created": at(begin), "leave_time": None if end is None else at(end)}

    assert most_at_once([], None) == 0
    assert most_at_once([there(0, 10), there(10, 20)], None) == 1
    assert most_at_once([there(0, 10), there(5, None), there(9, None), there(20, 30)], None) == 3
    assert most_at_once([there(0, None), there(50, 60)], at(40)) == 1
