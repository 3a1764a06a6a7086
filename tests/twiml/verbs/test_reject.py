"""<Reject> (call-control reference §1.2)."""

import pytest

from callwright.calls.status import CallStatus
from callwright.twiml.verbs import Reject
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

TABLE = Table(
    lambda attributes: f"<Reject {attributes}/>",
    [
        # reason | rejected, busy | rejected | 13810
        Row(
            "reason",
            lambda verb: verb.reason,
            {"busy": "busy", "rejected": "rejected"},
            "rejected",
            ["tired", "", "Busy"],
            13810,
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
    TABLE.check_complete(Reject.attributes, "reason")


def test_parameters_are_welcome() -> None:
    assert codes(document("<Reject><Parameter name='a' value='b'/></Reject>")) == []
    assert codes(document("<Reject><Say>No</Say></Reject>")) == [12200]


async def test_what_it_sends_back() -> None:
    book = Playbook(fetch(VOICE) >> twiml("<Reject><Parameter name='a' value='b'/></Reject>"), op("reject", "rejected"))
    await book.play_out()
    assert book.returned == (("a", "b"),)


@pytest.mark.parametrize(("reason", "status"), [("busy", CallStatus.BUSY), ("rejected", CallStatus.NO_ANSWER)])
async def test_it_refuses_a_ringing_call(reason: str, status: CallStatus) -> None:
    book = Playbook(fetch(VOICE) >> twiml(f"<Reject reason='{reason}'/><Say>Unreachable</Say>"), op("reject", reason))
    await book.play_out()
    assert book.status is status


async def test_later_it_ends_an_answered_call() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Say>Hello</Say><Reject/>"), speech("Hello"), op("reject", "rejected")
    ).play_out()
