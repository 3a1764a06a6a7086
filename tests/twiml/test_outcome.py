"""What a verb leaves behind."""

from callwright.twiml.outcome import Finish, Next
from tests.twiml.playbook import VOICE


def test_a_next_document_carries_nothing_and_is_run_unless_said() -> None:
    assert Next(VOICE).params == {}
    assert not Next(VOICE).final


def test_the_end_hangs_up_unless_the_leg_has_gone() -> None:
    assert not Finish().hung_up
