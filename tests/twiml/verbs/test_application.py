"""<Application> (call-control reference §6.6)."""

from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import ApplicationTarget, Dialled, DialPlan, StatusCallback
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.application import ATTRIBUTES
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, twiml
from tests.twiml.verbs.tables import Row, Table

SID = "AP" + "0" * 32


def party(verb: Any) -> ApplicationTarget:
    assert isinstance(verb, Dial)
    (target,) = verb.parties
    assert isinstance(target, ApplicationTarget)
    return target


def shown(verb: Any) -> object:
    """What has no effect here leaves the application as it is."""
    assert party(verb).sid == SID
    return None


TABLE = Table(
    lambda attributes: f"<Dial><Application {attributes}>{SID}</Application></Dial>",
    [
        # url | a document before the application has the caller | none
        Row("url", lambda verb: party(verb).screening, {"/w": Hook("http://app.example/w"), "": None}, None),
        Row("method", shown, {"GET": None}, None, ["PUT"]),
        Row(
            "statusCallback",
            lambda verb: party(verb).callback,
            {"/s": StatusCallback(Hook("http://app.example/s"))},
            None,
            ["ftp://x/"],
            11100,
        ),
        Row("statusCallbackMethod", shown, {"GET": None}, None, ["PUT"]),
        Row("statusCallbackEvent", shown, {"ringing answered": None}, None, ["busy"]),
        Row("customerId", lambda verb: party(verb).customer_id, {"me": "me"}, "", ["x" * 257]),
        Row("copyParentTo", lambda verb: party(verb).copy_parent_to, {"true": True, "false": False}, False, ["yes"]),
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
        ATTRIBUTES, "url method statusCallbackEvent statusCallback statusCallbackMethod customerId copyParentTo"
    )


@pytest.mark.parametrize("written", ["", "x", "AP1", "<ApplicationSid/>", "AC" + "0" * 32])
def test_what_is_no_application_is_not_dialled(written: str) -> None:
    parsed = document(f"<Dial><Application>{written}</Application></Dial>")
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    assert (dial.parties, codes(parsed)) == ((), [21218])


def test_an_application_stands_alone() -> None:
    parsed = document(f"<Dial><Application>{SID}</Application><Number>+15550001111</Number></Dial>")
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    assert (dial.parties, codes(parsed)) == ((), [13215])


async def test_what_it_sends_back() -> None:
    target = ApplicationTarget(SID, (("Order", "7"),))
    await Playbook(
        fetch(VOICE)
        >> twiml(
            f"<Dial action='/d'><Application><ApplicationSid>{SID}</ApplicationSid>"
            "<Parameter name='Order' value='7'/></Application></Dial>"
        ),
        op("dial", DialPlan(targets=(target,))) >> Dialled("completed", "CA1", 3, True, returned=(("Paid", "yes"),)),
        fetch(
            Hook("http://app.example/d"),
            DialCallStatus="completed",
            DialBridged="true",
            DialCallSid="CA1",
            DialCallDuration="3",
            ReturnParam_Paid="yes",
        )
        >> twiml(""),
        op("hangup"),
    ).play_out()
