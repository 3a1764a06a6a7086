"""<Record> (call-control reference §1.5)."""

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.control import Recorded, RecordingCallback, RecordPlan
from callwright.calls.status import CallStatus
from callwright.twiml.verbs import Record
from tests.twiml.playbook import VOICE, Playbook, Step, codes, document, fetch, op, speech, twiml, unreachable
from tests.twiml.verbs.tables import Row, Table

ACTION = Hook("http://app.example/r")
SID = "RE" + "3" * 32
URL = f"http://api.example/2010-04-01/Accounts/AC{'2' * 32}/Recordings/{SID}"
KEY = Recorded(SID, URL, 7, "#")
TOLD = {"RecordingUrl": URL, "RecordingDuration": "7", "RecordingSid": SID, "Digits": "#"}

TABLE = Table(
    lambda attributes: f"<Record {attributes}/>",
    [
        # action | url | the document's own
        Row("action", lambda verb: verb.action.url, {"/r": ACTION.url, "": VOICE.url}, VOICE.url),
        # method | GET, POST | POST | 13610
        Row("method", lambda verb: verb.action.method, {"GET": "GET"}, "POST", ["PUT", ""], 13610),
        # timeout | int, 0: never | 5 | 13611
        Row("timeout", lambda verb: verb.timeout, {"0": 0, "10": 10}, 5, ["-1", "x", ""], 13611),
        # finishOnKey | keys or "" | any | 13613
        Row(
            "finishOnKey",
            lambda verb: verb.finish_on_key,
            {"": "", "#": "#", "12*": "12*"},
            "1234567890*#",
            ["x", "1 2", "none"],
            13613,
        ),
        # maxLength | int | 3600 | 13612
        Row("maxLength", lambda verb: verb.max_length, {"1": 1, "14400": 14400}, 3600, ["0", "-1", "x", ""], 13612),
        # playBeep | true, false | true | 13616
        Row("playBeep", lambda verb: verb.play_beep, {"true": True, "false": False}, True, ["x"], 13616),
        # trim | trim-silence, do-not-trim | trim-silence | 13699
        Row("trim", lambda verb: verb.trim, {"trim-silence": True, "do-not-trim": False}, True, ["x", "true"], 13699),
        # recordingStatusCallback | url | none | 13256
        Row(
            "recordingStatusCallback",
            lambda verb: verb.callback and verb.callback.hook,
            {"/cb": Hook("http://app.example/cb"), "": None},
            None,
            ["ftp://x/", "http://a b/"],
            13256,
        ),
        Row("recordingStatusCallbackMethod", lambda verb: None, {"GET": None}, None, ["PUT"]),
        Row("recordingStatusCallbackEvent", lambda verb: None, {"in-progress absent": None}, None, ["done", ""]),
        # transcribe | true, false | false | 13614
        Row("transcribe", lambda verb: verb.transcribe, {"true": True, "false": False}, False, ["x"], 13614),
        # transcribeCallback | url | none | 13257
        Row(
            "transcribeCallback",
            lambda verb: verb.transcribe_callback,
            {"/t": Hook("http://app.example/t"), "": None},
            None,
            ["ftp://x/"],
            13257,
        ),
        Row("recordingConfigurationId", lambda verb: None, {"": None}, None),
        Row("recordingConfigurationId", lambda verb: None, {"RC1": None}, None, noted=12200),
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
        Record.attributes,
        "action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback "
        "recordingStatusCallbackMethod recordingStatusCallbackEvent transcribe transcribeCallback "
        "recordingConfigurationId",
    )


def test_the_callback_with_its_method_and_events() -> None:
    (record,) = document(
        "<Record recordingStatusCallback='/cb' recordingStatusCallbackMethod='GET' "
        "recordingStatusCallbackEvent='in-progress absent'/>"
    ).verbs
    assert isinstance(record, Record)
    assert record.callback == RecordingCallback(
        Hook("http://app.example/cb", "GET"), frozenset({"in-progress", "absent"})
    )


def test_a_transcribed_message_is_short_unless_its_length_is_said() -> None:
    short, long = document("<Record transcribe='true'/><Record transcribe='true' maxLength='300'/>").verbs
    assert isinstance(short, Record)
    assert isinstance(long, Record)
    assert (short.max_length, long.max_length) == (120, 300)


async def test_s8_a_key_ends_the_message() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Record action='/r' maxLength='10' finishOnKey='#'/><Say>Unreachable</Say>"),
        op("record", RecordPlan(max_length=10, finish_on="#")) >> KEY,
        fetch(ACTION, **TOLD) >> twiml("<Say>Thanks</Say>"),
        speech("Thanks"),
        op("hangup"),
    ).play_out()


async def test_everything_that_can_be_said_about_a_message() -> None:
    await Playbook(
        fetch(VOICE)
        >> twiml(
            "<Record action='/r' method='GET' timeout='0' finishOnKey='' playBeep='false' trim='do-not-trim' "
            "recordingStatusCallback='/cb' transcribe='true' transcribeCallback='/t'/>"
        ),
        op(
            "record",
            RecordPlan(
                timeout=0,
                finish_on="",
                beep=False,
                trim=False,
                max_length=120,
                callback=RecordingCallback(Hook("http://app.example/cb")),
                transcribe=True,
                transcribe_callback=Hook("http://app.example/t"),
            ),
        )
        >> Recorded(SID, URL, 0),
        fetch(Hook(ACTION.url, "GET"), RecordingUrl=URL, RecordingDuration="0", RecordingSid=SID, Digits="")
        >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_silence_goes_on_without_the_action() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Record action='/r'/><Say>Nobody there</Say>"),
        op("record", RecordPlan()) >> None,
        speech("Nobody there"),
        op("hangup"),
    ).play_out()


async def test_the_action_of_a_caller_who_left_is_requested_and_its_answer_discarded() -> None:
    left = Recorded(SID, URL, 7, "hangup")
    book = Playbook(
        fetch(VOICE) >> twiml("<Record action='/r'/><Say>Unreachable</Say>"),
        (op("record", RecordPlan()) >> left).then(CallStatus.COMPLETED),
        fetch(ACTION, **(TOLD | {"Digits": "hangup"})) >> twiml("<Say>Nobody hears this</Say>"),
    )
    await book.play_out()


async def test_an_action_that_fails_after_the_caller_left_is_noted() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Record action='/r'/>"),
        (op("record", RecordPlan()) >> Recorded(SID, URL, 7, "hangup")).then(CallStatus.COMPLETED),
        fetch(ACTION, **(TOLD | {"Digits": "hangup"})) >> unreachable(11205),
    )
    await book.play_out()
    assert [data["code"] for kind, data in book.notes if kind == "failure"] == [11205]


async def test_a_caller_who_left_without_a_word_ends_the_call() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Record action='/r'/><Say>Unreachable</Say>"),
        (op("record", RecordPlan()) >> None).then(CallStatus.COMPLETED),
    ).play_out()


@pytest.mark.parametrize(("digits", "rest"), [("#", [speech("Next"), op("hangup")]), ("hangup", [])])
async def test_a_document_without_a_url_has_nowhere_to_send_a_recording(digits: str, rest: list[Step]) -> None:
    recorded = op("record", RecordPlan()) >> Recorded(SID, URL, 1, digits)
    book = Playbook(
        recorded.then(CallStatus.COMPLETED) if digits == "hangup" else recorded,
        *rest,
        application=Application(twiml="<Response><Record/><Say>Next</Say></Response>"),
    )
    await book.play_out()
    assert book.warnings == [15004]


def test_a_recording_has_no_children() -> None:
    assert codes(document("<Record><Say>x</Say></Record>")) == [12200]
