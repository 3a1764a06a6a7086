"""Every verb and noun with its attributes: what each may say, its default, the warning of a bad value, and if it works.

Enumerated from the declarations that the parsers themselves read. Tests walk it, `callwright verbs` prints it, and the
README's table is made of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from callwright.twiml.attribute import Attribute
from callwright.twiml.verbs import (
    VERBS,
    application,
    client,
    conference,
    later,
    number,
    parameter,
    queue,
    sip,
    start,
    streams,
)
from callwright.twiml.verbs.dial import LATER

URI = "sip:bob@pbx.example"
PHONE = "+15550001111"


class State(StrEnum):
    """How much of an attribute, or an element, works."""

    WORKS = "works"
    PARTLY = "partly"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Declared:
    """An element and its attributes.

    Attributes:
        path: its verb and itself, "Dial/Number".
        example: a verb in which it stands, with {} for its attributes.
        state: WORKS, unless nothing or not all of it is carried out.
        beside: what must stand beside an attribute.
        drops: attributes whose bad value drops the whole verb or noun, rather than being replaced by the default.
    """

    path: str
    attributes: tuple[Attribute[Any], ...]
    example: str
    state: State = State.WORKS
    beside: Mapping[str, str] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()

    def state_of(self, attribute: Attribute[Any]) -> State:
        """Whether an attribute does something here."""
        return State.NOT if attribute.why or self.state is State.NOT else State.WORKS


@dataclass(frozen=True, slots=True)
class Form:
    """Values of an attribute whose declaration does not tell them: in words, samples of good ones and of bad ones."""

    allowed: str
    good: tuple[str, ...]
    bad: tuple[str, ...]


_LANGUAGE = Form("a BCP-47 tag", ("de-DE", "cmn-CN"), ("!", "english please"))
_MULTI = Form("a BCP-47 tag, multi", ("de-DE", "multi"), ("!",))
_SOCKET = Form("a ws:// or wss:// URL", ("wss://a.example/x",), ("http://a.example", ""))
_SECONDS = Form("a whole number", ("5",), ("x", "-1"))
_KEYED = Form("0-9 * # w (0.5 s) W (1 s)", ("12w*#W",), ("1-2", "abc"))
_PARTY = Form("a number, a name, a sip: URI", (PHONE, URI), ("??", ""))
_LOGIN = Form("text of up to 255 characters", ("alice",), ("a" * 256,))
_ROLLING = Form("0.3 to 0.9", ("0.3", "0.9"), ("1", "x"))
FORMS: dict[tuple[str, str], Form] = {
    ("Dial", "callerId"): Form("a number or name that may be shown; judged when it is dialled", (PHONE,), ()),
    ("Gather", "input"): Form("dtmf, speech, dtmf speech", ("dtmf",), ("voice", "")),
    ("Gather", "speechTimeout"): Form("auto, seconds", ("auto", "3"), ("0", "soon")),
    ("Gather", "speechModel"): Form("the name of a model", ("phone_call",), ("", "!")),
    ("Gather", "hints"): Form("up to 500 phrases with commas between", ("yes, no",), ("a" * 101,)),
    ("Gather", "language"): _LANGUAGE,
    ("Play", "digits"): _KEYED,
    ("Say", "voice"): Form("man, woman, alice, Polly.*, Google.*", ("alice", "Polly.Joanna-Neural"), ("robot", "")),
    ("Say", "language"): _LANGUAGE,
    ("Dial/Number", "sendDigits"): _KEYED,
    ("Dial/Number", "amdStatusCallback"): Form("a URL", ("/amd",), ()),
    ("Dial/Sip", "amdStatusCallback"): Form("a URL", ("/amd",), ()),
    ("Dial/Sip", "sendDigits"): _KEYED,
    ("Dial/Sip", "username"): _LOGIN,
    ("Dial/Sip", "password"): _LOGIN,
    ("Dial/Sip/Uri", "username"): _LOGIN,
    ("Dial/Sip/Uri", "password"): _LOGIN,
    ("Dial/Sip/Headers/Header", "name"): Form("X-..., User-to-User, ...", ("X-A", "User-to-User"), ("Via", "a b")),
    ("Dial/Sip/Headers/Header", "value"): Form("printable text", ("a b",), ("a&#10;b",)),
    ("Dial/Conference", "coach"): Form("a CallSid", ("CA" + "0" * 32,), ("bob",)),
    ("Dial/Conference", "participantLabel"): Form("a name of up to 128 characters", ("agent 7",), ("a" * 129,)),
    ("Message", "to"): _PARTY,
    ("Message", "from"): _PARTY,
    ("Sms", "to"): _PARTY,
    ("Sms", "from"): _PARTY,
    ("Pay", "chargeAmount"): Form("an amount", ("9.99",), ("much", "")),
    ("Pay", "currency"): Form("three letters", ("usd",), ("dollars",)),
    ("Prompt", "attempt"): Form("a list of numbers", ("1 2",), ("first",)),
    ("Start/Stream", "url"): _SOCKET,
    ("Start/Stream", "sampleRate"): Form("Hz", ("8000",), ("8k",)),
    ("Start/Transcription", "languageCode"): _MULTI,
    ("Start/Transcription", "transcriptionEngine"): Form("google, deepgram", ("google", "Deepgram"), ("x",)),
    ("Connect/Stream", "url"): _SOCKET,
    ("Connect/Stream", "sampleRate"): Form("Hz", ("8000",), ("8k",)),
    ("Connect/VirtualAgent", "language"): _LANGUAGE,
    ("Connect/Conversation", "routingAssignmentTimeout"): _SECONDS,
    ("Connect/Conversation", "inboundTimeout"): _SECONDS,
    ("Connect/ConversationRelay", "url"): _SOCKET,
    ("Connect/ConversationRelay", "language"): _MULTI,
    ("Connect/ConversationRelay", "ttsLanguage"): _LANGUAGE,
    ("Connect/ConversationRelay", "transcriptionLanguage"): _MULTI,
    ("Connect/ConversationRelay", "speechTimeout"): Form("auto, 600 to 5000 ms", ("auto", "600"), ("599", "x")),
    ("Connect/ConversationRelay", "eagerEotThreshold"): _ROLLING,
    ("Connect/ConversationRelay", "eotThreshold"): _ROLLING,
    ("Connect/ConversationRelay/Language", "code"): _MULTI,
}

_LOGGED_IN = {"username": "password='x'", "password": "username='x'"}
_VERBS: dict[str, Declared] = {
    "Connect": Declared("Connect", (), "<Connect {}><Room>x</Room></Connect>", State.PARTLY),
    "Dial": Declared("Dial", (), f"<Dial {{}}>{PHONE}</Dial>"),
    "Echo": Declared("Echo", (), "<Echo {}/>"),
    "Enqueue": Declared("Enqueue", (), "<Enqueue {}>support</Enqueue>", drops=frozenset({"workflowSid"})),
    "Gather": Declared("Gather", (), "<Gather {}/>"),
    "Hangup": Declared("Hangup", (), "<Hangup {}/>"),
    "Leave": Declared("Leave", (), "<Leave {}/>"),
    "Message": Declared("Message", (), "<Message {}>Hello</Message>", drops=frozenset({"to", "from"})),
    "Pause": Declared("Pause", (), "<Pause {}/>"),
    "Pay": Declared("Pay", (), "<Pay {}/>", State.NOT),
    "Play": Declared("Play", (), "<Play {}>/a.wav</Play>"),
    "Record": Declared("Record", (), "<Record {}/>"),
    "Redirect": Declared("Redirect", (), "<Redirect {}>/next</Redirect>"),
    "Refer": Declared("Refer", (), f"<Refer {{}}><Sip>{URI}</Sip></Refer>"),
    "Reject": Declared("Reject", (), "<Reject {}/>"),
    "Say": Declared("Say", (), "<Say {}>Hello</Say>"),
    "Sms": Declared("Sms", (), "<Sms {}>Hello</Sms>", drops=frozenset({"to", "from"})),
    "Start": Declared("Start", (), "<Start {}><Recording/></Start>", State.PARTLY),
    "Stop": Declared("Stop", (), "<Stop {}><Recording/></Stop>", State.PARTLY),
}
_ASKED = frozenset({"url"})


def _dialled() -> Iterator[Declared]:
    yield Declared("Dial/Number", number.ATTRIBUTES, f"<Dial><Number {{}}>{PHONE}</Number></Dial>", drops=_ASKED)
    yield Declared("Dial/Sip", sip.ATTRIBUTES, f"<Dial><Sip {{}}>{URI}</Sip></Dial>", beside=_LOGGED_IN, drops=_ASKED)
    yield Declared(
        "Dial/Sip/Uri", sip.URI_ATTRIBUTES, f"<Dial><Sip><Uri {{}}>{URI}</Uri></Sip></Dial>", beside=_LOGGED_IN
    )
    yield Declared(
        "Dial/Sip/Headers/Header",
        (sip.HEADER_NAME, sip.HEADER_VALUE),
        f"<Dial><Sip>{URI}<Headers><Header {{}}/></Headers></Sip></Dial>",
        beside={"value": "name='X-A'"},
        drops=frozenset({"name", "value"}),
    )
    yield Declared("Dial/Client", client.ATTRIBUTES, "<Dial><Client {}>bob</Client></Dial>", State.PARTLY, drops=_ASKED)
    yield Declared(
        "Dial/Application",
        application.ATTRIBUTES,
        f"<Dial><Application {{}}>AP{'0' * 32}</Application></Dial>",
        drops=_ASKED,
    )
    yield Declared("Dial/Conference", conference.ATTRIBUTES, "<Dial><Conference {}>sales</Conference></Dial>")
    yield Declared("Dial/Queue", queue.ATTRIBUTES, "<Dial><Queue {}>support</Queue></Dial>")
    for name in LATER:
        yield Declared(f"Dial/{name}", _schema(name), f"<Dial><{name} {{}}>x</{name}></Dial>", State.NOT)


def _carried() -> Iterator[Declared]:
    yield Declared("Start/Recording", start.RECORDING, "<Start><Recording {}/></Start>")
    for name, schema in streams.FORKED.items():
        yield Declared(f"Start/{name}", schema.attributes, f"<Start><{name} {{}}/></Start>", State.NOT)
    for name, schema in streams.CONNECTED.items():
        yield Declared(f"Connect/{name}", schema.attributes, f"<Connect><{name} {{}}/></Connect>", State.NOT)
    yield Declared(
        "Connect/ConversationRelay/Language",
        streams.RELAY_LANGUAGE.attributes,
        "<Connect><ConversationRelay><Language {}/></ConversationRelay></Connect>",
        State.NOT,
    )

    yield Declared(
        "Hangup/Parameter",
        parameter.ATTRIBUTES,
        "<Hangup><Parameter {}/></Hangup>",
        beside={"value": "name='a'"},
        drops=frozenset({"name"}),
    )


def _skipped() -> Iterator[Declared]:
    for name, schema in later.VERBS.items():
        yield Declared(name, schema.attributes, f"<{name} {{}}/>", State.NOT)
        for inner, child in schema.children.items():
            if inner == "Task":
                yield Declared(f"{name}/{inner}", child.attributes, f"<{name}><{inner} {{}}/></{name}>", State.NOT)


def _schema(name: str) -> tuple[Attribute[Any], ...]:
    known = later.NOUNS.get(name)
    return known.attributes if known else ()


def _described(one: Declared) -> Declared:
    """An element, the forms of its attributes filled in."""
    told = []
    for attribute in one.attributes:
        if form := FORMS.get((one.path, attribute.name)):
            attribute = replace(attribute, allowed=form.allowed, good=form.good, bad=form.bad)
        told.append(attribute)
    return replace(one, attributes=tuple(told))


def elements() -> tuple[Declared, ...]:
    """Every verb and noun, the verbs first."""
    verbs = [
        replace(
            _VERBS.get(name, Declared(name, (), f"<{name} {{}}/>")),
            attributes=verb.attributes,
        )
        for name, verb in VERBS.items()
    ]
    return tuple(_described(one) for one in [*verbs, *_dialled(), *_carried(), *_skipped()])


def _excused(attribute: Attribute[Any]) -> str:
    return f"{attribute.name} ({attribute.why})"


def markdown() -> list[str]:
    """The table of the README: each element, what of it works, and what is checked and has no effect."""
    lines = ["| Element | State | Attributes that work | Checked, without effect |", "|---|---|---|---|"]
    for one in elements():
        working = [a.name for a in one.attributes if one.state_of(a) is State.WORKS]
        idle = [a for a in one.attributes if one.state_of(a) is State.NOT]
        without = "every attribute" if one.state is State.NOT and idle else ", ".join(map(_excused, idle))
        lines.append(f"| {one.path} | {one.state} | {', '.join(working)} | {without} |")
    return lines
