"""The order in which places of equal worth are tried: by priority, and by chance among equals (RFC 2782)."""

import random
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

LEAST = 0.001  # a weight of 0 is tried first now and then, but hardly ever


class Weighted(Protocol):
    """Something with a priority (lower first) and a weight among its equals."""

    @property
    def priority(self) -> int: ...
    @property
    def weight(self) -> int: ...


T = TypeVar("T", bound=Weighted)


def drawn(entries: Iterable[T], chance: Callable[[], float] = random.random) -> list[T]:
    """Entries in the order in which they are to be tried.

    Each entry's turn is drawn so that the first of its priority is one of weight w with probability w / total, the
    second likewise among those that are left, and so on.

    Args:
        chance: a number from 0 to 1.
    """
    turns = [
        (one.priority, -(chance() ** (1 / (one.weight or LEAST))), place, one) for place, one in enumerate(entries)
    ]
    return [one for *_, one in sorted(turns, key=lambda turn: turn[:3])]
