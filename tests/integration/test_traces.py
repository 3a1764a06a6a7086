"""What calls and requests leave behind: insights of conferences, usage, audit events (reference §3.12 to §3.18)."""

from typing import Any

import pytest

from .line import Line
from .meeting import Meeting

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

CATEGORIES = ("calls", "calls-inbound", "calls-inbound-local", "calls-globalconference", "recordings")


async def used(line: Line, category: str) -> tuple[int, int]:
    """Count and minutes of today."""
    rest = line.daemon.rest
    (record,) = await rest.go(lambda client: client.usage.records.today.list_async(category=category))
    return int(record.count), int(record.usage)


async def test_a_conference_is_counted_and_told_when_it_is_over(line: Line) -> None:
    line.application.on("/recorded", "")
    before = {category: await used(line, category) for category in CATEGORIES}
    meeting = await Meeting.of(line, 2, 'record="true" recordingStatusCallback="/recorded"')
    await meeting.participant(0, muted=True)
    await meeting.hears(0, 1)
    rest, of = line.daemon.rest, meeting.name
    (live,) = await rest.do(lambda client: client.insights.v1.conferences.list(friendly_name=of))
    assert (live.status, live.processing_state, live.max_concurrent_participants) == ("in_progress", "in_progress", 2)
    sid = live.conference_sid
    await meeting.do(lambda client: client.conferences(sid).update(status="completed"))
    for call in meeting.calls:
        await call.until_ended()
    await line.request("/recorded")
    await line.requests("/status", 2)
    over = await rest.go(lambda client: client.insights.v1.conferences(sid).fetch_async())
    assert (over.status, over.end_reason, over.processing_state) == (
        "completed",
        "conference_ended_via_api",
        "complete",
    )
    assert (over.max_concurrent_participants, over.unique_participants, over.recording_enabled) == (2, 2, True)
    assert over.create_time <= over.start_time <= over.end_time
    there = await rest.do(lambda client: client.insights.v1.conferences(sid).conference_participants.list())
    assert [one.call_sid for one in there] == meeting.sids[::-1]
    assert {one.call_status for one in there} == {"completed"} and all(one.duration_seconds >= 1 for one in there)
    assert there[1].events.keys() == {"participant-mute"} and there[0].events == {}
    assert all(one.metrics["inbound"]["codec_name"] for one in there)
    after = {category: await used(line, category) for category in CATEGORIES}
    more = {"calls": 2, "calls-inbound": 2, "calls-inbound-local": 2, "calls-globalconference": 2, "recordings": 1}
    for category, count in more.items():
        assert after[category][0] >= before[category][0] + count, category
        assert after[category][1] >= before[category][1] + count, category


async def test_changes_by_request_are_in_the_audit_log(line: Line) -> None:
    rest = line.daemon.rest
    made = await rest.do(lambda client: client.applications.create(friendly_name="audited"))
    await rest.go(lambda client: client.applications(made.sid).update_async(friendly_name="again"))
    await rest.do(lambda client: client.applications(made.sid).delete())
    events: list[Any] = await rest.go(lambda client: client.monitor.v1.events.list_async(resource_sid=made.sid))
    assert [one.event_type.partition(".")[2] for one in events] == ["deleted", "updated", "created"]
    assert {one.actor_sid for one in events} == {line.daemon.account_sid}
    changed = events[1].event_data["resource_properties"]
    assert changed == {"friendly_name": {"previous": "audited", "updated": "again"}}
