"""Which of the trunks' places are left alone for a while, because calls or pings have failed there.

A place is the address of a gateway. It is up; quarantined after some failures in a row; and when its time is up one
call or ping at a time tries it (half-open): that brings it back, or doubles its time.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

logger = logging.getLogger(__name__)

LONGEST_S = 900.0
PROBE_S = 40.0
"""A probe that nobody has told the end of is forgotten: longer than an INVITE transaction (RFC 3261, timer B)."""
MOST_PLACES = 4096


class HealthState(Enum):
    """What is known of a place."""

    UP = "up"
    QUARANTINED = "quarantined"
    HALF_OPEN = "half-open"


_FLOW: dict[HealthState, frozenset[HealthState]] = {
    HealthState.UP: frozenset({HealthState.QUARANTINED}),
    HealthState.QUARANTINED: frozenset({HealthState.HALF_OPEN, HealthState.UP}),
    HealthState.HALF_OPEN: frozenset({HealthState.UP, HealthState.QUARANTINED}),
}


@dataclass(frozen=True, slots=True)
class Patience:
    """When a trunk's place is left alone.

    Attributes:
        failures: in a row, after which it is; 0: never.
        seconds: for how long at first; doubled each time that it fails again, up to 15 minutes.
    """

    failures: int = 3
    seconds: float = 30.0


class Place:
    """One gateway's address, as one trunk sees it."""

    def __init__(self, trunk: str, hop: str) -> None:
        self.trunk, self.hop = trunk, hop
        self.failures = 0
        self.why = ""
        self.until = 0.0
        self.period = 0.0
        self._state = HealthState.UP

    @property
    def state(self) -> HealthState:
        """Only `enter` changes it."""
        return self._state

    def enter(self, state: HealthState) -> None:
        """The one place where the state changes."""
        if state not in _FLOW[self._state]:
            return
        before, self._state = self._state, state
        if state is HealthState.QUARANTINED:
            logger.warning(
                "trunk=%s target=%s is left alone for %.0f s after %d failures: %s",
                self.trunk,
                self.hop,
                self.period,
                self.failures,
                self.why,
            )
        elif state is HealthState.UP:
            logger.warning("trunk=%s target=%s is back", self.trunk, self.hop)
        else:
            logger.debug("- trunk=%s target=%s %s -> %s", self.trunk, self.hop, before.value, state.value)


class Health:
    """What calls and pings have found out about the trunks' places.

    Args:
        time: a monotonic clock, in seconds.
    """

    def __init__(self, time: Callable[[], float] = time.monotonic) -> None:
        self._time = time
        self._places: dict[tuple[str, str], Place] = {}

    def __iter__(self) -> Iterator[Place]:
        return iter(tuple(self._places.values()))

    def state(self, trunk: str, hop: str) -> HealthState:
        """What is known of a place; nothing bad of one that nobody has tried."""
        place = self._places.get((trunk, hop))
        return place.state if place else HealthState.UP

    def takes(self, trunk: str, hop: str) -> bool:
        """Whether a call may go there. A quarantined place whose time is up takes one, which must tell how it went."""
        place = self._places.get((trunk, hop))
        if place is None or place.state is HealthState.UP:
            return True
        if self._time() < place.until:
            return False
        place.until = self._time() + PROBE_S
        place.enter(HealthState.HALF_OPEN)
        return True

    def passed(self, trunk: str, hop: str) -> None:
        """A call or ping got an answer that tells of a living gateway."""
        place = self._place(trunk, hop)
        place.failures, place.period, place.why = 0, 0.0, ""
        place.enter(HealthState.UP)

    def failed(self, trunk: str, hop: str, patience: Patience, why: str) -> None:
        """A call or ping failed for the gateway's sake."""
        place = self._place(trunk, hop)
        place.failures += 1
        place.why = why
        if not patience.failures or place.state is HealthState.QUARANTINED:
            return
        if place.state is HealthState.HALF_OPEN or place.failures >= patience.failures:
            place.period = min(LONGEST_S, place.period * 2 or patience.seconds)
            place.until = self._time() + place.period
            place.enter(HealthState.QUARANTINED)

    def _place(self, trunk: str, hop: str) -> Place:
        key = trunk, hop
        if (place := self._places.get(key)) is None:
            # addresses come and go with their names: what is up need not be remembered
            if len(self._places) >= MOST_PLACES:
                oldest = next((one for one, it in self._places.items() if it.state is HealthState.UP), None)
                self._places.pop(oldest or next(iter(self._places)))
            place = self._places[key] = Place(trunk, hop)
        return place
