"""How many requests an account has in flight for each type of resource, and what becomes of those beyond its bound.

A request beyond it waits a little for one that ends, in the order of arrival; then it is refused, and nothing of it has
been done (call-control reference §6.4). Each counts one; the types of one account do not take each other's places.
"""

import asyncio
from collections import Counter, deque

from prometheus_client import CollectorRegistry
from prometheus_client import Counter as Metric

from callwright.account import Account
from callwright.errors import RestError

Seat = tuple[str, str]
"""(account, type of resource)"""

TOO_MANY = 20429


class Concurrency:
    """The seats of all accounts. Who has entered must leave.

    Args:
        metrics: gets `callwright_api_refused_total`.
    """

    def __init__(self, metrics: CollectorRegistry) -> None:
        self._taken: Counter[Seat] = Counter()
        self._waiting: dict[Seat, deque[asyncio.Future[None]]] = {}
        self._refused = Metric(
            "callwright_api_refused_total",
            "API requests beyond api_concurrency, refused by 429",
            registry=metrics,
        )

    def __getitem__(self, account: str) -> int:
        """How many requests of an account are in flight, of all types; those that wait are not."""
        return sum(count for (sid, _), count in self._taken.items() if sid == account)

    def __len__(self) -> int:
        return self._taken.total()

    async def enter(self, account: Account, kind: str) -> Seat:
        """Takes a seat for a request, if need be after a wait of at most the account's `api_queue_ms`.

        Args:
            kind: the type of resource, as "Calls".

        Raises:
            RestError: 20429: none is free.
        """
        seat = account.sid, kind
        queue = self._waiting.get(seat)
        if not queue and self._taken[seat] < account.api_concurrency:
            self._taken[seat] += 1
            return seat
        if account.api_queue_ms and len(queue or ()) < account.api_concurrency:
            await self._wait(seat, account.api_queue_ms / 1000)
            return seat
        raise self._refusal(seat)

    def leave(self, seat: Seat) -> None:
        """Gives a seat to who waits longest, or frees it."""
        queue = self._waiting.get(seat, deque())
        while queue:
            first = queue.popleft()
            if not first.done():
                first.set_result(None)  # the seat stays taken
                return
        self._taken[seat] -= 1
        if not self._taken[seat]:
            del self._taken[seat]

    async def _wait(self, seat: Seat, seconds: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(seat, deque())
        queue.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():
                self.leave(seat)  # it came in the same moment
            if isinstance(error, TimeoutError):
                raise self._refusal(seat) from None
            raise
        finally:
            if turn in queue:
                queue.remove(turn)
            if not queue and self._waiting.get(seat) is queue:
                del self._waiting[seat]

    def _refusal(self, seat: Seat) -> RestError:
        self._refused.inc()
        _, kind = seat
        return RestError(f"Too Many Requests: {self._taken[seat]} for {kind} are in flight", code=TOO_MANY, status=429)


def kind_of(path: str) -> str:
    """The type of resource of a request, by its path: what follows the account, or the version."""
    segments = path.strip("/").split("/")[1:]
    if segments[:1] == ["Accounts"] and len(segments) > 2:
        segments = segments[2:]
    return segments[0].partition(".")[0] if segments else ""
