"""Documents for a callee who is not connected yet."""

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import File, Gathered, GatherPlan, Speech
from callwright.calls.status import CallStatus
from callwright.errors import EngineError, LegGone, MediaError
from callwright.twiml.screening import screen
from tests.twiml.playbook import Playbook, Step, fetch, op, speech, twiml, unreachable

WHISPER, KEY = Hook("http://app.example/w"), Hook("http://app.example/key")


async def screened(*steps: Step, **params: str) -> tuple[bool, Playbook]:
    """What came of the screening, and the call it ran on."""
    book = Playbook(*steps, status=CallStatus.IN_PROGRESS)
    accepted = await screen(book, book, WHISPER, params, lambda: book.time)
    book.finish()
    return accepted, book


async def test_the_end_of_the_document_connects() -> None:
    accepted, book = await screened(
        fetch(WHISPER, SipCallId="x") >> twiml("<Say>A call</Say><Play>/a.wav</Play><Pause/>"),
        speech("A call"),
        op("play", [File("http://app.example/a.wav")]),
        op("pause", 1),
        SipCallId="x",
    )
    assert accepted and book.prefetched == [Speech("A call"), File("http://app.example/a.wav")]


async def test_hangup_refuses() -> None:
    assert not (await screened(fetch(WHISPER) >> twiml("<Hangup/><Say>x</Say>")))[0]


@pytest.mark.parametrize(("digits", "answer", "accepted"), [("1", "", True), ("2", "<Hangup/>", False)])
async def test_a_key_decides(digits: str, answer: str, accepted: bool) -> None:
    found, _ = await screened(
        fetch(WHISPER) >> twiml("<Gather numDigits='1' action='/key'/><Hangup/>"),
        op("gather", GatherPlan(max_digits=1)) >> Gathered(digits),
        fetch(KEY, Digits=digits, FinishedOnKey="") >> twiml(answer),
    )
    assert found is accepted


async def test_a_redirect_is_followed() -> None:
    assert (await screened(fetch(WHISPER) >> twiml("<Redirect>/key</Redirect>"), fetch(KEY) >> twiml("")))[0]


@pytest.mark.parametrize(
    "verb", ["<Dial>+15550001111</Dial>", "<Record/>", "<Reject/>", "<Dial><Number url='/w'>+1555</Number></Dial>"]
)
async def test_other_verbs_have_no_place_there(verb: str) -> None:
    accepted, book = await screened(fetch(WHISPER) >> twiml(f"{verb}<Say>x</Say>"), speech("x"))
    assert accepted and book.warnings == [13201]


@pytest.mark.parametrize(("fault", "code"), [(unreachable(12100), 12100), (EngineError("lost", code=12400), 12400)])
async def test_without_a_document_nobody_is_connected_unasked(fault: Exception, code: int) -> None:
    accepted, book = await screened(fetch(WHISPER) >> fault)
    assert not accepted
    assert [data["code"] for kind, data in book.notes if kind == "failure"] == [code]


async def test_a_sound_that_is_missing_refuses_nothing() -> None:
    sound = op("play", [File("http://app.example/a.wav")]) >> MediaError("gone", code=11200)
    accepted, book = await screened(fetch(WHISPER) >> twiml("<Play>/a.wav</Play>"), sound)
    assert accepted and book.warnings == [11200]


async def test_a_callee_who_leaves() -> None:
    with pytest.raises(LegGone):
        await screened(fetch(WHISPER) >> twiml("<Say>x</Say>"), speech("x") >> LegGone("bye"))


async def test_documents_without_end() -> None:
    loop = [(fetch(WHISPER) >> twiml("<Redirect/>")).taking(0) for _ in range(100)]
    accepted, book = await screened(*loop)
    assert not accepted and book.warnings == [14106]
