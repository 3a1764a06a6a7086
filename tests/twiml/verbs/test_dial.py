"""<Dial> (call-control reference §1.6)."""

from collections.abc import Mapping
from typing import Any

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.control import (
    Dialled,
    DialPlan,
    DialRecording,
    NumberTarget,
    Recorded,
    RecordingCallback,
    SipTarget,
)
from callwright.calls.status import CallStatus
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.dial import RING_TONES
from callwright.twiml.verbs.sip import Sip
from tests.twiml.playbook import STANDARD, VOICE, Playbook, codes, document, fetch, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

ACTION = Hook("http://app.example/d")
CHILD = "CA" + "4" * 32
ONE, TWO = NumberTarget("+15550001111"), NumberTarget("+15550002222")
NUMBERS = {"+15557654321": "+15557654321", "client:bob": "client:bob", "": ""}
TONES = (
    "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us "
    "us-old tw ve za"
)


def recording(verb: Any) -> DialRecording | None:
    assert isinstance(verb, Dial)
    return verb.recording


def unused(verb: Any) -> object:
    """What has no effect here leaves the party as it is."""
    assert verb.parties == (ONE,)
    return None


RECORDED: Mapping[str, DialRecording | None] = {
    "do-not-record": None,
    "false": None,
    "true": DialRecording(),
    "record-from-answer": DialRecording(from_ringing=False, dual=False),
    "record-from-ringing": DialRecording(from_ringing=True, dual=False),
    "record-from-answer-dual": DialRecording(from_ringing=False, dual=True),
    "record-from-ringing-dual": DialRecording(from_ringing=True, dual=True),
}
TABLE = Table(
    lambda attributes: f"<Dial {attributes}>+15550001111</Dial>",
    [
        # action | url | none
        Row("action", lambda verb: verb.action, {"/d": ACTION, "": None, "ftp://x/": Hook("ftp://x/")}, None),
        # method | GET, POST | POST | 13210
        Row("method", lambda verb: verb.action, {"GET": None}, None, ["PUT", ""], 13210),
        # timeout | 5-600 | 30 | 13212
        Row("timeout", lambda verb: verb.timeout, {"5": 5, "600": 600}, 30, ["4", "601", "x", ""], 13212),
        # timeLimit | int | 14400 | 13216
        Row("timeLimit", lambda verb: verb.time_limit, {"1": 1, "86400": 86400}, 14400, ["0", "86401", "x"], 13216),
        # hangupOnStar | true, false | false | 13213
        Row("hangupOnStar", lambda verb: verb.hangup_on_star, {"true": True, "false": False}, False, ["x"], 13213),
        # callerId | the caller's own | (judged when it is dialled)
        Row("callerId", lambda verb: verb.caller_id, NUMBERS, ""),
        # record | ... | do-not-record | 13217
        Row("record", recording, RECORDED, None, ["yes", "", "record"], 13217),
        Row("trim", recording, {"trim-silence": None, "do-not-trim": None}, None, ["x", "true"]),
        Row("recordingTrack", recording, {"both": None, "inbound": None, "outbound": None}, None, ["left"]),
        Row("recordingStatusCallback", recording, {"/cb": None, "": None}, None, ["ftp://x/"], 13256),
        Row("recordingStatusCallbackMethod", recording, {"GET": None}, None, ["PUT"]),
        Row("recordingStatusCallbackEvent", recording, {"absent in-progress": None}, None, ["x", ""]),
        # answerOnBridge | true, false | false | 13219
        Row("answerOnBridge", lambda verb: verb.answer_on_bridge, {"true": True, "false": False}, False, ["x"], 13219),
        # ringTone | two letters | automatic | 13220
        Row("ringTone", lambda verb: verb.ring_tone, {t: t for t in TONES.split()}, "", ["xx", "", "DE"], 13220),
        # sequential | true, false | false | 13218
        Row("sequential", lambda verb: verb.sequential, {"true": True, "false": False}, False, ["x"], 13218),
        Row("recordingConfigurationId", unused, {"RC1": None}, None, noted=12200),
        # referUrl, referMethod | a URL | none, POST
        Row("referUrl", lambda verb: verb.refer, {"/refer": Hook("http://app.example/refer")}, None, ["ftp://x/"]),
        Row("referMethod", lambda verb: verb.refer, {"GET": None}, None, ["PUT"]),
        # callReason | up to 50 characters | none
        Row("callReason", lambda verb: verb.reason, {"": "", "a" * 50: "a" * 50}, "", ["a" * 51]),
        Row("events", unused, {"call-progress-event": None}, None, ["all"]),
        Row("passports", unused, {"x": None}, None, noted=12200),
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
    TABLE.check_complete(
        Dial.attributes,
        "action method timeout hangupOnStar timeLimit callerId record trim recordingStatusCallback "
        "recordingConfigurationId recordingStatusCallbackMethod recordingStatusCallbackEvent answerOnBridge ringTone "
        "recordingTrack sequential referUrl referMethod events passports callReason",
    )
    assert set(TONES.split()) == set(RING_TONES)


def test_the_recording_with_all_that_belongs_to_it() -> None:
    (dial,) = document(
        "<Dial record='record-from-ringing-dual' trim='trim-silence' recordingTrack='outbound' "
        "recordingStatusCallback='/cb' recordingStatusCallbackMethod='GET' "
        "recordingStatusCallbackEvent='absent in-progress'>+15550001111</Dial>"
    ).verbs
    callback = RecordingCallback(Hook("http://app.example/cb", "GET"), frozenset({"absent", "in-progress"}))
    assert recording(dial) == DialRecording(
        from_ringing=True, dual=True, trim=True, track="outbound", callback=callback
    )


def parties(inner: str) -> tuple[object, list[int]]:
    """The parties of a <Dial>, and the codes that were warned about."""
    parsed = document(f"<Dial>{inner}</Dial>")
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    return dial.parties, codes(parsed)


def test_parties_keep_their_order() -> None:
    assert parties("<Number>+15550001111</Number><Number>+15550002222</Number>") == ((ONE, TWO), [])


def test_text_beside_nouns_is_ignored() -> None:
    assert parties("+15550003333<Number>+15550001111</Number>") == ((ONE,), [12200])


def test_ten_parties_and_no_more() -> None:
    found, warned = parties("".join(f"<Number>{number}</Number>" for number in range(100, 111)))
    assert found == tuple(NumberTarget(str(number)) for number in range(100, 110))
    assert warned == [12200]


@pytest.mark.parametrize(
    ("noun", "code"),
    [
        ("<WhatsApp>1</WhatsApp>", 12200),
        ("<Sim>DE1</Sim>", 13258),
        ("<Say>Hello</Say>", 13215),
        ("<number>+1555</number>", 13215),
    ],
)
def test_nouns_that_cannot_be_dialled(noun: str, code: int) -> None:
    assert parties(f"{noun}<Number>+15550001111</Number>") == ((ONE,), [code])


@pytest.mark.parametrize(
    ("inner", "warned"),
    [
        ("<Conference/>", [13237]),
        ("<Queue/>", [14212]),
        ("<Conference>room</Conference><Number>+15550001111</Number>", [13000]),
        ("<Queue>support</Queue><Number>+15550001111</Number>", [13215]),
        ("<Queue>support</Queue><Conference>room</Conference>", [13000]),
        ("<Say>Hello</Say>", [13215, 13223]),
        ("", [13223]),
    ],
)
async def test_a_dial_without_anybody_to_dial_fails_towards_its_action(inner: str, warned: list[int]) -> None:
    book = Playbook(
        fetch(VOICE) >> twiml(f"<Dial action='/d'>{inner}</Dial><Say>Unreachable</Say>"),
        fetch(ACTION, DialCallStatus="failed", DialBridged="false") >> twiml(f"<Dial>{inner}</Dial><Say>Next</Say>"),
        speech("Next"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == warned * 2
    assert parties(inner) == ((), warned)


async def test_the_plan_says_everything() -> None:
    await Playbook(
        fetch(VOICE)
        >> twiml(
            "<Dial timeout='20' timeLimit='600' hangupOnStar='true' callerId='+1 (555) 765-4321' answerOnBridge='true' "
            "ringTone='de' sequential='true' record='true'><Number sendDigits='1'>+15550001111</Number>"
            "<Sip username='u' password='p'>sip:bob@pbx.example?X-A=1</Sip></Dial>"
        ),
        op(
            "dial",
            DialPlan(
                targets=(
                    NumberTarget("+15550001111", send_digits="1"),
                    SipTarget("sip:bob@pbx.example", "u", "p", (("X-A", "1"),)),
                ),
                caller_id="+15557654321",
                timeout=20,
                time_limit=600,
                hangup_on_star=True,
                answer_on_bridge=True,
                ring_tone="de",
                sequential=True,
                recording=DialRecording(),
            ),
        )
        >> Dialled("completed"),
        op("hangup"),
    ).play_out()


@pytest.mark.parametrize(
    ("dialled", "told"),
    [
        (
            Dialled("completed", CHILD, 12, bridged=True),
            {"DialCallStatus": "completed", "DialCallSid": CHILD, "DialCallDuration": "12", "DialBridged": "true"},
        ),
        (
            Dialled("no-answer", CHILD),
            {"DialCallStatus": "no-answer", "DialCallSid": CHILD, "DialBridged": "false"},
        ),
        (Dialled("busy", CHILD), {"DialCallStatus": "busy", "DialCallSid": CHILD, "DialBridged": "false"}),
        (Dialled("failed"), {"DialCallStatus": "failed", "DialBridged": "false"}),
        (
            Dialled("completed", CHILD, 0, bridged=True, recording=Recorded("RE1", "http://api.example/RE1", 5)),
            {
                "DialCallStatus": "completed",
                "DialCallSid": CHILD,
                "DialCallDuration": "0",
                "DialBridged": "true",
                "RecordingUrl": "http://api.example/RE1",
                "RecordingSid": "RE1",
                "RecordingDuration": "5",
            },
        ),
        (
            Dialled("busy", CHILD, sip=True, sip_call_id="abc@h", sip_code=486, sip_headers=[("X-Why", "lunch")]),
            {
                "DialCallStatus": "busy",
                "DialCallSid": CHILD,
                "DialBridged": "false",
                "DialSipCallId": "abc@h",
                "DialSipResponseCode": "486",
                "DialSipHeader_X-Why": "lunch",
            },
        ),
        (
            Dialled("failed", CHILD, sip=True, sip_call_id="abc@h"),
            {
                "DialCallStatus": "failed",
                "DialCallSid": CHILD,
                "DialBridged": "false",
                "DialSipCallId": "abc@h",
                "DialSipResponseCode": "",
            },
        ),
    ],
)
async def test_what_the_action_is_told(dialled: Dialled, told: dict[str, str]) -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Dial action='/d' method='GET'>+15550001111</Dial><Say>Unreachable</Say>"),
        op("dial", DialPlan(targets=(ONE,))) >> dialled,
        fetch(Hook(ACTION.url, "GET"), **told) >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_without_an_action_the_next_verb_runs() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Dial>+15550001111</Dial><Say>They have left</Say>"),
        op("dial", DialPlan(targets=(ONE,))) >> Dialled("completed", CHILD, 3, bridged=True),
        speech("They have left"),
        op("hangup"),
    ).play_out()


async def test_the_action_of_a_caller_who_left_is_requested_and_its_answer_discarded() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Dial action='/d'>+15550001111</Dial><Say>Unreachable</Say>"),
        (op("dial", DialPlan(targets=(ONE,))) >> Dialled("canceled", CHILD, hung_up=True)).then(CallStatus.COMPLETED),
        fetch(ACTION, DialCallStatus="canceled", DialCallSid=CHILD, DialBridged="false") >> twiml("<Say>x</Say>"),
    ).play_out()


async def test_a_caller_who_left_ends_a_dial_without_an_action() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Dial>+15550001111</Dial><Redirect>/unreachable</Redirect>"),
        (op("dial", DialPlan(targets=(ONE,))) >> Dialled("canceled", hung_up=True)).then(CallStatus.COMPLETED),
    ).play_out()


async def test_a_caller_who_was_transferred_hears_the_refer_url() -> None:
    """Not the action (call-control reference §1.10)."""
    refer = Hook("http://app.example/refer", "GET")
    await Playbook(
        fetch(VOICE) >> twiml("<Dial action='/d' referUrl='/refer' referMethod='GET'>+15550001111</Dial>"),
        op("dial", DialPlan(targets=(ONE,), refer=refer))
        >> Dialled("completed", CHILD, 3, bridged=True, transferred_to="sip:zoe@pbx.example"),
        fetch(refer, ReferTransferTarget="sip:zoe@pbx.example") >> twiml("<Say>One moment</Say>"),
        speech("One moment"),
        op("hangup"),
    ).play_out()


async def test_a_relative_action_without_a_base_is_dropped() -> None:
    book = Playbook(
        op("dial", DialPlan(targets=(ONE,))) >> Dialled("completed", CHILD, 3),
        speech("Next"),
        op("hangup"),
        application=Application(
            twiml="<Response><Dial action='/d'>+15550001111</Dial><Say>Next</Say></Response>",
        ),
    )
    await book.play_out()
    assert book.warnings == [15004]


FIRST_URI, SECOND_URI = "sip:a@pbx.example", "sip:b@pbx.example"
TWO_URIS = f"<Sip><Uri priority='2'>{SECOND_URI}</Uri><Uri priority='1'>{FIRST_URI}</Uri></Sip>"


SEVERAL = SipTarget(FIRST_URI, alternatives=(SipTarget(SECOND_URI),))


async def test_a_party_with_several_uris_is_one_target_with_alternatives() -> None:
    await Playbook(
        fetch(VOICE) >> twiml(f"<Dial><Number>+15550001111</Number>{TWO_URIS}</Dial>"),
        op("dial", DialPlan(targets=(ONE, SEVERAL))) >> Dialled("completed"),
        op("hangup"),
    ).play_out()


SIP_NOUN = "<Sip>sip:bob@pbx.example</Sip>"


@pytest.mark.parametrize(
    ("inner", "caller_id", "used", "fault"),
    [
        ("+15550001111", "", "", 0),
        ("+15550001111", "+1 (555) 765-4321", "+15557654321", 0),
        ("+15550001111", STANDARD["From"], STANDARD["From"], 0),
        ("+15550001111", STANDARD["To"], STANDARD["To"], 0),
        ("+15550001111", "reception", "", 13214),
        ("+15550001111", "client:bob", "", 13214),
        ("+15550001111", "+1555\r\nVia: x", "", 13214),
        ("+15550001111", "1" * 101, "", 13248),
        ("+15550001111", "Anonymous", "+266696687", 0),
        (SIP_NOUN, "anonymous", "+266696687", 0),
        (SIP_NOUN, "reception_1.a+b-c", "reception_1.a+b-c", 0),
        (SIP_NOUN, "+1 (555) 765-4321", "+15557654321", 0),
        (SIP_NOUN, "two words", "", 13247),
        (SIP_NOUN, "a\x85b", "", 13247),
        (SIP_NOUN, "a" * 101, "", 13248),
        (f"{SIP_NOUN}<Number>+15550001111</Number>", "reception", "", 13214),
        ("<Say>Nobody</Say>", "reception", "", 0),
    ],
)
async def test_caller_ids(inner: str, caller_id: str, used: str, fault: int) -> None:
    (dial,) = document(f"<Dial action='/d'>{inner}</Dial>").verbs
    assert isinstance(dial, Dial)
    targets = [party.ordered(float)[0] if isinstance(party, Sip) else party for party in dial.parties]
    attempt = op("dial", DialPlan(targets=tuple(targets), caller_id=used)) >> Dialled("failed")
    written = caller_id.replace("\r", "&#13;").replace("\n", "&#10;")
    book = Playbook(
        fetch(VOICE) >> twiml(f"<Dial action='/d' callerId='{written}'>{inner}</Dial>"),
        *([attempt] if targets and not fault else []),
        fetch(ACTION, DialCallStatus="failed", DialBridged="false") >> twiml("<Reject/>"),
        op("reject", "rejected"),
    )
    await book.play_out()
    assert book.warnings == ([fault] if fault else [] if targets else [13215, 13223])


async def test_the_callers_own_id_needs_no_form() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Dial callerId='sip:alice@host'>+15550001111</Dial>"),
        op("dial", DialPlan(targets=(ONE,), caller_id="sip:alice@host")) >> Dialled("completed"),
        op("hangup"),
    )
    book.from_ = "sip:alice@host"
    await book.play_out()
