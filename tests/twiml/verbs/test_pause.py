"""<Pause> (call-control reference §1.2)."""

import pytest

from callwright.calls.control import Silence
from callwright.twiml.verbs import Pause
from tests.twiml.playbook import VOICE, Playbook, document, fetch, hang_up, op, twiml
from tests.twiml.verbs.tables import Row, Table

TABLE = Table(
    lambda attributes: f"<Pause {attributes}/>",
    [
        # length | int | 1 | 13910
        Row("length", lambda verb: verb.length, {"0": 0, "1": 1, "30": 30}, 1, ["-1", "1.5", "long", ""], 13910),
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
    TABLE.check_complete(Pause.attributes, "length")


def test_it_is_silence_as_a_prompt() -> None:
    assert Pause(3).silence == Silence(3)
    assert document("<Pause/>").verbs[0].prompts() == ()


async def test_it_waits_and_goes_on() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Pause length='3'/><Pause/>"), op("pause", 3), op("pause", 1), op("hangup")
    ).play_out()


async def test_the_caller_may_leave_meanwhile() -> None:
    await Playbook(fetch(VOICE) >> twiml("<Pause/><Say>Hello</Say>"), hang_up(op("pause", 1))).play_out()
