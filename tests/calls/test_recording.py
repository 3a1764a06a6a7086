"""Recordings: file, row, callbacks, and what may go wrong with each (call-control reference §2.5)."""

from pathlib import Path
from typing import Any

import pytest

from callwright.calls import recording as recording_module
from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.control import RecordingCallback
from callwright.calls.recording import Recording
from callwright.engine import EventKind
from callwright.errors import MediaError
from tests.calls.fakes import Room

HOOK = Hook("http://app.example/recorded")
ALL = RecordingCallback(HOOK, frozenset({"in-progress", "completed", "absent"}))


@pytest.fixture
def trims(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What trim_silence was asked for; it keeps exactly that."""
    asked: list[tuple[int, int]] = []

    def trim(path: Path, first: int, last: int) -> int:
        asked.append((first, last))
        return last - first

    monkeypatch.setattr(recording_module, "trim_silence", trim)
    return asked


async def begun(room: Room, **options: Any) -> tuple[Call, Recording]:
    call, _ = await room.inbound()
    recording = Recording(call, source="RecordVerb", **options)
    assert call.leg is not None
    recording.hear(call.leg)
    return call, recording


async def test_completed(room: Room, tmp_path: Path) -> None:
    call, recording = await begun(room, callback=ALL)
    recorded = await recording.finish(voice_needed=True)
    assert recorded is not None
    assert (recorded.sid, recorded.duration) == (recording.sid, 2)
    assert recorded.url == f"https://pbx.example/2010-04-01/Accounts/{room.account.sid}/Recordings/{recording.sid}"
    row = room.rows.row("recordings", recording.sid)
    assert (row["status"], row["duration"], row["channels"], row["call_sid"]) == ("completed", 2, 1, call.sid)
    assert (tmp_path / row["path"]).exists()
    first, last = room.posts.of(HOOK.url)
    assert first["RecordingStatus"] == "in-progress" and "RecordingDuration" not in first
    assert (last["RecordingStatus"], last["RecordingDuration"], last["RecordingSource"]) == (
        "completed",
        "2",
        "RecordVerb",
    )
    assert (last["RecordingUrl"], last["CallSid"]) == (recorded.url, call.sid)


async def test_completed_alone_is_the_default(room: Room) -> None:
    _, recording = await begun(room, callback=RecordingCallback(HOOK))
    await recording.finish(voice_needed=True)
    assert [one["RecordingStatus"] for one in room.posts.of(HOOK.url)] == ["completed"]


@pytest.mark.parametrize(("facts", "code"), [((2000, 0), 16102), ((0, 0), 16101)])
async def test_absent(room: Room, tmp_path: Path, facts: tuple[int, int], code: int) -> None:
    room.engine.voiced = facts
    _, recording = await begun(room, callback=ALL)
    assert await recording.finish(voice_needed=True) is None
    row = room.rows.row("recordings", recording.sid)
    assert (row["status"], row["error_code"], row["duration"]) == ("absent", code, 0)
    assert not (tmp_path / row["path"]).exists()
    assert room.posts.of(HOOK.url)[-1]["ErrorCode"] == str(code)


async def test_silence_is_kept_where_voice_is_not_needed(room: Room) -> None:
    room.engine.voiced = (2000, 0)
    _, recording = await begun(room, trim=True)
    assert await recording.finish(voice_needed=False) is not None


async def test_trimmed_with_a_margin(room: Room, trims: list[tuple[int, int]]) -> None:
    _, recording = await begun(room, trim=True)
    recorded = await recording.finish(voice_needed=True)
    assert trims == [(100, 1900)]
    assert recorded is not None and recorded.duration == 2


async def test_that_cannot_be_trimmed_is_kept_whole(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def trim(path: Path, first: int, last: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recording_module, "trim_silence", trim)
    call, recording = await begun(room, trim=True)
    recorded = await recording.finish(voice_needed=True)
    assert recorded is not None and room.rows.row("recordings", recording.sid)["status"] == "completed"
    warned = [data["message"] for kind, data in room.rows.steps(call.sid) if kind == "warning"]
    assert "keeps its silence" in warned[0]


async def test_that_cannot_be_created(room: Room, tmp_path: Path) -> None:
    (tmp_path / room.account.sid).write_text("a file where the account's folder should be")
    call, _ = await room.inbound()
    with pytest.raises(MediaError, match="cannot record to"):
        Recording(call, source="RecordVerb")
    assert not room.rows.tables["recordings"]


async def test_that_lost_sound_says_so(room: Room) -> None:
    call, recording = await begun(room)
    tape = room.engine.of("recorder")[0]
    facts = {"duration": 900, "voiced": 500, "first_voice": 0, "last_voice": 900}
    room.engine.happen(EventKind.RECORDED, tape.node, text="x.wav", dropped=7, error="disk full", **facts)
    recorded = await recording.finish(voice_needed=True)
    assert recorded is not None and recorded.duration == 1
    assert recording.ended.done(), "whoever waits for a limit must hear that the file is closed"
    warned = [data["message"] for kind, data in room.rows.steps(call.sid) if kind == "warning"]
    assert warned == [f"recording {recording.sid} is incomplete: disk full"]


async def test_survives_its_call(room: Room) -> None:
    call, recording = await begun(room)
    call.hang_up()
    await call.ended
    assert await recording.finish(voice_needed=True) is not None


async def test_of_a_conference(room: Room) -> None:
    """What a bus gives to be heard, in the name of one of its calls."""
    call, _ = await room.inbound()
    recording = Recording(call, source="Conference", callback=ALL, conference_sid="CF1")
    recording.listen(77)
    tape = room.engine.of("recorder")[0].node
    assert [command.values["sink"] for command in room.engine.of("connect", 77)] == [tape]
    await recording.finish(voice_needed=False)
    assert room.rows.row("recordings", recording.sid)["conference_sid"] == "CF1"
    assert {params["ConferenceSid"] for params in room.posts.of(HOOK.url)} == {"CF1"}
    assert recording.bytes() == 0
