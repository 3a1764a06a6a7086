"""Dialling SIP URIs (call-control reference §1.6, §7.3): headers both ways, credentials, transports, alternatives."""

from html import escape

import pytest

from tests.harness import Guard, Phone, PhoneCall

from .line import LATER, Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads."""
    line.on("/done", LATER)


async def dialling(line: Line, noun: str, attributes: str = "") -> PhoneCall:
    """A call that dials a noun, with an action."""
    return await line.call(f'<Dial action="/done" {attributes}>{noun}</Dial>')


def plain(phone: Phone) -> str:
    """A phone's URI without a transport."""
    return f"sip:{phone.user}@{phone.address}:{phone.port}"


async def test_headers_to_the_callee(line: Line) -> None:
    callee = await line.phone("bob")
    uri = escape(f"{plain(callee)}?X-Order=42&X-Name=A%20B")
    more = (
        '<Headers><Header name="X-Third" value="3; q=&quot;x&quot;"/><Header name="User-to-User" value="56"/></Headers>'
    )
    call = await dialling(line, f"<Sip>{uri}{more}</Sip>")
    incoming = await callee.incoming()
    headers = incoming.invite.headers
    assert incoming.invite.uri == plain(callee)
    assert (headers["X-Order"], headers["X-Name"], headers["X-Third"]) == ("42", "A B", '3; q="x"')
    assert headers["User-to-User"] == "56"
    assert headers["X-Twilio-AccountSid"] == line.daemon.account_sid
    assert headers["X-Twilio-ApiVersion"] == "2010-04-01"
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    form = (await line.request("/done")).form
    assert form["DialCallSid"] == headers["X-Twilio-CallSid"] != form["CallSid"]


async def test_what_the_call_is_about_and_keys_before_the_bridge(line: Line) -> None:
    """callReason is on the callee's display (RFC 9796 §5); it gets the keys before it hears the caller."""
    callee = await line.phone("bob")
    reason = escape('Your "order"', quote=True)
    call = await dialling(line, f'<Sip sendDigits="12#">{plain(callee)}</Sip>', f'callReason="{reason}"')
    incoming = await callee.incoming()
    assert incoming.invite.headers["Call-Info"] == '<data:>;purpose=jcard;call-reason="Your \\"order\\""'
    await incoming.answer()
    await incoming.media.heard_digits("12#")
    await both(call, incoming)
    await call.hangup()
    await incoming.until_ended()


async def test_headers_that_a_document_may_not_set(line: Line) -> None:
    callee = await line.phone("bob")
    uri = escape(f"{plain(callee)}?X-Good=1&From=sip:evil@example.com&X-Bad=a%0d%0aVia:x")
    await dialling(line, f"<Sip>{uri}</Sip>")
    incoming = await callee.incoming()
    assert incoming.invite.headers["X-Good"] == "1" and "X-Bad" not in incoming.invite.headers
    assert "evil" not in str(incoming.invite.from_)
    await line.warned(13252)
    await line.warned(13253)
    await incoming.refuse()


async def test_headers_from_the_callee(line: Line) -> None:
    """Those of the answer and of the BYE; the Call-ID and the code."""
    callee = await line.phone("bob")
    await dialling(line, f"<Sip>{plain(callee)}</Sip>")
    incoming = await callee.incoming()
    await incoming.answer([("X-Agent", "7"), ("Server", "x")])
    await incoming.hangup([("X-Why", "tea")])
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialSipResponseCode"]) == ("completed", "200")
    assert form["DialSipCallId"] == incoming.call_id
    assert (form["DialSipHeader_X-Agent"], form["DialSipHeader_X-Why"]) == ("7", "tea")
    assert "DialSipHeader_Server" not in form


async def test_headers_of_a_refusal(line: Line) -> None:
    callee = await line.phone("bob")
    await dialling(line, f"<Sip>{plain(callee)}</Sip>")
    incoming = await callee.incoming()
    await incoming.refuse(486, [("X-Why", "lunch")])
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialSipResponseCode"]) == ("busy", "486")
    assert (form["DialSipCallId"], form["DialSipHeader_X-Why"]) == (incoming.call_id, "lunch")


@pytest.mark.parametrize("proxy", [True, False], ids=["407", "401"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_credentials_answer_a_challenge_once(line: Line, proxy: bool, algorithm: str) -> None:
    callee = await line.phone("bob")
    callee.guard = Guard("agent", "s3cret", proxy=proxy, algorithm=algorithm)
    call = await dialling(line, f'<Sip username="agent" password="s3cret">{plain(callee)}</Sip>')
    incoming = await callee.incoming()
    await incoming.answer()
    await both(call, incoming)
    assert callee.trace.transactions("INVITE") == 2
    await incoming.hangup()
    assert (await line.request("/done")).form["DialSipResponseCode"] == "200"


@pytest.mark.parametrize("noun", ['<Sip username="agent" password="wrong">{}</Sip>', "<Sip>{}</Sip>"])
async def test_challenge_that_cannot_be_met(line: Line, noun: str) -> None:
    callee = await line.phone("bob")
    callee.guard = Guard("agent", "s3cret", proxy=True)
    await dialling(line, noun.format(plain(callee)))
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialSipResponseCode"]) == ("failed", "407")
    assert callee.trace.transactions("INVITE") == (2 if "wrong" in noun else 1)


async def test_credentials_of_the_trunk_stay_with_the_trunk(line: Line) -> None:
    """A stranger who challenges a call by URI gets no digest of the trunk's password."""
    callee = await line.phone("bob")
    callee.guard = Guard("agent", "s3cret")
    await dialling(line, f"<Sip>{plain(callee)}</Sip>")
    await line.request("/done")
    assert all("Authorization" not in str(message) for message in callee.trace.messages("INVITE"))


async def test_tcp(line: Line) -> None:
    callee = await line.phone("bob", transport="tcp")
    call = await dialling(line, f"<Sip>{plain(callee)};transport=tcp</Sip>")
    incoming = await callee.incoming()
    assert incoming.invite.via.transport == "TCP"
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    assert (await line.request("/done")).form["DialCallStatus"] == "completed"


async def test_caller_id_may_be_a_name(line: Line) -> None:
    callee = await line.phone("bob")
    await dialling(line, f"<Sip>{plain(callee)}</Sip>", 'callerId="reception-1"')
    incoming = await callee.incoming()
    assert incoming.from_user == "reception-1"
    await incoming.refuse()


async def test_caller_id_that_is_no_name(line: Line) -> None:
    callee = await line.phone("bob")
    await dialling(line, f"<Sip>{plain(callee)}</Sip>", 'callerId="two words"')
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await line.warned(13247)
    assert callee.calls == []


async def test_uri_that_is_none(line: Line) -> None:
    await dialling(line, "<Sip>http://example.com/</Sip>")
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await line.warned(13243)


async def test_nobody_listens(line: Line) -> None:
    callee = await line.phone("bob")
    uri = plain(callee)
    await callee.close()
    await dialling(line, f"<Sip>{uri};transport=tcp</Sip>")
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("failed", "false")


async def test_alternatives_in_order_of_priority(line: Line) -> None:
    """§7.3: the lowest priority first, the next when it cannot be reached or fails."""
    first, second = await line.phone("first"), await line.phone("second")
    call = await dialling(
        line, f'<Sip><Uri priority="20">{plain(second)}</Uri><Uri priority="10">{plain(first)}</Uri></Sip>'
    )
    await (await first.incoming()).refuse(503)
    incoming = await second.incoming()
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    assert (await line.request("/done")).form["DialCallStatus"] == "completed"


async def test_no_alternative_when_the_callee_is_busy(line: Line) -> None:
    """§7.3: fail-over on no response or 5xx: somebody who was reached and said no is not called elsewhere."""
    first, second = await line.phone("first"), await line.phone("second")
    await dialling(line, f'<Sip><Uri priority="1">{plain(first)}</Uri><Uri priority="2">{plain(second)}</Uri></Sip>')
    await (await first.incoming()).refuse(486)
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialSipResponseCode"]) == ("busy", "486")
    assert second.calls == []


async def test_credentials_of_an_alternative(line: Line) -> None:
    callee = await line.phone("bob")
    callee.guard = Guard("inner", "pass2")
    uri = f'<Uri username="inner" password="pass2">{plain(callee)}</Uri>'
    await dialling(line, f'<Sip username="outer" password="pass1">{uri}</Sip>')
    await (await callee.incoming()).refuse(486)
    assert (await line.request("/done")).form["DialCallStatus"] == "busy"
