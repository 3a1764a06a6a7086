"""Recordings of dialled calls (call-control reference §1.6, §2.5): which voice is on which channel, and from when."""

import numpy as np
import pytest

from tests.harness import PhoneCall, tones

from .line import LATER, Line, both, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads, and where its recording reports."""
    line.on("/done", LATER)
    line.application.on("/recording", "")


async def dialling(line: Line, attributes: str) -> tuple[PhoneCall, PhoneCall]:
    """The caller's and the callee's call of a dial through the trunk."""
    gateway = await line.gateway()
    call = await line.call(f'<Dial action="/done" {attributes}>{line.dialled()}</Dial>')
    return call, await gateway.incoming()


async def talk(line: Line, attributes: str) -> tuple[dict[str, str], list[tones.Pcm]]:
    """A second of talk, the caller's tone 500 Hz, the callee's 700 Hz: the action's form and the channels."""
    call, incoming = await dialling(line, attributes)
    await incoming.answer()
    await both(call, incoming)
    await call.media.received(40)
    await incoming.hangup()
    form = (await line.request("/done")).form
    channels, rate = await line.recording(form["RecordingUrl"])
    assert rate == 8000
    return form, channels


async def test_dual(line: Line) -> None:
    """Left the caller, right the callee, nothing of the other."""
    form, [left, right] = await talk(line, 'record="record-from-answer-dual"')
    assert form["RecordingSid"].startswith("RE") and int(form["RecordingDuration"]) >= 1
    assert len(left) == len(right)
    for channel, own, other in ((left, 500, 700), (right, 700, 500)):
        assert tones.tone_dbov(channel, own) == pytest.approx(-13, abs=2) and steady(channel)
        assert tones.tone_dbov(channel, other) < -50


@pytest.mark.parametrize("record", ["record-from-answer", "true"])
async def test_mono_holds_both(line: Line, record: str) -> None:
    _, [pcm] = await talk(line, f'record="{record}"')
    assert tones.contains(pcm, 500) and tones.contains(pcm, 700) and steady(pcm)


@pytest.mark.parametrize(("track", "heard", "silent"), [("inbound", 500, 700), ("outbound", 700, 500)])
async def test_one_track(line: Line, track: str, heard: int, silent: int) -> None:
    _, [pcm] = await talk(line, f'record="record-from-answer" recordingTrack="{track}"')
    assert tones.contains(pcm, heard) and not tones.contains(pcm, silent)


@pytest.mark.parametrize(("track", "heard"), [("inbound", [True, False]), ("outbound", [False, True])])
async def test_one_track_of_two_channels(line: Line, track: str, heard: list[bool]) -> None:
    """The other channel is silent, and as long."""
    _, sides = await talk(line, f'record="record-from-answer-dual" recordingTrack="{track}"')
    assert [tones.contains(side, hz) for side, hz in zip(sides, (500, 700), strict=True)] == heard
    assert [tones.level_dbov(side) < -60 for side in sides] == [not sounds for sounds in heard]
    assert len(sides[0]) == len(sides[1])


@pytest.mark.parametrize("record", ["do-not-record", "false"])
async def test_no_recording(line: Line, record: str) -> None:
    call, incoming = await dialling(line, f'record="{record}" recordingStatusCallback="/recording"')
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    assert "RecordingUrl" not in (await line.request("/done")).form
    await call.until_ended()
    assert line.application.count("/recording") == 0


async def test_from_ringing_begins_with_the_ringing(line: Line) -> None:
    """Left the caller from the beginning, right what the caller hears: ringing, then the callee."""
    call, incoming = await dialling(line, 'record="record-from-ringing-dual"')
    await incoming.ring()
    call.media.tone(500)
    await call.media.received(75)
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    [left, right], rate = await line.recording((await line.request("/done")).form["RecordingUrl"])
    ringing, talk = slice(rate // 2, rate), slice(-rate // 10, None)
    assert tones.contains(left[ringing], 500) and tones.contains(left[talk], 500)
    assert tones.contains(right[ringing], 440) and not tones.contains(right[ringing], 700)
    assert tones.contains(right[talk], 700) and not tones.contains(right[talk], 440)
    assert len(left) == len(right) > 1.5 * rate


async def test_from_answer_begins_with_the_talk(line: Line) -> None:
    call, incoming = await dialling(line, 'record="record-from-answer-dual"')
    call.media.tone(500)
    incoming.media.tone(700)
    await incoming.ring()
    await call.media.received(75)
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    [left, right], rate = await line.recording((await line.request("/done")).form["RecordingUrl"])
    for channel in (left, right):
        begins = int(np.flatnonzero(np.abs(channel) > 1000)[0]) / rate
        assert begins < 0.3
    assert len(left) / rate < 1.3


async def test_from_ringing_and_nobody_answers(line: Line) -> None:
    call, incoming = await dialling(line, 'record="record-from-ringing"')
    await incoming.ring()
    call.media.tone(500)
    await call.media.received(40)
    await incoming.refuse(486)
    form = (await line.request("/done")).form
    assert form["DialCallStatus"] == "busy"
    [pcm], _ = await line.recording(form["RecordingUrl"])
    assert tones.contains(pcm, 500)


async def test_from_answer_and_nobody_answers(line: Line) -> None:
    call, incoming = await dialling(line, 'record="record-from-answer" recordingStatusCallback="/recording"')
    await incoming.refuse(486)
    assert "RecordingUrl" not in (await line.request("/done")).form
    await call.until_ended()
    assert line.application.count("/recording") == 0


async def test_callbacks(line: Line) -> None:
    events = 'recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed absent"'
    form, _ = await talk(line, f'record="record-from-answer-dual" {events}')
    for request, status in zip(await line.requests("/recording", 2), ("in-progress", "completed"), strict=True):
        told = request.form
        assert (told["RecordingStatus"], told["RecordingSid"]) == (status, form["RecordingSid"])
        assert (told["CallSid"], told["RecordingUrl"]) == (form["CallSid"], form["RecordingUrl"])
        assert (told["RecordingChannels"], told["RecordingSource"], told["RecordingTrack"]) == ("2", "DialVerb", "both")
    assert told["RecordingDuration"] == form["RecordingDuration"]


async def test_silence_before_the_talk_is_kept_and_trimmed_where_the_document_says_so(line: Line) -> None:
    for attributes, shortest, longest in (("", 1.4, 3.0), ('trim="trim-silence"', 0.5, 1.3)):
        gateway = line.phones[0] if line.phones else await line.gateway()
        call = await line.call(f'<Dial action="/done" record="record-from-answer" {attributes}>{line.dialled()}</Dial>')
        incoming = await gateway.incoming()
        await incoming.answer()
        await incoming.media.received(50)
        await both(call, incoming)
        await call.media.received(25)
        await incoming.hangup()
        [pcm], rate = await line.recording((await line.request("/done")).form["RecordingUrl"])
        assert shortest < len(pcm) / rate < longest, attributes


async def test_the_caller_hangs_up(line: Line) -> None:
    call, incoming = await dialling(line, 'record="record-from-answer-dual"')
    await incoming.answer()
    await both(call, incoming)
    await call.hangup()
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["CallStatus"]) == ("completed", "completed")
    [left, right], _ = await line.recording(form["RecordingUrl"])
    assert tones.contains(left, 500) and tones.contains(right, 700)
