from typing import Any

import pytest

from callwright.api.forms import Form
from callwright.api.participation import coach, heard, read
from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop
from callwright.calls.conference.plan import EVENTS, ConferencePlan, ConferenceSettings
from callwright.calls.control import RecordingCallback, StatusCallback
from callwright.errors import RestError

CALL = "CA" + "1" * 32
URL = "https://app.example/x"


def plan(form: dict[str, str], **lists: list[str]) -> ConferencePlan:
    pairs = [*form.items(), *((name, value) for name, values in lists.items() for value in values)]
    return read(Form(pairs), "room")


def test_defaults() -> None:
    assert plan({}) == ConferencePlan("room", time_limit=86400.0)


def test_the_participants_own() -> None:
    asked = {
        "Muted": "true",
        "Beep": "onExit",
        "StartConferenceOnEnter": "false",
        "EndConferenceOnExit": "true",
        "Label": "customer",
        "Coaching": "true",
        "CallSidToCoach": CALL,
        "WaitUrl": URL,
        "WaitMethod": "GET",
        "TimeLimit": "60",
        "JitterBufferSize": "small",
    }
    assert plan(asked) == ConferencePlan(
        "room",
        muted=True,
        beep_on_enter=False,
        start_on_enter=False,
        end_on_exit=True,
        label="customer",
        coach=CALL,
        wait=Hook(URL, "GET"),
        time_limit=60.0,
    )


def test_the_conferences() -> None:
    asked = {
        "MaxParticipants": "10",
        "ConferenceRecord": "record-from-start",
        "ConferenceTrim": "do-not-trim",
        "Region": "ie1",
        "ConferenceStatusCallback": URL,
        "ConferenceRecordingStatusCallback": URL,
        "ConferenceRecordingStatusCallbackMethod": "GET",
    }
    made = plan(
        asked, ConferenceStatusCallbackEvent=[" ".join(EVENTS)], ConferenceRecordingStatusCallbackEvent=["absent"]
    )
    assert made.settings == ConferenceSettings(
        max_participants=10,
        record=True,
        trim=False,
        region="ie1",
        callback=StatusCallback(Hook(URL), EVENTS),
        recording_callback=RecordingCallback(Hook(URL, "GET"), frozenset({"absent"})),
    )
    usual = plan({"ConferenceStatusCallback": URL}).settings.callback
    assert usual == StatusCallback(Hook(URL), frozenset({"start", "end"}))


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Muted": "x"}, 20422),
        ({"Beep": "x"}, 20422),
        ({"Label": "a/b"}, 16023),
        ({"Label": "x" * 129}, 16023),
        ({"Label": CALL}, 16023),
        ({"MaxParticipants": "1"}, 20422),
        ({"MaxParticipants": "251"}, 20422),
        ({"ConferenceRecord": "x"}, 20422),
        ({"ConferenceTrim": "x"}, 20422),
        ({"Region": "mars"}, 20422),
        ({"JitterBufferSize": "x"}, 20422),
        ({"WaitUrl": "x"}, 21205),
        ({"WaitUrl": URL, "WaitMethod": "PUT"}, 21209),
        ({"ConferenceStatusCallback": "x"}, 21205),
        ({"Coaching": "true"}, 13240),
        ({"TimeLimit": "0"}, 20422),
    ],
)
def test_refused(form: dict[str, str], code: int) -> None:
    with pytest.raises(RestError) as refused:
        plan(form)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("form", "whom"),
    [
        ({}, None),
        ({"CallSidToCoach": CALL}, CALL),
        ({"Coaching": "true", "CallSidToCoach": CALL}, CALL),
        ({"Coaching": "false", "CallSidToCoach": CALL}, ""),
        ({"Coaching": "false"}, ""),
    ],
)
def test_whom_it_coaches(form: dict[str, str], whom: str | None) -> None:
    assert coach(Form(form.items())) == whom


@pytest.mark.parametrize(
    ("form", "sound"),
    [
        ({}, None),
        ({"HoldUrl": ""}, Backdrop.SILENCE),
        ({"HoldUrl": URL}, Hook(URL, "GET")),
        ({"HoldUrl": URL, "HoldMethod": "POST"}, Hook(URL, "POST")),
    ],
)
def test_what_is_heard(form: dict[str, str], sound: Any) -> None:
    assert heard(Form(form.items()), "HoldUrl", "HoldMethod", "GET") == sound
