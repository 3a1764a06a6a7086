"""<Gather> (call-control reference §1.4)."""

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.control import File, Gathered, GatherPlan, Keys, Silence, Speech
from callwright.calls.status import CallStatus
from callwright.errors import MediaError
from callwright.twiml.verbs import Gather
from callwright.twiml.verbs.gather import HINTS, SPEECH_TIMEOUT
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, hang_up, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

ACTION = Hook("http://app.example/digits")
DTMF, SPEECH, BOTH = frozenset({"dtmf"}), frozenset({"speech"}), frozenset({"dtmf", "speech"})
MODELS = [
    "default",
    "numbers_and_commands",
    "phone_call",
    "experimental_conversations",
    "googlev2_telephony",
    "deepgram_nova-2",
]
URLS = {"/x": None, "http://a.example/": None, "": None}


def unused(verb: Gather) -> object:
    """What only concerns speech leaves nothing on the verb."""
    return None


TABLE = Table(
    lambda attributes: f"<Gather {attributes}/>",
    [
        # action | url | the document's own | (a bad one fails when it is requested)
        Row(
            "action",
            lambda verb: verb.action and verb.action.url,
            {"/digits": ACTION.url, "http://a.example/": "http://a.example/", "": VOICE.url, "ftp://x/": "ftp://x/"},
            VOICE.url,
        ),
        # method | GET, POST | POST | 13312
        Row("method", lambda verb: verb.action.method, {"GET": "GET", "POST": "POST"}, "POST", ["PUT", ""], 13312),
        # timeout | int | 5 | 13313
        Row("timeout", lambda verb: verb.timeout, {"0": 0, "60": 60}, 5, ["-1", "long", "", "2.5", "auto"], 13313),
        # numDigits | int >= 1 | no limit | 13314
        Row("numDigits", lambda verb: verb.num_digits, {"1": 1, "20": 20}, 0, ["0", "-1", "many", ""], 13314),
        # finishOnKey | one of 0-9 * # or "" | # | 13310
        Row(
            "finishOnKey",
            lambda verb: verb.finish_on_key,
            {"": "", "*": "*", "0": "0", "#": "#"},
            "#",
            ["12", "a", "any"],
            13310,
        ),
        # actionOnEmptyResult | true, false | false | 13338
        Row(
            "actionOnEmptyResult",
            lambda verb: verb.action_on_empty_result,
            {"true": True, "false": False},
            False,
            ["1", ""],
            13338,
        ),
        # what concerns speech: checked, and used when speech is heard
        Row("speechTimeout", unused, {"auto": None, "1": None, "30": None}, None, ["0", "-1", "never", ""], 13327),
        Row("maxSpeechTime", unused, {"1": None, "60": None}, None, ["0", "61", "x"], 13328),
        Row("language", unused, {"en-US": None, "cmn-Hans-CN": None}, None, ["", "English!", "e"], 13331),
        Row("hints", unused, {"yes, no, $OPERAND": None, "": None}, None, ["a" * 101, "a," * 501], 13330),
        Row("partialResultCallback", unused, URLS, None, ["ftp://x/", "http://a b/"], 11100),
        Row("partialResultCallbackMethod", unused, {"GET": None}, None, ["PUT"], 13329),
        Row("profanityFilter", unused, {"true": None, "false": None}, None, ["x"], 13333),
        Row("speechModel", unused, {model: None for model in MODELS}, None, ["", "no such model"], 13334),
        Row("enhanced", unused, {"true": None, "false": None}, None, ["x"]),
        Row("bargeIn", unused, {"true": None, "false": None}, None, ["x"], 13332),
        Row("debug", unused, {"true": None, "false": None}, None, ["x"]),
    ],
)
INPUT = Table(
    lambda attributes: f"<Gather {attributes}/>",
    [
        # input | dtmf, speech, dtmf speech | dtmf | 13326
        Row("input", lambda verb: verb.kinds, {"dtmf": DTMF}, DTMF, ["", "smell", "dtmf smell", "DTMF"], 13326),
        Row(
            "input",
            lambda verb: verb.kinds,
            {"speech": SPEECH, "dtmf speech": BOTH, "speech dtmf": BOTH},
            DTMF,
            noted=13340,
        ),
    ],
)


@pytest.mark.parametrize(("row", "written", "value"), TABLE.good() + INPUT.good())
def test_good_values(row: Row, written: str, value: object) -> None:
    TABLE.check_good(row, written, value)


@pytest.mark.parametrize(("row", "written"), TABLE.bad() + INPUT.bad())
def test_bad_values(row: Row, written: str) -> None:
    TABLE.check_bad(row, written)


def test_the_table_is_complete() -> None:
    TABLE.check_defaults()
    INPUT.check_defaults()
    every = Table(TABLE.element, [*TABLE.rows, *INPUT.rows])
    every.check_complete(
        Gather.attributes,
        "input action method timeout speechTimeout maxSpeechTime profanityFilter finishOnKey numDigits "
        "partialResultCallback partialResultCallbackMethod language hints bargeIn debug actionOnEmptyResult "
        "speechModel enhanced",
    )


def test_what_speech_attributes_mean() -> None:
    assert SPEECH_TIMEOUT.read("auto") == 0
    assert SPEECH_TIMEOUT.read("3") == 3
    assert HINTS.read(" yes , no,, maybe") == ("yes", "no", "maybe")


def test_a_model_needs_a_timeout_in_seconds() -> None:
    assert codes(document("<Gather speechModel='phone_call' speechTimeout='auto'/>")) == [13335]
    assert codes(document("<Gather speechModel='phone_call' speechTimeout='3'/>")) == []


@pytest.mark.parametrize(
    "child", ["<Dial>1</Dial>", "<Gather/>", "<Record/>", "<Redirect/>", "<Hangup/>", "<say>x</say>", "<Foo/>"]
)
def test_only_prompts_can_be_nested(child: str) -> None:
    parsed = document(f"<Gather>{child}<Say>Hello</Say></Gather>")
    assert codes(parsed) == [13320]
    (gather,) = parsed.verbs
    assert gather.prompts() == (Speech("Hello"),)


@pytest.mark.parametrize(
    ("child", "code"),
    [
        ("<Say voice='robot'>x</Say>", 13321),
        ("<Say loop='x'>x</Say>", 13322),
        ("<Say language='?'>x</Say>", 13512),
        ("<Say/>", 13520),
        ("<Play loop='x'>/a</Play>", 13410),
        ("<Play digits='x'/>", 13430),
        ("<Pause length='x'/>", 13910),
        ("text", 12200),
    ],
)
def test_warnings_of_what_is_nested(child: str, code: int) -> None:
    assert codes(document(f"<Gather>{child}</Gather>")) == [code]


def test_prompts_keep_their_order() -> None:
    (gather,) = document(
        "<Gather><Say>One</Say><Pause length='2'/><Play loop='2' digits='1'>/a</Play><Say>Two</Say></Gather>"
    ).verbs
    assert gather.prompts() == (
        Speech("One"),
        Silence(2),
        Keys("1", 2),
        File("http://app.example/a", 2),
        Speech("Two"),
    )


async def test_digits_go_to_the_action_and_replace_the_document() -> None:
    book = Playbook(
        fetch(VOICE)
        >> twiml(
            "<Gather action='/digits' numDigits='4' timeout='3' finishOnKey='*'><Say>PIN</Say></Gather>"
            "<Say>Unreachable</Say>"
        ),
        op("gather", GatherPlan(prompts=(Speech("PIN"),), timeout=3, finish_on="*", max_digits=4))
        >> Gathered("12", "*"),
        fetch(ACTION, Digits="12", FinishedOnKey="*") >> twiml(""),
        op("hangup"),
    )
    await book.play_out()
    assert book.prefetched == [Speech("PIN"), Speech("Unreachable")]


async def test_without_an_action_they_go_to_the_document() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather method='GET'/>", url="http://app.example/menu?lang=en"),
        op("gather", GatherPlan()) >> Gathered("1"),
        fetch(Hook("http://app.example/menu?lang=en", "GET"), Digits="1", FinishedOnKey="") >> twiml("<Hangup/>"),
        op("hangup"),
    ).play_out()


@pytest.mark.parametrize("gathered", [Gathered(""), Gathered("", "#")], ids=["no key", "finish key first"])
async def test_no_input_falls_through(gathered: Gathered) -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather action='/digits'/><Say>Nothing</Say>"),
        op("gather", GatherPlan()) >> gathered,
        speech("Nothing"),
        op("hangup"),
    ).play_out()


@pytest.mark.parametrize("gathered", [Gathered(""), Gathered("", "#")], ids=["no key", "finish key first"])
async def test_no_input_goes_to_the_action_when_asked(gathered: Gathered) -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather action='/digits' actionOnEmptyResult='true'/>"),
        op("gather", GatherPlan()) >> gathered,
        fetch(ACTION, Digits="", FinishedOnKey=gathered.finished_on) >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_letters_are_digits() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather action='/digits' finishOnKey=''/>"),
        op("gather", GatherPlan(finish_on="")) >> Gathered("A1#*D"),
        fetch(ACTION, Digits="A1#*D", FinishedOnKey="") >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_a_document_without_a_url_has_nowhere_to_send_digits() -> None:
    book = Playbook(
        op("gather", GatherPlan()) >> Gathered("1"),
        speech("Next"),
        op("hangup"),
        application=Application(twiml="<Response><Gather action='/digits'/><Say>Next</Say></Response>"),
    )
    await book.play_out()
    assert book.warnings == [15004, 15004]


async def test_speech_alone_is_never_heard() -> None:
    book = Playbook(
        fetch(VOICE)
        >> twiml("<Gather input='speech' timeout='4' action='/said'><Say>Speak</Say></Gather><Say>Nothing</Say>"),
        op("answer"),
        op("play", [Speech("Speak")]),
        op("pause", 4),
        speech("Nothing"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [13340]


async def test_speech_alone_with_an_action_on_nothing() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather input='speech' actionOnEmptyResult='true' action='/digits'/>"),
        op("answer"),
        op("pause", 5),
        fetch(ACTION, SpeechResult="") >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_digits_beside_speech() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Gather input='dtmf speech' action='/digits'/>"),
        op("gather", GatherPlan()) >> Gathered("5"),
        fetch(ACTION, Digits="5", FinishedOnKey="")
        >> twiml("<Gather input='dtmf speech' action='/digits' actionOnEmptyResult='true'/>"),
        op("gather", GatherPlan()) >> Gathered(""),
        fetch(ACTION, Digits="", FinishedOnKey="", SpeechResult="") >> twiml(""),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [13340, 13340]


async def test_a_prompt_that_cannot_be_had_is_a_warning() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Gather/><Say>Next</Say>"),
        op("gather", GatherPlan()) >> MediaError("gone", code=11200),
        speech("Next"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [11200]


async def test_when_the_caller_leaves_the_action_is_not_requested() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Gather action='/digits' actionOnEmptyResult='true'/><Say>Unreachable</Say>"),
        hang_up(op("gather", GatherPlan())),
    )
    await book.play_out()
    assert book.status is CallStatus.COMPLETED
