"""Words in a gather (call-control reference §1.4), with a recogniser that understands what the test says."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from callwright.calls.application import Hook
from callwright.calls.control import Gathered, GatherPlan, SpeechPlan
from callwright.calls.control import Speech as Say
from callwright.calls.gather import gather
from callwright.errors import LegGone, MediaError
from callwright.media.speech.recognition import Heard, Listening
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns
from tests.harness.spoken import quiet, spoken
from tests.harness.tones import Pcm

PARTIAL = Hook("http://app.example/partial")
PLAN = GatherPlan(timeout=5, keys=False, speech=SpeechPlan(hints=("sales",), pause=1.0))
WORDS = np.concatenate([quiet(0.6), spoken("technical support")])


async def say(room: Room, leg: int, *pieces: Pcm) -> None:
    """Says something, in pieces of 60 ms that come in their own time."""
    data = np.concatenate(pieces).tobytes()
    for start in range(0, len(data), 960):
        room.engine.say(leg, data[start : start + 960])
        await turns()
        await after(0.06)


async def warnings(room: Room, sid: str) -> list[object]:
    return [data.get("code") for kind, data in room.rows.steps(sid) if kind == "warning"]


async def test_words_are_understood(room: Room) -> None:
    room.recognition.answers = [Heard("sales", 0.9)]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    tap = await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    assert await gathering == Gathered(speech="sales", confidence=0.9)
    assert room.engine.of("stop", tap.node), "the tap is closed"
    [hearing] = room.recognition.hearings
    assert (hearing.listening, hearing.rate, hearing.closed) == (Listening("en-US", ("sales",), False), 8000, True)
    heard = np.frombuffer(hearing.samples, np.int16)
    assert 0.9 * len(spoken("technical support")) < len(heard) < len(WORDS) + 8000
    begins = np.flatnonzero(np.abs(heard) > 500)[0] / 8000
    assert 0.05 < begins < 0.6, "what came before the voice was noticed is there"


async def test_speech_stops_the_prompts_within_200_ms(room: Room) -> None:
    room.recognition.answers = [Heard("sales", 0.9)]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, replace(PLAN, prompts=[Say("one"), Say("two")])))
    player = await room.engine.until("player")
    assert player.values["stop_on_digit"] == 0, "keys do not count"
    await say(room, leg, quiet(1.0))
    assert not room.engine.of("stop", player.node)
    begun = np.flatnonzero(np.abs(spoken("operator")) > 500)[0]
    await say(room, leg, spoken("operator")[: begun + 8000 // 5 + 480])
    assert room.engine.of("stop", player.node)
    await say(room, leg, spoken("operator")[begun + 8000 // 5 + 480 :], quiet(1.3))
    assert (await gathering).speech == "sales"
    assert len(room.engine.of("player")) == 1


async def test_without_barge_in_the_prompts_are_heard_to_their_end(room: Room) -> None:
    room.recognition.answers = [Heard("sales", 0.9)]
    call, leg = await room.inbound()
    plan = replace(PLAN, prompts=[Say("one")], speech=SpeechPlan(barge_in=False, pause=1.0))
    gathering = asyncio.create_task(gather(call, plan))
    player = await room.engine.until("player")
    await say(room, leg, WORDS, quiet(1.3))
    assert not room.engine.of("stop", player.node) and room.recognition.hearings == []
    room.engine.played(player.node)
    await turns()
    await say(room, leg, WORDS, quiet(1.3))
    assert (await gathering).speech == "sales"


async def test_the_clock_stands_while_somebody_speaks(room: Room) -> None:
    room.recognition.answers = [Heard("sales", 0.9)]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, replace(PLAN, timeout=2)))
    await room.engine.until("tap")
    await say(room, leg, quiet(1.0), spoken("cancel my subscription"), spoken("technical support"), quiet(1.3))
    assert (await gathering).speech == "sales"


async def test_no_words_in_time(room: Room) -> None:
    call, leg = await room.inbound()
    began = asyncio.get_running_loop().time()
    gathering = asyncio.create_task(gather(call, PLAN))
    await room.engine.until("tap")
    await say(room, leg, quiet(2.0))
    assert await gathering == Gathered()
    assert asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.5)


async def test_who_was_not_understood_may_try_again(room: Room) -> None:
    room.recognition.answers = [Heard(), Heard("sales", 0.8)]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    await say(room, leg, WORDS, quiet(1.3))
    assert (await gathering).speech == "sales"
    assert len(room.recognition.hearings) == 2


async def test_tries_are_bounded(room: Room) -> None:
    """All of them together take no longer than one utterance may."""
    room.recognition.answers = [Heard()] * 20
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, replace(PLAN, speech=SpeechPlan(pause=1.0, longest=6.0))))
    await room.engine.until("tap")
    for _ in range(4):
        await say(room, leg, WORDS, quiet(1.3))
    assert gathering.done() and gathering.result() == Gathered()


async def test_a_key_wins_over_words_that_are_not_understood_yet(room: Room) -> None:
    room.recognition.held = asyncio.Event()
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, replace(PLAN, keys=True, max_digits=2)))
    tap = await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    room.engine.digit(leg, "4")
    await turns()
    assert room.engine.of("stop", tap.node), "nobody listens any more"
    room.engine.digit(leg, "2")
    assert await gathering == Gathered("42")


async def test_hints_that_are_left_out_are_told(room: Room) -> None:
    room.recognition.answers = [Heard("sales", 0.8, ("xqz",))]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    await gathering
    assert await warnings(room, call.sid) == [13330]


async def test_a_recogniser_that_fails_is_told_and_time_goes_on(room: Room) -> None:
    room.recognition.answers = [MediaError("its process has ended", code=13340)]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    assert await gathering == Gathered()
    assert await warnings(room, call.sid) == [13340]


async def test_a_recogniser_that_never_answers(room: Room) -> None:
    room.recognition.held = asyncio.Event()
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    assert await gathering == Gathered()
    assert await warnings(room, call.sid) == [13340]


@pytest.mark.parametrize(("language", "there", "code"), [("de-DE", True, 13331), ("en-US", False, 13340)])
async def test_what_nobody_understands_is_never_silent(room: Room, language: str, there: bool, code: int) -> None:
    if not there:
        object.__setattr__(room.exchange, "recognition", None)
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, replace(PLAN, keys=True, speech=SpeechPlan(language=language))))
    await turns()
    assert await warnings(room, call.sid) == [code] and not room.engine.of("tap")
    room.engine.digit(leg, "1", "#")
    assert await gathering == Gathered("1", "#")


async def test_partial_results_are_posted_in_order(room: Room) -> None:
    room.recognition.answers = [Heard("what the fuck", 0.8)]
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, replace(PLAN, speech=SpeechPlan(pause=1.0, partial=PARTIAL))))
    await room.engine.until("tap")
    await say(room, leg, WORDS)
    [hearing] = room.recognition.hearings
    assert hearing.on_partial is not None
    for text in ("what", "what the", "what the fuck"):
        hearing.on_partial(text)
    await say(room, leg, quiet(1.3))
    assert (await gathering).speech == "what the f***"
    posted = room.posts.of(PARTIAL.url)
    shown = ("SequenceNumber", "StableSpeechResult", "UnstableSpeechResult", "Stability")
    assert [tuple(params[name] for name in shown) for params in posted] == [
        ("0", "", "what", "0.00"),
        ("1", "what", "the", "0.50"),
        ("2", "what the", "f***", "0.67"),
    ]
    assert {params["CallSid"] for params in posted} == {call.sid}
    assert {params["Language"] for params in posted} == {"en-US"}


async def test_nobody_asks_for_partial_results(room: Room) -> None:
    room.recognition.answers = [Heard("what the fuck", 0.8)]
    call, leg = await room.inbound()
    unmasked = replace(PLAN, speech=SpeechPlan(pause=1.0, unmasked=True))
    gathering = asyncio.create_task(gather(call, unmasked))
    await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    assert (await gathering).speech == "what the fuck"
    assert room.recognition.hearings[0].on_partial is None


@pytest.mark.parametrize("speaking", [False, True])
async def test_hang_up_leaves_nothing(room: Room, speaking: bool) -> None:
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    tap = await room.engine.until("tap")
    await say(room, leg, WORDS if speaking else quiet(0.5))
    room.engine.end(leg)
    with pytest.raises(LegGone):
        await gathering
    assert room.engine.of("stop", tap.node) and room.endpoint.taps == {}
    assert [hearing.closed for hearing in room.recognition.hearings] == [True] * speaking


async def test_a_redirect_leaves_nothing(room: Room) -> None:
    room.recognition.held = asyncio.Event()
    call, leg = await room.inbound()
    gathering = asyncio.create_task(gather(call, PLAN))
    tap = await room.engine.until("tap")
    await say(room, leg, WORDS, quiet(1.3))
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await turns()
    assert room.engine.of("stop", tap.node) and room.recognition.hearings[0].closed
    assert call.leg is not None and call.leg._waiters == set()
