"""<Client> (call-control reference §1.6)."""

from typing import Any

import pytest

from callwright.calls.application import ALL_EVENTS, Hook
from callwright.calls.control import ClientTarget, Dialled, DialPlan, StatusCallback
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.client import ATTRIBUTES
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, twiml
from tests.twiml.verbs.tables import Row, Table


def party(verb: Any) -> ClientTarget:
    assert isinstance(verb, Dial)
    (target,) = verb.parties
    assert isinstance(target, ClientTarget)
    return target


def shown(verb: Any) -> object:
    """What has no effect here leaves the party as it is."""
    assert party(verb).identity == "bob"
    return None


TABLE = Table(
    lambda attributes: f"<Dial><Client {attributes}>bob</Client></Dial>",
    [
        # url | document for the callee | none
        Row("url", lambda verb: party(verb).screening, {"/w": Hook("http://app.example/w"), "": None}, None),
        Row("method", lambda verb: party(verb).screening, {"GET": None}, None, ["PUT"]),
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
        Row("clientNotificationUrl", shown, {"/n": None}, None, noted=12200),
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
        ATTRIBUTES, "url method statusCallbackEvent statusCallback statusCallbackMethod clientNotificationUrl"
    )


def test_an_identity_with_parameters() -> None:
    parsed = document(
        "<Dial><Client url='/w' method='GET' statusCallback='/s' "
        "statusCallbackEvent='initiated ringing answered completed'><Identity>bob</Identity>"
        "<Parameter name='FirstName' value='Jane'/><Parameter name='n' value=''/></Client></Dial>"
    )
    assert codes(parsed) == []
    assert party(parsed.verbs[0]) == ClientTarget(
        "bob",
        (("FirstName", "Jane"), ("n", "")),
        StatusCallback(Hook("http://app.example/s"), ALL_EVENTS),
        Hook("http://app.example/w", "GET"),
    )


@pytest.mark.parametrize("written", ["", "a" * 257, "<Identity/>", "a&#10;b"])
def test_what_is_no_identity_is_not_dialled(written: str) -> None:
    parsed = document(f"<Dial><Client>{written}</Client></Dial>")
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    assert (dial.parties, codes(parsed)) == ((), [12200])


def test_a_client_that_is_to_be_asked_by_nobody_is_not_dialled() -> None:
    parsed = document("<Dial><Client url='ftp://x/'>bob</Client></Dial>")
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    assert (dial.parties, codes(parsed)) == ((), [11100])


@pytest.mark.parametrize(
    ("caller_id", "fault"), [("client:alice", 0), ("+1555", 0), ("alice", 0), ("two words", 13214)]
)
async def test_caller_ids(caller_id: str, fault: int) -> None:
    plan = DialPlan(targets=(ClientTarget("bob"),), caller_id=caller_id)
    book = Playbook(
        fetch(VOICE) >> twiml(f"<Dial callerId='{caller_id}'><Client>bob</Client></Dial>"),
        *([] if fault else [op("dial", plan) >> Dialled("no-answer")]),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == ([fault] if fault else [])
