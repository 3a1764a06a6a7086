"""<Connect> (call-control reference §1.8): its nouns are known, and each says that it is not carried out."""

import pytest

from callwright.calls.application import Hook
from callwright.twiml.verbs import Connect
from callwright.twiml.verbs.streams import CONNECTED
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml

ACTION = Hook("http://app.example/a", "GET")
CODES = {"ConversationRelay": 64101, "VirtualAgent": 32600}


@pytest.mark.parametrize("noun", CONNECTED)
def test_each_noun_says_so(noun: str) -> None:
    parsed = document(f"<Connect action='/a' method='GET'><{noun}/></Connect>")
    assert parsed.verbs == (Connect(ACTION),)
    assert codes(parsed) == [CODES.get(noun, 12200)]


@pytest.mark.parametrize(
    ("xml", "warned"),
    [
        ("<Connect/>", [12200]),
        ("<Connect><Say>x</Say></Connect>", [12200, 12200]),
        ("<Connect colour='red' method='PUT'><Room>x</Room></Connect>", [12200, 12200, 12200]),
        ("<Connect><ConversationRelay url='http://a.example'/></Connect>", [64101, 64101]),
        (
            "<Connect><ConversationRelay><Language code='!'/><Other/></ConversationRelay></Connect>",
            [12200, 64101, 64101],
        ),
    ],
)
def test_what_is_wrong_is_said_too(xml: str, warned: list[int]) -> None:
    assert codes(document(xml)) == warned


async def test_its_end_leads_to_its_action() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Connect action='/a' method='GET'><Stream url='wss://a.example'/></Connect>"),
        fetch(ACTION) >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_without_an_action_the_next_verb_runs() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Connect><VirtualAgent connectorName='x'/></Connect><Say>Nobody</Say>"),
        speech("Nobody"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [32600]
