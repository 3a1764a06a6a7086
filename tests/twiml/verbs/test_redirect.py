"""<Redirect> (call-control reference §1.2)."""

import pytest

from callwright.calls.application import Hook
from callwright.calls.status import CallStatus
from callwright.twiml.verbs import Redirect
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

TABLE = Table(
    lambda attributes: f"<Redirect {attributes}>/next</Redirect>",
    [
        # method | GET, POST | POST | 13710
        Row(
            "method",
            lambda verb: verb.hook.method,
            {"GET": "GET", "POST": "POST", "get": "GET"},
            "POST",
            ["PUT", ""],
            13710,
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
    TABLE.check_complete(Redirect.attributes, "method")


@pytest.mark.parametrize("text", ["", "/next"])
def test_a_document_without_a_url_cannot_go_to_a_relative_one(text: str) -> None:
    parsed = document(f"<Redirect>{text}</Redirect>", "")
    assert codes(parsed) == [15004]
    assert parsed.verbs == ()


def test_a_url_that_cannot_be_requested_is_the_fallbacks_business() -> None:
    assert document("<Redirect>ftp://x/</Redirect>").verbs == (Redirect(Hook("ftp://x/")),)


async def test_it_replaces_the_document_without_answering() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Redirect method='GET'>next?a=1</Redirect><Say>Unreachable</Say>"),
        fetch(Hook("http://app.example/next?a=1", "GET")) >> twiml("<Redirect/>"),
        fetch(Hook("http://app.example/next?a=1")) >> twiml("<Reject/>"),
        op("reject", "rejected"),
    )
    await book.play_out()
    assert book.status is CallStatus.NO_ANSWER


async def test_relative_urls_resolve_against_where_the_document_was_found_at_last() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Redirect>menu</Redirect>", url="http://other.example/moved/here"),
        fetch(Hook("http://other.example/moved/menu")) >> twiml("<Say>Hello</Say>"),
        speech("Hello"),
        op("hangup"),
    ).play_out()
