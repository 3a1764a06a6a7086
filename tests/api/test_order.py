from typing import Any

import pytest

from callwright.account import Account
from callwright.api.forms import Form
from callwright.api.order import read
from callwright.calls.application import FINAL_ONLY, Application, Hook
from callwright.calls.control import DialRecording, MachinePlan, RecordingCallback
from callwright.calls.order import CallOrder
from callwright.errors import RestError
from callwright.media.machine import Thresholds

ACCOUNT = Account("AC1", "token")
GOOD = {"To": "+15550002000", "From": "+15550001000", "Url": "https://app.example/voice"}
SIP = GOOD | {"To": "sip:bob@example.com"}


def owns(account: str, number: str) -> bool:
    return (account, number) in {("AC1", "+15550001000"), ("AC1", "demo")}


def order(form: dict[str, str], **lists: list[str]) -> CallOrder:
    pairs = [*form.items(), *((name, value) for name, values in lists.items() for value in values)]
    return read(Form(pairs), ACCOUNT, owns)


def test_defaults() -> None:
    assert order(GOOD) == CallOrder(
        account=ACCOUNT,
        to="+15550002000",
        from_="+15550001000",
        application=Application(voice=Hook("https://app.example/voice"), status_events=FINAL_ONLY),
    )


def test_the_application() -> None:
    made = order(
        GOOD
        | {
            "Twiml": "<Response/>",
            "Method": "GET",
            "FallbackUrl": "https://app.example/fallback",
            "StatusCallback": "https://app.example/status",
            "StatusCallbackMethod": "get",
        },
        StatusCallbackEvent=["initiated", "answered", "unheard-of"],
    )
    assert made.application == Application(
        voice=Hook("https://app.example/voice", "GET"),
        fallback=Hook("https://app.example/fallback"),
        status_callback=Hook("https://app.example/status", "GET"),
        status_events=frozenset({"initiated", "answered"}),
    )


def test_a_recording() -> None:
    asked = {"Record": "TRUE", "RecordingStatusCallback": "https://app.example/recorded"}
    default = DialRecording(trim=True, callback=RecordingCallback(Hook("https://app.example/recorded")))
    assert order(GOOD | asked).record == default
    asked |= {"RecordingChannels": "dual", "RecordingTrack": "inbound", "Trim": "do-not-trim"}
    made = order(GOOD | asked | {"RecordingStatusCallbackEvent": "in-progress completed"}).record
    callback = RecordingCallback(Hook("https://app.example/recorded"), frozenset({"in-progress", "completed"}))
    assert made == DialRecording(dual=True, track="inbound", callback=callback)
    assert order(GOOD | asked | {"Record": "false"}).record is None


def test_parties_and_times() -> None:
    made = order(
        GOOD
        | {
            "To": "+1 (555) 000-2000",
            "From": "+1.555.000.1000",
            "CallerId": "+15550001000",
            "SendDigits": "1234#wW",
            "Timeout": "20",
            "TimeLimit": "300",
            "CallReason": " Your order ",
        }
    )
    assert made.reason == "Your order"
    assert (made.to, made.from_, made.caller_id) == ("+15550002000", "+15550001000", "+15550001000")
    assert (made.send_digits, made.timeout, made.time_limit) == ("1234#wW", 20, 300)


def test_twiml_without_a_url() -> None:
    made = order({**GOOD, "Url": "", "Twiml": "<Response/>"})
    assert (made.application.voice, made.application.twiml) == (None, "<Response/>")


def test_sip() -> None:
    made = order(
        SIP
        | {
            "To": "sip:bob@example.com:5070;transport=tcp?X-Color=red%20one&User-to-User=abc",
            "From": "Alice_1",
            "SipAuthUsername": "bob",
            "SipAuthPassword": "s3cret",
        }
    )
    assert made.to == "sip:bob@example.com:5070;transport=tcp"
    assert made.headers == (("X-Color", "red one"), ("User-to-User", "abc"))
    assert (made.from_, made.sip_username, made.sip_password) == ("Alice_1", "bob", "s3cret")
    assert "s3cret" not in repr(made)


@pytest.mark.parametrize("caller", ["client:alice", "sip:alice@example.com", "+15559999999", "demo", "100"])
def test_a_sip_party_may_be_called_by_any_name(caller: str) -> None:
    assert order(SIP | {"From": caller}).from_ == caller


@pytest.mark.parametrize("to", ["+442071838750", "100", "*98#", "client:bob", "client:bob?a=b"])
def test_parties(to: str) -> None:
    assert order(GOOD | {"To": to}).to == to


def test_an_owned_name_may_call_a_number() -> None:
    assert order(GOOD | {"From": "demo"}).from_ == "demo"


def test_detection() -> None:
    assert order(GOOD | {"MachineDetection": "enable"}).machine == MachinePlan(Thresholds(), wait=True)
    assert order(GOOD | {"MachineDetection": "Enable", "SendDigits": "1"}).machine is None
    given = {
        "MachineDetection": "DetectMessageEnd",
        "MachineDetectionTimeout": "59",
        "MachineDetectionSpeechThreshold": "1000",
        "MachineDetectionSpeechEndThreshold": "5000",
        "MachineDetectionSilenceTimeout": "2000",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": "https://app.example/amd",
        "AsyncAmdStatusCallbackMethod": "GET",
    }
    thresholds = Thresholds(to_end=True, timeout=59_000, speech=1000, speech_end=5000, silence=2000)
    hook = Hook("https://app.example/amd", "GET")
    assert order(GOOD | given).machine == MachinePlan(thresholds, callback=hook)
    assert order(GOOD | given | {"AsyncAmd": "false"}).machine == MachinePlan(thresholds, wait=True)


TABLE: list[tuple[dict[str, Any], int]] = [
    ({"To": ""}, 21201),
    ({"To": "  "}, 21201),
    ({"From": ""}, 21213),
    ({"To": "", "From": ""}, 21201),
    ({"Url": ""}, 21205),
    ({"Url": "app.example/voice"}, 21205),
    ({"Url": "http://under_score.example/"}, 21205),
    ({"Url": "", "Twiml": "x" * 4001}, 32018),
    ({"Method": "PUT"}, 21209),
    ({"FallbackUrl": "x"}, 21205),
    ({"FallbackMethod": "x"}, 21209),
    ({"StatusCallback": "x"}, 21205),
    ({"StatusCallbackMethod": "HEAD"}, 21209),
    ({"RecordingStatusCallback": "x"}, 21205),
    ({"ApplicationSid": "AP" + "0" * 32}, 21218),
    ({"To": "+0123456789"}, 21211),
    ({"To": "+12"}, 21211),
    ({"To": "+1555000200012345"}, 21211),
    ({"To": "bob"}, 21211),
    ({"To": "+1555000\r\n2000"}, 21211),
    ({"To": "client:a b"}, 21211),
    ({"From": "+15559999999"}, 21210),
    ({"From": "5559999999"}, 21210),
    ({"From": "alice"}, 21212),
    ({"From": "client:alice"}, 21212),
    ({"From": "+1\r\nX: y"}, 21212),
    ({"CallerId": "+15559999999"}, 21210),
    ({"To": "sip:"}, 21223),
    ({"To": "sip:bob@"}, 21223),
    ({"To": "sip:bob@host;transport=ws"}, 21223),
    ({"To": "sip:bob@host\r\nX: y"}, 21223),
    ({"To": "sip:" + "b" * 300 + "@host"}, 21223),
    ({"To": "sip:bob@host?Contact=x"}, 21228),
    ({"To": "sip:bob@host?X-A%0d%0aB=x"}, 21228),
    ({"To": "sip:bob@host?X-A=x%0d%0aB:y"}, 21229),
    ({"To": "sip:bob@host?X-A=" + "x" * 1024}, 21227),
    ({"To": "sip:bob@host", "From": "alice in chains"}, 21212),
    ({"To": "sip:bob@host", "From": 'a"b'}, 21212),
    ({"SipAuthUsername": "x" * 129}, 21221),
    ({"SipAuthUsername": 'a"b'}, 21221),
    ({"SipAuthPassword": "a\nb"}, 21222),
    ({"SendDigits": "12x"}, 21206),
    ({"CallReason": "x" * 51}, 20422),
    ({"CallReason": "a\r\nVia: b"}, 20422),
    ({"SendDigits": "1" * 33}, 21206),
    ({"Timeout": "0"}, 21208),
    ({"Timeout": "601"}, 21208),
    ({"Timeout": "soon"}, 21208),
    ({"TimeLimit": "0"}, 20422),
    ({"Record": "maybe"}, 20422),
    ({"RecordingChannels": "5.1"}, 20422),
    ({"RecordingTrack": "left"}, 20422),
    ({"Trim": "some"}, 20422),
    ({"MachineDetection": "Maybe"}, 21234),
    ({"MachineDetectionTimeout": "60"}, 21263),
    ({"MachineDetectionSpeechThreshold": "999"}, 21263),
    ({"MachineDetectionSpeechEndThreshold": "5001"}, 21263),
    ({"MachineDetectionSilenceTimeout": "1999"}, 21263),
    ({"MachineDetection": "Enable", "AsyncAmd": "true"}, 21262),
    ({"AsyncAmd": "perhaps"}, 20422),
    ({"AsyncAmdStatusCallback": "nowhere"}, 21205),
]


@pytest.mark.parametrize(("changes", "code"), TABLE)
def test_refusals(changes: dict[str, str], code: int) -> None:
    with pytest.raises(RestError) as refused:
        order(GOOD | changes)
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert refused.value.message.isprintable()
