"""What is kept of a call's time in a conference."""

from typing import Any

from callwright.calls.conference import participation
from callwright.calls.conference.participant import Reason
from callwright.calls.conference.plan import ConferencePlan
from tests.calls.fakes import Room
from tests.calls.jumping import after

PLAN = ConferencePlan("room", label="boss", end_on_exit=True)


def rows(room: Room) -> list[dict[str, Any]]:
    return list(room.rows.tables["participations"].values())


async def test_from_the_entrance_to_the_leaving(room: Room) -> None:
    call, _ = await room.inbound()
    await call.answer()
    conference, one = room.rooms.conferences.join(call, PLAN)
    (row,) = rows(room)
    assert (row["conference_sid"], row["call_sid"], row["label"]) == (conference.sid, call.sid, "boss")
    assert row["moderator"] is True and row["properties"]["end_conference_on_exit"] is True
    assert "leave_time" not in row
    conference.mute(one, True)
    conference.mute(one, False)
    await after(61.5)
    conference.remove(one, Reason.HUNG_UP)
    (row,) = rows(room)
    assert [name for name, _ in row["events"]] == ["participant-mute", "participant-unmute"]
    assert row["duration"] == 62 and row["leave_time"] >= row["date_created"]
    (kept,) = room.rows.tables["conferences"].values()
    assert (kept["status"], kept["settings"]) == ("completed", {"max_participants": 250, "record": False})
    assert kept["end_time"] and "start_time" not in kept, "one alone is no conference"


async def test_the_start_and_who_is_coached(room: Room) -> None:
    first, _ = await room.inbound()
    second, _ = await room.inbound()
    for call in (first, second):
        await call.answer()
    conference, one = room.rooms.conferences.join(first, ConferencePlan("room"))
    _, two = room.rooms.conferences.join(second, ConferencePlan("room", coach=first.sid))
    assert room.rows.row("conferences", conference.sid)["start_time"]
    conference.coach(two, "")
    conference.coach(two, first.sid)
    assert {row["call_sid"]: row["coached"] for row in rows(room)} == {first.sid: [], second.sid: [first.sid]}
    conference.remove(one, Reason.HUNG_UP)
    conference.remove(two, Reason.HUNG_UP)


async def test_events_are_bounded(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(participation, "MOST_EVENTS", 2)
    call, _ = await room.inbound()
    await call.answer()
    conference, one = room.rooms.conferences.join(call, ConferencePlan("room"))
    for muted in (True, False, True):
        conference.mute(one, muted)
    assert len(rows(room)[0]["events"]) == 2
    conference.remove(one, Reason.HUNG_UP)
