"""Gather with words on real calls (call-control reference §1.4): synthesised speech goes in, its words come out."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from tests.harness import PhoneCall, tones
from tests.harness.baseline import baseline
from tests.harness.spoken import quiet, spoken

from .line import LATER, Line, seconds_of

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

HINTS = 'hints="sales, technical support, operator, cancel my subscription"'
NEXT = "<Redirect>/next</Redirect>"
KEPT = [r"tcp .* established"]
"""Connections that are kept for the next request."""
GAUGES = ("callwright_native_objects", "callwright_calls_live")


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a gather leads: its action, or the verb after it."""
    line.on("/said", LATER)
    line.on("/next", LATER)


def gather(attributes: str = "", prompts: str = "") -> str:
    return f'<Gather action="/said" input="speech" speechTimeout="1" {HINTS} {attributes}>{prompts}</Gather>' + NEXT


async def say(call: PhoneCall, text: str, voice: str = "en-us+f3") -> None:
    """The caller says something, after half a second in which the line is quiet."""
    await call.media.play(np.concatenate([quiet(0.5), spoken(text, voice), quiet(0.3)]))


async def test_the_application_gets_the_words(line: Line) -> None:
    call = await line.call(gather())
    await call.answered()
    await say(call, "technical support")
    form = (await line.request("/said", 15)).form
    assert (form["SpeechResult"], form["Language"], form["CallStatus"]) == ("technical support", "en-US", "in-progress")
    assert 0.4 < float(form["Confidence"]) <= 1
    assert "Digits" not in form
    assert (await call.until_ended()).how == "bye received"
    assert line.application.count("/next") == 0


async def test_words_that_are_no_hint_are_no_input(line: Line) -> None:
    call = await line.call(gather('timeout="2"'))
    await call.answered()
    await say(call, "tomorrow morning")
    await line.request("/next", 15)
    assert line.application.count("/said") == 0


async def test_who_is_not_understood_may_try_again(line: Line) -> None:
    call = await line.call(gather('timeout="6"'))
    await call.answered()
    await say(call, "tomorrow morning")
    await call.media.play(quiet(1.5))
    await say(call, "operator")
    assert (await line.request("/said", 20)).form["SpeechResult"] == "operator"


async def test_silence_is_no_input(line: Line) -> None:
    call = await line.call(gather('timeout="1" actionOnEmptyResult="true"'))
    await call.answered()
    form = (await line.request("/said", 10)).form
    assert form["SpeechResult"] == "" and "Confidence" not in form


async def test_numbers_and_commands(line: Line) -> None:
    call = await line.call(
        '<Gather action="/said" input="speech" speechTimeout="1" speechModel="numbers_and_commands"/>'
    )
    await call.answered()
    await say(call, "four two", "en-us")
    assert (await line.request("/said", 15)).form["SpeechResult"] == "42"


async def test_speech_stops_the_prompt(line: Line) -> None:
    """Barge-in: the prompt is silent soon after the first syllable, and the one after it is not played."""
    line.sound("/ask.wav", 440, 20.0)
    line.sound("/more.wav", 700, 5.0)
    call = await line.call(gather(prompts="<Play>/ask.wav</Play><Play>/more.wav</Play>"))
    await call.media.heard_tone(440)
    mark = call.media.mark()
    await say(call, "cancel my subscription")
    assert (await line.request("/said", 15)).form["SpeechResult"] == "cancel my subscription"
    heard = call.media.pcm(since=mark)
    assert seconds_of(heard, 440) < 0.5 + 0.45, "half a second of a quiet line, and what it takes to notice a voice"
    assert not tones.contains(call.media.pcm(), 700)


async def test_without_barge_in_the_prompt_goes_on(line: Line) -> None:
    line.sound("/ask.wav", 440, 2.5)
    call = await line.call(gather('bargeIn="false" timeout="1"', "<Play>/ask.wav</Play>"))
    await call.media.heard_tone(440)
    await say(call, "operator")
    await line.request("/next", 15)
    assert seconds_of(call.media.pcm(), 440) == pytest.approx(2.5, abs=0.1)


async def test_a_key_wins(line: Line) -> None:
    call = await line.call(f'<Gather action="/said" input="dtmf speech" {HINTS} numDigits="1" speechTimeout="5"/>')
    await call.answered()
    await say(call, "operator")
    await call.media.send_digits("7")
    form = (await line.request("/said", 10)).form
    assert form["Digits"] == "7" and "SpeechResult" not in form


async def test_words_where_keys_could_have_been_pressed(line: Line) -> None:
    call = await line.call(f'<Gather action="/said" input="dtmf speech" {HINTS} speechTimeout="auto"/>')
    await call.answered()
    await say(call, "operator")
    form = (await line.request("/said", 15)).form
    assert form["SpeechResult"] == "operator" and "Digits" not in form


async def test_partial_results_in_order(line: Line) -> None:
    line.application.on("/partial", "")
    call = await line.call(gather('partialResultCallback="/partial"'))
    await call.answered()
    await say(call, "cancel my subscription")
    await line.request("/said", 15)
    partials = [request.form for request in line.application.requests if request.path == "/partial"]
    assert [form["SequenceNumber"] for form in partials] == [str(place) for place in range(len(partials))]
    assert partials and all(form["CallSid"].startswith("CA") for form in partials)
    last = f"{partials[-1]['StableSpeechResult']} {partials[-1]['UnstableSpeechResult']}".strip()
    assert last == "cancel my subscription"


async def test_a_language_that_nobody_understands_is_told(line: Line) -> None:
    call = await line.call(gather('language="de-DE" timeout="1"'))
    await call.answered()
    await line.warned(13331)
    await line.request("/next", 10)
    line.allowed.append("code=13331")


async def test_hints_that_nobody_can_pronounce_are_told(line: Line) -> None:
    call = await line.call('<Gather action="/said" input="speech" speechTimeout="1" hints="operator, 你好"/>')
    await call.answered()
    await say(call, "operator")
    assert "你好" in await line.warned(13330, 15)
    assert (await line.request("/said", 15)).form["SpeechResult"] == "operator"


async def test_hang_up_in_the_middle_of_a_word(line: Line) -> None:
    call = await line.call(gather('actionOnEmptyResult="true"'))
    await call.answered()
    talking = asyncio.create_task(say(call, "cancel my subscription"))
    await call.media.received(50)
    await call.hangup()
    talking.cancel()
    await line.request("/status")
    assert line.application.count("/said") == line.application.count("/next") == 0


async def test_ten_callers_at_once_leave_nothing_behind(line: Line) -> None:
    """Ten people speak at the same time to two recognisers; each is understood, and the loop is never late."""
    await together(line, 3)  # both recognisers run now
    late = await lateness(line)
    async with baseline(line.daemon.pid, settle=10, ignoring=KEPT, native=lambda: gauges(line)):
        await together(line, 10)
    assert await lateness(line) == late


async def gauges(line: Line) -> Counter[str]:
    """What the daemon says that it holds."""
    metrics = await line.daemon.metrics()
    return Counter({name: count for name, count in metrics.items() if name.startswith(GAUGES)})


async def lateness(line: Line) -> int:
    """How many timers of the daemon's loop fired more than 250 ms late."""
    metrics = await line.daemon.metrics()
    name = "callwright_loop_lag_seconds"
    return metrics[f"{name}_count"] - metrics[f'{name}_bucket{{le="0.25"}}']


async def together(line: Line, count: int) -> None:
    """So many callers say the same at the same time, and are understood."""
    calls = [await line.call(gather()) for _ in range(count)]
    await asyncio.gather(*(call.answered() for call in calls))
    await asyncio.gather(*(say(call, "technical support") for call in calls))
    results = [request.form["SpeechResult"] for request in await line.requests("/said", count, 30)]
    assert results == ["technical support"] * count
    await asyncio.gather(*(call.until_ended() for call in calls))
