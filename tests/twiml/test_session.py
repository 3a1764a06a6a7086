"""Sessions: whole calls, as scripts of what is asked of the application and of the call."""

import asyncio

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.control import (
    Dialled,
    DialPlan,
    File,
    Gathered,
    GatherPlan,
    NumberTarget,
    Recorded,
    RecordPlan,
    SipTarget,
    Speech,
    SpeechPlan,
)
from callwright.calls.status import CallStatus, Direction
from callwright.errors import CallwrightError, EngineError, LegGone, MediaError
from callwright.twiml.session import APOLOGY, TRANSITIONS, SessionState
from tests.twiml.playbook import (
    VOICE,
    Answer,
    Block,
    Playbook,
    Step,
    fetch,
    hang_up,
    op,
    sound,
    speech,
    twiml,
    unreachable,
)

CHILD = "CA" + "4" * 32
MENU = Hook("http://app.example/m")
DIALLED = Hook("http://app.example/d")
FALLBACK = Hook("http://spare.example/voice")
ANSWERED = CallStatus.IN_PROGRESS
NUMBER = DialPlan(targets=(NumberTarget("+15550003333"),))
MENU_DOCUMENT = "<Gather numDigits='1' action='/m'><Say>Press two</Say></Gather><Say>Nothing</Say>"
MENU_PLAN = GatherPlan(prompts=(Speech("Press two"),), max_digits=1)


async def test_s1_inbound_ivr() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml(MENU_DOCUMENT),
        op("gather", MENU_PLAN) >> Gathered("2"),
        fetch(MENU, Digits="2", FinishedOnKey="") >> twiml("<Dial action='/d'>+15550003333</Dial>"),
        op("dial", NUMBER) >> Dialled("completed", CHILD, 9, bridged=True),
        fetch(DIALLED, DialCallStatus="completed", DialCallSid=CHILD, DialCallDuration="9", DialBridged="true")
        >> twiml("<Hangup/>"),
        op("hangup"),
    )
    await book.play_out()
    assert book.prefetched == [Speech("Press two"), Speech("Nothing")]
    assert [data["name"] for kind, data in book.notes if kind == "verb"] == ["Gather", "Dial", "Hangup"]
    assert book.session.state is SessionState.ENDED


async def test_s2_no_input() -> None:
    await Playbook(
        fetch(VOICE) >> twiml(MENU_DOCUMENT),
        op("gather", MENU_PLAN) >> Gathered(""),
        speech("Nothing"),
        op("hangup"),
    ).play_out()


async def test_s11_a_sip_caller_who_is_hung_up_at_the_end_of_the_document() -> None:
    await Playbook(fetch(VOICE) >> twiml("<Say>Hello</Say>"), speech("Hello"), op("hangup")).play_out()


async def test_s10_a_forked_dial_tells_of_its_winner() -> None:
    targets = tuple(NumberTarget(number) for number in ("+15550001111", "+15550002222", "+15550003333"))
    nouns = "".join(f"<Number>{target.number}</Number>" for target in targets)
    await Playbook(
        fetch(VOICE) >> twiml(f"<Dial action='/d'>{nouns}</Dial>"),
        op("dial", DialPlan(targets=targets)) >> Dialled("completed", CHILD, 5, bridged=True),
        fetch(DIALLED, DialCallStatus="completed", DialCallSid=CHILD, DialCallDuration="5", DialBridged="true")
        >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_s14_a_fallbacks_document_runs_like_any_other() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Say>Spare</Say><Redirect>next</Redirect>", url=FALLBACK.url),
        speech("Spare"),
        fetch(Hook("http://spare.example/next")) >> twiml("<Reject/>"),
        op("reject", "rejected"),
    ).play_out()


async def test_an_outbound_call_starts_answered() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Say>Hello</Say>"),
        speech("Hello"),
        op("hangup"),
        status=ANSWERED,
        direction=Direction.OUTBOUND_API,
    ).play_out()


async def test_an_answer_that_is_a_sound_is_played_and_the_call_ends() -> None:
    await Playbook(
        fetch(VOICE) >> Answer(b"", "audio/mpeg", "http://media.example/a.mp3"),
        sound("http://media.example/a.mp3"),
        op("hangup"),
    ).play_out()


async def test_an_answer_that_is_text_is_spoken_and_the_call_ends() -> None:
    await Playbook(
        fetch(VOICE) >> Answer(b"Good morning", "text/plain"), speech("Good morning"), op("hangup")
    ).play_out()


async def test_a_document_in_place_of_a_url() -> None:
    await Playbook(
        speech("Hello"),
        fetch(MENU) >> twiml("<Redirect>/next</Redirect>"),
        fetch(Hook("http://app.example/next")) >> twiml(""),
        op("hangup"),
        status=ANSWERED,
        application=Application(twiml=f"<Response><Say>Hello</Say><Redirect>{MENU.url}</Redirect></Response>"),
    ).play_out()


async def test_a_document_in_place_of_a_url_that_cannot_be_run_without_a_fallback() -> None:
    book = Playbook(op("play", [APOLOGY]), op("hangup"), status=ANSWERED, application=Application(twiml="<Response>"))
    await book.play_out()
    assert [data["code"] for kind, data in book.notes if kind == "failure"] == [12100]


async def test_an_application_needs_a_first_document() -> None:
    with pytest.raises(ValueError, match="voice URL"):
        await Playbook(application=Application()).play_out()


@pytest.mark.parametrize("status", [CallStatus.RINGING, ANSWERED])
async def test_a_document_of_nothing_ends_the_call(status: CallStatus) -> None:
    await Playbook(fetch(VOICE) >> twiml(""), op("hangup"), status=status).play_out()


async def test_credentials_of_the_url_serve_relative_ones_but_are_not_noted() -> None:
    hook = Hook("http://user:secret@app.example/voice")
    book = Playbook(
        fetch(hook) >> twiml("<Redirect>next</Redirect><Bad/>", url="http://app.example/voice"),
        fetch(Hook("http://user:secret@app.example/next")) >> unreachable(),
        op("play", [APOLOGY]),
        op("hangup"),
        application=Application(voice=hook),
    )
    await book.play_out()
    assert "secret" not in repr(book.notes)


async def test_warnings_of_a_document_are_noted_with_their_lines() -> None:
    book = Playbook(fetch(VOICE) >> twiml("\n<Say/>\n<Foo/>"), op("hangup"))
    await book.play_out()
    assert [(data["code"], data["line"]) for kind, data in book.notes if kind == "warning"] == [(13520, 2), (12200, 3)]


class TestFailure:
    """Both the primary and the secondary URI have failed."""

    async def test_a_call_hears_an_apology(self) -> None:
        book = Playbook(
            fetch(VOICE) >> twiml("<Say>Hello</Say><Redirect>/m</Redirect>"),
            speech("Hello"),
            fetch(MENU) >> unreachable(11205),
            op("play", [APOLOGY]),
            op("hangup"),
        )
        await book.play_out()
        assert [data["code"] for kind, data in book.notes if kind == "failure"] == [11205]
        assert ("last_resort", {"how": "apology"}) in book.notes

    async def test_a_ringing_call_is_answered_for_it(self) -> None:
        """As the vendor does (call-control reference §2.6)."""
        await Playbook(fetch(VOICE) >> unreachable(), op("play", [APOLOGY]), op("hangup")).play_out()

    @pytest.mark.parametrize(
        ("status", "end"), [(CallStatus.RINGING, CallStatus.FAILED), (ANSWERED, CallStatus.COMPLETED)]
    )
    async def test_reject(self, status: CallStatus, end: CallStatus) -> None:
        book = Playbook(fetch(VOICE) >> unreachable(), op("fail"), status=status, last_resort="reject")
        await book.play_out()
        assert book.status is end

    @pytest.mark.parametrize(
        ("address", "target"),
        [
            ("+15550003333", NumberTarget("+15550003333")),
            ("sip:desk@pbx.example", SipTarget("sip:desk@pbx.example")),
            ("sips:desk@pbx.example", SipTarget("sips:desk@pbx.example")),
        ],
    )
    async def test_somebody_who_takes_the_call(self, address: str, target: NumberTarget | SipTarget) -> None:
        plan = DialPlan(targets=(target,), answer_on_bridge=True)
        await Playbook(
            fetch(VOICE) >> unreachable(),
            op("dial", plan) >> Dialled("completed", CHILD, 9, bridged=True),
            op("hangup"),
            last_resort=address,
        ).play_out()
        await Playbook(
            fetch(VOICE) >> unreachable(),
            op("dial", plan) >> Dialled("no-answer", CHILD),
            op("play", [APOLOGY]),
            op("hangup"),
            last_resort=address,
        ).play_out()
        await Playbook(
            fetch(VOICE) >> unreachable(),
            (op("dial", plan) >> Dialled("canceled", CHILD, hung_up=True)).then(CallStatus.CANCELED),
            last_resort=address,
        ).play_out()

    async def test_a_redirect_saves_the_call(self) -> None:
        """Somebody has seen the alert: the last resort is left for the new document."""
        resorting = Block()
        book = Playbook(
            fetch(VOICE) >> unreachable(),
            op("play", [APOLOGY]) >> resorting,
            fetch(MENU) >> twiml("<Say>Sorry for that</Say>"),
            speech("Sorry for that"),
            op("hangup"),
        )
        running = asyncio.create_task(book.session.run())
        await resorting.wait()
        assert book.session.state is SessionState.RESORTING
        assert book.session.redirect(MENU)
        await running
        book.finish()

    async def test_a_document_that_cannot_be_run(self) -> None:
        book = Playbook(fetch(VOICE) >> Answer(b"<Response>", "text/xml"), op("play", [APOLOGY]), op("hangup"))
        await book.play_out()
        assert [data["code"] for kind, data in book.notes if kind == "failure"] == [12100]

    @pytest.mark.parametrize("fault", [MediaError("no voice", code=13511), EngineError("no port")])
    async def test_an_apology_that_cannot_be_spoken(self, fault: CallwrightError) -> None:
        book = Playbook(fetch(VOICE) >> unreachable(), op("play", [APOLOGY]) >> fault, op("hangup"), status=ANSWERED)
        await book.play_out()
        assert book.warnings == [fault.code]

    async def test_a_refusal_that_fails(self) -> None:
        book = Playbook(
            fetch(VOICE) >> unreachable(), op("fail") >> EngineError("lost"), op("hangup"), last_resort="reject"
        )
        await book.play_out()
        assert book.warnings == [20500]

    async def test_an_apology_that_nobody_waits_for(self) -> None:
        await Playbook(fetch(VOICE) >> unreachable(), hang_up(op("play", [APOLOGY])), status=ANSWERED).play_out()

    async def test_a_caller_who_left_during_the_fetch_needs_none(self) -> None:
        await Playbook((fetch(VOICE) >> unreachable()).then(CallStatus.CANCELED)).play_out()

    async def test_an_engine_that_fails_ends_the_call(self) -> None:
        book = Playbook(
            fetch(VOICE) >> twiml("<Say>Hello</Say><Say>Unreachable</Say>"),
            speech("Hello") >> EngineError("no port"),
            op("hangup"),
        )
        await book.play_out()
        assert [data["message"] for kind, data in book.notes if kind == "failure"] == ["no port"]

    async def test_a_defect_ends_the_call_and_is_not_hidden(self) -> None:
        book = Playbook(
            fetch(VOICE) >> twiml("<Say>Hello</Say>"), speech("Hello") >> ZeroDivisionError("defect"), op("hangup")
        )
        with pytest.raises(ZeroDivisionError):
            await book.play_out()
        book.finish()
        assert book.session.state is SessionState.ENDED

    async def test_a_session_runs_once(self) -> None:
        book = Playbook(fetch(VOICE) >> twiml(""), op("hangup"))
        await book.play_out()
        with pytest.raises(ValueError, match="ended"):
            await book.session.run()

    async def test_a_leg_that_ends_while_it_is_hung_up(self) -> None:
        book = Playbook(fetch(VOICE) >> twiml(""), op("hangup") >> LegGone("gone"))
        await book.play_out()
        assert book.session.state is SessionState.ENDED


class TestEndlessDocuments:
    """Documents that follow one another without sound are bounded."""

    async def test_a_redirect_to_itself(self) -> None:
        hundred: list[Step] = [fetch(VOICE) >> twiml("<Redirect/>") for _ in range(101)]
        book = Playbook(*hundred, op("hangup"))
        await book.play_out()
        assert book.warnings == [14106]

    async def test_sounds_that_take_no_time_do_not_count(self) -> None:
        one = "<Play>/missing.wav</Play><Redirect/>"
        steps: list[Step] = []
        for _ in range(100):
            missing = sound("http://app.example/missing.wav") >> MediaError("404", code=11200)
            steps += [fetch(VOICE) >> twiml(one), missing.taking(0.001)]
        book = Playbook(*steps, fetch(VOICE) >> twiml(one), op("hangup"))
        await book.play_out()
        assert book.warnings == [11200] * 100 + [14106]

    async def test_sounds_do(self) -> None:
        steps: list[Step] = []
        for _ in range(150):
            steps += [fetch(VOICE) >> twiml("<Play>/a.wav</Play><Redirect/>"), sound("http://app.example/a.wav")]
        book = Playbook(*steps[:-1], hang_up(sound("http://app.example/a.wav")))
        await book.play_out()
        assert book.warnings == []


SPOKEN = GatherPlan(keys=False, speech=SpeechPlan())
LEAVING = [
    ("<Say>Hello</Say>", speech("Hello")),
    ("<Play>/a.wav</Play>", sound("http://app.example/a.wav")),
    ("<Pause length='9'/>", op("pause", 9)),
    ("<Gather action='/m'/>", op("gather", GatherPlan())),
    ("<Gather input='speech' action='/m'/>", op("gather", SPOKEN)),
]


@pytest.mark.parametrize(("verb", "step"), LEAVING, ids=[verb[1:7] for verb, _ in LEAVING])
async def test_when_the_caller_leaves_nothing_more_is_asked_or_done(verb: str, step: Step) -> None:
    again = Step(step.name, step.value)
    book = Playbook(fetch(VOICE) >> twiml(f"{verb}<Redirect>/unreachable</Redirect>"), hang_up(again))
    await book.play_out()
    assert book.session.state is SessionState.ENDED


async def test_a_caller_who_leaves_during_a_fetch() -> None:
    await Playbook((fetch(VOICE) >> twiml("<Say>Unreachable</Say>")).then(CallStatus.CANCELED)).play_out()


async def test_a_caller_who_leaves_before_a_redirect() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Pause/><Redirect>/unreachable</Redirect>"), op("pause", 1).then(CallStatus.COMPLETED)
    ).play_out()


async def test_cancelling_the_session_stops_the_verb_and_leaves_the_call() -> None:
    block = Block()
    book = Playbook(fetch(VOICE) >> twiml("<Pause/>"), op("pause", 1) >> block)
    task = asyncio.create_task(book.session.run())
    await asyncio.wait_for(block.wait(), 10)
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
    assert book.cancelled == ["pause"]
    book.finish()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_loops_own_time_is_the_default() -> None:
    book = Playbook(fetch(VOICE) >> twiml("<Play>/a.wav</Play>"), sound("http://app.example/a.wav"), op("hangup"))
    book.session = type(book.session)(book, book, book.application)
    await book.play_out()
    assert book.prefetched == [File("http://app.example/a.wav")]


def test_the_states_form_one_way_to_the_end() -> None:
    assert set(TRANSITIONS) == set(SessionState)
    assert TRANSITIONS[SessionState.ENDED] == frozenset()
    assert all(SessionState.ENDED not in after for state, after in TRANSITIONS.items() if state != SessionState.ENDING)
    reached, waiting = set(), [SessionState.FETCHING]
    while waiting:
        if (state := waiting.pop()) not in reached:
            reached.add(state)
            waiting.extend(TRANSITIONS[state])
    assert reached == set(SessionState)


class TestCallerLeavesWhileTheApplicationThinks:
    """Nobody is there to hear what it may answer: it is no longer waited for."""

    @pytest.mark.parametrize("before", ["", "<Say>Hello</Say><Redirect>/m</Redirect>"])
    async def test_at_a_document(self, before: str) -> None:
        thinking = Block()
        steps = [fetch(VOICE) >> twiml(before), speech("Hello"), fetch(MENU) >> thinking]
        book = Playbook(*steps) if before else Playbook(fetch(VOICE) >> thinking)
        running = asyncio.create_task(book.session.run())
        await thinking.wait()
        book.status = CallStatus.COMPLETED if before else CallStatus.CANCELED
        book.gone.set()
        await running
        book.finish()
        assert book.cancelled == ["fetch"] and book.session.state is SessionState.ENDED
        assert [kind for kind, _ in book.notes if kind in ("failure", "last_resort")] == []

    async def test_an_action_after_the_hang_up_is_requested_all_the_same(self) -> None:
        """`<Record>` (call-control reference §1.1): asked although nobody is there, and waited for."""

        class LeavesDuringRecord(Playbook):
            async def record(self, plan: RecordPlan) -> Recorded | None:
                self.gone.set()
                return await super().record(plan)

        await LeavesDuringRecord(
            fetch(VOICE) >> twiml("<Record action='/m' playBeep='false'/>"),
            (op("record", RecordPlan(beep=False)) >> Recorded("RE1", "http://x/RE1", 3, digits="hangup")).then(
                CallStatus.COMPLETED
            ),
            fetch(MENU, RecordingSid="RE1", RecordingUrl="http://x/RE1", RecordingDuration="3", Digits="hangup")
            >> twiml("<Say>Unheard</Say>"),
        ).play_out()
