"""Keys in the order of time."""

from datetime import datetime, timedelta

from callwright.sip.events.deadlines import Deadlines
from tests.sip.registering import NOON


def test_order_renewal_and_end() -> None:
    deadlines: Deadlines[str, datetime] = Deadlines()
    for key, seconds in (("late", 30), ("early", 10), ("dropped", 5), ("renewed", 5), ("renewed", 40)):
        deadlines.put(key, NOON + timedelta(seconds=seconds))
    deadlines.drop("dropped")
    deadlines.drop("unknown")
    assert len(deadlines) == 3
    assert list(deadlines.due(NOON)) == []
    assert list(deadlines.due(NOON + timedelta(seconds=30))) == ["early", "late"]
    assert list(deadlines.due(NOON + timedelta(seconds=30))) == []
    assert list(deadlines.due(NOON + timedelta(seconds=60))) == ["renewed"]
    assert len(deadlines) == 0


def test_another_clock() -> None:
    deadlines: Deadlines[str, float] = Deadlines()
    deadlines.put("late", 2.5)
    deadlines.put("early", 1.0)
    assert list(deadlines.due(1.0)) == ["early"]


def test_renewals_do_not_pile_up() -> None:
    deadlines: Deadlines[int, datetime] = Deadlines()
    for round_ in range(100):
        for key in range(10):
            deadlines.put(key, NOON + timedelta(seconds=round_))
    assert len(deadlines._heap) <= 100
    assert sorted(deadlines.due(NOON + timedelta(seconds=99))) == list(range(10))
