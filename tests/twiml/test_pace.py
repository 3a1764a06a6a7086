"""The bound on documents without sound."""

from callwright.twiml.pace import Pace


def test_a_hundred_documents_and_no_more() -> None:
    pace = Pace()
    assert all(pace.begin() for _ in range(100))
    assert not pace.begin()


def test_a_second_of_sound_starts_the_count_again() -> None:
    pace = Pace()
    for _ in range(100):
        pace.begin()
    pace.spend(0.6)
    pace.spend(0.4)
    assert all(pace.begin() for _ in range(100))


def test_less_than_a_second_does_not() -> None:
    pace = Pace()
    for _ in range(100):
        pace.begin()
    pace.spend(0.9)
    assert not pace.begin()
