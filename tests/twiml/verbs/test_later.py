"""Verbs that are known and skipped."""

import pytest

from callwright.twiml.verbs.later import VERBS
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml

CODES = {"Sms": 13803, "Message": 13803, "Pay": 64001, "Prompt": 64001}
DOCUMENTS = [
    "<Connect action='/a'><Stream url='wss://a.example'><Parameter name='a' value='b'/></Stream></Connect>",
    "<Echo/>",
    "<Message to='+1' from='+2' action='/a' method='POST' statusCallback='/s'>Hello</Message>",
    "<Pay input='dtmf' chargeAmount='1'><Prompt for='expiration-date'><Say>x</Say></Prompt></Pay>",
    "<Prompt for='x' attempt='1'><Say>x</Say></Prompt>",
    "<Queue url='/q'>support</Queue>",
    "<Refer action='/a'><Sip>sip:a@b</Sip></Refer>",
    "<Sms to='+1'>Hello</Sms>",
    "<Start action='/a'><Stream url='wss://a.example' name='x'/></Start>",
    "<Stop><Stream name='x'/></Stop>",
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
        ("<Refer colour='red'/>", [12200, 12200]),
        ("<Connect><Say>x</Say></Connect>", [12200, 12200]),
        ("<Start><Say>x</Say></Start>", [14300, 12200]),
    ],
)
def test_what_is_wrong_with_them_is_said_too(xml: str, warned: list[int]) -> None:
    assert codes(document(xml)) == warned


async def test_the_call_goes_on() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Refer/><Say>Nobody is here</Say>"),
        speech("Nobody is here"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [12200]
