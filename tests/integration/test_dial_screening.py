"""Callees who are asked before they are connected (call-control reference §1.6, S9), on real calls."""

import pytest

from tests.harness import Phone, PhoneCall, tones
from tests.harness.application import Answer

from .line import LATER, Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

ASK = '<Gather numDigits="1" timeout="5" action="/key"><Play>/whisper.wav</Play></Gather><Hangup/>'


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads, and what a callee is asked."""
    line.on("/done", LATER)
    line.on("/w", ASK)
    line.on("/key", "")
    line.sound("/whisper.wav", 880, 3.0)


def noun(phone: Phone) -> str:
    return f'<Sip url="/w">sip:{phone.user}@{phone.address}:{phone.port}</Sip>'


async def dialling(line: Line, *phones: Phone, attributes: str = "") -> PhoneCall:
    """An answered caller who dials phones that are asked first."""
    nouns = "".join(noun(phone) for phone in phones)
    call = await line.call(f'<Dial action="/done" {attributes}>{nouns}</Dial>')
    await call.answered()
    return call


async def test_a_key_accepts(line: Line) -> None:
    bob = await line.phone("bob")
    call = await dialling(line, bob)
    incoming = await bob.incoming()
    await incoming.answer([("X-Desk", "7")])
    await incoming.media.heard_tone(880)
    asked = (await line.request("/w")).form
    assert (asked["CallSid"], asked["ParentCallSid"]) == (
        incoming.invite.headers["X-Twilio-CallSid"],
        asked["ParentCallSid"],
    )
    assert (asked["CallStatus"], asked["Direction"]) == ("in-progress", "outbound-dial")
    assert (asked["SipCallId"], asked["SipHeader_X-Desk"]) == (incoming.call_id, "7")
    assert not tones.contains(call.media.heard.pcm(last=0.3), 880), "the caller hears what the callee is asked"
    await incoming.media.send_digits("1")
    assert (await line.request("/key")).form["Digits"] == "1"
    await both(call, incoming)
    await incoming.hangup()
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"], form["DialCallSid"]) == ("completed", "true", asked["CallSid"])
    assert form["CallSid"] == asked["ParentCallSid"]


async def test_no_key_refuses(line: Line) -> None:
    """S9: hung up at the end of the question, and the caller is told of nobody."""
    line.on("/w", '<Gather numDigits="1" timeout="1" action="/key"/><Hangup/>')
    bob = await line.phone("bob")
    await dialling(line, bob)
    incoming = await bob.incoming()
    await incoming.answer()
    assert (await incoming.until_ended()).how == "bye received"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("no-answer", "false")
    assert "DialCallDuration" not in form


async def test_the_next_party_is_tried(line: Line) -> None:
    line.on("/key", f"{LATER}<Hangup/>")
    bob, eve = await line.phone("bob"), await line.phone("eve")
    call = await dialling(line, bob, eve, attributes='sequential="true"')
    incoming = await bob.incoming()
    await incoming.answer()
    await incoming.media.heard_tone(880)
    await incoming.media.send_digits("2")
    assert (await incoming.until_ended()).how == "bye received"
    line.on("/key", "")
    incoming = await eve.incoming()
    await incoming.answer()
    await incoming.media.heard_tone(880)
    await incoming.media.send_digits("1")
    await both(call, incoming)
    await call.hangup()
    assert (await line.request("/done")).form["DialCallStatus"] == "completed"


async def test_a_question_that_cannot_be_had(line: Line) -> None:
    line.application.on("/w", Answer(status=500))
    line.application.on("/fallback", Answer(status=500))
    bob = await line.phone("bob")
    await dialling(line, bob)
    incoming = await bob.incoming()
    await incoming.answer()
    assert (await incoming.until_ended()).how == "bye received"
    assert (await line.request("/done")).form["DialCallStatus"] == "no-answer"


async def test_a_client(line: Line) -> None:
    """No browser is there: no answer, at once, and the log says why."""
    line.application.on("/child", "")
    await line.call(
        '<Dial action="/done"><Client statusCallback="/child"><Identity>bob</Identity>'
        '<Parameter name="a" value="b"/></Client></Dial>'
    )
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("no-answer", "false")
    assert (await line.request("/child")).form["To"] == "client:bob"
    await line.warned(32009)


async def test_an_application_that_is_not_stored(line: Line) -> None:
    await line.call(f'<Dial action="/done"><Application>AP{"0" * 32}</Application></Dial>')
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await line.warned(21420)
