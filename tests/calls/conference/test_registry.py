import pytest

from callwright.calls.conference.conference import EndReason
from callwright.calls.conference.plan import ConferencePlan
from callwright.errors import RoomError
from tests.calls.attending import Attendance
from tests.calls.fakes import OTHER_SID, Room


async def test_found_by_sid_and_name_until_it_is_over(room: Room) -> None:
    registry = room.rooms.conferences
    one = await Attendance.begin(room)
    conference = one.conference
    assert registry.find(room.account.sid, conference.sid) is conference
    assert registry.find(room.account.sid, "room") is conference
    assert registry.find(OTHER_SID, conference.sid) is None and registry.find(OTHER_SID, "room") is None
    assert (len(registry), list(registry)) == (1, [conference])
    conference.end(EndReason.BY_REQUEST)
    await one.task
    assert (len(registry), registry.find(room.account.sid, "room")) == (0, None)
    again = await Attendance.begin(room)
    assert again.conference.sid != conference.sid


async def test_checked_before_it_is_there(room: Room) -> None:
    registry = room.rooms.conferences
    registry.check(room.account, ConferencePlan("new", label="boss"))
    with pytest.raises(RoomError) as refused:
        registry.check(room.account, ConferencePlan("new", coach="CA1"))
    assert refused.value.code == 16028 and len(registry) == 0


async def test_one_who_is_refused_begins_nothing(room: Room) -> None:
    refused = await Attendance.begin(room, coach="CA" + "1" * 32)
    await refused.task
    assert "conferences" not in room.rows.tables and room.engine.of("bus") == []
