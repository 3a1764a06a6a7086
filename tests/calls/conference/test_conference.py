"""Conferences: their life, who is let in, what is told (call-control reference §1.6, §2.4)."""

import asyncio
from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Programme
from callwright.calls.conference.conference import TRANSITIONS, ConferenceStatus, EndReason
from callwright.calls.conference.participant import Reason
from callwright.calls.conference.plan import ConferencePlan, ConferenceSettings
from callwright.calls.control import Dialled, Silence
from callwright.errors import RoomError
from tests.calls.attending import ALL, TOLD, Attendance, events, heard
from tests.calls.fakes import SETTINGS as ROOM
from tests.calls.fakes import Room
from tests.calls.jumping import turns

CROWD: dict[str, Any] = {
    "limits": {"concurrent_calls": 300},
    "trunk": [{**ROOM["trunk"][0], "max_calls": 300, "calls_per_second": 1000}],
}


async def test_it_starts_with_the_second_and_ends_with_the_last(room: Room) -> None:
    first = await Attendance.begin(room)
    conference = first.conference
    assert conference.status is ConferenceStatus.INIT
    assert room.rows.row("conferences", conference.sid)["status"] == "init"
    second = await Attendance.begin(room)
    assert second.conference is conference and conference.started
    assert heard(room, first, second) == {(0, 1), (1, 0)}
    assert await first.leaves() == Dialled("completed", bridged=True, hung_up=True)
    assert heard(room, first, second) == set()
    await second.leaves()
    assert events(room) == [
        "participant-join",
        "participant-join",
        "conference-start",
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]
    posted = room.posts.of(TOLD.url)
    assert [one["SequenceNumber"] for one in posted] == [str(number) for number in range(1, 7)]
    assert posted[-1]["ReasonConferenceEnded"] == "last-participant-left"
    assert posted[-1]["CallSidEndingConference"] == second.call.sid
    row = room.rows.row("conferences", conference.sid)
    assert (row["status"], row["reason_conference_ended"]) == ("completed", "last-participant-left")
    assert row["call_sid_ending_conference"] == second.call.sid
    assert room.engine.of("stop", conference.bus)


async def test_the_same_name_is_the_same_room_of_an_account(room: Room) -> None:
    first, second = await Attendance.begin(room, "a"), await Attendance.begin(room, "b")
    assert first.conference is not second.conference
    assert room.rooms.conferences.find("AC" + "2" * 32, "a") is None
    assert room.rooms.conferences.find(room.account.sid, "a") is first.conference
    assert room.rooms.conferences.find(room.account.sid, second.conference.sid) is second.conference


async def test_250_and_no_more(rooms: Any) -> None:
    """The limit as a rule: the 251st is refused with 16020, and one who leaves makes room."""
    room = rooms(**CROWD)
    settings = ConferenceSettings(callback=None)
    there = [await Attendance.begin(room, settings=settings, wait=Backdrop.SILENCE) for _ in range(250)]
    late = await Attendance.begin(room, settings=settings)
    assert await late.task == Dialled("failed")
    kinds = [(kind, data["code"]) for kind, data in room.rows.steps(late.call.sid) if kind == "warning"]
    assert kinds == [("warning", 16020)]
    await there[0].leaves()
    again = await Attendance.begin(room, settings=settings)
    assert len(again.conference.participants) == 250


async def test_max_participants_of_the_first_counts(room: Room) -> None:
    await Attendance.begin(room, settings=ConferenceSettings(max_participants=2))
    await Attendance.begin(room, settings=ConferenceSettings(max_participants=9))
    third = await Attendance.begin(room)
    assert await third.task == Dialled("failed")


async def test_a_label_in_use(room: Room) -> None:
    first = await Attendance.begin(room, label="boss")
    assert first.conference.find("boss") is first.participant
    second = await Attendance.begin(room, label="boss")
    assert await second.task is None
    await first.leaves()
    third = await Attendance.begin(room, label="boss")
    assert not third.task.done()


async def test_nobody_to_coach(room: Room) -> None:
    alone = await Attendance.begin(room, coach="CA" + "0" * 32)
    assert await alone.task == Dialled("failed")
    assert len(room.rooms.conferences) == 0
    await Attendance.begin(room)
    wrong = await Attendance.begin(room, coach="CA" + "0" * 32)
    assert await wrong.task == Dialled("failed")


@pytest.mark.parametrize(("starts", "started"), [((True, True), True), ((False, True), True), ((False, False), False)])
async def test_who_starts_it(room: Room, starts: tuple[bool, bool], started: bool) -> None:
    first = await Attendance.begin(room, start_on_enter=starts[0])
    await Attendance.begin(room, start_on_enter=starts[1])
    assert first.conference.started is started


async def test_mute_hold_and_coach_are_told_once_and_are_independent(room: Room) -> None:
    one, two, three = [await Attendance.begin(room) for _ in range(3)]
    conference = one.conference
    conference.mute(one.participant, True)
    conference.mute(one.participant, True)
    assert heard(room, one, two, three) == {(1, 0), (2, 0), (1, 2), (2, 1)}
    conference.hold(one.participant, True, Backdrop.SILENCE)
    assert heard(room, one, two, three) == {(1, 2), (2, 1)}
    conference.hold(one.participant, False, Backdrop.SILENCE)
    conference.mute(one.participant, False)
    conference.coach(three.participant, one.call.sid)
    assert heard(room, one, two, three) == {(0, 1), (1, 0), (0, 2), (1, 2), (2, 0)}
    conference.hold(one.participant, True, Backdrop.SILENCE)
    assert heard(room, one, two, three) == {(1, 2)}
    for nobody in ("CA" + "0" * 32, three.call.sid):
        with pytest.raises(RoomError) as refused:
            conference.coach(three.participant, nobody)
        assert refused.value.code == 16028
    assert events(room)[4:] == [
        "participant-mute",
        "participant-hold",
        "participant-unhold",
        "participant-unmute",
        "participant-modify",
        "participant-hold",
    ]
    last = room.posts.of(TOLD.url)[-2]
    assert (last["Coaching"], last["CallSidToCoach"], last["CallSid"]) == ("true", one.call.sid, three.call.sid)


async def test_modify(room: Room) -> None:
    one, two = await Attendance.begin(room), await Attendance.begin(room)
    one.conference.modify(one.participant, end_on_exit=True, beep_on_exit=False, wait=None)
    one.conference.modify(one.participant, end_on_exit=True)
    assert events(room).count("participant-modify") == 1
    await one.leaves()
    assert await two.task == Dialled("answered", bridged=True)
    left = [posted for posted in room.posts.of(TOLD.url) if posted["StatusCallbackEvent"] == "participant-leave"]
    assert [one["ReasonParticipantLeft"] for one in left] == ["participant_hung_up", "moderator_ended_conference"]
    assert room.posts.of(TOLD.url)[-1]["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"


@pytest.mark.parametrize(("moderator", "reason"), [(False, EndReason.LAST_KICKED), (True, EndReason.MODERATOR_KICKED)])
async def test_kicking_the_only_one(room: Room, moderator: bool, reason: EndReason) -> None:
    one = await Attendance.begin(room, end_on_exit=moderator, label="boss")
    conference = one.conference
    conference.remove(one.participant, Reason.UPDATED_BY_REQUEST, kicked=True)
    assert await one.task == Dialled("answered", bridged=True)
    ended = room.posts.of(TOLD.url)[-1]
    assert (ended["ReasonConferenceEnded"], ended["ParticipantLabelEndingConference"]) == (str(reason), "boss")
    conference.end(EndReason.BY_REQUEST)
    assert events(room).count("conference-end") == 1


async def test_a_redirect_takes_it_out(room: Room) -> None:
    one, two = await Attendance.begin(room), await Attendance.begin(room)
    one.task.cancel()
    await asyncio.gather(one.task, return_exceptions=True)
    assert list(two.conference.participants) == [two.call.sid]
    left = room.posts.of(TOLD.url)[-1]
    assert (left["ReasonParticipantLeft"], left["ParticipantCallStatus"]) == (
        "participant_updated_via_api",
        "in-progress",
    )


async def test_ending_its_call_by_request_is_told_as_one(room: Room) -> None:
    one, _ = await Attendance.begin(room), await Attendance.begin(room)
    await room.switchboard.end(one.call.sid, canceled=False)
    assert await one.task == Dialled("completed", bridged=True, hung_up=True)
    assert room.posts.of(TOLD.url)[-1]["ReasonParticipantLeft"] == "participant_updated_via_api"


async def test_star_and_time_limit(room: Room) -> None:
    one = await Attendance.begin(room, hangup_on_star=True)
    two = await Attendance.begin(room, time_limit=30.0)
    room.engine.digit(one.leg, "1", "*")
    assert await one.task == Dialled("answered", bridged=True)
    assert await two.task == Dialled("answered", bridged=True)


async def test_beeps_into_the_room_and_none_after_its_end(room: Room) -> None:
    one = await Attendance.begin(room)
    two = await Attendance.begin(room, beep_on_enter=True, beep_on_exit=True)
    bus = one.conference.bus
    assert len(room.engine.playing(bus)) == 1
    await two.leaves()
    await turns()
    assert len(room.engine.playing(bus)) == 2
    await one.leaves()
    await turns()
    assert room.engine.playing(bus) == []


async def test_a_call_on_its_way_in(room: Room) -> None:
    """It is one of the participants, and is let in by the plan that was made for it."""

    async def waiting(call: Any) -> None:
        await call.ended

    room.script = waiting
    call, leg = await room.inbound()
    plan = ConferencePlan("room", ConferenceSettings(callback=ALL), muted=True, label="late")
    conference = room.rooms.conferences.expect(call, plan)
    assert str(conference.participants[call.sid].status) == "ringing"
    with pytest.raises(RoomError) as refused:
        room.rooms.conferences.check(room.account, ConferencePlan("room", label="late"))
    assert refused.value.code == 16025
    task = asyncio.create_task(call.rooms.confer(ConferencePlan("room")))
    await turns()
    participant = conference.participants[call.sid]
    assert participant.joined and participant.muted and str(participant.status) == "connected"
    room.engine.end(leg)
    await task


async def test_a_call_that_never_comes_in(room: Room) -> None:
    one = await Attendance.begin(room)

    async def waiting(call: Any) -> None:
        await call.ended

    room.script = waiting
    call, _ = await room.inbound()
    room.rooms.conferences.expect(call, ConferencePlan("room"))
    one.conference.end(EndReason.BY_REQUEST)
    await one.task
    await call.ended
    left = [posted for posted in room.posts.of(TOLD.url) if posted["StatusCallbackEvent"] == "participant-leave"]
    assert [one["CallSid"] for one in left] == [one.call.sid, call.sid]


async def test_announcements_need_a_start_and_follow_one_another(room: Room) -> None:
    one = await Attendance.begin(room)
    hook = Hook("http://app.example/news")
    with pytest.raises(RoomError) as refused:
        one.conference.announce(hook)
    assert refused.value.code == 16099
    await Attendance.begin(room)
    room.programmes.of[hook.url] = [Programme((Silence(3.0),))]
    one.conference.announce(hook)
    one.conference.announce(hook)
    one.conference.announce(hook, one.participant)
    one.conference.announce(Hook("http://app.example/missing"))
    await asyncio.wait_for(_ended(room, 2), 60)
    ended = [posted for posted in room.posts.of(TOLD.url) if "announcement" in posted["StatusCallbackEvent"]]
    assert [(one["StatusCallbackEvent"], one.get("CallSid", "")) for one in ended] == [
        ("announcement-fail", ""),
        ("announcement-end", one.call.sid),
    ]
    assert ended[0]["ReasonAnnouncementFailed"] == "HTTP 404"


async def _ended(room: Room, count: int) -> None:
    while sum("announcement" in event for event in events(room)) < count:
        await turns(1)


def test_the_transitions_lead_to_the_end() -> None:
    assert TRANSITIONS[ConferenceStatus.COMPLETED] == frozenset()
    assert all(ConferenceStatus.COMPLETED in after for status, after in TRANSITIONS.items() if after)
    assert set(TRANSITIONS) == set(ConferenceStatus)
