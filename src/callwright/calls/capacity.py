"""How many calls live and how fast they start: per account and per trunk."""

import asyncio
from collections import Counter
from collections.abc import Callable

from callwright.calls.application import Account
from callwright.sip.trunks import Trunk


class Pace:
    """A rate of starts, kept by handing out start times (a token bucket of one second's worth)."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._burst = max(1.0, per_second)
        self._next = 0.0

    def reserve(self, now: float) -> float:
        """Seconds to wait before the next start; the start is taken."""
        earliest = now - (self._burst - 1) * self._interval
        start = max(self._next, earliest)
        self._next = start + self._interval
        return max(0.0, start - now)

    def admits(self, now: float) -> bool:
        """Takes a start when one is free now."""
        if max(self._next, now - (self._burst - 1) * self._interval) > now:
            return False
        self.reserve(now)
        return True


class Capacity:
    """Counts live calls and paces starts.

    Args:
        time: a monotonic clock, in seconds.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._by_account: Counter[str] = Counter()
        self._by_trunk: Counter[str] = Counter()
        self._account_pace: dict[str, Pace] = {}
        self._trunk_pace: dict[str, Pace] = {}

    def enter(self, account_sid: str, trunk: str) -> None:
        """A call of this account (and trunk, when it has one) begins to live."""
        self._by_account[account_sid] += 1
        if trunk:
            self._by_trunk[trunk] += 1

    def leave(self, account_sid: str, trunk: str) -> None:
        """It ended."""
        self._by_account[account_sid] -= 1
        if trunk:
            self._by_trunk[trunk] -= 1

    def account_full(self, account: Account) -> bool:
        """Whether the account has as many live calls as it may."""
        return self._by_account[account.sid] >= account.concurrent_calls

    def account_over(self, account: Account) -> bool:
        """Whether the account has more live calls than it may: one that has just been entered is one too many."""
        return self._by_account[account.sid] > account.concurrent_calls

    def trunk_calls(self, name: str) -> int:
        """Live calls of a trunk."""
        return self._by_trunk.get(name, 0)

    def trunk_free(self, trunk: Trunk) -> bool:
        """Whether the trunk takes one more call now; a start of its rate is taken when it does."""
        if self._by_trunk[trunk.name] >= trunk.max_calls:
            return False
        pace = self._trunk_pace.setdefault(trunk.name, Pace(trunk.calls_per_second))
        return pace.admits(self._time())

    async def turn(self, account: Account) -> int:
        """Waits for the account's next start of a REST call.

        Returns:
            How long it waited, in ms (queue_time).
        """
        pace = self._account_pace.setdefault(account.sid, Pace(account.calls_per_second))
        wait = pace.reserve(self._time())
        if wait > 0:
            await asyncio.sleep(wait)
        return round(wait * 1000)
