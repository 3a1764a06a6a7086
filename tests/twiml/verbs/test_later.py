"""Verbs that are known and skipped."""

import pytest

from callwright.twiml.verbs.later import VERBS
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml

CODES = {"Prompt": 64001}
DOCUMENTS = [
    "<Prompt for='x' attempt='1'><Say>x</Say></Prompt>",
    "<Queue url='/q'>support</Queue>",
]


@pytest.mark.parametrize("xml", DOCUMENTS)
def test_a_good_one_leaves_only_the_warning_that_it_is_skipped(xml: str) -> None:
    name = xml[1:].split(">")[0].split()[0].rstrip("/")
    parsed = document(f"{xml}<Pause/>")
    assert codes(parsed) == [CODES.get(name, 12200)]
    assert "skipped" in parsed.warnings[0].message
    assert [verb.name for verb in parsed.verbs] == ["Pause"]


def test_each_is_proved() -> None:
    assert {xml[1:].split(">")[0].split()[0].rstrip("/") for xml in DOCUMENTS} == set(VERBS)


@pytest.mark.parametrize(
    ("xml", "warned"),
    [
        ("<Prompt attempt='first' requireMatchingInputs='x'/>", [64001, 64001, 64001]),
    ],
)
def test_what_is_wrong_with_them_is_said_too(xml: str, warned: list[int]) -> None:
    assert codes(document(xml)) == warned


async def test_the_call_goes_on() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Prompt/><Say>Nobody is here</Say>"),
        speech("Nobody is here"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [64001]
