"""The secondary URI (call-control reference §2.6, S14): asked for each failure, told of it; and when it fails too."""

import pytest

from tests.harness import PhoneCall, tones
from tests.harness.application import Answer, Break
from tests.harness.ports import free_port

from .line import LATER, Line, document

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def fallen_back(line: Line, code: int | set[int], failed: str = "/voice") -> None:
    """The fallback was asked, once, and told which URL failed with which code."""
    form = (await line.request("/fallback", 8)).form
    codes = {str(one) for one in (code if isinstance(code, set) else {code})}
    assert form["ErrorCode"] in codes and form["ErrorUrl"] == line.plan.application + failed
    assert form["CallSid"].startswith("CA") and form["To"] == line.plan.number
    assert line.application.count("/fallback") == 1


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_http_errors(line: Line, status: int) -> None:
    """S14: the fallback's document runs in place of the failed one."""
    line.sound("/sorry.wav", 880, 0.6)
    line.application.on("/voice", Answer("<Response><Hangup/></Response>", status=status))
    line.on("/fallback", "<Play>/sorry.wav</Play>")
    call = await line.call()
    await fallen_back(line, 11200)
    await call.media.heard_tone(880)
    assert (await call.until_ended()).how == "bye received"
    assert (await line.request("/status")).form["CallStatus"] == "completed"


@pytest.mark.parametrize(
    ("how", "codes"),
    [
        (Break.RESET, {11205}),
        (Break.CLOSE, {11205}),
        (Break.GARBAGE, {11206, 11251}),
        (Break.TRUNCATED, {11205, 11206}),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Break) else "",
)
async def test_broken_answers(line: Line, how: Break, codes: set[int]) -> None:
    line.application.on("/voice", how)
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call()
    await fallen_back(line, codes)
    assert (await call.refused()).status == 486


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer("<Response><Say>open"), 12100),
        (Answer("<?xml version='2.0'?><Response/>"), 12101),
        (Answer("<Html/>"), 12102),
        (Answer(""), 11770),
        (Answer("<Response/>", content_type="application/json"), 12300),
        (Answer(f"<Response>{' ' * 70000}</Response>"), 11750),
        (Answer("<!DOCTYPE x [<!ENTITY a 'b'>]><Response>&a;</Response>"), 12100),
    ],
    ids=["malformed", "version", "root", "empty", "type", "large", "entities"],
)
async def test_documents_that_cannot_run(line: Line, answer: Answer, code: int) -> None:
    line.application.on("/voice", answer)
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call()
    await fallen_back(line, code)
    assert (await call.refused()).status == 486


async def test_connection_refused(line: Line) -> None:
    """Connecting is tried twice by default (§2.6)."""
    dead = f"http://{line.daemon.host}:{free_port()}/gone"
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call(f"<Redirect>{dead}</Redirect>")
    form = (await line.request("/fallback")).form
    assert (form["ErrorCode"], form["ErrorUrl"]) == ("11202", dead)
    await call.refused()


@pytest.mark.parametrize(
    ("limits", "how", "codes"),
    [("rt=300&amp;rc=0", Break.HANG, {"11200"}), ("tt=400&amp;rc=0", Break.ENDLESS, {"11203"})],
    ids=["silent", "endless"],
)
async def test_an_application_that_takes_too_long(line: Line, limits: str, how: Break, codes: set[str]) -> None:
    """The limits come from the URL's fragment, which is neither sent nor signed (§2.6)."""
    line.application.on("/slow", how)
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call(f"<Redirect>/slow?x=1#{limits}</Redirect>")
    slow = await line.request("/slow")
    assert slow.url == f"{line.plan.application}/slow?x=1" and slow.signed
    form = (await line.request("/fallback")).form
    assert form["ErrorCode"] in codes and form["ErrorUrl"].startswith(slow.url)
    assert (await call.refused()).status == 486


async def test_retries_of_a_url(line: Line) -> None:
    """rc and rp in the fragment: the same request again, with the same idempotency token, then the document runs."""
    line.application.on("/shaky", Answer(status=503), Answer(status=500), document('<Reject reason="busy"/>'))
    call = await line.call("<Redirect>/shaky#rc=3&amp;rp=5xx</Redirect>")
    assert (await call.refused()).status == 486
    tokens = [request.header("I-Twilio-Idempotency-Token") for request in await line.requests("/shaky", 3)]
    assert len(set(tokens)) == 1 and line.application.count("/fallback") == 0


async def test_in_the_middle_of_a_call(line: Line) -> None:
    line.application.on("/key", Answer(status=500))
    line.on("/fallback", "<Redirect>/next</Redirect>")
    line.on("/next", LATER)
    call = await line.call('<Gather action="/key" numDigits="1"/>')
    await call.answered()
    await call.media.send_digits("5")
    await fallen_back(line, 11200, "/key")
    assert line.application.requests[2].form["CallStatus"] == "in-progress"
    assert (await line.request("/next")).form["CallStatus"] == "in-progress"


async def test_again_for_the_next_failure(line: Line) -> None:
    """It is asked once for each failed document, not once a call."""
    line.application.on("/voice", Answer(status=500))
    line.application.on("/fallback", document("<Redirect>/broken</Redirect>"), document('<Reject reason="busy"/>'))
    line.application.on("/broken", Answer("<nonsense"))
    call = await line.call()
    first, second = await line.requests("/fallback", 2)
    assert (first.form["ErrorCode"], second.form["ErrorCode"]) == ("11200", "12100")
    assert second.form["ErrorUrl"] == line.plan.application + "/broken"
    assert (await call.refused()).status == 486


async def test_with_get(line: Line) -> None:
    line.application.on("/voice", Answer(status=500))
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call(number=line.plan.getting)
    request = await line.request("/fallback")
    assert (request.method, request.query["ErrorCode"]) == ("GET", "11200")
    assert request.query["ErrorUrl"] == f"{line.plan.application}/voice?app=7"
    await call.refused()


async def apology(call: PhoneCall) -> None:
    """The caller hears speech, then the call ends."""
    assert (await call.until_ended(10)).how == "bye received"
    spoken = call.media.pcm()[4000:]
    assert len(spoken) > 2 * tones.RATE and tones.level_dbov(spoken) > -40


async def test_both_fail_before_the_answer(line: Line) -> None:
    """The call is answered, for an apology."""
    line.application.on("/voice", Answer(status=500))
    line.application.on("/fallback", Answer(status=500))
    call = await line.call()
    await call.answered()
    await apology(call)
    assert (await line.request("/status")).form["CallStatus"] == "completed"
    assert (line.application.count("/voice"), line.application.count("/fallback")) == (1, 1)


async def test_both_fail_during_the_call(line: Line) -> None:
    """The caller hears an apology, then the call ends as completed."""
    line.sound("/tone.wav", 440, 0.3)
    line.application.on("/next", Answer(status=500))
    line.application.on("/fallback", Break.RESET)
    call = await line.call("<Play>/tone.wav</Play><Redirect>/next</Redirect>")
    await call.media.heard_tone(440, 0.2)
    await apology(call)
    assert (await line.request("/status")).form["CallStatus"] == "completed"


async def test_without_a_fallback(line: Line) -> None:
    line.application.on("/voice", Answer(status=500))
    call = await line.call(number=line.plan.bare)
    await call.answered()
    await apology(call)
    assert [request.path for request in line.application.requests] == ["/voice"]


async def test_a_sound_that_is_missing_is_no_failure_of_the_document(line: Line) -> None:
    line.sound("/there.wav", 440, 0.4)
    call = await line.call("<Play>/missing.wav</Play><Play>/there.wav</Play>")
    await call.media.heard_tone(440, 0.2)
    await call.until_ended()
    assert line.application.count("/fallback") == 0
