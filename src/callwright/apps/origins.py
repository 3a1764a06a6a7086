"""The servers that callbacks go to: how many deliveries each may have under way, and how it behaves."""

import logging
from collections import deque
from enum import StrEnum
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

L = TypeVar("L")

FAILURES_TO_FAIL = 3
PROBES = 2
QUIET_S = 30.0


class Behaviour(StrEnum):
    """How an origin answered lately."""

    WORKING = "working"
    FAILING = "failing"


class Origin(Generic[L]):
    """One origin and the lanes whose turn has come.

    Args:
        name: scheme://host:port.
        share: deliveries that may be under way while it works.

    Attributes:
        lanes: lanes that it has, whatever they wait for.
        active: deliveries under way.
        ready: lanes whose first callback may be delivered now.
        listed: it stands in the queue of origins that have something to do.
    """

    def __init__(self, name: str, share: int) -> None:
        self.name = name
        self.lanes = 0
        self.active = 0
        self.ready: deque[L] = deque()
        self.listed = False
        self._share = share
        self._behaviour = Behaviour.WORKING
        self._failures = 0
        self._quiet_until = float("-inf")
        self._telling = True

    @property
    def behaviour(self) -> Behaviour:
        """How it answered lately."""
        return self._behaviour

    @property
    def runnable(self) -> bool:
        """Whether a delivery may start."""
        return bool(self.ready) and self.active < (self._share if self._behaviour is Behaviour.WORKING else PROBES)

    def answered(self, now: float) -> None:
        """It answered, if only with a refusal. `now`: the loop's time."""
        self._failures = 0
        self._turn(Behaviour.WORKING, now, "callbacks to %s are answered again%s", "")

    def failed(self, reason: str, now: float) -> None:
        """It did not answer, or failed inside."""
        self._failures += 1
        if self._failures >= FAILURES_TO_FAIL:
            self._turn(Behaviour.FAILING, now, "callbacks to %s fail: %s; they wait and are tried again", reason)

    def _turn(self, behaviour: Behaviour, now: float, line: str, reason: str) -> None:
        """The one place that changes the behaviour. An origin that wavers is told of once in a while only."""
        if behaviour is self._behaviour:
            return
        self._behaviour = behaviour
        if behaviour is Behaviour.FAILING:
            self._telling = now >= self._quiet_until
            if self._telling:
                self._quiet_until = now + QUIET_S
        log.log(logging.WARNING if self._telling else logging.DEBUG, line, self.name, reason)
