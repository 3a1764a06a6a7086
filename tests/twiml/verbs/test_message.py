"""<Sms> and <Message> (call-control reference §1.2)."""

from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan, Sent
from callwright.twiml.verbs import Message, Sms
from tests.twiml.playbook import STANDARD, VOICE, Playbook, codes, document, fetch, op, twiml
from tests.twiml.verbs.tables import Row, Table

ACTION = Hook("http://app.example/a")
PLAN = MessagePlan(STANDARD["From"], STANDARD["To"], "Hello")


def body(verb: Any) -> object:
    assert verb.body == "Hello"
    return None


TABLE = Table(
    lambda attributes: f"<Sms {attributes}>Hello</Sms>",
    [
        Row("to", lambda verb: verb.to, {"+15550001111": "+15550001111", "sip:a@b": "sip:a@b"}, ""),
        Row("from", lambda verb: verb.from_, {"12345": "12345", "Desk": "Desk"}, ""),
        Row("action", lambda verb: verb.action, {"/a": ACTION, "": None}, None),
        Row("method", body, {"GET": None}, None, ["PUT"], 14104),
        Row(
            "statusCallback", lambda verb: verb.callback, {"/s": Hook("http://app.example/s")}, None, ["ftp://x"], 14105
        ),
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
    TABLE.check_complete(Sms.attributes, "to from action method statusCallback")
    assert Message.attributes == Sms.attributes


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<Sms to='??'>Hello</Sms>", 14101),
        ("<Sms from=''>Hello</Sms>", 14102),
        ("<Sms/>", 14103),
        (f"<Sms>{'a' * 1601}</Sms>", 14103),
    ],
)
def test_what_cannot_be_sent_is_said(xml: str, code: int) -> None:
    parsed = document(xml)
    assert (parsed.verbs, codes(parsed)) == ((), [code])


@pytest.mark.parametrize("name", ["Sms", "Message"])
async def test_it_goes_to_the_caller(name: str) -> None:
    await Playbook(
        fetch(VOICE) >> twiml(f"<{name} action='/a'>Hello</{name}>"),
        op("message", PLAN).taking(0) >> Sent("SM1", "queued"),
        fetch(ACTION, SmsSid="SM1", SmsStatus="queued") >> twiml("<Reject/>"),
        op("reject", "rejected"),
    ).play_out()


async def test_it_goes_where_it_is_sent_and_does_not_answer() -> None:
    plan = MessagePlan("+1", "2", "Hello", Hook("http://app.example/s"))
    await Playbook(
        fetch(VOICE) >> twiml("<Sms to='+1' from='2' statusCallback='/s'>Hello</Sms><Reject/>"),
        op("message", plan) >> Sent("SM1", "failed"),
        op("reject", "rejected"),
    ).play_out()
