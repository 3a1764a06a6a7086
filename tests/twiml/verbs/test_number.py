"""<Number> (call-control reference §1.6)."""

from typing import Any

import pytest

from callwright.calls.application import ALL_EVENTS, Hook
from callwright.calls.control import MachinePlan, NumberTarget, StatusCallback
from callwright.media.machine import Thresholds
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.number import ATTRIBUTES, telephone
from tests.twiml.playbook import codes, document
from tests.twiml.verbs.tables import Row, Table


def party(verb: Any) -> NumberTarget:
    assert isinstance(verb, Dial)
    (target,) = verb.parties
    assert isinstance(target, NumberTarget)
    return target


def unused(verb: Any) -> object:
    """What has no effect here leaves the party as it is."""
    assert party(verb).number == "+15550001111"
    return None


DETECTION = [
    # machineDetection | Enable, DetectMessageEnd | none; what goes with it stands in test_detection
    Row(
        "machineDetection",
        lambda verb: party(verb).machine,
        {
            "Enable": MachinePlan(Thresholds()),
            "DetectMessageEnd": MachinePlan(Thresholds(to_end=True)),
        },
        None,
        ["Maybe", "enable"],
    ),
    Row("machineDetectionTimeout", unused, {"3": None, "60": None}, None, ["2", "61", "x"]),
    Row("machineDetectionSpeechThreshold", unused, {"1000": None, "6000": None}, None, ["999", "6001"]),
    Row("machineDetectionSpeechEndThreshold", unused, {"500": None, "5000": None}, None, ["499", "5001"]),
    Row("machineDetectionSilenceTimeout", unused, {"2000": None, "10000": None}, None, ["1999", "10001"]),
    Row("amdStatusCallback", unused, {"/amd": None}, None, ["ftp://x/"], 11100),
    Row("amdStatusCallbackMethod", unused, {"GET": None}, None, ["PUT"]),
]
STATUS = [
    # statusCallback | url | none | 11100
    Row(
        "statusCallback",
        lambda verb: party(verb).callback,
        {"/s": StatusCallback(Hook("http://app.example/s")), "": None},
        None,
        ["ftp://x/", "http://a b/"],
        11100,
    ),
    Row("statusCallbackMethod", lambda verb: party(verb).callback, {"GET": None}, None, ["PUT"]),
    Row("statusCallbackEvent", lambda verb: party(verb).callback, {"ringing": None}, None, ["busy", ""]),
]
TABLE = Table(
    lambda attributes: f"<Dial><Number {attributes}>+15550001111</Number></Dial>",
    [
        # sendDigits | 0-9 * # w W | none | 13222
        Row(
            "sendDigits", lambda verb: party(verb).send_digits, {"ww12*#W": "ww12*#W", "": ""}, "", ["1-2", "a"], 13222
        ),
        # url | document for the callee | none
        Row("url", lambda verb: party(verb).screening, {"/w": Hook("http://app.example/w"), "": None}, None),
        # method | GET, POST | POST | 13221
        Row("method", unused, {"GET": None, "POST": None}, None, ["PUT"], 13221),
        *STATUS,
        # byoc | BY... | none: looked up when it is dialled
        Row("byoc", lambda verb: party(verb).byoc, {"BY1": "BY1", "": ""}, ""),
        *DETECTION,
    ],
)


@pytest.mark.parametrize(("row", "written", "value"), TABLE.good())
def test_good_values(row: Row, written: str, value: object) -> None:
    TABLE.check_good(row, written, value)


@pytest.mark.parametrize(("row", "written"), TABLE.bad())
def test_bad_values(row: Row, written: str) -> None:
    TABLE.check_bad(row, written)


def test_the_table_is_complete() -> None:
    TABLE.check_defaults()
    TABLE.check_complete(
        ATTRIBUTES,
        "sendDigits url method statusCallbackEvent statusCallback statusCallbackMethod byoc machineDetection "
        "amdStatusCallbackMethod amdStatusCallback machineDetectionTimeout machineDetectionSpeechThreshold "
        "machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout",
    )


def test_the_callback_with_its_method_and_events() -> None:
    (dial,) = document(
        "<Dial><Number statusCallback='/s' statusCallbackMethod='GET' "
        "statusCallbackEvent='initiated ringing answered completed'>+15550001111</Number></Dial>"
    ).verbs
    assert party(dial).callback == StatusCallback(Hook("http://app.example/s", "GET"), ALL_EVENTS)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+15550001111", "+15550001111"),
        ("+1 (555) 000-1111", "+15550001111"),
        ("555.000.1111", "5550001111"),
        (" 911\n", "911"),
        ("+49 30 1234", "+49301234"),
    ],
)
def test_numbers_as_people_write_them(written: str, number: str) -> None:
    assert telephone(written) == number
    assert party(document(f"<Dial><Number>{written}</Number></Dial>").verbs[0]).number == number


@pytest.mark.parametrize("written", ["", "+", "letters", "1-800-FLOWERS", "sip:a@b", "1;2", "++1", "1+2", "1" * 21])
@pytest.mark.parametrize("xml", ["<Dial><Number>{}</Number></Dial>", "<Dial>{}</Dial>"])
def test_what_is_no_number_is_not_dialled(written: str, xml: str) -> None:
    parsed = document(xml.format(written))
    assert codes(parsed) == [13223]
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    assert dial.parties == ()


def test_a_number_that_must_accept_and_cannot_be_asked_is_not_dialled() -> None:
    parsed = document("<Dial><Number url='ftp://x/'>+15550001111</Number><Number>+15550002222</Number></Dial>")
    assert codes(parsed) == [11100]
    assert party(parsed.verbs[0]).number == "+15550002222"
