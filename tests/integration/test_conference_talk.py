"""Who hears whom in a conference: each participant has a tone of its own (call-control reference §1.6)."""

import pytest

from tests.harness import tones
from tests.harness.application import Answer
from tests.harness.waiting import within

from .line import Line
from .meeting import HERTZ, Meeting, music_heard, steady_tone

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def test_three_hear_each_other_and_not_themselves(line: Line) -> None:
    meeting = await Meeting.of(line, 3)
    for place, call in enumerate(meeting.calls):
        await meeting.hears(place, *(other for other in range(3) if other != place))
        assert tones.tone_dbov(call.media.pcm(last=0.5), HERTZ[place]) < -45
        assert steady_tone(call.media.pcm(last=0.5), HERTZ[(place + 1) % 3])


async def test_S6_waiting_with_music_then_talking_then_the_moderator_leaves(line: Line) -> None:
    """S6: A waits with music, B starts it, B ends it for all, A's document goes on."""
    meeting = Meeting(line, "S6")
    line.sound("/after.wav", 880, 0.6)
    line.on("/done", "<Play>/after.wav</Play>")
    first = await meeting.joins('startConferenceOnEnter="false"', dial='action="/done"')
    await meeting.told("participant-join", 0, StartConferenceOnEnter="false", Muted="false", Hold="false")
    await first.media.received(50)
    assert music_heard(first.media.pcm(last=0.8))
    moderator = await meeting.joins('endConferenceOnExit="true"')
    await meeting.told("participant-join", 1, EndConferenceOnExit="true", Coaching="false")
    await meeting.told("conference-start")
    await meeting.hears(0, 1)
    await meeting.hears(1, 0)
    await moderator.hangup()
    left = await meeting.told("participant-leave", 1, ReasonParticipantLeft="participant_hung_up")
    assert left.form["ParticipantCallStatus"] == "completed"
    left = await meeting.told("participant-leave", 0, ReasonParticipantLeft="moderator_ended_conference")
    assert left.form["ParticipantCallStatus"] == "in-progress"
    reason = "participant-with-end-conference-on-exit-left"
    await meeting.told("conference-end", CallSidEndingConference=meeting.sids[1], ReasonConferenceEnded=reason)
    done = await line.request("/done")
    assert (done.form["DialCallStatus"], done.form["CallStatus"]) == ("answered", "in-progress")
    assert "DialCallSid" not in done.form and "DialCallDuration" not in done.form
    await first.media.heard_tone(880)
    assert (await first.until_ended()).how == "bye received"
    shown = await meeting.do(lambda client: client.conferences(meeting.sid).fetch())
    assert (shown.status, shown.reason_conference_ended) == ("completed", reason)
    assert (shown.call_sid_ending_conference, shown.friendly_name) == (meeting.sids[1], "S6")


async def test_the_last_one_ends_it_and_the_name_is_free_again(line: Line) -> None:
    meeting = await Meeting.of(line, 2)
    for event in ("participant-join", "participant-join", "conference-start"):
        await meeting.told(event)
    first = meeting.sid
    for place in (1, 0):
        await meeting.calls[place].hangup()
        await meeting.told("participant-leave", place, ReasonParticipantLeft="participant_hung_up")
    ended = {"CallSidEndingConference": meeting.sids[0], "ReasonConferenceEnded": "last-participant-left"}
    await meeting.told("conference-end", **ended)
    meeting.sid, meeting.sequence = "", 0
    await meeting.joins()
    await meeting.told("participant-join")
    assert meeting.sid != first
    found = await meeting.do(lambda client: client.conferences.list(friendly_name=meeting.name))
    assert [(one.sid, one.status) for one in found] == [(meeting.sid, "init"), (first, "completed")]


async def test_nobody_starts_it(line: Line) -> None:
    """Two who do not start it wait apart from each other; the third starts it for all."""
    meeting = await Meeting.of(line, 2, 'startConferenceOnEnter="false" waitUrl=""')
    await meeting.hears_nothing(0)
    await meeting.hears_nothing(1)
    await meeting.joins()
    await meeting.hears(0, 1, 2)
    await meeting.hears(1, 0, 2)


async def test_a_waiting_document_of_our_own(line: Line) -> None:
    """Play and a redirect to the next document, which loops; what does not belong there is left out (13238)."""
    meeting = Meeting(line, "documents")
    line.sound("/first.wav", 900, 0.5)
    line.sound("/second.wav", 1300, 0.5)
    line.on("/wait", "<Play>/first.wav</Play><Reject/><Redirect>/more</Redirect>")
    line.on("/more", "<Play>/second.wav</Play><Redirect>/more</Redirect>")
    call = await meeting.joins('waitUrl="/wait"')
    asked = await line.request("/wait")
    assert (asked.method, asked.form["CallSid"], asked.form["FriendlyName"]) == ("POST", meeting.sids[0], "documents")
    await call.media.heard_tone(900)
    await call.media.heard_tone(1300)
    await line.requests("/more", 2)
    await line.warned(13238)
    line.allowed.append("code=13238")
    await meeting.joins()
    await meeting.hears(0, 1)


async def test_a_sound_file_to_wait_to_is_played_again_and_again(line: Line) -> None:
    meeting = Meeting(line, "file")
    line.sound("/wait.wav", 900, 0.4)
    call = await meeting.joins('waitUrl="/wait.wav" waitMethod="GET"')
    await call.media.heard_tone(900)
    mark = call.media.mark()
    await call.media.received(75)
    assert tones.contains(call.media.pcm(since=mark)[-4000:], 900)
    assert tones.gaps(call.media.pcm(since=mark), longer_than_ms=60) == []


async def test_music_in_place_of_a_waiting_document_that_fails(line: Line) -> None:
    meeting = Meeting(line, "broken")
    call = await meeting.joins('waitUrl="/missing"')
    await line.warned(11200)
    line.allowed.append("code=11200")
    line.allowed.append("/missing")
    await call.media.received(40)
    assert music_heard(call.media.pcm(last=0.5))


async def test_beeps(line: Line) -> None:
    """Everybody hears when somebody enters or leaves, unless that one has none."""
    meeting = await Meeting.of(line, 2)
    mark = meeting.calls[0].media.mark()
    await meeting.joins('beep="onExit"')
    await meeting.hears(0, 1, 2)
    assert tones.tone_dbov(meeting.calls[0].media.pcm(since=mark), 880) < -45
    for call in meeting.calls:
        call.media.silence()
    await meeting.hears_nothing(0)
    mark = meeting.calls[0].media.mark()
    await meeting.calls[2].hangup()
    await within(heard_since(meeting, mark, 880), 5, "the tone of the exit")
    mark = meeting.calls[0].media.mark()
    await meeting.joins('beep="onEnter"')
    await within(heard_since(meeting, mark, 659.3), 5, "the tone of the entrance")


async def heard_since(meeting: Meeting, mark: int, hz: float) -> None:
    """Returns when the first participant has heard 80 ms of a tone since a mark."""
    media = meeting.calls[0].media
    while not any(
        tones.contains(media.pcm(since=mark)[start : start + 640], hz, below_total_db=6)
        for start in range(0, max(0, len(media.pcm(since=mark)) - 640), 160)
    ):
        await media.received(2)


async def test_star_leaves(line: Line) -> None:
    meeting = Meeting(line, "star")
    line.sound("/after.wav", 880, 0.6)
    line.on("/done", "<Play>/after.wav</Play>")
    first = await meeting.joins(dial='hangupOnStar="true" action="/done"')
    await meeting.joins()
    await meeting.hears(0, 1)
    await first.media.send_digits("1*")
    done = await line.request("/done")
    assert (done.form["DialCallStatus"], done.form["CallStatus"]) == ("answered", "in-progress")
    await first.media.heard_tone(880)
    await meeting.hears_nothing(1)


async def test_time_limit(line: Line) -> None:
    meeting = Meeting(line, "limit")
    line.on("/done", "<Pause length='1'/>")
    await meeting.joins(dial='timeLimit="1" action="/done"')
    assert (await line.request("/done")).form["DialCallStatus"] == "answered"


async def test_full_and_a_label_in_use(line: Line) -> None:
    """16020: a dial that fails; 16025: the verb is skipped, its action is not requested."""
    meeting = Meeting(line, "full")
    await meeting.joins('maxParticipants="2" participantLabel="boss"')
    line.sound("/after.wav", 880, 0.6)
    noun = f"<Conference participantLabel='boss'>{meeting.name}</Conference>"
    call = await line.call(f"<Dial action='/never'>{noun}</Dial><Play>/after.wav</Play>")
    await line.request("/voice")
    await line.warned(16025)
    await call.media.heard_tone(880)
    await meeting.joins()
    line.on("/done", "<Pause length='1'/>")
    late = await line.call(f"<Dial action='/done'><Conference>{meeting.name}</Conference></Dial>")
    await line.warned(16020)
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await late.until_ended()
    line.allowed += ["code=16025", "code=16020"]
    assert line.application.count("/never") == 0


async def test_a_redirect_leaves_at_once(line: Line) -> None:
    meeting = await Meeting.of(line, 3)
    line.sound("/after.wav", 880, 0.6)
    line.on("/new", "<Play>/after.wav</Play>")
    for event in ("participant-join", "participant-join", "conference-start", "participant-join"):
        await meeting.told(event)
    url, sid = line.application.url("/new"), meeting.sids[0]
    await meeting.do(lambda client: client.calls(sid).update(url=url))
    await meeting.calls[0].media.heard_tone(880)
    await meeting.told("participant-leave", 0, ReasonParticipantLeft="participant_updated_via_api")
    await meeting.hears(1, 2)
    sid = meeting.sids[1]
    await meeting.do(lambda client: client.calls(sid).update(status="completed"))
    assert (await meeting.calls[1].until_ended()).how == "bye received"
    await meeting.told("participant-leave", 1, ReasonParticipantLeft="participant_updated_via_api")
    await meeting.hears_nothing(2)


async def test_the_secondary_URI_of_a_waiting_document(line: Line) -> None:
    """System 2: fallback holds for every fetch of a session."""
    meeting = Meeting(line, "fallback")
    line.sound("/wait.wav", 900, 0.4)
    line.application.on("/wait", Answer("busy", status=503))
    line.on("/fallback", "<Play loop='0'>/wait.wav</Play>")
    call = await meeting.joins('waitUrl="/wait"')
    asked = await line.request("/fallback")
    assert (asked.form["ErrorCode"], asked.form["ConferenceSid"]) == ("11200", (await meeting_sid(meeting)))
    assert asked.form["ErrorUrl"] == line.application.url("/wait")
    await call.media.heard_tone(900)
    line.allowed += ["11200", "fallback"]


async def meeting_sid(meeting: Meeting) -> str:
    """CF... of the conference, as its first callback tells it."""
    return (await meeting.told("participant-join", 0)).form["ConferenceSid"]
