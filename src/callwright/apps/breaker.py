"""Circuit breakers: an origin that lets callers wait in vain is left alone for a while, then tried with a few of them.

    CLOSED ---- too many failures in a row ----> OPEN
      ^                                           |  its time is up
      |                                           v
      +--------- a probe is answered -------- HALF_OPEN ---- a probe fails ----> OPEN

Only failures count that cost a caller a time-out (`Health.ABSENT`): an origin that refuses or resets at once is asked
each time, because that costs nothing and is seen at once when it is back. An account's failures are its own: nobody
shuts an origin for somebody else. An origin that is well has no breaker at all.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from callwright.apps.failure import FACTS, CircuitOpen, Health, classify
from callwright.errors import ApplicationError

log = logging.getLogger(__name__)

MAX_BREAKERS = 10_000


class BreakerState(StrEnum):
    """Whether an origin is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


TRANSITIONS: dict[BreakerState, frozenset[BreakerState]] = {
    BreakerState.CLOSED: frozenset({BreakerState.OPEN}),
    BreakerState.OPEN: frozenset({BreakerState.HALF_OPEN, BreakerState.CLOSED}),
    BreakerState.HALF_OPEN: frozenset({BreakerState.OPEN, BreakerState.CLOSED}),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker opens.

    Attributes:
        failures: in a row, until it opens; 0: never.
        open_seconds: how long it stays open.
        probes: requests at a time while it is half open.
    """

    failures: int = 5
    open_seconds: float = 10.0
    probes: int = 1


class Breaker:
    """The breaker of one origin for one account. Times are the event loop's."""

    __slots__ = ("_failures", "_probing", "_rules", "_state", "_until", "error", "origin")

    def __init__(self, origin: str, rules: Rules) -> None:
        self.origin = origin
        self.error: ApplicationError | None = None
        self._rules = rules
        self._state = BreakerState.CLOSED
        self._failures = 0
        self._probing = 0
        self._until = 0.0

    @property
    def state(self) -> BreakerState:
        """Whether the origin is asked."""
        return self._state

    def _enter(self, state: BreakerState) -> None:
        """The one place that changes the state."""
        if state not in TRANSITIONS[self._state]:
            raise ValueError(f"a breaker cannot go from {self._state} to {state}")
        if state is BreakerState.CLOSED:
            log.warning("breaker of %s is closed: it answers again", self.origin)
        elif self._state is BreakerState.CLOSED:
            assert self.error is not None
            message, seconds = self.error.message, self._rules.open_seconds
            log.warning("breaker of %s is open: %s; asked again in %g s", self.origin, message, seconds)
        else:
            log.info("breaker of %s is %s", self.origin, state)
        self._state = state

    def enter(self, now: float) -> bool:
        """Asks to be let through; returns whether this is a probe, which `leave` must end.

        Raises:
            CircuitOpen: the origin is not to be asked now.
        """
        if self._state is BreakerState.OPEN and now >= self._until:
            self._enter(BreakerState.HALF_OPEN)
        if self._state is BreakerState.CLOSED:
            return False
        if self._state is BreakerState.OPEN or self._probing >= self._rules.probes:
            assert self.error is not None
            raise CircuitOpen(f"{self.origin} is not asked: {self.error.message}", code=self.error.code)
        self._probing += 1
        return True

    def leave(self) -> None:
        """A probe has ended, however."""
        self._probing -= 1

    def failed(self, error: ApplicationError, now: float) -> None:
        """It did not answer."""
        self.error = error
        self._failures += 1
        if self._state is BreakerState.HALF_OPEN or (
            self._state is BreakerState.CLOSED and 0 < self._rules.failures <= self._failures
        ):
            self._until = now + self._rules.open_seconds
            self._enter(BreakerState.OPEN)

    def answered(self) -> None:
        """It answered."""
        self._failures = 0
        if self._state is not BreakerState.CLOSED:
            self._enter(BreakerState.CLOSED)


class Breakers:
    """The breakers of all origins that fail.

    Args:
        time: the event loop's time, in seconds.

    Attributes:
        refused: requests that were not made because of an open breaker.
    """

    def __init__(self, rules: Rules, time: Callable[[], float]) -> None:
        self.refused = 0
        self._rules = rules
        self._time = time
        self._breakers: dict[tuple[str, str], Breaker] = {}

    def states(self) -> dict[BreakerState, int]:
        """How many breakers are in each state; the closed ones are those of origins that failed lately."""
        counts = Counter(breaker.state for breaker in self._breakers.values())
        return {state: counts[state] for state in BreakerState}

    def tripped(self) -> dict[str, BreakerState]:
        """The origins that are not asked, or only tried."""
        return {
            breaker.origin: breaker.state
            for breaker in self._breakers.values()
            if breaker.state is not BreakerState.CLOSED
        }

    @contextmanager
    def asking(self, account_sid: str, origin: str) -> Iterator[None]:
        """Around one request: lets it through or not, and learns from what comes of it.

        Raises:
            CircuitOpen: the origin is not to be asked now.
        """
        key = account_sid, origin
        probe, breaker = False, self._breakers.get(key)
        if breaker is not None:
            try:
                probe = breaker.enter(self._time())
            except CircuitOpen:
                self.refused += 1
                raise
        try:
            yield
        except ApplicationError as error:
            self._learn(key, FACTS[classify(error)].health, error)
            raise
        else:
            self._learn(key, Health.PRESENT, None)
        finally:
            if probe and breaker is not None:
                breaker.leave()

    def _learn(self, key: tuple[str, str], health: Health, error: ApplicationError | None) -> None:
        breaker = self._breakers.get(key)
        if health is Health.PRESENT and breaker is not None:
            breaker.answered()
            del self._breakers[key]
        elif health is Health.ABSENT and error is not None and self._rules.failures:
            if breaker is None:
                if len(self._breakers) >= MAX_BREAKERS:
                    del self._breakers[next(iter(self._breakers))]
                breaker = self._breakers[key] = Breaker(key[1], self._rules)
            breaker.failed(error, self._time())
