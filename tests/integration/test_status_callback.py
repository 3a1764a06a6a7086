"""The status callback of an inbound call (call-control reference §2.2): one request at its end, until delivered."""

from email.utils import parsedate_to_datetime

import pytest

from tests.harness.application import Answer, Break

from .line import CALLER, Line

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def test_of_a_completed_call(line: Line) -> None:
    call = await line.call('<Pause length="0"/><Say>Hello</Say><Hangup/>')
    await call.until_ended()
    voice, last = await line.request("/voice"), await line.request("/status")
    form = last.form
    assert (form["CallSid"], form["From"], form["To"]) == (voice.form["CallSid"], CALLER, line.plan.number)
    assert (form["CallStatus"], form["Direction"], form["SequenceNumber"]) == ("completed", "inbound", "0")
    assert (form["SipResponseCode"], form["CallbackSource"]) == ("200", "call-progress-events")
    assert (form["CallDuration"], form["Duration"]) in [("1", "1"), ("2", "1")]
    assert form["SipCallId"] == call.call_id
    assert parsedate_to_datetime(form["Timestamp"]).tzinfo is not None
    assert last.order == len(line.application.requests) - 1 and line.application.count("/status") == 1


async def test_of_a_call_that_the_caller_ended(line: Line) -> None:
    line.sound("/long.wav", 440, 20)
    call = await line.call("<Play>/long.wav</Play>")
    await call.media.heard_tone(440)
    await call.media.received(60)
    await call.hangup()
    form = (await line.request("/status")).form
    assert (form["CallStatus"], form["SipResponseCode"]) == ("completed", "200")
    assert form["CallDuration"] in ("2", "3") and form["Duration"] == "1"
    record = await line.daemon.rest.do(lambda client: client.calls(form["CallSid"]).fetch())
    assert (record.status, record.duration) == ("completed", form["CallDuration"])


@pytest.mark.parametrize("failure", [Answer(status=500), Answer(status=429), Break.RESET], ids=["500", "429", "reset"])
async def test_is_tried_again(line: Line, failure: Answer | Break) -> None:
    """The same parameters under the same idempotency token."""
    line.application.on("/status", failure, "")
    call = await line.call('<Reject reason="busy"/>')
    await call.refused()
    first, second = await line.requests("/status", 2)
    assert first.form == second.form
    assert first.header("I-Twilio-Idempotency-Token") == second.header("I-Twilio-Idempotency-Token") != ""


async def test_is_tried_again_after_a_refused_connection(line: Line) -> None:
    call = await line.call('<Pause length="1"/><Reject reason="busy"/>')
    await line.request("/voice")
    await line.application.refuse_connections()
    retried = "callwright_callbacks_retried_total"
    before = (await line.daemon.metrics())[retried]
    await call.refused()
    await line.metric(retried, lambda value: value > before)
    await line.application.listen()
    assert (await line.request("/status")).form["CallStatus"] == "busy"


async def test_that_is_not_wanted_is_given_up(line: Line) -> None:
    """4xx: told once, with a warning 15003."""
    line.application.on("/status", Answer(status=404))
    call = await line.call('<Reject reason="busy"/>')
    await call.refused()
    await line.request("/status")
    await line.warned(15003)
    other = await line.call('<Pause length="2"/><Reject/>', number=line.plan.bare)
    await other.refused()
    assert line.application.count("/status") == 1
