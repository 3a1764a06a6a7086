"""<Say> (call-control reference §1.2, §1.3)."""

import pytest

from callwright.calls.control import Speech
from callwright.errors import MediaError
from callwright.twiml.verbs import Say
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, hang_up, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table

VOICES = [
    "man",
    "woman",
    "alice",
    "Polly.Joanna",
    "Polly.Joanna-Neural",
    "Polly.Ruth-Generative",
    "Polly.Danielle-Long-Form",
]
GOOGLE = ["Google.en-US-Standard-A", "Google.cmn-CN-Wavenet-B", "Google.en-US-Chirp3-HD-Aoede"]
LANGUAGES = ["en-US", "en-GB-WLS", "arb", "cmn-Hans-CN", "de-DE", "es-419"]

TABLE = Table(
    lambda attributes: f"<Say {attributes}>Hello</Say>",
    [
        # voice | man, woman, alice, Polly.*, Google.* | the server's | 13511
        Row(
            "voice",
            lambda verb: verb.voice,
            {name: name for name in VOICES + GOOGLE},
            "",
            ["robot", "", "Polly.", "Polly.A;rm", "MAN"],
            13511,
        ),
        # language | BCP 47 | the voice's | 13512
        Row(
            "language",
            lambda verb: verb.language,
            {name: name for name in LANGUAGES},
            "",
            ["english please", "", "e", "en_US", "en-"],
            13512,
        ),
        # loop | int, 0 endless, capped at 1000 | 1 | 13510
        Row(
            "loop", lambda verb: verb.loop, {"0": 0, "2": 2, "1000": 1000, "1001": 1000}, 1, ["-1", "twice", ""], 13510
        ),
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
    TABLE.check_complete(Say.attributes, "voice language loop")


@pytest.mark.parametrize("content", ["", "  \n ", "<!-- nothing -->"])
def test_nothing_to_say(content: str) -> None:
    parsed = document(f"<Say>{content}</Say>")
    assert codes(parsed) == [13520]
    assert parsed.verbs == ()


def test_too_much_to_say() -> None:
    assert document(f"<Say>{'a' * 4096}</Say>").verbs == (Say("a" * 4096),)
    parsed = document(f"<Say>{'a' * 4096}<p>b</p></Say>")
    assert codes(parsed) == [13521]
    assert parsed.verbs == ()


def test_plain_text_is_no_markup() -> None:
    assert document("<Say> 1 &lt; 2 &amp; 3 </Say>").verbs == (Say("1 < 2 & 3"),)


def test_markup_is_a_fragment() -> None:
    assert document("<Say>1 &lt; 2 <break time='1s'/> 3</Say>").verbs == (
        Say('1 &lt; 2 <break time="1s"/> 3', ssml=True),
    )


async def test_it_speaks_and_goes_on() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Say voice='alice' language='fr-FR' loop='2'>Salut</Say><Say>Hello</Say>"),
        op("play", [Speech("Salut", voice="alice", language="fr-FR", loop=2)]),
        speech("Hello"),
        op("hangup"),
    )
    await book.play_out()
    assert book.prefetched == [Speech("Salut", voice="alice", language="fr-FR", loop=2), Speech("Hello")]


async def test_speech_that_cannot_be_had_is_a_warning() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Say>Hello</Say><Say>Again</Say>"),
        speech("Hello") >> MediaError("no such voice", code=13511),
        speech("Again"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [13511]


async def test_the_caller_may_leave_meanwhile() -> None:
    await Playbook(fetch(VOICE) >> twiml("<Say>Hello</Say><Pause/>"), hang_up(speech("Hello"))).play_out()
