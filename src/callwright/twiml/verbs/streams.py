"""Nouns of `<Start>`, `<Stop>` and `<Connect>` that carry a call's sound elsewhere: known, and not carried out
(call-control reference §1.8, §1.9, §4)."""

from callwright.twiml.attribute import Attribute, address, boolean, choice, method, pattern, text, whole, words
from callwright.twiml.verbs import parameter
from callwright.twiml.verbs.callbacks import (
    RECORDING_EVENTS,
    RECORDING_METHOD,
    RECORDING_URL,
    STATUS_METHOD,
    STATUS_URL,
)
from callwright.twiml.verbs.schema import Schema

BAD_SCHEME, BAD_TRACK, BAD_CONNECTOR = 31922, 31941, 31940
BAD_ENGINE = 32650
AGENT_UNSUPPORTED = 32600
RELAY_CONFIGURATION = 64101

TRACKS = ("inbound_track", "outbound_track", "both_tracks")
INTERRUPTIBLE = ("none", "dtmf", "speech", "any", "true", "false")
LANGUAGE = r"[A-Za-z]{2,5}(-[A-Za-z0-9]{2,8}){0,3}"

NAME = text("name", most=256)
CONNECTOR = text("connectorName", BAD_CONNECTOR, most=256)
PARAMETER = Schema(parameter.ATTRIBUTES)
PARAMETERS = {"Parameter": PARAMETER}
CONFIGURED = {"Config": PARAMETER, "Parameter": PARAMETER}


def _websocket(code: int) -> Attribute[str]:
    """The URL of a WebSocket server."""
    return pattern("url", r"(?i:wss?)://[^\s\x00-\x1f]{1,2000}", code=code)


def _number(name: str, low: float, high: float) -> Attribute[float]:
    def read(written: str) -> float:
        if not low <= (number := float(written)) <= high:
            raise ValueError(f"not within {low}..{high}")
        return number

    return Attribute(name, read, low, RELAY_CONFIGURATION)


def _speech_timeout(written: str) -> str:
    if written.strip() != "auto":
        whole(written, 600, 5000)
    return written.strip()


STREAM = Schema(
    (
        NAME,
        CONNECTOR,
        _websocket(BAD_SCHEME),
        choice("track", TRACKS, "inbound_track", BAD_TRACK),
        STATUS_URL,
        STATUS_METHOD,
        text("audioFormat", most=64),
        pattern("sampleRate", "[0-9]{4,6}"),
    ),
    PARAMETERS,
)
SIPREC = Schema(
    (NAME, CONNECTOR, choice("track", TRACKS, "both_tracks", BAD_TRACK), STATUS_URL, STATUS_METHOD), PARAMETERS
)
TRANSCRIPTION = Schema(
    (
        NAME,
        choice("track", TRACKS, "both_tracks", BAD_TRACK),
        address("statusCallbackUrl"),
        STATUS_METHOD,
        text("inboundTrackLabel", most=256),
        text("outboundTrackLabel", most=256),
        boolean("partialResults", False),
        pattern("languageCode", rf"{LANGUAGE}|multi", "en-US"),
        pattern("transcriptionEngine", "(?i:google|deepgram)", "google", BAD_ENGINE),
        boolean("profanityFilter", True),
        text("speechModel", most=100),
        text("hints"),
        boolean("enableAutomaticPunctuation", True),
        text("intelligenceService", most=256),
        text("conversationConfiguration", most=256),
        text("conversationId", most=256),
        boolean("enableProviderData", False),
    ),
    CONFIGURED,
    BAD_ENGINE,
)
FORKED = {"Stream": STREAM, "Siprec": SIPREC, "Transcription": TRANSCRIPTION}
"""What <Start> begins and <Stop> ends, besides a recording."""

_PROVIDERS = ("Google", "Amazon", "ElevenLabs")
RELAY_LANGUAGE = Schema(
    (
        pattern("code", rf"{LANGUAGE}|multi", code=RELAY_CONFIGURATION),
        choice("ttsProvider", _PROVIDERS, "ElevenLabs", RELAY_CONFIGURATION),
        text("voice", RELAY_CONFIGURATION, most=200),
        choice("transcriptionProvider", ("Google", "Deepgram"), "Deepgram", RELAY_CONFIGURATION),
        text("speechModel", RELAY_CONFIGURATION, most=100),
        text("hints"),
        boolean("asrSmartFormat", True),
        text("ttsTextNormalization", most=20),
        text("ttsLanguageTextNormalization", most=20),
    )
)
RELAY = Schema(
    (
        _websocket(RELAY_CONFIGURATION),
        text("welcomeGreeting"),
        choice("welcomeGreetingInterruptible", INTERRUPTIBLE, "any"),
        pattern("language", rf"{LANGUAGE}|multi", "en-US", RELAY_CONFIGURATION),
        pattern("ttsLanguage", LANGUAGE, code=RELAY_CONFIGURATION),
        choice("ttsProvider", _PROVIDERS, "ElevenLabs", RELAY_CONFIGURATION),
        text("voice", RELAY_CONFIGURATION, most=200),
        pattern("transcriptionLanguage", rf"{LANGUAGE}|multi", code=RELAY_CONFIGURATION),
        choice("transcriptionProvider", ("Google", "Deepgram"), "Deepgram", RELAY_CONFIGURATION),
        text("speechModel", RELAY_CONFIGURATION, most=100),
        choice("interruptible", INTERRUPTIBLE, "any"),
        choice("interruptSensitivity", ("low", "medium", "high"), "high"),
        boolean("dtmfDetection", False),
        choice("reportInputDuringAgentSpeech", INTERRUPTIBLE, "none"),
        boolean("preemptible", False),
        text("hints"),
        boolean("partialPrompts", False),
        boolean("profanityFilter", True),
        text("debug", most=100),
        words("events", frozenset({"debugging", "speaker-events", "tokens-played"}), frozenset(), 12200),
        choice("elevenlabsTextNormalization", ("on", "auto", "off"), "off"),
        text("elevenlabsLanguageTextNormalization", most=20),
        text("intelligenceService", most=256),
        boolean("deepgramSmartFormat", True),
        Attribute("speechTimeout", _speech_timeout, "auto"),
        text("ignoreBackchannel", most=20),
        text("backgroundNoiseReduction", most=20),
        _number("eagerEotThreshold", 0.3, 0.9),
        _number("eotThreshold", 0.3, 0.9),
        boolean("asrSmartFormat", True),
        text("ttsTextNormalization", most=20),
        text("ttsLanguageTextNormalization", most=20),
        boolean("partialPromptOnHangup", False),
        words("includeInPrompt", frozenset({"turn-state", "prompt-segments"}), frozenset(), 12200),
        text("customerName", most=256),
        boolean("applicationReconnect", False),
        boolean("echoPromptFiltering", False),
        text("turnDetection", most=100),
        text("conversationConfiguration", most=256),
        text("conversationId", most=256),
    ),
    {"Language": RELAY_LANGUAGE, "Parameter": PARAMETER},
    RELAY_CONFIGURATION,
)
AGENT = Schema(
    (CONNECTOR, pattern("language", LANGUAGE), boolean("sentimentAnalysis", False), STATUS_URL, STATUS_METHOD),
    CONFIGURED,
    AGENT_UNSUPPORTED,
)
CONVERSATION = Schema(
    (
        text("serviceInstanceSid", most=64),
        boolean("inboundAutocreation", False),
        pattern("routingAssignmentTimeout", "[0-9]{1,6}"),
        pattern("inboundTimeout", "[0-9]{1,6}"),
        address("url"),
        method(),
        text("record", most=40),
        choice("trim", ("trim-silence", "do-not-trim"), "do-not-trim"),
        RECORDING_URL,
        RECORDING_METHOD,
        RECORDING_EVENTS,
        STATUS_URL,
        STATUS_METHOD,
        text("statusCallbackEvent", most=200),
    )
)
CONNECTED = {
    "Stream": STREAM,
    "ConversationRelay": RELAY,
    "VirtualAgent": AGENT,
    "Room": Schema((text("participantIdentity", most=256),)),
    "Conversation": CONVERSATION,
    "Autopilot": Schema(),
    "AiSession": Schema((text("aiConnector", most=256), text("aiSessionConfiguration", most=256))),
    "ConversationRelaySession": Schema((text("connector", most=256), text("sessionConfiguration", most=256))),
}
"""What <Connect> connects a caller with."""
