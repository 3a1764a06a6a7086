"""<Enqueue> (call-control reference §1.7)."""

from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop
from callwright.calls.queue.plan import Enqueued, EnqueuePlan, QueueResult
from callwright.calls.status import CallStatus
from callwright.twiml.verbs.enqueue import Enqueue
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

ACTION = Hook("http://app.example/a")
QUEUE = "QU" + "1" * 32


def unused(verb: Any) -> object:
    assert verb.queue == "support"
    return None


TABLE = Table(
    lambda attributes: f"<Enqueue {attributes}>support</Enqueue>",
    [
        Row("action", lambda verb: verb.action, {"/a": ACTION, "": None}, None),
        Row("method", unused, {"GET": None}, None, ["PUT"], 14201),
        Row("waitUrl", lambda verb: verb.wait, {"/w": Hook("http://app.example/w"), "": Backdrop.SILENCE},
            Backdrop.MUSIC, ["ftp://a/"], 14202),
        Row("waitUrlMethod", unused, {"GET": None}, None, ["PUT"], 14206),
        Row("maxQueueSize", lambda verb: verb.max_size, {"1": 1, "5000": 5000}, 1000, ["0", "5001", "x"]),
        Row("workflowSid", lambda verb: verb.queue, {"WW1": ""}, "support", noted=14220),
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
    TABLE.check_complete(Enqueue.attributes, "action maxQueueSize method waitUrl waitUrlMethod workflowSid")


@pytest.mark.parametrize(("name", "code"), [("", 14204), ("a&#133;b", 14204), ("x" * 65, 14205)])
def test_names_that_cannot_be_used(name: str, code: int) -> None:
    parsed = document(f"<Enqueue>{name}</Enqueue>")
    assert codes(parsed) == [code]
    assert isinstance(parsed.verbs[0], Enqueue) and parsed.verbs[0].queue == ""


def test_tasks_belong_to_workflows() -> None:
    assert codes(document("<Enqueue workflowSid='WW1'><Task priority='1'>{}</Task></Enqueue>")) == [14220]
    assert codes(document("<Enqueue>support<Task>{}</Task></Enqueue>")) == [12200]


@pytest.mark.parametrize("result", [result for result in QueueResult if result is not QueueResult.HANGUP])
async def test_what_the_action_is_told(result: QueueResult) -> None:
    plan = EnqueuePlan("support", max_size=3, wait=Hook("http://app.example/w", "GET"), action=ACTION)
    await Playbook(
        fetch(VOICE)
        >> twiml(
            "<Enqueue action='/a' maxQueueSize='3' waitUrl='/w' waitUrlMethod='GET'>support</Enqueue><Say>x</Say>"
        ),
        op("enqueue", plan) >> Enqueued(result, QUEUE, 17),
        fetch(ACTION, QueueResult=str(result), QueueSid=QUEUE, QueueTime="17") >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_a_caller_who_hung_up_while_he_waited() -> None:
    plan = EnqueuePlan("support", action=ACTION)
    left = op("enqueue", plan) >> Enqueued(QueueResult.HANGUP, QUEUE, 3, hung_up=True)
    await Playbook(
        fetch(VOICE) >> twiml("<Enqueue action='/a'>support</Enqueue><Say>x</Say>"),
        left.then(CallStatus.COMPLETED),
        fetch(ACTION, QueueResult="hangup", QueueSid=QUEUE, QueueTime="3") >> twiml("<Say>Nobody</Say>"),
    ).play_out()


async def test_without_an_action_the_next_verb_runs() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Enqueue>support</Enqueue><Say>Next</Say>"),
        op("enqueue", EnqueuePlan("support")) >> Enqueued(QueueResult.LEAVE, QUEUE, 3),
        speech("Next"),
        op("hangup"),
    ).play_out()


async def test_without_an_action_a_caller_who_left_is_the_end() -> None:
    left = op("enqueue", EnqueuePlan("support")) >> Enqueued(QueueResult.HANGUP, QUEUE, 3, hung_up=True)
    await Playbook(
        fetch(VOICE) >> twiml("<Enqueue>support</Enqueue><Say>Next</Say>"), left.then(CallStatus.COMPLETED)
    ).play_out()


async def test_what_cannot_be_waited_in_is_an_error() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Enqueue action='/a' workflowSid='WW1'/>"),
        fetch(ACTION, QueueResult="error", QueueTime="0") >> twiml("<Reject/>"),
        op("reject", "rejected"),
    ).play_out()
