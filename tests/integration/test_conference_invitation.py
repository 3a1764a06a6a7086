"""Calling somebody into a conference by the API, with the vendor's own client (call-control reference §3.4)."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.harness import Phone, tones

from .line import Line
from .meeting import EVENTS, HERTZ, Meeting

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def invited(meeting: Meeting, **parameters: Any) -> Any:
    """A participant that is called through the line's trunk."""
    line = meeting.line
    asked = {
        "from_": line.plan.number,
        "to": line.dialled(),
        "status_callback": line.application.url("/status"),
        "beep": "false",
        "conference_status_callback": line.application.url("/conference"),
        "conference_status_callback_event": EVENTS.split(),
        **parameters,
    }
    participant = await meeting.do(lambda client: client.conferences(meeting.name).participants.create(**asked))
    meeting.sids.append(participant.call_sid)
    return participant


async def answered(meeting: Meeting, gateway: Phone) -> None:
    """The called party answers, and speaks with a tone of its own."""
    incoming = await gateway.incoming()
    await incoming.answer()
    incoming.media.tone(HERTZ[len(meeting.calls)])
    meeting.calls.append(incoming)


async def test_called_into_a_conference_that_begins_with_it(line: Line) -> None:
    """201 with the conference and the call; queued, ringing, connected; its end ends the call."""
    gateway = await line.gateway()
    meeting = Meeting(line, "invited")
    made = await invited(meeting, label="customer", end_conference_on_exit=True)
    assert (made.label, made.muted, made.hold, made.end_conference_on_exit) == ("customer", False, False, True)
    assert made.status in ("queued", "connecting") and made.conference_sid.startswith("CF")
    incoming = await gateway.incoming()
    await incoming.ring()
    room = await meeting.do(lambda client: client.conferences(made.conference_sid).fetch())
    assert (room.status, room.friendly_name) == ("init", "invited")
    await line.daemon.logged(rf"{made.call_sid} ringing")
    ringing = await meeting.do(lambda client: client.conferences("invited").participants("customer").fetch())
    assert (ringing.status, ringing.call_sid) == ("ringing", made.call_sid)
    await incoming.answer()
    incoming.media.tone(HERTZ[0])
    meeting.calls.append(incoming)
    joined = await meeting.told("participant-join", 0, ParticipantLabel="customer")
    assert joined.form["ConferenceSid"] == made.conference_sid
    await meeting.joins()
    await meeting.hears(0, 1)
    await meeting.hears(1, 0)
    await incoming.hangup()
    await meeting.calls[1].until_ended()
    call = await meeting.do(lambda client: client.calls(made.call_sid).fetch())
    assert (call.direction, call.status) == ("outbound-api", "completed")


async def test_called_into_one_that_runs_muted_and_coaching(line: Line) -> None:
    gateway = await line.gateway()
    meeting = await Meeting.of(line, 2)
    await meeting.do(lambda client: client.conferences.list(limit=1))
    await invited(meeting, coaching=True, call_sid_to_coach=meeting.sids[0], timeout=20)
    await answered(meeting, gateway)
    await meeting.hears(0, 1, 2)
    await meeting.hears(1, 0)
    await meeting.hears(2, 0, 1)
    await meeting.participant(2, coaching=False, muted=True)
    await meeting.hears(0, 1)


async def test_early_media_is_heard_in_the_conference(line: Line) -> None:
    gateway = await line.gateway()
    meeting = await Meeting.of(line, 2)
    await invited(meeting)
    incoming = await gateway.incoming()
    await incoming.progress()
    incoming.media.tone(1900)
    await meeting.calls[0].media.heard_tone(1900)
    await meeting.calls[1].media.heard_tone(1900)
    await incoming.answer()
    await meeting.calls[1].media.heard_tone(1900)


async def test_one_who_does_not_answer(line: Line) -> None:
    """participant-leave with participant_add_failed; a conference that nobody is in ends."""
    gateway = await line.gateway()
    meeting = Meeting(line, "busy")
    made = await invited(meeting)
    incoming = await gateway.incoming()
    await incoming.refuse(486)
    left = await meeting.told("participant-leave", 0, ReasonParticipantLeft="participant_add_failed")
    assert left.form["ParticipantCallStatus"] == "busy"
    await meeting.told("conference-end", ReasonConferenceEnded="last-participant-left")
    assert (await meeting.do(lambda client: client.conferences(made.conference_sid).fetch())).status == "completed"


async def test_removed_while_it_rings(line: Line) -> None:
    gateway = await line.gateway()
    meeting = Meeting(line, "removed")
    made = await invited(meeting)
    incoming = await gateway.incoming()
    await incoming.ring()
    sid = made.call_sid
    assert await meeting.do(lambda client: client.conferences(made.conference_sid).participants(sid).delete()) is True
    assert (await incoming.until_ended()).how == "cancelled"
    assert (await meeting.told("participant-leave", 0)).form["CallSid"] == sid


async def test_a_recorded_conference_of_two_who_were_called(line: Line) -> None:
    gateway = await line.gateway()
    meeting = Meeting(line, "recorded")
    line.application.on("/recorded", "")
    recorded = line.application.url("/recorded")
    first = {"conference_record": "record-from-start", "conference_recording_status_callback": recorded}
    for settings in (first, {}):
        await invited(meeting, conference_trim="do-not-trim", **settings)
        await answered(meeting, gateway)
    await meeting.hears(0, 1)
    await meeting.calls[0].media.received(40)
    for call in meeting.calls:
        await call.hangup()
    done = await line.request("/recorded")
    (channel,), _ = await line.recording(done.form["RecordingUrl"])
    half = channel[len(channel) // 3 : len(channel) // 3 + 4000]
    assert tones.contains(half, HERTZ[0]) and tones.contains(half, HERTZ[1])


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"from_": "+15550000000"}, 400, 21210),
        ({"to": "nobody"}, 400, 21211),
        ({"label": "a/b"}, 400, 16023),
        ({"coaching": True}, 400, 13240),
        ({"coaching": True, "call_sid_to_coach": "CA" + "0" * 32}, 400, 16028),
        ({"max_participants": 251}, 400, 20422),
        ({"beep": "sometimes"}, 400, 20422),
        ({"wait_url": "nowhere"}, 400, 21205),
        ({"timeout": 601}, 400, 21208),
    ],
)
async def test_refused(line: Line, parameters: dict[str, Any], status: int, code: int) -> None:
    """Nothing is called, and no conference begins."""
    meeting = Meeting(line, "refused")
    with pytest.raises(TwilioRestException) as refused:
        await invited(meeting, **parameters)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert await meeting.do(lambda client: client.conferences.list(friendly_name="refused")) == []


async def test_into_a_completed_or_unknown_conference(line: Line) -> None:
    meeting = await Meeting.of(line, 2)
    await meeting.told("participant-join")
    await meeting.do(lambda client: client.conferences(meeting.sid).update(status="completed"))
    for name, code in ((meeting.sid, 16022), ("CF" + "0" * 32, 20404)):
        meeting.name = name
        with pytest.raises(TwilioRestException) as refused:
            await invited(meeting)
        assert (refused.value.status, refused.value.code) == (404, code)
