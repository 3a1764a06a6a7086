"""<Gather> (call-control reference §1.4)."""

from collections.abc import Callable

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.control import File, Gathered, GatherPlan, Keys, Silence, Speech, SpeechPlan
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


def spoken(attributes: str) -> str:
    return f"<Gather input='speech' {attributes}/>"


def of_speech(name: str) -> Callable[[Gather], object]:
    """What a verb that listens to words makes of an attribute; nothing of it is on one that does not."""

    def of(verb: Gather) -> object:
        return getattr(verb.speech, name) if verb.speech else None

    return of


def unused(verb: Gather) -> object:
    """What only concerns the hosted service's recognisers leaves nothing on the verb."""
    return None


def posted(verb: Gather) -> object:
    return verb.speech and verb.speech.partial and verb.speech.partial.url


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
    ],
)
HEARD = Table(
    spoken,
    [
        # speechTimeout | seconds, auto | the timeout | 13327
        Row("speechTimeout", of_speech("pause"), {"auto": 0, "1": 1, "30": 30}, 5, ["0", "-1", "never", ""], 13327),
        # maxSpeechTime | 1 to 60 | 60 | 13328
        Row("maxSpeechTime", of_speech("longest"), {"1": 1, "60": 60}, 60, ["0", "61", "x"], 13328),
        # language | BCP-47 | en-US | 13331
        Row(
            "language",
            of_speech("language"),
            {"en-GB": "en-GB", "cmn-Hans-CN": "cmn-Hans-CN"},
            "en-US",
            ["", "English!", "e"],
            13331,
        ),
        # hints | at most 500 phrases of 100 characters | none | 13330
        Row(
            "hints",
            of_speech("hints"),
            {"yes, no, $OPERAND": ("yes", "no", "$OPERAND"), "": ()},
            (),
            ["a" * 101, "a," * 501],
            13330,
        ),
        # partialResultCallback | url | none | 11100
        Row(
            "partialResultCallback",
            posted,
            {"/x": "http://app.example/x", "http://a.example/": "http://a.example/", "": None},
            None,
            ["ftp://x/", "http://a b/"],
            11100,
        ),
        # partialResultCallbackMethod | GET, POST | POST | 13329
        Row("partialResultCallbackMethod", unused, {"GET": None}, None, ["PUT"], 13329),
        # profanityFilter | true, false | true | 13333
        Row("profanityFilter", of_speech("unmasked"), {"true": False, "false": True}, False, ["x"], 13333),
        # speechModel | a name | default | 13334
        Row(
            "speechModel",
            of_speech("commands"),
            {model: model == "numbers_and_commands" for model in MODELS},
            False,
            ["", "no such model"],
            13334,
        ),
        Row("enhanced", unused, {"true": None, "false": None}, None, ["x"]),
        # bargeIn | true, false | true | 13332
        Row("bargeIn", of_speech("barge_in"), {"true": True, "false": False}, True, ["x"], 13332),
        Row("debug", unused, {"true": None, "false": None}, None, ["x"]),
    ],
)
INPUT = Table(
    lambda attributes: f"<Gather {attributes}/>",
    [
        # input | dtmf, speech, dtmf speech | dtmf | 13326
        Row("input", lambda verb: verb.kinds, {"dtmf": DTMF}, DTMF, ["", "smell", "dtmf smell", "DTMF"], 13326),
        Row("input", lambda verb: verb.kinds, {"speech": SPEECH, "dtmf speech": BOTH, "speech dtmf": BOTH}, DTMF),
    ],
)


TABLES = {"keys": TABLE, "speech": HEARD, "input": INPUT}


@pytest.mark.parametrize(
    ("table", "row", "written", "value"),
    [(table, *one.values) for table in TABLES.values() for one in table.good()],
)
def test_good_values(table: Table, row: Row, written: str, value: object) -> None:
    table.check_good(row, written, value)


@pytest.mark.parametrize(
    ("table", "row", "written"), [(table, *one.values) for table in TABLES.values() for one in table.bad()]
)
def test_bad_values(table: Table, row: Row, written: str) -> None:
    table.check_bad(row, written)


def test_the_table_is_complete() -> None:
    for table in TABLES.values():
        table.check_defaults()
    every = Table(TABLE.element, [*TABLE.rows, *HEARD.rows, *INPUT.rows])
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


def listening(timeout: int = 5, keys: bool = False, **plan: object) -> GatherPlan:
    return GatherPlan(timeout=timeout, keys=keys, speech=SpeechPlan(**{"pause": timeout, **plan}))  # type: ignore[arg-type]  # its own fields


async def test_words_go_to_the_action() -> None:
    await Playbook(
        fetch(VOICE)
        >> twiml(
            "<Gather input='speech' timeout='4' speechTimeout='auto' hints='sales, support' action='/digits' "
            "partialResultCallback='/partial' partialResultCallbackMethod='GET' maxSpeechTime='9' bargeIn='false' "
            "language='en-GB' profanityFilter='false' speechModel='default'/>"
        ),
        op(
            "gather",
            listening(
                4,
                pause=0,
                hints=("sales", "support"),
                partial=Hook("http://app.example/partial", "GET"),
                longest=9,
                barge_in=False,
                language="en-GB",
                unmasked=True,
            ),
        )
        >> Gathered(speech="sales", confidence=0.91237),
        fetch(ACTION, SpeechResult="sales", Confidence="0.9124", Language="en-GB") >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_no_words_fall_through() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather input='speech' action='/digits'/><Say>Nothing</Say>"),
        op("gather", listening()) >> Gathered(),
        speech("Nothing"),
        op("hangup"),
    ).play_out()


async def test_no_words_with_an_action_on_nothing() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Gather input='speech' actionOnEmptyResult='true' action='/digits'/>"),
        op("gather", listening()) >> Gathered(),
        fetch(ACTION, SpeechResult="", Language="en-US") >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_digits_or_words() -> None:
    both = "<Gather input='dtmf speech' action='/digits' actionOnEmptyResult='true'/>"
    book = Playbook(
        fetch(VOICE) >> twiml(both),
        op("gather", listening(keys=True)) >> Gathered("5"),
        fetch(ACTION, Digits="5", FinishedOnKey="") >> twiml(both),
        op("gather", listening(keys=True)) >> Gathered(speech="yes", confidence=1.0),
        fetch(ACTION, SpeechResult="yes", Confidence="1.0000", Language="en-US") >> twiml(both),
        op("gather", listening(keys=True)) >> Gathered(""),
        fetch(ACTION, Digits="", FinishedOnKey="", SpeechResult="", Language="en-US") >> twiml(""),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == []


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
