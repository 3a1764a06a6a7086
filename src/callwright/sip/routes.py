"""Routes: by which trunks a number goes out (the longest prefix decides)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from callwright.sections import RouteSection


@dataclass(frozen=True, slots=True)
class Way:
    """A trunk of a route, by name; lower priority first, weight among equals."""

    trunk: str
    priority: int
    weight: int


@dataclass(frozen=True, slots=True)
class Route:
    """How numbers that begin alike go out.

    Attributes:
        account_sid: whose calls it is for; "" for everybody's.
    """

    prefix: str
    account_sid: str
    ways: Sequence[Way]


def declared(section: RouteSection) -> Route:
    """A route as the configuration file declares it."""
    ways = tuple(Way(one.trunk, one.priority, one.weight) for one in section.trunks)
    return Route(section.prefix, section.account, ways)


class Routes:
    """All routes, found by the length of what they match."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self._by_prefix: dict[str, list[Route]] = {}
        for route in routes:
            self._by_prefix.setdefault(route.prefix, []).append(route)
        self._longest = max(map(len, self._by_prefix), default=0)

    def of(self, number: str, account_sids: Sequence[str]) -> Sequence[Route]:
        """The routes that match a number and these accounts' calls: the longest prefix first, and of equal ones an
        account's own before everybody's."""
        found = []
        for length in range(min(len(number), self._longest), -1, -1):
            fitting = [
                one
                for one in self._by_prefix.get(number[:length], ())
                if not one.account_sid or one.account_sid in account_sids
            ]
            found += sorted(fitting, key=lambda one: not one.account_sid)
        return found
