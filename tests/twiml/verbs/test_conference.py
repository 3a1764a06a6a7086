"""<Conference> (call-control reference §1.6)."""

from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop
from callwright.calls.conference.plan import ConferencePlan, ConferenceSettings
from callwright.calls.control import Dialled, DialRecording, RecordingCallback, StatusCallback
from callwright.calls.status import CallStatus
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.conference import ATTRIBUTES, label
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

COACHED = "CA" + "3" * 32
ACTION = Hook("http://app.example/d")
W = Hook("http://app.example/w")


def plan(verb: Any) -> ConferencePlan:
    assert isinstance(verb, Dial) and isinstance(verb.room, ConferencePlan)
    return verb.room


def beeps(verb: Any) -> tuple[bool, bool]:
    return plan(verb).beep_on_enter, plan(verb).beep_on_exit


def unused(verb: Any) -> object:
    assert plan(verb).name == "room"
    return None


TABLE = Table(
    lambda attributes: f"<Dial><Conference {attributes}>room</Conference></Dial>",
    [
        Row("muted", lambda verb: plan(verb).muted, {"true": True, "FALSE": False}, False, ["yes"], 13230),
        Row("endConferenceOnExit", lambda verb: plan(verb).end_on_exit, {"true": True}, False, ["1"], 13231),
        Row("startConferenceOnEnter", lambda verb: plan(verb).start_on_enter, {"false": False}, True, ["no"], 13232),
        Row("waitUrl", lambda verb: plan(verb).wait, {"/w": W, "": Backdrop.SILENCE}, Backdrop.MUSIC,
            ["ftp://a/", "http://a b/"], 13233),
        Row("waitMethod", unused, {"GET": None}, None, ["PUT"], 13234),
        Row("beep", beeps, {"true": (True, True), "false": (False, False), "onEnter": (True, False),
                            "onExit": (False, True)}, (True, True), ["onLeave"], 13235),
        Row("participantLabel", lambda verb: plan(verb).label, {"customer": "customer", " a b ": "a b"}, "",
            ["a/b", COACHED, "x" * 129], 16023),
        Row("jitterBufferSize", unused, {"off": None, "large": None}, None, ["huge"]),
        Row("maxParticipants", lambda verb: plan(verb).settings.max_participants, {"2": 2, "250": 250}, 250,
            ["1", "251", "many"]),
        Row("record", lambda verb: plan(verb).settings.record,
            {"do-not-record": False, "record-from-start": True, "true": True, "false": False}, False, ["yes"]),
        Row("region", lambda verb: plan(verb).settings.region, {"ie1": "ie1"}, "us1", ["mars"]),
        Row("trim", lambda verb: plan(verb).settings.trim, {"trim-silence": True, "do-not-trim": False}, True,
            ["cut"], 13239),
        Row("coach", lambda verb: plan(verb).coach, {COACHED: COACHED}, "", ["somebody", "CA1"], 13240),
        Row("statusCallback", lambda verb: plan(verb).settings.callback,
            {"/s": StatusCallback(Hook("http://app.example/s"), frozenset({"start", "end"})), "": None}, None,
            ["ftp://a/"], 11100),
        Row("statusCallbackMethod", unused, {"GET": None}, None, ["PUT"]),
        Row("statusCallbackEvent", unused, {"start end join leave mute hold modify speaker announcement": None}, None,
            ["enter"]),
        Row("eventCallbackUrl", lambda verb: plan(verb).settings.event_callback,
            {"/e": Hook("http://app.example/e")}, None, ["ftp://a/"], 11100),
        Row("recordingStatusCallback", lambda verb: plan(verb).settings.recording_callback,
            {"/r": RecordingCallback(Hook("http://app.example/r"))}, None, ["ftp://a/"], 13256),
        Row("recordingStatusCallbackMethod", unused, {"GET": None}, None, ["PUT"]),
        Row("recordingStatusCallbackEvent", unused, {"in-progress completed absent": None}, None, ["begun"]),
        Row("recordingConfigurationId", unused, {"x": None}, None, noted=12200),
    ],
)  # fmt: skip


@pytest.mark.parametrize(("row", "written", "value"), TABLE.good())
def test_good_values(row: Row, written: str, value: object) -> None:
    TABLE.check_good(row, written, value)


@pytest.mark.parametrize(("row", "written"), TABLE.bad())
def test_bad_values(row: Row, written: str) -> None:
    TABLE.check_bad(row, written)


def test_defaults_and_every_attribute() -> None:
    TABLE.check_defaults()
    TABLE.check_complete(
        ATTRIBUTES,
        "muted beep startConferenceOnEnter endConferenceOnExit waitUrl waitMethod maxParticipants record "
        "recordingConfigurationId region coach trim statusCallbackEvent statusCallback statusCallbackMethod "
        "recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent eventCallbackUrl "
        "jitterBufferSize participantLabel",
    )


@pytest.mark.parametrize("name", ["", " ", "x" * 129, "a&#133;b"])
def test_names_that_cannot_be_used(name: str) -> None:
    parsed = document(f"<Dial><Conference>{name}</Conference></Dial>")
    assert codes(parsed) == [13237]
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial) and dial.room is None and dial.parties == ()


def test_the_longest_label_and_name() -> None:
    assert label("x" * 128) == "x" * 128
    (dial,) = document(f"<Dial><Conference>{'x' * 128}</Conference></Dial>").verbs
    assert plan(dial).name == "x" * 128


def test_text_and_other_elements_beside_it() -> None:
    parsed = document("<Dial>+15550001111<Conference>room</Conference><Say>x</Say></Dial>")
    assert codes(parsed) == [13215, 12200]
    assert plan(parsed.verbs[0]).name == "room"


def test_events_that_are_asked_for() -> None:
    (dial,) = document(
        "<Dial><Conference statusCallback='/s' statusCallbackMethod='GET' statusCallbackEvent='join leave'>room"
        "</Conference></Dial>"
    ).verbs
    wanted = plan(dial).settings.callback
    assert wanted == StatusCallback(Hook("http://app.example/s", "GET"), frozenset({"join", "leave"}))


DIAL = "<Dial action='/d' timeLimit='60' hangupOnStar='true' record='record-from-answer-dual'>"
PLAN = ConferencePlan(
    "room", ConferenceSettings(), time_limit=60, hangup_on_star=True, recording=DialRecording(dual=True)
)


async def test_what_the_dial_adds_and_what_its_action_is_told() -> None:
    await Playbook(
        fetch(VOICE) >> twiml(f"{DIAL}<Conference>room</Conference></Dial>"),
        op("confer", PLAN) >> Dialled("answered", bridged=True),
        fetch(ACTION, DialCallStatus="answered", DialBridged="true") >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_the_callers_hangup_in_it() -> None:
    await Playbook(
        fetch(VOICE) >> twiml(f"{DIAL}<Conference>room</Conference></Dial><Say>Unreachable</Say>"),
        (op("confer", PLAN) >> Dialled("completed", bridged=True, hung_up=True)).then(CallStatus.COMPLETED),
        fetch(ACTION, DialCallStatus="completed", DialBridged="true") >> twiml("<Say>Nobody</Say>"),
    ).play_out()


async def test_one_who_was_not_let_in_goes_on() -> None:
    """16025: the verb is skipped, its action is not requested."""
    await Playbook(
        fetch(VOICE) >> twiml(f"{DIAL}<Conference>room</Conference></Dial><Say>Next</Say>"),
        op("confer", PLAN) >> None,
        speech("Next"),
        op("hangup"),
    ).play_out()
