"""What happens before a dialled party answers (call-control reference §1.6, §7.5): ringing, early media, giving up."""

import pytest

from tests.harness import PhoneCall, Refused, tones

from .line import LATER, Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads."""
    line.on("/done", LATER)


async def dialling(line: Line, attributes: str = "") -> tuple[PhoneCall, PhoneCall]:
    """The caller's and the callee's call of a dial through the trunk."""
    gateway = await line.gateway()
    call = await line.call(f'<Dial action="/done" {attributes}>{line.dialled()}</Dial>')
    return call, await gateway.incoming()


async def test_caller_hears_ringing_until_the_answer(line: Line) -> None:
    call, incoming = await dialling(line)
    await incoming.ring()
    await call.media.heard_tone(440, 0.2)
    await call.media.heard_tone(480, 0.2)
    await incoming.answer()
    await both(call, incoming)
    mark = call.media.mark()
    await call.media.received(30)
    heard = call.media.pcm(since=mark)
    assert not tones.contains(heard, 440) and not tones.contains(heard, 480)


async def test_ringing_of_another_country(line: Line) -> None:
    call, incoming = await dialling(line, 'ringTone="uk"')
    await incoming.ring()
    await call.media.heard_tone(400, 0.2)
    await call.media.heard_tone(450, 0.2)
    assert not tones.contains(call.media.pcm(last=0.2), 480)


async def test_early_media_is_passed_to_the_caller(line: Line) -> None:
    call, incoming = await dialling(line)
    await incoming.progress(183)
    incoming.media.tone(620)
    await call.media.heard_tone(620)
    mark = call.media.mark()
    await call.media.received(50)
    heard = call.media.pcm(since=mark)
    assert tones.gaps(heard, longer_than_ms=60) == [] and not tones.contains(heard, 440)
    await incoming.refuse(486)
    assert (await line.request("/done")).form["DialCallStatus"] == "busy"


async def test_early_media_turns_into_the_talk(line: Line) -> None:
    call, incoming = await dialling(line)
    await incoming.progress(183)
    incoming.media.tone(620)
    await call.media.heard_tone(620)
    await incoming.answer()
    await both(call, incoming)


async def test_callee_does_not_hear_the_caller_before_the_answer(line: Line) -> None:
    call, incoming = await dialling(line)
    call.media.tone(500)
    await incoming.progress(183)
    incoming.media.tone(620)
    await call.media.heard_tone(620)
    assert not tones.contains(incoming.media.pcm(), 500)


async def test_ringing_instead_of_early_media_where_the_document_says_so(line: Line) -> None:
    call, incoming = await dialling(line, 'ringTone="uk"')
    await incoming.progress(183)
    incoming.media.tone(620)
    await call.media.heard_tone(400, 0.2)
    mark = call.media.mark()
    await call.media.received(30)
    assert not tones.contains(call.media.pcm(since=mark), 620)
    await incoming.answer()
    await call.media.heard_tone(620)


async def test_early_media_of_a_forked_dial_is_not_heard(line: Line) -> None:
    """Nobody can tell whose it would be: the caller hears ringing."""
    first, second = await line.phone("first"), await line.phone("second")
    nouns = "".join(f"<Sip>sip:{phone.user}@{phone.address}:{phone.port}</Sip>" for phone in (first, second))
    call = await line.call(f"<Dial>{nouns}</Dial>")
    for phone, hz in ((first, 620), (second, 750)):
        incoming = await phone.incoming()
        await incoming.progress(183)
        incoming.media.tone(hz)
    await call.media.heard_tone(440, 0.2)
    heard = call.media.pcm()
    assert not tones.contains(heard, 620) and not tones.contains(heard, 750)


async def test_answer_on_bridge(line: Line) -> None:
    """The caller rings, unanswered, until the callee answers."""
    call, incoming = await dialling(line, 'answerOnBridge="true"')
    await incoming.ring()
    assert (await call.ringing()).status == 180
    assert call.final is None
    await incoming.answer()
    await call.answered()
    await both(call, incoming)
    await incoming.hangup()
    assert (await line.request("/done")).form["CallStatus"] == "in-progress"


async def test_answer_on_bridge_with_early_media(line: Line) -> None:
    call, incoming = await dialling(line, 'answerOnBridge="true"')
    await incoming.progress(183)
    incoming.media.tone(620)
    await call.expect(183)
    await call.media.heard_tone(620)
    assert call.final is None
    await incoming.answer()
    await call.answered()
    await both(call, incoming)


async def test_answer_on_bridge_and_nobody_answers(line: Line) -> None:
    """The caller has not been answered yet: the action's document may still refuse it."""
    line.on("/done", '<Reject reason="busy"/>')
    call, incoming = await dialling(line, 'answerOnBridge="true"')
    await incoming.refuse(480)
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["CallStatus"]) == ("no-answer", "ringing")
    with pytest.raises(Refused) as refusal:
        await call.answered()
    assert refusal.value.response.status == 486
    assert (await line.request("/status")).form["CallStatus"] == "busy"


async def test_answer_on_bridge_and_the_caller_gives_up(line: Line) -> None:
    call, incoming = await dialling(line, 'answerOnBridge="true"')
    await incoming.ring()
    await call.ringing()
    assert (await call.cancel()).status == 487
    assert (await incoming.until_ended()).how == "cancelled"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["CallStatus"]) == ("canceled", "canceled")
    assert (await line.request("/status")).form["CallStatus"] == "canceled"


async def test_caller_hangs_up_while_it_rings(line: Line) -> None:
    """§1.1: the callee is cancelled; the action is still requested and its answer discarded."""
    line.on("/done", "<Redirect>/never</Redirect>")
    call, incoming = await dialling(line)
    await incoming.ring()
    await call.answered()
    await call.hangup()
    assert (await incoming.until_ended()).how == "cancelled"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"], form["CallStatus"]) == ("canceled", "false", "completed")
    other = await line.call("<Hangup/>")
    await other.until_ended()
    assert line.application.count("/never") == 0


async def test_caller_hangs_up_before_any_response(line: Line) -> None:
    """A CANCEL may only follow a provisional response (RFC 3261 §9.1); the leg ends all the same."""
    gateway = await line.gateway()
    gateway.behaviour.trying = False
    call = await line.call(f'<Dial action="/done">{line.dialled()}</Dial>')
    incoming = await gateway.incoming()
    await call.answered()
    await call.hangup()
    await incoming.ring()
    assert (await incoming.until_ended()).how == "cancelled"
    assert (await line.request("/done")).form["DialCallStatus"] == "canceled"


async def test_star_while_it_rings(line: Line) -> None:
    line.sound("/after.wav", 880, 1.0)
    line.on("/done", "<Play>/after.wav</Play>")
    call, incoming = await dialling(line, 'hangupOnStar="true"')
    await incoming.ring()
    await call.answered()
    await call.media.send_digits("1*")
    assert (await incoming.until_ended()).how == "cancelled"
    form = (await line.request("/done")).form
    assert (form["DialBridged"], form["CallStatus"]) == ("false", "in-progress")
    await call.media.heard_tone(880)


async def test_callee_that_never_answers_a_cancel(line: Line) -> None:
    """The caller goes on in time; the child is no-answer, as the dial told."""
    gateway = await line.gateway()
    gateway.behaviour.never_answers.add("CANCEL")
    call = await line.call(f'<Dial action="/done" timeout="5">{line.dialled()}</Dial>')
    incoming = await gateway.incoming()
    await incoming.ring()
    form = (await line.request("/done", 10)).form
    assert (form["DialCallStatus"], form["CallStatus"]) == ("no-answer", "in-progress")
    child = await line.daemon.rest.do(lambda client: client.calls(form["DialCallSid"]).fetch())
    assert child.status == "no-answer"
    await call.until_ended()
