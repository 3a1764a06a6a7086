"""Live conferences steered by the API with the vendor's own client (call-control reference §3.4, §2.4)."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from tests.harness import tones

from .line import Line
from .meeting import HERTZ, Meeting, music_heard

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def begun(line: Line, count: int, attributes: str = "", **options: Any) -> Meeting:
    """A conference whose first callbacks have been read."""
    meeting = await Meeting.of(line, count, attributes, **options)
    for event in ["participant-join", "participant-join", "conference-start"] + ["participant-join"] * (count - 2):
        await meeting.told(event)
    return meeting


async def test_mute(line: Line) -> None:
    """Who is muted hears all and is not heard; each change is told once."""
    meeting = await begun(line, 3)
    shown = await meeting.participant(0, muted=True)
    assert (shown.muted, shown.hold, shown.status) == (True, False, "connected")
    await meeting.told("participant-mute", 0, Muted="true")
    await meeting.hears(1, 2)
    await meeting.hears(0, 1, 2)
    await meeting.participant(0, muted=True)
    await meeting.participant(0, muted=False)
    await meeting.told("participant-unmute", 0, Muted="false")
    await meeting.hears(1, 0, 2)


async def test_muted_from_the_start(line: Line) -> None:
    meeting = await begun(line, 2, 'muted="true"')
    await meeting.hears_nothing(0)
    muted = await meeting.do(lambda client: client.conferences(meeting.sid).participants.list(muted=True))
    assert [one.call_sid for one in muted] == meeting.sids[::-1]
    assert await meeting.do(lambda client: client.conferences(meeting.sid).participants.list(hold=True)) == []
    await meeting.participant(1, muted=False)
    await meeting.hears(0, 1)


async def test_hold_with_music_and_with_a_document(line: Line) -> None:
    meeting = await begun(line, 3)
    line.sound("/hold.wav", 1900, 0.4)
    held = await meeting.participant(0, hold=True)
    assert held.hold is True
    await meeting.told("participant-hold", 0, Hold="true")
    await meeting.hears(1, 2)
    await meeting.calls[0].media.received(60)
    assert music_heard(meeting.calls[0].media.pcm(last=0.5))
    url = line.application.url("/hold.wav")
    await meeting.participant(0, hold=True, hold_url=url)
    await meeting.calls[0].media.heard_tone(1900)
    assert (await line.request("/hold.wav")).method == "GET"
    await meeting.participant(0, hold=False)
    await meeting.told("participant-unhold", 0, Hold="false")
    await meeting.hears(0, 1, 2)
    await meeting.hears(1, 0, 2)


async def test_mute_and_hold_are_independent(line: Line) -> None:
    meeting = await begun(line, 2)
    await meeting.participant(0, muted=True, hold=True)
    await meeting.participant(0, hold=False)
    await meeting.hears(0, 1)
    await meeting.hears_nothing(1)
    await meeting.participant(0, muted=False)
    await meeting.hears(1, 0)


async def test_announcement_to_all_and_to_one(line: Line) -> None:
    """Who is on hold does not hear it; the end and a failure are told."""
    meeting = await begun(line, 2)
    for call in meeting.calls:
        call.media.silence()
    line.sound("/news.wav", 1900, 0.8)
    line.on("/announce", "<Play>/news.wav</Play>")
    url = line.application.url("/announce")
    await meeting.do(lambda client: client.conferences(meeting.sid).update(announce_url=url))
    await meeting.calls[0].media.heard_tone(1900)
    await meeting.calls[1].media.heard_tone(1900)
    asked = await line.request("/announce")
    assert (asked.method, asked.form["ConferenceSid"], asked.form["FriendlyName"]) == (
        "POST",
        meeting.sid,
        meeting.name,
    )
    await meeting.told("announcement-end", AnnounceUrl=url)
    await meeting.hears_nothing(1)
    mark = meeting.calls[1].media.mark()
    await meeting.participant(0, announce_url=url, announce_method="GET")
    await meeting.calls[0].media.heard_tone(1900)
    asked = await line.request("/announce")
    assert (asked.method, asked.query["CallSid"]) == ("GET", meeting.sids[0])
    await meeting.told("announcement-end", 0)
    assert tones.tone_dbov(meeting.calls[1].media.pcm(since=mark), 1900) < -60
    missing = line.application.url("/missing")
    await meeting.do(lambda client: client.conferences(meeting.sid).update(announce_url=missing))
    failed = await meeting.told("announcement-fail", AnnounceUrl=missing)
    assert "404" in failed.form["ReasonAnnouncementFailed"]
    line.allowed += ["11200", "/missing"]


async def test_coach(line: Line) -> None:
    """The coach hears all; only the one who is coached hears him, until he coaches no more."""
    meeting = await begun(line, 2)
    await meeting.joins(f'coach="{meeting.sids[0]}"')
    await meeting.told("participant-join", 2, Coaching="true", CallSidToCoach=meeting.sids[0])
    await meeting.hears(2, 0, 1)
    await meeting.hears(0, 1, 2)
    await meeting.hears(1, 0)
    shown = await meeting.participant(2, coaching=True, call_sid_to_coach=meeting.sids[1])
    assert (shown.coaching, shown.call_sid_to_coach) == (True, meeting.sids[1])
    await meeting.told("participant-modify", 2, CallSidToCoach=meeting.sids[1])
    await meeting.hears(1, 0, 2)
    await meeting.hears(0, 1)
    await meeting.participant(2, coaching=False)
    await meeting.told("participant-modify", 2, Coaching="false")
    await meeting.hears(0, 1, 2)
    with pytest.raises(TwilioRestException) as refused:
        await meeting.participant(2, coaching=True, call_sid_to_coach="CA" + "0" * 32)
    assert (refused.value.status, refused.value.code) == (400, 16028)


async def test_kick(line: Line) -> None:
    """The call goes on with its document; the others talk on."""
    meeting = Meeting(line, "kick")
    line.sound("/after.wav", 1900, 0.6)
    line.on("/done", "<Play>/after.wav</Play>")
    for _ in range(3):
        await meeting.joins(dial='action="/done"')
    for event in ("participant-join", "participant-join", "conference-start", "participant-join"):
        await meeting.told(event)
    sid = meeting.sids[0]
    assert await meeting.do(lambda client: client.conferences(meeting.sid).participants(sid).delete()) is True
    await meeting.calls[0].media.heard_tone(1900)
    reason = {"ReasonParticipantLeft": "participant_updated_via_api", "ParticipantCallStatus": "in-progress"}
    await meeting.told("participant-leave", 0, **reason)
    await meeting.hears(1, 2)
    there = await meeting.do(lambda client: client.conferences(meeting.sid).participants.list())
    assert [one.call_sid for one in there] == [meeting.sids[2], meeting.sids[1]]
    with pytest.raises(TwilioRestException) as gone:
        await meeting.do(lambda client: client.conferences(meeting.sid).participants(sid).fetch())
    assert gone.value.status == 404


async def test_kicking_the_moderator_ends_it(line: Line) -> None:
    meeting = await begun(line, 2)
    shown = await meeting.participant(1, end_conference_on_exit=True)
    assert shown.end_conference_on_exit is True
    await meeting.told("participant-modify", 1, EndConferenceOnExit="true")
    sid = meeting.sids[1]
    await meeting.do(lambda client: client.conferences(meeting.sid).participants(sid).delete())
    await meeting.told("participant-leave", 1)
    await meeting.told("participant-leave", 0, ReasonParticipantLeft="moderator_ended_conference")
    await meeting.told("conference-end", ReasonConferenceEnded="participant-with-end-conference-on-exit-kicked")
    for call in meeting.calls:
        await call.until_ended()


async def test_completed_by_request(line: Line) -> None:
    """All leave, their calls go on; nobody is listed any more, and nothing can be changed."""
    meeting = await begun(line, 2, dial='action="/done"')
    line.on("/done", "<Pause length='1'/>")
    ended = await meeting.do(lambda client: client.conferences(meeting.sid).update(status="completed"))
    assert (ended.status, ended.reason_conference_ended) == ("completed", "conference-ended-via-api")
    assert ended.call_sid_ending_conference is None
    for place in (0, 1):
        await meeting.told("participant-leave", place, ReasonParticipantLeft="conference_ended_via_api")
    over = await meeting.told("conference-end", ReasonConferenceEnded="conference-ended-via-api")
    assert "CallSidEndingConference" not in over.form
    await line.requests("/done", 2)
    assert await meeting.do(lambda client: client.conferences(meeting.sid).participants.list()) == []
    with pytest.raises(TwilioRestException) as refused:
        await meeting.do(lambda client: client.conferences(meeting.sid).update(status="completed"))
    assert refused.value.code == 16022


async def test_by_label_and_by_name(line: Line) -> None:
    meeting = await begun(line, 1 + 1)
    await meeting.joins('participantLabel="the boss"')
    joined = await meeting.told("participant-join", 2)
    assert joined.form["ParticipantLabel"] == "the boss"
    room = meeting.name
    boss = await meeting.do(lambda client: client.conferences(room).participants("the boss").fetch())
    assert (boss.call_sid, boss.label, boss.conference_sid) == (meeting.sids[2], "the boss", meeting.sid)
    await meeting.do(lambda client: client.conferences(meeting.sid).participants("the boss").update(muted=True))
    await meeting.hears(0, 1)
    listed = await meeting.do(lambda client: client.conferences.list(friendly_name=room, status="in-progress"))
    assert [one.sid for one in listed] == [meeting.sid]


async def test_nobody_of_another_conference(line: Line) -> None:
    for reference in ("CF" + "0" * 32, "no such room"):
        with pytest.raises(TwilioException, match="404"):
            await line.daemon.rest.do(lambda client, name=reference: client.conferences(name).participants.list())


async def test_a_conference_that_has_not_started_hears_no_announcement(line: Line) -> None:
    meeting = Meeting(line, "alone")
    await meeting.joins()
    await meeting.told("participant-join")
    with pytest.raises(TwilioRestException) as refused:
        url = line.application.url("/announce")
        await meeting.do(lambda client: client.conferences(meeting.sid).update(announce_url=url))
    assert refused.value.code == 16099
    await meeting.calls[0].media.received(30)
    assert music_heard(meeting.calls[0].media.pcm(last=0.5))


async def test_a_wait_that_is_changed_before_the_start(line: Line) -> None:
    meeting = Meeting(line, "wait")
    line.sound("/wait.wav", 1900, 0.4)
    call = await meeting.joins('waitUrl=""')
    await call.media.silence_heard(0.4)
    url = line.application.url("/wait.wav")
    await meeting.participant(0, wait_url=url, wait_method="GET")
    await call.media.heard_tone(1900)


async def test_who_speaks(line: Line) -> None:
    meeting = Meeting(line, "speakers")
    first = await meeting.joins('waitUrl=""', events="speaker")
    first.media.silence()
    await meeting.joins()
    await meeting.hears(0, 1)
    told = await line.request("/conference")
    assert (told.form["StatusCallbackEvent"], told.form["CallSid"]) == ("participant-speech-start", meeting.sids[1])
    meeting.calls[1].media.silence()
    told = await line.request("/conference")
    assert (told.form["StatusCallbackEvent"], told.form["SequenceNumber"]) == ("participant-speech-stop", "2")


async def test_the_recording_of_a_conference(line: Line) -> None:
    """From its start to its end, of all who are heard; a coach is not."""
    line.application.on("/recorded", "")
    line.application.on("/event", "")
    attributes = (
        'record="record-from-start" trim="do-not-trim" recordingStatusCallback="/recorded" '
        'recordingStatusCallbackEvent="in-progress completed" eventCallbackUrl="/event"'
    )
    meeting = await begun(line, 2, attributes)
    await meeting.joins(f'coach="{meeting.sids[0]}"')
    await meeting.hears(0, 1, 2)
    began = await line.request("/recorded")
    assert (began.form["RecordingStatus"], began.form["ConferenceSid"]) == ("in-progress", meeting.sid)
    await meeting.calls[0].media.received(50)
    await meeting.do(lambda client: client.conferences(meeting.sid).update(status="completed"))
    done = await line.request("/recorded")
    expected = ("completed", "Conference", meeting.sid, "1")
    names = ("RecordingStatus", "RecordingSource", "ConferenceSid", "RecordingChannels")
    assert tuple(done.form[name] for name in names) == expected
    older = await line.request("/event")
    assert (older.form["ConferenceSid"], older.form["RecordingUrl"]) == (meeting.sid, done.form["RecordingUrl"])
    assert int(older.form["RecordingFileSize"]) > 8000
    (channel,), rate = await line.recording(done.form["RecordingUrl"])
    whole = channel[len(channel) // 2 :]
    assert tones.contains(whole, HERTZ[0], rate=rate) and tones.contains(whole, HERTZ[1], rate=rate)
    assert tones.tone_dbov(whole, HERTZ[2], rate=rate) < -45
    sid = done.form["RecordingSid"]
    listed = await meeting.do(lambda client: client.conferences(meeting.sid).recordings.list())
    assert [(one.sid, one.conference_sid, one.status) for one in listed] == [(sid, meeting.sid, "completed")]
    one = await meeting.do(lambda client: client.conferences(meeting.sid).recordings(sid).fetch())
    assert one.source == "Conference"
    assert await meeting.do(lambda client: client.conferences(meeting.sid).recordings(sid).delete()) is True
    assert await meeting.do(lambda client: client.conferences(meeting.sid).recordings.list()) == []


async def test_the_recording_of_one_participants_dial(line: Line) -> None:
    meeting = Meeting(line, "dual")
    line.on("/done", "<Pause length='1'/>")
    first = await meeting.joins(dial='action="/done" record="record-from-answer-dual" hangupOnStar="true"')
    await meeting.joins()
    await meeting.hears(0, 1)
    await first.media.received(30)
    await first.media.send_digits("*")
    form = (await line.request("/done")).form
    (left, right), _ = await line.recording(form["RecordingUrl"])
    assert tones.contains(left[-4000:], HERTZ[0]) and tones.contains(right[-4000:], HERTZ[1])


async def test_a_recording_is_paused_and_stopped(line: Line) -> None:
    """Paused time is left out or is silence; what comes after the stop is not in it, and the conference goes on."""
    line.application.on("/recorded", "")
    attributes = 'record="true" trim="do-not-trim" recordingStatusCallback="/recorded"'
    meeting = await begun(line, 2, attributes)
    await meeting.hears(0, 1)

    async def steer(status: str, sid: str = "Twilio.CURRENT", **options: Any) -> Any:
        recordings = (meeting.sid, sid)
        return await meeting.do(
            lambda client: client.conferences(recordings[0]).recordings(recordings[1]).update(status=status, **options)
        )

    await meeting.calls[0].media.received(30)
    paused = await steer("paused", pause_behavior="skip")
    assert (paused.status, paused.conference_sid) == ("paused", meeting.sid)
    meeting.calls[0].media.tone(1900)
    await meeting.calls[1].media.heard_tone(1900)
    meeting.calls[0].media.tone(HERTZ[0])
    await meeting.hears(1, 0)
    await meeting.calls[1].media.received(25)
    assert (await steer("in-progress", paused.sid)).status == "in-progress"
    await meeting.calls[0].media.received(30)
    assert (await steer("stopped", paused.sid)).status == "stopped"
    done = await line.request("/recorded")
    assert (done.form["RecordingStatus"], done.form["RecordingSid"]) == ("completed", paused.sid)
    (channel,), rate = await line.recording(done.form["RecordingUrl"])
    assert tones.tone_dbov(channel, 1900, rate=rate) < -45
    assert tones.contains(channel[:4000], HERTZ[1], rate=rate) and tones.contains(channel[-4000:], HERTZ[1], rate=rate)
    await meeting.hears(0, 1)
    for sid in (paused.sid, "Twilio.CURRENT"):
        with pytest.raises(TwilioRestException) as over:
            await steer("paused", sid)
        assert (over.value.status, over.value.code) in ((400, 21220), (404, 20404))
