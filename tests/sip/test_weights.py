"""The order of equals."""

from collections import Counter
from dataclasses import dataclass

from callwright.sip.weights import drawn


@dataclass(frozen=True)
class One:
    name: str
    priority: int
    weight: int


def test_lower_priority_first() -> None:
    assert [one.name for one in drawn([One("b", 2, 1), One("a", 1, 1), One("c", 3, 99)])] == ["a", "b", "c"]


def test_by_weight_among_equals() -> None:
    first = Counter(drawn([One("a", 1, 60), One("b", 1, 30), One("c", 1, 10)])[0].name for _ in range(3000))
    assert 1650 < first["a"] < 1950 and 750 < first["b"] < 1050 and 200 < first["c"] < 400


def test_weight_nought_is_the_last_of_its_priority() -> None:
    """RFC 2782: hardly ever chosen before others."""
    orders = Counter(tuple(one.name for one in drawn([One("a", 1, 0), One("b", 1, 10)])) for _ in range(500))
    assert orders["b", "a"] >= 495


def test_by_chance_alone() -> None:
    numbers = iter([0.1, 0.9])
    assert [one.name for one in drawn([One("a", 1, 1), One("b", 1, 1)], lambda: next(numbers))] == ["b", "a"]
