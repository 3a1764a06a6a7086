"""Callers who are referred to somebody else, on a whole daemon (call-control reference §1.10)."""

import pytest

from tests.harness.call import How, PhoneCall

from .line import LATER, Line

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

REFER = "<Refer action='/referred'><Sip>sip:bob@pbx.example?X-Order=7</Sip></Refer><Hangup/>"


async def outcome(line: Line) -> tuple[str, str, str]:
    """What the action of a <Refer> was told: the status, the answer to the REFER, the last report."""
    form = (await line.request("/referred", timeout=10)).form
    assert form["CallSid"].startswith("CA")
    return form["ReferCallStatus"], form["ReferSipResponseCode"], form["NotifySipResponseCode"]


async def referred(line: Line, **options: object) -> PhoneCall:
    """A caller whose document refers it."""
    line.on("/referred", LATER)
    call = await line.call(REFER)
    for name, value in options.items():
        setattr(call, name, value)
    await call.answered()
    return call


async def test_a_caller_is_transferred(line: Line) -> None:
    call = await referred(line)
    request = await call.expect("REFER")
    assert request.headers["Refer-To"] == "<sip:bob@pbx.example?X-Order=7>"
    assert request.headers["X-Order"] == "7"
    await call.report("100 Trying", final=False)
    await call.report("200 OK")
    assert await outcome(line) == ("completed", "202", "200")
    assert (await call.until_ended()).how is How.BYE_RECEIVED


async def test_whom_he_is_transferred_to_is_busy(line: Line) -> None:
    """The caller stays, and hears what the action says."""
    line.sound("/busy.wav", 500, 3.0)
    call = await referred(line)
    line.on("/referred", "<Play>/busy.wav</Play>")
    await call.expect("REFER")
    await call.report("486 Busy Here")
    assert await outcome(line) == ("busy", "202", "486")
    await call.media.heard_tone(500)
    await call.hangup()


@pytest.mark.parametrize("status", [405, 603])
async def test_a_phone_that_refuses(line: Line, status: int) -> None:
    call = await referred(line, refer_status=status)
    assert await outcome(line) == ("failed", str(status), "")
    await line.warned(32218)
    await call.until_ended()


async def test_a_phone_that_leaves_when_it_has_been_asked(line: Line) -> None:
    call = await referred(line)
    await call.expect("REFER")
    await call.hangup()
    await call.report("200 OK")
    assert await outcome(line) == ("completed", "202", "200")


async def test_a_phone_that_will_not_report(line: Line) -> None:
    call = await referred(line, refer_headers=[("Refer-Sub", "false")])
    assert await outcome(line) == ("completed", "202", "")
    assert (await call.until_ended()).how is How.BYE_RECEIVED
