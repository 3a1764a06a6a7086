from typing import Any

from callwright.calls.conference.interrupted import post_ends
from tests.calls.fakes import Posts, Room

URL = "http://app.example/c"


def row(account: str, events: list[str]) -> dict[str, Any]:
    wanted = {"url": URL, "method": "POST", "events": events, "sequence": 5} if events else None
    return {
        "sid": "CF1",
        "account_sid": account,
        "friendly_name": "room",
        "reason_conference_ended": "last-participant-left",
        "status_callback": wanted,
    }


async def test_the_end_is_told_to_who_asked(room: Room) -> None:
    posts, sid = Posts(), room.account.sid
    rows = [row(sid, ["end", "join"]), row(sid, ["join"]), row(sid, []), row("AC" + "9" * 32, ["end"])]
    post_ends(rows, room.accounts, posts)
    (told,) = posts.of(URL)
    assert (told["StatusCallbackEvent"], told["SequenceNumber"], told["ConferenceSid"]) == (
        "conference-end",
        "5",
        "CF1",
    )
    assert told["ReasonConferenceEnded"] == "last-participant-left"
