"""What the vendor's own SDK writes is understood without a warning, whatever attributes it is given."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.twiml.voice_response import Dial, Gather, Say, Sip, VoiceResponse

from callwright.twiml.document import Document, parse
from tests.twiml.verbs.test_dial import TONES

BASE = "http://app.example/voice"
TEXT = st.text(
    st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufffd"), min_size=1, max_size=40
).filter(str.strip)
URL = st.sampled_from(["/next", "http://a.example/x?a=1&b=ä", "next#rc=2", "https://u:p@a.example:8443/"])
SOUND = st.sampled_from(["/a.wav", "http://a.example/a.mp3?x=1&y=2", "sounds/b.mp3"])
METHOD = st.sampled_from(["GET", "POST"])
EVENTS = st.lists(st.sampled_from(["initiated", "ringing", "answered", "completed"]), min_size=1, unique=True).map(
    " ".join
)
RECORDING_EVENTS = st.sampled_from(["completed", "in-progress completed absent"])
NUMBER = st.sampled_from(["+15550001111", "+49 30 123-4567", "(555) 000-1111"])
SAY = {
    "voice": st.sampled_from(["man", "woman", "alice", "Polly.Joanna-Neural", "Google.en-US-Standard-A"]),
    "language": st.sampled_from(["en-US", "de-DE", "cmn-CN", "arb"]),
    "loop": st.integers(0, 1000),
}
PLAY = {"loop": st.integers(0, 1000), "digits": st.text("0123456789*#wW", min_size=1, max_size=10)}
PAUSE = {"length": st.integers(0, 100)}
STATUS = {"status_callback": URL, "status_callback_method": METHOD, "status_callback_event": EVENTS}
RECORDING = {
    "recording_status_callback": URL,
    "recording_status_callback_method": METHOD,
    "recording_status_callback_event": RECORDING_EVENTS,
}
GATHER = {
    "action": URL,
    "method": METHOD,
    "timeout": st.integers(0, 60),
    "num_digits": st.integers(1, 20),
    "finish_on_key": st.sampled_from(["", "#", "*", "5"]),
    "action_on_empty_result": st.booleans(),
    "language": st.just("en-GB"),
    "hints": st.just("yes, no"),
    "barge_in": st.booleans(),
    "debug": st.booleans(),
    "enhanced": st.booleans(),
    "profanity_filter": st.booleans(),
    "speech_timeout": st.sampled_from(["1", "30"]),
    "max_speech_time": st.integers(1, 60),
    "speech_model": st.sampled_from(["default", "phone_call", "numbers_and_commands"]),
    "partial_result_callback": URL,
    "partial_result_callback_method": METHOD,
    "input": st.sampled_from(["dtmf", "speech", "dtmf speech"]),
}
RECORD = RECORDING | {
    "action": URL,
    "method": METHOD,
    "timeout": st.integers(0, 60),
    "finish_on_key": st.sampled_from(["", "#", "123"]),
    "max_length": st.integers(1, 14400),
    "play_beep": st.booleans(),
    "trim": st.sampled_from(["trim-silence", "do-not-trim"]),
    "transcribe": st.booleans(),
    "transcribe_callback": URL,
}
DIAL = RECORDING | {
    "action": URL,
    "method": METHOD,
    "timeout": st.integers(5, 600),
    "time_limit": st.integers(1, 14400),
    "hangup_on_star": st.booleans(),
    "caller_id": NUMBER,
    "record": st.sampled_from(
        [
            "do-not-record",
            "record-from-answer",
            "record-from-ringing",
            "record-from-answer-dual",
            "record-from-ringing-dual",
            "true",
        ]
    ),
    "trim": st.sampled_from(["trim-silence", "do-not-trim"]),
    "recording_track": st.sampled_from(["both", "inbound", "outbound"]),
    "answer_on_bridge": st.booleans(),
    "ring_tone": st.sampled_from(TONES.split()),
    "sequential": st.booleans(),
}
CONFERENCE = RECORDING | {
    "muted": st.booleans(),
    "beep": st.sampled_from(["true", "false", "onEnter", "onExit"]),
    "start_conference_on_enter": st.booleans(),
    "end_conference_on_exit": st.booleans(),
    "wait_url": URL,
    "wait_method": METHOD,
    "max_participants": st.integers(2, 250),
    "record": st.sampled_from(["do-not-record", "record-from-start", "true", "false"]),
    "region": st.sampled_from(["us1", "ie1"]),
    "coach": st.just("CA" + "1" * 32),
    "trim": st.sampled_from(["trim-silence", "do-not-trim"]),
    "status_callback": URL,
    "status_callback_method": METHOD,
    "status_callback_event": st.just("start end join leave mute hold modify speaker announcement"),
    "event_callback_url": URL,
    "jitter_buffer_size": st.sampled_from(["large", "medium", "small", "off"]),
    "participant_label": st.sampled_from(["customer", "the boss"]),
}
ENQUEUE = {
    "action": URL,
    "max_queue_size": st.integers(1, 5000),
    "method": METHOD,
    "wait_url": URL,
    "wait_url_method": METHOD,
}
DETECTION = {
    "machine_detection": st.sampled_from(["Enable", "DetectMessageEnd"]),
    "machine_detection_timeout": st.integers(3, 60),
    "machine_detection_speech_threshold": st.integers(1000, 6000),
    "machine_detection_speech_end_threshold": st.integers(500, 5000),
    "machine_detection_silence_timeout": st.integers(2000, 10000),
    "amd_status_callback": URL,
    "amd_status_callback_method": METHOD,
}
NOUN_NUMBER = STATUS | DETECTION | {"send_digits": st.text("0123456789*#wW", min_size=1, max_size=10)}
SIP_URI = st.sampled_from(["sip:bob@pbx.example", "sip:bob@pbx.example:5070;transport=tls?X-A=1&X-B=%C3%A4"])


def some(table: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Any choice of a table's attributes."""
    return st.fixed_dictionaries({}, optional=table)


@st.composite
def spoken(draw: st.DrawFn, say: Callable[..., Say]) -> None:
    node = say(draw(st.none() | TEXT), **draw(some(SAY)))
    for _ in range(draw(st.integers(0, 3))):
        match draw(st.integers(0, 7)):
            case 0:
                node.break_(strength="strong", time="250ms")
            case 1:
                node.emphasis(draw(TEXT), level="moderate")
            case 2:
                node.lang(draw(TEXT), xml_lang="fr-FR")
            case 3:
                node.p(draw(TEXT))
            case 4:
                node.phoneme(draw(TEXT), alphabet="ipa", ph=draw(TEXT).strip())
            case 5:
                node.prosody(draw(TEXT), volume="-6dB", rate="slow", pitch="+10%")
            case 6:
                node.say_as(draw(TEXT), interpret_as="date", format="mdy")
            case 7:
                node.sub(draw(TEXT), alias=draw(TEXT).strip())
        node.append(draw(TEXT))
    if not node.verbs and node.value is None:
        node.append("nothing else")


@st.composite
def prompted(draw: st.DrawFn, node: Gather | VoiceResponse) -> None:
    match draw(st.integers(0, 2)):
        case 0:
            draw(spoken(node.say))
        case 1:
            node.play(draw(SOUND), **draw(some(PLAY)))
        case 2:
            node.pause(**draw(some(PAUSE)))


@st.composite
def dialled(draw: st.DrawFn, dial: Dial) -> None:
    for _ in range(draw(st.integers(1, 10))):
        if draw(st.booleans()):
            dial.number(draw(NUMBER), **draw(some(NOUN_NUMBER)))
            continue
        login = draw(st.sampled_from([{}, {"username": "u", "password": "p w"}]))
        if draw(st.booleans()):
            dial.sip(draw(SIP_URI), **login, **draw(some(STATUS | DETECTION)))
            continue
        noun: Sip = dial.sip(**login, **draw(some(STATUS | DETECTION)))
        for _ in range(draw(st.integers(1, 10))):
            noun.uri(draw(SIP_URI), priority=draw(st.integers(0, 9)), weight=draw(st.integers(0, 9)))
        headers = noun.headers()
        headers.header(name="X-Name", value=draw(TEXT).strip())


@st.composite
def roomed(draw: st.DrawFn, response: VoiceResponse) -> None:
    """A conference, a queue, or the wait in one."""
    match draw(st.integers(0, 2)):
        case 0:
            response.dial(**draw(some(DIAL))).conference(draw(TEXT), **draw(some(CONFERENCE)))
        case 1:
            response.dial(**draw(some(DIAL))).queue(draw(TEXT), url=draw(URL), method=draw(METHOD))
        case 2:
            response.enqueue(draw(TEXT), **draw(some(ENQUEUE)))


@st.composite
def responses(draw: st.DrawFn) -> VoiceResponse:
    response = VoiceResponse()
    for _ in range(draw(st.integers(1, 4))):
        match draw(st.integers(0, 9)):
            case 0 | 1:
                draw(prompted(response))
            case 8:
                draw(roomed(response))
            case 9:
                response.leave()
            case 2:
                gather = response.gather(**draw(some(GATHER)))
                for _ in range(draw(st.integers(0, 3))):
                    draw(prompted(gather))
            case 3:
                response.record(**draw(some(RECORD)))
            case 4:
                response.dial(draw(NUMBER), **draw(some(DIAL)))
            case 5:
                draw(dialled(response.dial(**draw(some(DIAL)))))
            case 6:
                response.redirect(draw(URL), **draw(some({"method": METHOD})))
            case 7:
                response.reject(reason=draw(st.sampled_from(["busy", "rejected"])))
                response.hangup().parameter(name="a", value="b")
    return response


def read(response: VoiceResponse) -> Document:
    return parse(str(response).encode(), "text/html; charset=utf-8", BASE)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(responses())
def test_every_document_of_the_sdk_is_understood(response: VoiceResponse) -> None:
    parsed = read(response)
    assert [warning.message for warning in parsed.warnings] == []
    assert [verb.name for verb in parsed.verbs] == [verb.name for verb in response.verbs]


def test_arbitrary_children_are_said() -> None:
    response = VoiceResponse()
    response.add_child("Alexa", "x", volume=11)
    response.say("Hello")
    parsed = read(response)
    assert [warning.code for warning in parsed.warnings] == [12200]
    assert [verb.name for verb in parsed.verbs] == ["Say"]
