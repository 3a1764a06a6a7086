"""The recording of a conference (call-control reference §1.6, §3.4)."""

from typing import Any

from callwright.calls.application import Hook
from callwright.calls.conference.conference import EndReason
from callwright.calls.conference.plan import ConferenceSettings
from callwright.calls.control import RecordingCallback
from tests.calls.attending import ALL, Attendance
from tests.calls.fakes import Room
from tests.calls.jumping import turns

RECORDED, OLDER = Hook("http://app.example/recorded"), Hook("http://app.example/older")
SETTINGS = ConferenceSettings(
    record=True,
    trim=False,
    callback=ALL,
    recording_callback=RecordingCallback(RECORDED, frozenset({"in-progress", "completed"})),
    event_callback=OLDER,
)


async def recorded(room: Room) -> tuple[Attendance, Attendance, Any]:
    """Two in a conference, and the command that began its recording."""
    first = await Attendance.begin(room, settings=SETTINGS)
    assert room.engine.of("recorder") == []
    second = await Attendance.begin(room)
    return first, second, await room.engine.until("recorder")


async def test_from_the_start_to_the_end(room: Room) -> None:
    first, second, recorder = await recorded(room)
    conference = first.conference
    assert conference.recorder is not None
    sid = conference.recorder.sid
    assert (conference.bus, recorder.node) in room.engine.edges()
    row = room.rows.row("recordings", sid)
    assert (row["conference_sid"], row["call_sid"], row["source"]) == (conference.sid, first.call.sid, "Conference")
    await first.leaves()
    assert not room.engine.of("stop", recorder.node)
    await second.leaves()
    for _ in range(3):
        await turns()
    assert room.engine.of("stop", recorder.node) and conference.recorder.sid == ""
    while not room.posts.of(OLDER.url):
        await turns(1)
    assert [posted["RecordingStatus"] for posted in room.posts.of(RECORDED.url)] == ["in-progress", "completed"]
    (older,) = room.posts.of(OLDER.url)
    assert (older["ConferenceSid"], older["Duration"], older["RecordingFileSize"]) == (conference.sid, "2", "0")
    assert older["RecordingUrl"].endswith(sid)


async def test_paused_and_stopped(room: Room) -> None:
    first, _, recorder = await recorded(room)
    conference = first.conference
    assert conference.recorder is not None
    sid = conference.recorder.sid
    conference.recorder.steer("paused", silence=False)
    assert room.rows.row("recordings", sid)["status"] == "paused"
    conference.recorder.steer("in-progress", silence=True)
    assert [command.values for command in room.engine.of("pause", recorder.node)] == [
        {"on": True, "silence": False},
        {"on": False, "silence": True},
    ]
    conference.recorder.steer("stopped", silence=True)
    assert conference.recorder.sid == "" and conference.started
    while room.rows.row("recordings", sid)["status"] != "completed":
        await turns(1)
    conference.end(EndReason.BY_REQUEST)
    await turns()
    assert len(room.engine.of("stop", recorder.node)) == 1


async def test_a_file_that_cannot_be_made(room: Room, monkeypatch: Any) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room.engine, "recorder", refuse)
    first = await Attendance.begin(room, settings=SETTINGS)
    await Attendance.begin(room)
    assert first.conference.started and first.conference.recorder is None
    warned = [data["code"] for kind, data in room.rows.steps(first.call.sid) if kind == "warning"]
    assert warned == [12400]
