"""Which verbs answer a ringing call, and how the others end it (call-control reference §1.1, §1.2, §7.1, §7.4)."""

import pytest

from tests.harness import PhoneCall

from .line import Line, document

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


def answers(call: PhoneCall) -> int:
    """How many 200s to its INVITE the caller has received."""
    responses = call.phone.trace.messages(200, call_id=call.call_id)
    return sum(message.headers["CSeq"].endswith("INVITE") for message in responses)


@pytest.mark.parametrize(
    ("verb", "code", "status"),
    [('<Reject reason="busy"/>', 486, "busy"), ("<Reject/>", 603, "no-answer")],
    ids=["busy", "rejected"],
)
async def test_reject(line: Line, verb: str, code: int, status: str) -> None:
    call = await line.call(verb + "<Say>Never heard</Say>")
    assert (await call.refused()).status == code
    assert answers(call) == 0
    last = await line.request("/status")
    assert (last.form["CallStatus"], last.form["SipResponseCode"]) == (status, str(code))
    assert (last.form["CallDuration"], last.form["Duration"]) == ("0", "0")


async def test_redirect_does_not_answer(line: Line) -> None:
    line.on("/next", '<Reject reason="busy"/>')
    call = await line.call("<Redirect>/next</Redirect>")
    assert (await line.request("/next")).form["CallStatus"] == "ringing"
    assert (await call.refused()).status == 486 and answers(call) == 0


async def test_leading_pause_rings_on(line: Line) -> None:
    line.on("/next", '<Reject reason="busy"/>')
    call = await line.call("<Pause/><Redirect>/next</Redirect>")
    assert (await call.ringing()).status == 180
    assert (await line.request("/next")).form["CallStatus"] == "ringing"
    assert (await call.refused()).status == 486 and answers(call) == 0


async def test_ringing_while_the_application_thinks(line: Line) -> None:
    release = line.application.hold("/voice", document("<Hangup/>"))
    call = await line.call()
    assert (await call.ringing()).status == 180
    assert call.final is None
    release.set()
    await call.answered()
    assert (await call.until_ended()).how == "bye received"


@pytest.mark.parametrize("verbs", ["<Hangup/>", "<Hangup/><Say>Never heard</Say>", ""])
async def test_end_of_document_answers_and_hangs_up(line: Line, verbs: str) -> None:
    line.application.on("/voice", document(verbs))
    call = await line.call()
    await call.answered()
    assert (await call.until_ended()).how == "bye received"
    order = [entry.title().split()[0] for entry in call.phone.trace.entries]
    assert order.index("ACK") < order.index("BYE")
    last = await line.request("/status")
    assert (last.form["CallStatus"], last.form["CallDuration"], last.form["Duration"]) == ("completed", "1", "1")


@pytest.mark.parametrize(
    "verb",
    [
        "<Play>/tone.wav</Play>",
        "<Say>Hello</Say>",
        '<Gather timeout="1"/>',
        '<Record playBeep="false" timeout="1"/>',
        '<Play digits="1"/>',
        "<Dial><Sip>sip:nobody@127.0.0.1:9;transport=tcp</Sip></Dial>",
    ],
    ids=["play", "say", "gather", "record", "digits", "dial"],
)
async def test_media_answers(line: Line, verb: str) -> None:
    line.sound("/tone.wav", 440, 0.2)
    line.on("/next", "<Hangup/>")
    call = await line.call(verb + "<Redirect>/next</Redirect>")
    await call.answered()
    assert (await line.request("/next", 8)).form["CallStatus"] == "in-progress"
    assert (await call.until_ended()).how == "bye received"


async def test_pause_after_an_answer_keeps_the_call(line: Line) -> None:
    line.sound("/tone.wav", 440, 0.2)
    call = await line.call("<Play>/tone.wav</Play><Pause length='1'/><Play>/tone.wav</Play>")
    await call.answered()
    assert (await call.until_ended()).how == "bye received"
    assert len(line.daemon.faults()) == 0


async def test_reject_of_an_answered_call_hangs_up(line: Line) -> None:
    line.sound("/tone.wav", 440, 0.2)
    call = await line.call('<Play>/tone.wav</Play><Reject reason="busy"/>')
    await call.answered()
    assert (await call.until_ended()).how == "bye received"
    last = await line.request("/status")
    assert (last.form["CallStatus"], last.form["SipResponseCode"]) == ("completed", "200")


async def test_cancelled_while_the_application_thinks(line: Line) -> None:
    """§7.4: the caller cancels, 487, canceled; the answer that comes too late is not carried out."""
    line.on("/next", "<Hangup/>")
    release = line.application.hold("/voice", document("<Redirect>/next</Redirect>"))
    call = await line.call()
    await line.request("/voice")
    assert (await call.cancel()).status == 487
    last = await line.request("/status")
    assert (last.form["CallStatus"], last.form["SipResponseCode"]) == ("canceled", "487")
    release.set()
    other = await line.call("<Hangup/>")
    await other.until_ended()
    assert line.application.count("/next") == 0


async def test_unknown_verbs_and_attributes_are_passed_over(line: Line) -> None:
    call = await line.call('<Frobnicate/><Play loop="many">/tone.wav</Play>')
    line.sound("/tone.wav", 440, 0.6)
    await call.media.heard_tone(440)
    assert (await call.until_ended()).how == "bye received"
    await line.warned(12200)
    await line.warned(13410)
