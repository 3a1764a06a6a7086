"""Gather on real calls (call-control reference §1.4): when it ends, what it sends, what stops its prompts."""

import pytest

from tests.harness import tones

from .line import LATER, Line, document, seconds_of, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

NEXT = "<Redirect>/next</Redirect>"


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a gather leads: its action, or the verb after it."""
    line.on("/key", LATER)
    line.on("/next", LATER)


async def test_number_of_digits_ends_it(line: Line) -> None:
    call = await line.call('<Gather action="/key" numDigits="2" timeout="60"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("12")
    form = (await line.request("/key")).form
    assert (form["Digits"], form["CallStatus"], form["CallSid"][:2]) == ("12", "in-progress", "CA")
    assert (await call.until_ended()).how == "bye received"
    assert line.application.count("/next") == 0


async def test_hash_ends_it_and_is_not_a_digit(line: Line) -> None:
    call = await line.call('<Gather action="/key" timeout="60"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("3*4#")
    assert (await line.request("/key")).form["Digits"] == "3*4"


async def test_another_finishing_key(line: Line) -> None:
    call = await line.call('<Gather action="/key" timeout="60" finishOnKey="*"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("#5*")
    assert (await line.request("/key")).form["Digits"] == "#5"


async def test_no_finishing_key(line: Line) -> None:
    call = await line.call('<Gather action="/key" timeout="60" finishOnKey="" numDigits="3"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("1#*")
    assert (await line.request("/key")).form["Digits"] == "1#*"


async def test_finishing_key_first_is_no_input(line: Line) -> None:
    call = await line.call('<Gather action="/key" timeout="60"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("#")
    await line.request("/next")
    assert line.application.count("/key") == 0


async def test_finishing_key_first_with_action_on_empty_result(line: Line) -> None:
    call = await line.call('<Gather action="/key" timeout="60" actionOnEmptyResult="true"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("#")
    assert (await line.request("/key")).form["Digits"] == ""


async def test_no_input_goes_on(line: Line) -> None:
    """S2: prompt, timeout, second prompt, end of document."""
    line.sound("/menu.wav", 440, 0.4)
    line.sound("/bye.wav", 880, 0.4)
    call = await line.call(
        '<Gather action="/key" numDigits="1" timeout="1"><Play>/menu.wav</Play></Gather><Play>/bye.wav</Play>'
    )
    assert (await call.until_ended(8)).how == "bye received"
    heard = call.media.pcm()
    assert seconds_of(heard, 440) == pytest.approx(0.4, abs=0.06)
    assert seconds_of(heard, 880) == pytest.approx(0.4, abs=0.06)
    [pause] = tones.gaps(heard, longer_than_ms=100)
    assert pause.length == pytest.approx(1.0, abs=0.3)
    assert line.application.count("/key") == 0


async def test_no_input_with_action_on_empty_result(line: Line) -> None:
    call = await line.call('<Gather action="/key" timeout="1" actionOnEmptyResult="true"/>' + NEXT)
    assert (await line.request("/key")).form["Digits"] == ""
    await call.until_ended()
    assert line.application.count("/next") == 0


async def test_timeout_after_some_digits_sends_them(line: Line) -> None:
    call = await line.call('<Gather action="/key" numDigits="4" timeout="1"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("78")
    assert (await line.request("/key")).form["Digits"] == "78"


async def test_timeout_begins_after_the_prompt(line: Line) -> None:
    """A prompt that is longer than the timeout is heard to its end."""
    line.sound("/long.wav", 440, 2.2)
    call = await line.call('<Gather action="/key" timeout="1"><Play>/long.wav</Play></Gather>' + NEXT)
    await line.request("/next", 8)
    heard = call.media.pcm()
    assert seconds_of(heard, 440) == pytest.approx(2.2, abs=0.1) and steady(heard)
    await call.until_ended()


async def test_timeout_begins_again_with_each_digit(line: Line) -> None:
    """Four digits over 2.8 s, none of them more than a second after the one before."""
    call = await line.call('<Gather action="/key" timeout="1"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("1234", gap=0.6)
    assert (await line.request("/key")).form["Digits"] == "1234"


async def test_timeout_zero_without_a_prompt(line: Line) -> None:
    await line.call('<Gather action="/key" timeout="0"/>' + NEXT)
    await line.request("/next")


async def test_a_key_stops_the_prompts(line: Line) -> None:
    """Barge-in: the prompt falls silent at once, and those after it are not played."""
    line.sound("/first.wav", 440, 20.0)
    line.sound("/second.wav", 700, 5.0)
    call = await line.call(
        '<Gather action="/key" numDigits="2" timeout="60"><Play>/first.wav</Play><Play>/second.wav</Play></Gather>'
    )
    await call.media.heard_tone(440)
    await call.media.send_digits("1")
    mark = call.media.mark()
    await call.media.silence_heard(0.4, timeout=2)
    assert seconds_of(call.media.pcm(since=mark), 440) < 0.2
    await call.media.send_digits("2")
    assert (await line.request("/key")).form["Digits"] == "12"
    assert not tones.contains(call.media.pcm(), 700)


async def test_a_key_ends_a_pause_and_a_loop_among_the_prompts(line: Line) -> None:
    line.sound("/tone.wav", 440, 0.3)
    call = await line.call(
        '<Gather action="/key" numDigits="2"><Pause length="30"/><Play loop="0">/tone.wav</Play></Gather>'
    )
    await call.answered()
    await call.media.send_digits("12")
    assert (await line.request("/key")).form["Digits"] == "12"
    assert not tones.contains(call.media.pcm(), 440)


async def test_spoken_prompt_is_stopped_by_a_key(line: Line) -> None:
    call = await line.call(
        '<Gather action="/key" numDigits="2" timeout="60"><Say loop="0">Press two keys now</Say></Gather>'
    )
    await call.answered()
    await call.media.received(100)
    assert call.media.level_dbov(1.5) > -45
    await call.media.send_digits("1")
    await call.media.silence_heard(0.6, timeout=3)
    await call.media.send_digits("2")
    assert (await line.request("/key")).form["Digits"] == "12"


async def test_prompts_play_in_order_without_holes(line: Line) -> None:
    line.sound("/a.wav", 440, 0.5)
    line.sound("/b.wav", 700, 0.5)
    call = await line.call(
        '<Gather action="/key" numDigits="1" timeout="30"><Play>/a.wav</Play><Play>/b.wav</Play></Gather>'
    )
    await call.media.heard_tone(440)
    await call.media.heard_tone(700)
    await call.media.silence_heard(0.2)
    heard = call.media.pcm()
    assert seconds_of(heard, 440) == pytest.approx(0.5, abs=0.06)
    assert seconds_of(heard, 700) == pytest.approx(0.5, abs=0.06)
    assert tones.gaps(heard, longer_than_ms=120) == []
    await call.media.send_digits("7")
    assert (await line.request("/key")).form["Digits"] == "7"


async def test_a_prompt_that_is_missing_does_not_end_it(line: Line) -> None:
    """§1.1: what cannot be carried out is warned about and the rest goes on: the other prompt, and the keys."""
    line.sound("/there.wav", 440, 0.6)
    call = await line.call(
        '<Gather action="/key" numDigits="1" timeout="5"><Play>/missing.wav</Play><Play>/there.wav</Play></Gather>'
    )
    await call.media.heard_tone(440)
    await line.warned(11200)
    await call.media.send_digits("4")
    assert (await line.request("/key")).form["Digits"] == "4"


async def test_without_an_action_the_document_is_asked_again(line: Line) -> None:
    line.application.on("/menu", document('<Gather numDigits="1" timeout="30"/>'), document(LATER))
    call = await line.call("<Redirect>/menu?lang=de&amp;x=1</Redirect>")
    first = await line.request("/menu")
    assert "Digits" not in first.form
    await call.answered()
    await call.media.send_digits("9")
    second = await line.request("/menu")
    assert (second.method, second.url, second.form["Digits"]) == ("POST", first.url, "9")
    assert (await call.until_ended()).how == "bye received"


async def test_get_action(line: Line) -> None:
    call = await line.call('<Gather action="/key?step=1" method="GET" numDigits="1" timeout="30"/>')
    await call.answered()
    await call.media.send_digits("9")
    asked = await line.request("/key")
    assert asked.method == "GET" and asked.body == b""
    assert (asked.query["step"], asked.query["Digits"], asked.query["CallStatus"]) == ("1", "9", "in-progress")


async def test_digits_of_an_earlier_gather_are_not_sent_again(line: Line) -> None:
    line.on("/key", '<Gather action="/again" numDigits="1" timeout="30"/>')
    line.on("/again", LATER)
    call = await line.call('<Gather action="/key" numDigits="1" timeout="30"/>')
    await call.answered()
    await call.media.send_digits("1")
    await line.request("/key")
    await call.media.send_digits("2")
    assert (await line.request("/again")).form["Digits"] == "2"


async def test_hang_up_sends_no_action(line: Line) -> None:
    """§1.1: the action of a Gather is not requested for a caller who has left."""
    call = await line.call('<Gather action="/key" timeout="30" actionOnEmptyResult="true"/>' + NEXT)
    await call.answered()
    await call.media.send_digits("1")
    await call.hangup()
    assert (await line.request("/status")).form["CallStatus"] == "completed"
    other = await line.call("<Hangup/>")
    await other.until_ended()
    assert line.application.count("/key") == line.application.count("/next") == 0
