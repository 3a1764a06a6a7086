"""The talk between a caller and a dialled party (call-control reference §1.6): how it sounds and what ends it."""

import pytest

from tests.harness import PhoneCall, tones

from .line import Line, both, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def talking(line: Line, attributes: str = "") -> tuple[PhoneCall, PhoneCall]:
    """A caller and a callee who hear each other; the action plays 880 Hz."""
    line.sound("/after.wav", 880, 0.6)
    line.on("/done", "<Play>/after.wav</Play>")
    gateway = await line.gateway()
    call = await line.call(f'<Dial action="/done" {attributes}>{line.dialled()}</Dial>')
    incoming = await gateway.incoming()
    await incoming.answer()
    await both(call, incoming)
    return call, incoming


async def test_both_hear_each_other_without_holes_and_not_themselves(line: Line) -> None:
    call, incoming = await talking(line)
    marks = call.media.mark(), incoming.media.mark()
    await call.media.received(150)
    for side, mark, own, other in ((call, marks[0], 500, 700), (incoming, marks[1], 700, 500)):
        heard = side.media.pcm(since=mark)
        assert steady(heard)
        assert tones.tone_dbov(heard, other) == pytest.approx(-13, abs=2)
        assert tones.tone_dbov(heard, own) < -50


async def test_a_quiet_side_is_silent(line: Line) -> None:
    call, incoming = await talking(line)
    incoming.media.silence()
    await call.media.silence_heard(0.3)
    mark = incoming.media.mark()
    await incoming.media.received(25)
    assert steady(incoming.media.pcm(since=mark))


async def test_the_caller_hangs_up(line: Line) -> None:
    """The callee gets a BYE; the action is told and its answer discarded."""
    call, incoming = await talking(line)
    await call.hangup()
    assert (await incoming.until_ended()).how == "bye received"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"], form["CallStatus"]) == ("completed", "true", "completed")
    assert int(form["DialCallDuration"]) >= 1
    other = await line.call("<Hangup/>")
    await other.until_ended()
    assert line.application.count("/after.wav") == 0


async def test_the_callee_hangs_up_and_the_caller_goes_on(line: Line) -> None:
    call, incoming = await talking(line)
    await incoming.hangup()
    assert (await line.request("/done")).form["CallStatus"] == "in-progress"
    await call.media.heard_tone(880)
    mark = call.media.mark()
    await call.media.received(10)
    assert not tones.contains(call.media.pcm(since=mark), 700)
    assert (await call.until_ended()).how == "bye received"


async def test_time_limit(line: Line) -> None:
    call, incoming = await talking(line, 'timeLimit="2"')
    assert (await incoming.until_ended()).how == "bye received"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("completed", "true")
    assert form["DialCallDuration"] in ("2", "3")
    await call.media.heard_tone(880)


async def test_star_ends_the_talk(line: Line) -> None:
    call, incoming = await talking(line, 'hangupOnStar="true"')
    await call.media.send_digits("1#")
    assert not incoming.ended.done()
    await call.media.send_digits("*")
    assert (await incoming.until_ended()).how == "bye received"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"], form["CallStatus"]) == ("completed", "true", "in-progress")
    await call.media.heard_tone(880)


async def test_star_of_the_callee_and_star_without_the_attribute_end_nothing(line: Line) -> None:
    call, incoming = await talking(line)
    await call.media.send_digits("*")
    await incoming.media.send_digits("*")
    await both(call, incoming)
    assert not call.ended.done() and not incoming.ended.done()


async def test_star_of_the_callee_is_not_the_callers(line: Line) -> None:
    call, incoming = await talking(line, 'hangupOnStar="true"')
    await incoming.media.send_digits("*")
    await both(call, incoming)
    assert not call.ended.done() and not incoming.ended.done()


async def test_digits_reach_the_other_side(line: Line) -> None:
    """A caller may be connected with somebody else's menu; each key is sent on once."""
    call, incoming = await talking(line, 'hangupOnStar="true"')
    await call.media.send_digits("15#")
    await incoming.media.heard_digits("15#")
    await incoming.media.send_digits("2*")
    await call.media.heard_digits("2*")
    await both(call, incoming)


async def test_a_callee_without_a_network_is_silence_and_not_the_end(line: Line) -> None:
    call, incoming = await talking(line)
    incoming.media.pause()
    await call.media.silence_heard(0.4)
    incoming.media.resume()
    await call.media.heard_tone(700)


async def test_a_second_dial_connects_with_the_second_alone(line: Line) -> None:
    gateway = await line.gateway()
    call = await line.call(f"<Dial>{line.dialled(1)}</Dial><Dial>{line.dialled(2)}</Dial>")
    first = await gateway.incoming()
    await first.answer()
    await both(call, first)
    await first.hangup()
    second = await gateway.incoming()
    await second.answer()
    second.media.tone(900)
    await call.media.heard_tone(900)
    mark = call.media.mark()
    await call.media.received(10)
    assert not tones.contains(call.media.pcm(since=mark), 700)


async def test_the_application_is_asked_once(line: Line) -> None:
    call, incoming = await talking(line)
    await incoming.hangup()
    await call.until_ended()
    assert (line.application.count("/done"), line.application.count("/voice")) == (1, 1)
