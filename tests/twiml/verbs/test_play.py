"""<Play> (call-control reference §1.2)."""

import pytest

from callwright.calls.control import File, Keys
from callwright.errors import MediaError
from callwright.twiml.verbs import Play
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, hang_up, op, sound, twiml
from tests.twiml.verbs.tables import Row, Table

URL = "http://media.example/a.wav"
TABLE = Table(
    lambda attributes: f"<Play {attributes}>{URL}</Play>",
    [
        # loop | int, 0 endless, capped at 1000 | 1 | 13410
        Row("loop", lambda verb: verb.loop, {"0": 0, "2": 2, "4000": 1000}, 1, ["-1", "twice", ""], 13410),
        # digits | 0-9 * # w W | none | 13430
        Row(
            "digits",
            lambda verb: verb.digits,
            {"0123456789*#wW": "0123456789*#wW"},
            "",
            ["12a", "+1", "", "1 2"],
            13430,
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
    TABLE.check_complete(Play.attributes, "loop digits")


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<Play/>", 11100),
        ("<Play>ftp://media.example/a.wav</Play>", 11100),
        ("<Play>http://media.example/a b.wav</Play>", 11100),
        ("<Play>http://[::1/a.wav</Play>", 11100),
        ("<Play digits='x'/>", 13430),
        ("<Play digits=''/>", 13430),
    ],
)
def test_nothing_to_play(xml: str, code: int) -> None:
    parsed = document(xml)
    assert codes(parsed) == [code]
    assert parsed.verbs == ()


def test_urls_resolve_against_the_document() -> None:
    assert document("<Play> a.wav\n</Play>", "http://app.example/ivr/start").verbs == (
        Play("http://app.example/ivr/a.wav"),
    )
    without_base = document("<Play>a.wav</Play>", "")
    assert codes(without_base) == [15004]
    assert without_base.verbs == ()


async def test_files_and_digits() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml(f"<Play loop='3'>{URL}</Play><Play digits='1w#'/><Play digits='2'>/b.wav</Play>"),
        op("play", [File(URL, loop=3)]),
        op("play", [Keys("1w#")]),
        op("play", [Keys("2"), File("http://app.example/b.wav")]),
        op("hangup"),
    )
    await book.play_out()
    assert book.prefetched == [File(URL, loop=3), File("http://app.example/b.wav")]


@pytest.mark.parametrize("code", [11200, 11210, 13420])
async def test_a_sound_that_cannot_be_had_is_a_warning(code: int) -> None:
    book = Playbook(
        fetch(VOICE) >> twiml(f"<Play>{URL}</Play><Play>/b.wav</Play>"),
        sound(URL) >> MediaError("cannot be decoded", code=code),
        sound("http://app.example/b.wav"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [code]


async def test_the_caller_may_leave_meanwhile() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Play>/a.wav</Play><Pause/>"), hang_up(sound("http://app.example/a.wav"))
    ).play_out()
