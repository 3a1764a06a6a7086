"""Transfers and take-overs by phones that talk in a dial, on a whole daemon (call-control reference §1.10)."""

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.call import How

from .line import LATER, Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

ZOE = "sip:zoe@pbx.example"


async def talking(
    line: Line, gateway: Phone, attributes: str = "", phone: Phone | None = None
) -> tuple[PhoneCall, PhoneCall]:
    """A caller and whom it has dialled, who talk."""
    call = await line.call(f"<Dial {attributes}>{line.dialled()}</Dial>", phone=phone)
    callee = await gateway.incoming()
    await callee.answer()
    await call.answered()
    await both(call, callee)
    return call, callee


def replaces(call: PhoneCall) -> str:
    """The dialog of a call as a Replaces names it to its other side."""
    return f"{call.call_id};to-tag={call.dialog.remote.tag};from-tag={call.dialog.local.tag}"


def referred_to(call: PhoneCall) -> str:
    """A Refer-To that names a call to be replaced."""
    return f"<{ZOE}?Replaces={replaces(call).replace(';', '%3B').replace('=', '%3D')}>"


async def reported(call: PhoneCall) -> list[str]:
    """The status lines of the two NOTIFYs of a transfer."""
    return [(await call.expect("NOTIFY")).body.decode().strip() for _ in range(2)]


async def test_the_callee_transfers_the_caller(line: Line) -> None:
    line.sound("/moment.wav", 600, 3.0)
    line.on("/refer", "<Play>/moment.wav</Play>")
    call, callee = await talking(line, await line.gateway(), "referUrl='/refer' action='/unused'")
    assert (await callee.refer(f"<{ZOE}>")).status == 202
    form = (await line.request("/refer")).form
    assert form["ReferTransferTarget"] == ZOE
    assert (form["Direction"], form["To"]) == ("inbound", line.plan.number)
    assert await reported(callee) == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
    assert (await callee.until_ended()).how is How.BYE_RECEIVED
    await call.media.heard_tone(600)
    await call.hangup()
    assert [one for one in line.application.requests if one.path == "/unused"] == []


async def test_the_caller_transfers_the_callee(line: Line) -> None:
    line.sound("/moment.wav", 600, 3.0)
    line.on("/refer", "<Play>/moment.wav</Play>")
    call, callee = await talking(line, await line.gateway(), "referUrl='/refer' referMethod='GET'")
    assert (await call.refer(f"<{ZOE}>")).status == 202
    request = await line.request("/refer")
    assert (request.method, request.params["ReferTransferTarget"]) == ("GET", ZOE)
    assert (request.params["Direction"], request.params["To"]) == ("outbound-dial", line.dialled())
    assert await reported(call) == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    await callee.media.heard_tone(600)
    await callee.hangup()


async def test_S8_no_transfer_without_a_refer_url(line: Line) -> None:
    """Nobody is called, and they talk on."""
    call, callee = await talking(line, await line.gateway())
    assert (await callee.refer(f"<{ZOE}>")).status == 603
    await line.warned(13802)
    assert (await call.refer(f"<sip:{line.dialled(2000)}@pbx.example>")).status == 603
    await both(call, callee)
    await call.hangup()
    await callee.until_ended()


async def test_two_who_were_called_are_joined(line: Line) -> None:
    """Attended: one phone has called both, and leaves them with each other."""
    gateway, phone = await line.gateway(), await line.phone()
    first, one = await talking(line, gateway, phone=phone)
    second, other = await talking(line, gateway, phone=phone)
    assert (await first.refer(referred_to(second))).status == 202
    assert await reported(first) == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
    for call in (first, second):
        assert (await call.until_ended()).how is How.BYE_RECEIVED
    await both(one, other)
    await one.hangup()
    assert (await other.until_ended()).how is How.BYE_RECEIVED


async def test_a_caller_is_joined_with_whom_the_callee_has_called(line: Line) -> None:
    """Attended: the dial of who waits goes on, and its document after it."""
    gateway = await line.gateway()
    line.on("/done", LATER)
    first, reception = await talking(line, gateway, "action='/done'")
    second, other = await talking(line, gateway)
    assert (await reception.refer(referred_to(second))).status == 202
    assert await reported(reception) == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
    for call in (reception, second):
        assert (await call.until_ended()).how is How.BYE_RECEIVED
    await both(first, other)
    await other.hangup()
    assert (await line.request("/done")).form["DialCallStatus"] == "completed"
    await first.until_ended()


async def test_a_call_takes_the_callees_place(line: Line) -> None:
    call, callee = await talking(line, await line.gateway())
    newcomer = await line.call(headers=[("Replaces", replaces(callee))])
    await newcomer.answered()
    assert (await callee.until_ended()).how is How.BYE_RECEIVED
    await both(call, newcomer)
    await newcomer.hangup()
    await call.until_ended()


async def test_S7_a_place_that_cannot_be_taken(line: Line) -> None:
    """481 where there is no such dialog, 486 when only an early one is wanted; nobody is disturbed."""
    call, callee = await talking(line, await line.gateway())
    for field, status in (
        (replaces(callee) + "x", 481),
        (replaces(callee).replace("to-tag=", "to-tag=x"), 481),
        (replaces(callee) + ";early-only", 486),
    ):
        newcomer = await line.call(headers=[("Replaces", field)])
        assert (await newcomer.refused()).status == status
    await both(call, callee)
    await call.hangup()
    await callee.until_ended()
