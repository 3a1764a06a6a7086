from typing import Any

from callwright.calls.application import Hook
from callwright.calls.conference.plan import EVENTS
from callwright.calls.conference.reports import GROUPS, Reports
from callwright.calls.control import StatusCallback
from tests.calls.fakes import Posts, Room

HOOK = Hook("http://app.example/c", "GET")


def reports(room: Room, wanted: StatusCallback | None, saved: list[dict[str, Any]]) -> Reports:
    return Reports(room.posts, room.account, "CF1", "room", wanted, lambda **columns: saved.append(columns))


async def test_only_what_is_asked_for_is_numbered_from_1_and_kept(room: Room) -> None:
    saved: list[dict[str, Any]] = []
    told = reports(room, StatusCallback(HOOK, frozenset({"start", "end"})), saved)
    told.post("participant-join")
    told.post("conference-start")
    told.post("conference-end", None, ReasonConferenceEnded="last-participant-left")
    assert isinstance(room.posts, Posts)
    assert [(one.kind, one.params["SequenceNumber"]) for one in room.posts.all] == [
        ("conference-start", "1"),
        ("conference-end", "2"),
    ]
    last = room.posts.all[-1].params
    assert {name: last[name] for name in ("ConferenceSid", "FriendlyName", "AccountSid", "StatusCallbackEvent")} == {
        "ConferenceSid": "CF1",
        "FriendlyName": "room",
        "AccountSid": room.account.sid,
        "StatusCallbackEvent": "conference-end",
    }
    assert last["Timestamp"].endswith("+0000") and last["ReasonConferenceEnded"] == "last-participant-left"
    wanted = {"url": HOOK.url, "method": "GET", "events": ["end", "start"], "sequence": 3}
    assert saved[-1] == {"status_callback": wanted}
    assert not told.speakers


async def test_nobody_asked(room: Room) -> None:
    told = reports(room, None, [])
    told.post("conference-start")
    assert told.stored() is None and room.posts.all == [] and not told.speakers


def test_every_group_has_its_events() -> None:
    assert set(GROUPS.values()) == EVENTS
