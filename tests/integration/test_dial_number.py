"""Dialling a number through a trunk (call-control reference §1.6, §7.4): who is called, as whom, and how it ends."""

import pytest

from tests.harness import Guard, PhoneCall, tones

from .line import CALLER, GATEWAY_PASSWORD, GATEWAY_USER, LATER, Line, both, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads: its action, or the verb after it."""
    line.on("/done", LATER)
    line.on("/next", LATER)


async def dialling(line: Line, attributes: str = "", noun: str = "") -> PhoneCall:
    """A call that dials a number of the line's trunk, with an action."""
    noun = noun or f"<Number>{line.dialled()}</Number>"
    return await line.call(f'<Dial action="/done" {attributes}>{noun}</Dial><Redirect>/next</Redirect>')


async def test_talk_and_the_callee_hangs_up(line: Line) -> None:
    gateway = await line.gateway()
    call = await dialling(line)
    incoming = await gateway.incoming()
    assert incoming.invite.uri.startswith(f"sip:{line.dialled()}@")
    assert (incoming.to_user, incoming.from_user) == (line.dialled(), CALLER)
    assert not [name for name, _ in incoming.invite.headers if name.lower().startswith("x-")]
    await incoming.ring()
    await incoming.answer()
    await call.answered()
    await both(call, incoming)
    marks = call.media.mark(), incoming.media.mark()
    await call.media.received(75)
    assert steady(call.media.pcm(since=marks[0])) and steady(incoming.media.pcm(since=marks[1]))
    await incoming.hangup()
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"], form["CallStatus"]) == ("completed", "true", "in-progress")
    assert form["DialCallSid"].startswith("CA") and form["DialCallSid"] != form["CallSid"]
    assert 1 <= int(form["DialCallDuration"]) <= 10
    assert "RecordingUrl" not in form and "DialSipResponseCode" not in form
    child = await line.daemon.rest.do(lambda client: client.calls(form["DialCallSid"]).fetch())
    assert (child.parent_call_sid, child.direction, child.status) == (form["CallSid"], "outbound-dial", "completed")
    assert (child.to, child._from, child.duration) == (line.dialled(), CALLER, form["DialCallDuration"])
    assert (await call.until_ended()).how == "bye received"
    assert line.application.count("/next") == 0


async def test_number_as_text_with_separators(line: Line) -> None:
    gateway = await line.gateway()
    number = line.dialled()
    await line.call(f"<Dial> {number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]} </Dial>")
    incoming = await gateway.incoming()
    assert incoming.to_user == number
    await incoming.refuse()


async def test_without_an_action_the_next_verb_runs(line: Line) -> None:
    gateway = await line.gateway()
    await line.call(f"<Dial>{line.dialled()}</Dial><Redirect>/next</Redirect>")
    incoming = await gateway.incoming()
    await incoming.answer()
    await incoming.hangup()
    assert (await line.request("/next")).form["CallStatus"] == "in-progress"


@pytest.mark.parametrize(
    ("code", "status"),
    [(486, "busy"), (600, "busy"), (603, "no-answer"), (480, "no-answer"), (404, "failed"), (488, "failed"),
     (403, "failed")],
)  # fmt: skip
async def test_refusals(line: Line, code: int, status: str) -> None:
    gateway = await line.gateway()
    await dialling(line)
    await (await gateway.incoming()).refuse(code)
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"], form["CallStatus"]) == (status, "false", "in-progress")
    assert "DialCallDuration" not in form
    child = await line.daemon.rest.do(lambda client: client.calls(form["DialCallSid"]).fetch())
    assert (child.status, child.duration) == (status, "0")


async def test_timeout(line: Line) -> None:
    gateway = await line.gateway()
    await dialling(line, 'timeout="5"')
    incoming = await gateway.incoming()
    await incoming.ring()
    assert (await incoming.until_ended(8)).how == "cancelled"
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("no-answer", "false")
    child = await line.daemon.rest.do(lambda client: client.calls(form["DialCallSid"]).fetch())
    assert child.status == "no-answer"


async def test_a_number_that_no_trunk_carries(line: Line) -> None:
    call = await line.call('<Dial action="/done">0049301234567</Dial>')
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await call.until_ended()


async def test_a_number_that_is_none(line: Line) -> None:
    await line.call('<Dial action="/done">anybody</Dial>')
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await line.warned(13223)


async def test_caller_id(line: Line) -> None:
    """One of the account's own numbers, and the number that was called."""
    for caller_id in (line.plan.bare, line.plan.number):
        gateway = line.phones[0] if line.phones else await line.gateway()
        await dialling(line, f'callerId="{caller_id}"')
        incoming = await gateway.incoming()
        assert incoming.from_user == caller_id
        await incoming.refuse()
        await line.request("/done")


@pytest.mark.parametrize("caller_id", ["+15559998888", "Bob", "+1 555 &lt;x&gt;"])
async def test_caller_id_of_somebody_else(line: Line, caller_id: str) -> None:
    """§1.6: neither the account's own nor one of the parent's: 13214, and the dial fails."""
    gateway = await line.gateway()
    await dialling(line, f'callerId="{caller_id}"')
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await line.warned(13214)
    assert gateway.calls == []


@pytest.mark.parametrize("proxy", [True, False], ids=["407", "401"])
async def test_trunk_credentials_answer_a_challenge_once(line: Line, proxy: bool) -> None:
    gateway = await line.gateway()
    gateway.guard = Guard(GATEWAY_USER, GATEWAY_PASSWORD, proxy=proxy)
    call = await dialling(line)
    incoming = await gateway.incoming()
    assert incoming.to_user == line.dialled()
    await incoming.answer()
    await both(call, incoming)
    assert gateway.trace.transactions("INVITE") == 2
    await incoming.hangup()
    assert (await line.request("/done")).form["DialCallStatus"] == "completed"


async def test_trunk_credentials_that_are_wrong(line: Line) -> None:
    gateway = await line.gateway()
    gateway.guard = Guard(GATEWAY_USER, "another")
    await dialling(line)
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    assert gateway.trace.transactions("INVITE") == 2 and gateway.calls == []


async def test_second_gateway_when_the_first_cannot(line: Line) -> None:
    first, second = await line.gateway(0), await line.gateway(1)
    call = await dialling(line)
    await (await first.incoming()).refuse(503)
    incoming = await second.incoming()
    assert incoming.to_user == line.dialled()
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("completed", "true")


async def test_no_second_gateway_when_the_callee_is_busy(line: Line) -> None:
    first, second = await line.gateway(0), await line.gateway(1)
    await dialling(line)
    await (await first.incoming()).refuse(486)
    assert (await line.request("/done")).form["DialCallStatus"] == "busy"
    assert second.calls == []


async def test_both_gateways_fail(line: Line) -> None:
    first, second = await line.gateway(0), await line.gateway(1)
    await dialling(line)
    await (await first.incoming()).refuse(503)
    await (await second.incoming()).refuse(500)
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"


async def test_digits_are_sent_after_the_answer_and_before_the_bridge(line: Line) -> None:
    gateway = await line.gateway()
    call = await dialling(line, noun=f'<Number sendDigits="1w2">{line.dialled()}</Number>')
    call.media.tone(500)
    incoming = await gateway.incoming()
    await incoming.answer()
    await incoming.media.heard_digits("12")
    assert not tones.contains(incoming.media.pcm(), 500)
    await both(call, incoming)


async def test_callee_who_hangs_up_while_digits_are_sent(line: Line) -> None:
    """The caller is still there: the action's document is carried out."""
    line.sound("/after.wav", 880, 1.0)
    line.on("/done", "<Play>/after.wav</Play>")
    gateway = await line.gateway()
    call = await dialling(line, noun=f'<Number sendDigits="WWWWW1">{line.dialled()}</Number>')
    incoming = await gateway.incoming()
    await incoming.answer()
    await incoming.hangup()
    form = (await line.request("/done")).form
    assert (form["CallStatus"], form["DialBridged"]) == ("in-progress", "false")
    await call.media.heard_tone(880)


async def test_dial_after_dial(line: Line) -> None:
    gateway = await line.gateway()
    call = await line.call(f"<Dial>{line.dialled(1)}</Dial><Dial>{line.dialled(2)}</Dial>")
    first = await gateway.incoming()
    await first.refuse(486)
    second = await gateway.incoming()
    assert second.to_user == line.dialled(2)
    await second.answer()
    await both(call, second)
    await second.hangup()
    assert (await call.until_ended()).how == "bye received"
