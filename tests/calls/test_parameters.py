"""Parameters of requests (call-control reference §2.1, §2.2, §7.1)."""

from datetime import UTC, datetime

import pytest

from callwright.calls import parameters
from callwright.calls.control import Recorded
from callwright.sip.leg import Invite


def standard(from_: str) -> dict[str, str]:
    return parameters.standard(
        sid="CA1", account_sid="AC1", from_=from_, to="+1555", status="ringing", direction="inbound"
    )


def test_standard_ones() -> None:
    params = standard("+1444")
    assert (params["From"], params["Caller"], params["To"], params["Called"]) == ("+1444", "+1444", "+1555", "+1555")
    assert (params["ApiVersion"], params["CallStatus"], params["Direction"]) == ("2010-04-01", "ringing", "inbound")
    assert [params[name] for name in parameters.GEOGRAPHY] == [""] * 16


@pytest.mark.parametrize("from_", ["sip:alice@host", "client:alice"])
def test_only_numbers_have_a_place(from_: str) -> None:
    assert not set(standard(from_)) & set(parameters.GEOGRAPHY)


def test_progress() -> None:
    assert parameters.progress(3, datetime(2016, 11, 1, 1, 59, 13, tzinfo=UTC)) == {
        "CallbackSource": "call-progress-events",
        "Timestamp": "Tue, 01 Nov 2016 01:59:13 +0000",
        "SequenceNumber": "3",
    }


@pytest.mark.parametrize(("seconds", "minutes"), [(0, "0"), (1, "1"), (60, "1"), (61, "2")])
def test_minutes_are_begun_ones(seconds: int, minutes: str) -> None:
    ending = parameters.ending(seconds, 200)
    assert (ending["Duration"], ending["CallDuration"], ending["SipResponseCode"]) == (minutes, str(seconds), "200")


def test_recording() -> None:
    assert parameters.recording(Recorded("RE1", "https://x/RE1", 7)) == {
        "RecordingSid": "RE1",
        "RecordingUrl": "https://x/RE1",
        "RecordingDuration": "7",
    }


@pytest.mark.parametrize(
    ("uri", "domain"),
    [
        ("sip:+1@pbx.example:5070;user=phone", "pbx.example"),
        ("sip:+1;npdi;rn=+2@[2001:db8::1]:5060", "[2001:db8::1]"),
        ("<sip:10.0.0.1>", "10.0.0.1"),
        ("tel:+1", ""),
    ],
)
def test_sip_side(uri: str, domain: str) -> None:
    headers = (("x-lower", "1"), ("X-Up", "2"), ("Remote-Party-ID", "<sip:a@b>"), ("Subject", "no"))
    invite = Invite(uri, "sip:a@b", "", uri, "", "", "call-1", "192.0.2.1", 5060, "UDP", headers)
    assert parameters.sip(invite) == {
        "SipCallId": "call-1",
        "SipSourceIp": "192.0.2.1",
        "SipDomain": domain,
        "SipHeader_x-lower": "1",
        "SipHeader_X-Up": "2",
        "SipHeader_Remote-Party-ID": "<sip:a@b>",
    }
