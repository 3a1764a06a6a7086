"""Questions to the application of one domain: so many at a time, how long they take, and whether they are answered."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable

from callwright.errors import ApplicationError
from callwright.sip.users import User
from callwright.sip.vouching import Ask, Question, Vouching

logger = logging.getLogger(__name__)

USUAL_S = 0.05
"""How long an answer takes, before there was any."""
REMEMBERED = 16
LONGEST_S = 10.0
QUIET_S = 30.0
AGAIN_S = 5.0
LATE = 11203


class Inquiries:
    """What is asked of one application.

    Args:
        time: a monotonic clock, in seconds.
        choose: one of some numbers, by chance.

    Attributes:
        failing: the last question had no answer.
    """

    def __init__(
        self,
        vouching: Vouching,
        time: Callable[[], float],
        choose: Callable[[deque[float]], float] = random.choice,
    ) -> None:
        self.vouching = vouching
        self.failing = False
        self._time, self._choose = time, choose
        self._turns = asyncio.Semaphore(vouching.at_once)
        self._durations = deque((USUAL_S,), REMEMBERED)
        self._quiet_until = float("-inf")
        self._failed_at = float("-inf")
        self._telling = True

    @property
    def overdue(self) -> bool:
        """Whether it failed some time ago and nothing has been asked since: whoever comes next finds out if it is back,
        also when there is no need to ask for him."""
        return self.failing and self._time() >= self._failed_at + AGAIN_S

    def pace(self) -> float:
        """How long an answer took lately: what is answered from memory must not be known by its haste."""
        return min(self._choose(self._durations), LONGEST_S)

    async def put(self, question: Question, ask: Ask) -> User | None:
        """Asks when it is its turn.

        Raises:
            ApplicationError: nobody can tell.
        """
        began = self._time()
        try:
            async with self._turns:
                if self._time() - began > self.vouching.patience:
                    raise ApplicationError("too many questions wait for their turn", code=LATE)
                user = await ask(question)
        except ApplicationError as error:
            self._enter(failing=True, why=error.message)
            raise
        finally:
            self._durations.append(self._time() - began)
        self._enter(failing=False)
        return user

    def _enter(self, *, failing: bool, why: str = "") -> None:
        """The one place that changes `failing`. An application that wavers is told of once in a while only."""
        if failing:
            self._failed_at = self._time()
        if failing is self.failing:
            return
        self.failing = failing
        domain = self.vouching.domain
        if failing:
            now = self._time()
            self._telling = now >= self._quiet_until
            if self._telling:
                self._quiet_until = now + QUIET_S
        level = logging.WARNING if self._telling else logging.DEBUG
        if failing:
            kept = "whom it has vouched for is let in for %g s after its last word"
            logger.log(level, f"the auth_url of domain %s fails: %s; {kept}", domain, why, self._served)
        else:
            logger.log(level, "the auth_url of domain %s is answered again", domain)

    @property
    def _served(self) -> float:
        """How long its word on a user serves at most."""
        return self.vouching.cached + self.vouching.grace
