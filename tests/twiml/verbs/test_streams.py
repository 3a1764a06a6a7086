"""Nouns of <Start>, <Stop> and <Connect>: every attribute is judged, though none is carried out yet."""

import pytest

from callwright.twiml.verbs.streams import CONNECTED, FORKED
from tests.twiml.playbook import codes, document

SPELLING = {
    "Stream": "name connectorName url track statusCallback statusCallbackMethod audioFormat sampleRate",
    "Siprec": "name connectorName track statusCallback statusCallbackMethod",
    "Transcription": "name track statusCallbackUrl statusCallbackMethod inboundTrackLabel outboundTrackLabel "
    "partialResults languageCode transcriptionEngine profanityFilter speechModel hints enableAutomaticPunctuation "
    "intelligenceService conversationConfiguration conversationId enableProviderData",
    "VirtualAgent": "connectorName language sentimentAnalysis statusCallback statusCallbackMethod",
    "Room": "participantIdentity",
    "Autopilot": "",
    "AiSession": "aiConnector aiSessionConfiguration",
    "ConversationRelaySession": "connector sessionConfiguration",
}


@pytest.mark.parametrize("noun", SPELLING)
def test_the_attributes_of_the_reference(noun: str) -> None:
    schema = {**FORKED, **CONNECTED}[noun]
    assert {attribute.name for attribute in schema.attributes} == set(SPELLING[noun].split())


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ("url='ftp://x'", 64101),
        ("language='!'", 64101),
        ("ttsProvider='Nobody'", 64101),
        ("transcriptionProvider='Amazon'", 64101),
        ("interruptible='maybe'", 12200),
        ("interruptSensitivity='some'", 12200),
        ("eotThreshold='2'", 64101),
        ("eotThreshold='much'", 64101),
        ("speechTimeout='599'", 12200),
        ("events='x'", 12200),
        ("dtmfDetection='x'", 12200),
    ],
)
def test_a_relay_is_judged(attribute: str, code: int) -> None:
    assert codes(document(f"<Connect><ConversationRelay {attribute}/></Connect>")) == [code, 64101]


@pytest.mark.parametrize(
    "attribute",
    ["url='wss://a.example/x?y=1'", "speechTimeout='auto'", "speechTimeout='600'", "eagerEotThreshold='0.5'"],
)
def test_a_good_relay_only_says_that_it_is_not_there(attribute: str) -> None:
    assert codes(document(f"<Connect><ConversationRelay {attribute}/></Connect>")) == [64101]
