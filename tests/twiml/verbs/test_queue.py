"""<Queue> in <Dial> (call-control reference §1.6)."""

from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import Dequeued, Dialled
from callwright.calls.queue.plan import DequeuePlan
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.queue import ATTRIBUTES
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, twiml
from tests.twiml.verbs.tables import Row, Table

QUEUE, CALL = "QU" + "1" * 32, "CA" + "5" * 32


def plan(verb: Any) -> DequeuePlan:
    assert isinstance(verb, Dial) and isinstance(verb.room, DequeuePlan)
    return verb.room


def unused(verb: Any) -> object:
    assert plan(verb).name == "support"
    return None


TABLE = Table(
    lambda attributes: f"<Dial><Queue {attributes}>support</Queue></Dial>",
    [
        Row("url", lambda verb: plan(verb).whisper, {"/q": Hook("http://app.example/q"), "": None}, None,
            ["ftp://a/"], 14211),
        Row("method", unused, {"GET": None}, None, ["PUT"], 14210),
        Row("reservationSid", unused, {"WR1": None}, None, noted=14214),
        Row("postWorkActivitySid", unused, {"WA1": None}, None, noted=14215),
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
    TABLE.check_complete(ATTRIBUTES, "url method reservationSid postWorkActivitySid")


@pytest.mark.parametrize(("name", "code"), [("", 14212), ("a&#133;b", 14212), ("x" * 65, 14213)])
def test_names_that_cannot_be_used(name: str, code: int) -> None:
    parsed = document(f"<Dial><Queue>{name}</Queue></Dial>")
    assert codes(parsed) == [code]
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial) and dial.room is None


async def test_what_the_dial_adds_and_what_its_action_is_told() -> None:
    verbs = (
        "<Dial action='/d' timeout='20' timeLimit='60' hangupOnStar='true' answerOnBridge='true' ringTone='de'>"
        "<Queue url='/q' method='GET'>support</Queue></Dial>"
    )
    asked = DequeuePlan(
        "support",
        whisper=Hook("http://app.example/q", "GET"),
        timeout=20,
        time_limit=60,
        hangup_on_star=True,
        answer_on_bridge=True,
        ring_tone="de",
    )
    dequeued = Dequeued(QUEUE, "bridged", CALL, waited=12, duration=7)
    told = {
        "DialCallStatus": "completed",
        "DialBridged": "true",
        "DialCallSid": CALL,
        "DialCallDuration": "7",
        "QueueSid": QUEUE,
        "QueueTime": "12",
        "DequeueResult": "bridged",
        "DequeuedCallSid": CALL,
        "DequeuedCallQueueTime": "12",
        "DequeuedCallDuration": "7",
    }
    await Playbook(
        fetch(VOICE) >> twiml(verbs),
        op("dequeue", asked) >> Dialled("completed", CALL, 7, bridged=True, queue=dequeued),
        fetch(Hook("http://app.example/d"), **told) >> twiml(""),
        op("hangup"),
    ).play_out()


def test_nobody_came() -> None:
    told = {"QueueSid": QUEUE, "DequeueResult": "timeout"}
    assert Dequeued(QUEUE, "timeout").parameters() == told
