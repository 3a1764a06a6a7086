"""What waits and what is on hold is heard by one alone (call-control reference §1.6, waitUrl; §3.4, HoldUrl)."""

from typing import Any

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Programme
from callwright.calls.control import File, Silence, Speech
from tests.calls.attending import Attendance
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

WAIT = Hook("http://app.example/wait")
A, B = File("http://app.example/a.wav"), Speech("Please wait")


def music(room: Room, one: Attendance) -> bool:
    """Whether hold music plays to it."""
    return any(command.values["sounds"] == [room.music.one] for command in playing(room, one))


def playing(room: Room, one: Attendance) -> list[Any]:
    return room.engine.playing(one.leg)


async def finished(room: Room, one: Attendance) -> None:
    """What plays to it has come to its end."""
    for command in playing(room, one):
        room.engine.played(command.node)
    await turns()


async def test_music_until_the_start(room: Room) -> None:
    one = await Attendance.begin(room)
    await turns()
    assert music(room, one) and playing(room, one)[0].values["loop"] == 0
    two = await Attendance.begin(room)
    await turns()
    assert playing(room, one) == [] and playing(room, two) == []


async def test_documents_one_after_the_other_then_silence(room: Room) -> None:
    room.programmes.of[WAIT.url] = [Programme((A, Silence(2.0))), Programme((B,))]
    one = await Attendance.begin(room, wait=WAIT)
    await turns()
    url, params = room.programmes.asked[0]
    assert (url, params["CallSid"], params["ConferenceSid"]) == (WAIT.url, one.call.sid, one.conference.sid)
    assert params["FriendlyName"] == "room" and room.sounds.asked == [A.url]
    await finished(room, one)
    assert playing(room, one) == []
    await after(2.1)
    await turns()
    assert room.sounds.asked == [A.url, B.text]
    await finished(room, one)
    assert playing(room, one) == [] and not one.task.done()


async def test_a_sound_file_is_played_without_end(room: Room) -> None:
    room.programmes.of[WAIT.url] = [Programme((A,), endless=True)]
    one = await Attendance.begin(room, wait=WAIT)
    await turns()
    assert [command.values["loop"] for command in playing(room, one)] == [0]


async def test_music_in_place_of_what_fails(room: Room) -> None:
    one = await Attendance.begin(room, wait=WAIT)
    await turns()
    assert music(room, one)
    room.sounds.missing.add(A.url)
    room.programmes.of[WAIT.url] = [Programme((A,))]
    two = await Attendance.begin(room, "other", wait=WAIT)
    await turns()
    assert music(room, two)
    for call in (one.call, two.call):
        warned = [data["code"] for kind, data in room.rows.steps(call.sid) if kind == "warning"]
        assert warned == [11200]


async def test_silence_when_that_was_asked_for(room: Room) -> None:
    one = await Attendance.begin(room, wait=Backdrop.SILENCE)
    await turns()
    assert playing(room, one) == []


async def test_hold_before_and_after_the_start(room: Room) -> None:
    one = await Attendance.begin(room)
    conference = one.conference
    await turns()
    conference.hold(one.participant, True, Backdrop.SILENCE)
    await turns()
    assert playing(room, one) == []
    conference.hold(one.participant, False, Backdrop.SILENCE)
    await turns()
    assert music(room, one)
    await Attendance.begin(room)
    room.programmes.of[WAIT.url] = [Programme((A,), endless=True)]
    conference.hold(one.participant, True, Backdrop.MUSIC)
    await turns()
    assert music(room, one)
    conference.hold(one.participant, True, WAIT)
    await turns()
    assert not music(room, one) and len(playing(room, one)) == 1
    await one.leaves()
    assert room.engine.playing(one.leg) == []


async def test_another_wait(room: Room) -> None:
    one = await Attendance.begin(room)
    room.programmes.of[WAIT.url] = [Programme((A,), endless=True)]
    one.conference.modify(one.participant, wait=WAIT)
    await turns()
    assert [command.values["sounds"] == [room.music.one] for command in playing(room, one)] == [False]
