"""The durable queue of callbacks: what a call has to report outlives the daemon and a server that is down.

A callback is staged in the store, delivered, and its row deleted. What fails is tried again with growing pauses and
then given up; what is refused (4xx) is given up at once. Callbacks of one call to one server keep their order, and
one server's trouble is its own: each origin has its share of the deliveries under way, and one that fails keeps only
enough of it to notice when it is back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from callwright import clock
from callwright.apps import fragment
from callwright.apps.client import ApplicationClient, Fetch
from callwright.apps.failure import FACTS, BadAnswer, classify
from callwright.apps.origins import Origin
from callwright.apps.states import STATUS_CALLBACK_FAILED, State, decide
from callwright.calls.alerts import Alert, Exchanged
from callwright.calls.application import Account, Hook
from callwright.errors import ApplicationError, StoreError
from callwright.log import CallLog
from callwright.outbound import parse, shown, without_credentials
from callwright.store.store import Store
from callwright.store.tables import callbacks as table

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Between the attempts; after the last one a callback is given up."""

Reader = Callable[[Fetch, str], Awaitable[None]]
"""Makes a request, and reads its answer, given the callback's CallSid, or whatever it has in its place. Raises
ApplicationError when it has failed."""

MAX_UNDER_WAY = 500
MAX_PENDING = 100_000
MAX_PARAMS_HELD = 5_000
MAX_AGE_S = 86_400.0
STORE_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A callback that will not be delivered, or was not at first, for its call's story.

    Attributes:
        url: without credentials and query.
        code: 15003.
        status: the HTTP status of the last answer, 0 when there was none.
        subject: SID of what waits to hear of it; "" for nothing.
    """

    account_sid: str
    call_sid: str
    kind: str
    url: str
    message: str
    status: int
    code: int = STATUS_CALLBACK_FAILED
    subject: str = ""


@dataclass(slots=True)
class Callback:
    """One callback in the queue. `params` None: in the store only, read when its turn comes."""

    id: str
    account_sid: str
    call_sid: str
    kind: str
    hook: Hook = field(repr=False)
    token: str
    params: Mapping[str, str] | None
    attempt: int = 0
    subject: str = ""


class Lane:
    """The callbacks of one call to one origin, in order: the first one is under way, or waits for its time."""

    __slots__ = ("key", "origin", "queue", "timer")

    def __init__(self, key: tuple[str, str], origin: Origin["Lane"]) -> None:
        self.key = key
        self.origin = origin
        self.queue: deque[Callback] = deque()
        self.timer: asyncio.TimerHandle | None = None


class Callbacks:
    """Delivers callbacks.

    Args:
        accounts: by SID; they sign.
        on_given_up: told of each callback that will not be delivered.
        on_retry: told of each callback that fails for the first time and will be tried again.
        on_delivered: told the subject of each callback that has one, when it was delivered.
        on_alert: told of the first failure of each callback, and of its last: (AccountSid, CallSid, alert).
        pauses: seconds between the attempts.

    Attributes:
        delivered: how many were answered with 2xx.
        retried: how many attempts failed and were followed, or will be, by another.
        given_up: how many never will be delivered.
    """

    def __init__(
        self,
        store: Store,
        client: ApplicationClient,
        accounts: Mapping[str, Account],
        *,
        on_given_up: Callable[[GivenUp], None] | None = None,
        on_retry: Callable[[GivenUp], None] | None = None,
        on_delivered: Callable[[str], None] | None = None,
        on_alert: Callable[[str, str, Alert], None] | None = None,
        pauses: Sequence[float] = PAUSES_S,
    ) -> None:
        self.delivered = 0
        self.retried = 0
        self.given_up = 0
        self._store = store
        self._client = client
        self._accounts = accounts
        self._on_given_up = on_given_up
        self._on_retry = on_retry
        self._on_delivered = on_delivered
        self._on_alert = on_alert
        self._pauses = tuple(pauses)
        # Documents to the same origin must find connections free.
        self._share = max(1, client.outbound.settings.connections_per_origin // 2)
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._origins: dict[str, Origin[Lane]] = {}
        self._runnable: deque[Origin[Lane]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending = 0
        self._held = 0
        self._waiting = 0
        self._last_id = 0
        self._early: set[str] | None = set()
        self._readers: dict[str, Reader] = {}
        self._resting = asyncio.Event()
        self._closed = False

    def reads(self, kind: str, reader: "Reader") -> None:
        """Leaves the deliveries of one kind of callbacks to somebody for whom their answers count. To be called before
        `start`."""
        self._readers[kind] = reader

    @property
    def pending(self) -> int:
        """How many are not delivered yet."""
        return self._pending

    def post(
        self, *, account: Account, call_sid: str, hook: Hook, params: Mapping[str, str], kind: str, subject: str = ""
    ) -> None:
        """Stages a callback. Never blocks, never fails.

        Args:
            params: final: nothing is added.
            kind: what it tells ("status", "recording", ...), for the log and notifications.
            subject: SID of what waits to hear whether it was delivered.
        """
        self._last_id = max(int(clock.now().timestamp() * 1e6), self._last_id + 1)
        own = f"{self._last_id:020d}", account.sid, call_sid, kind, hook, str(uuid4())
        callback = Callback(*own, dict(params), subject=subject)
        if self._pending >= MAX_PENDING:
            self._count_given_up(callback, f"more than {MAX_PENDING} callbacks are waiting", 0)
            return
        self._stage(callback)
        if self._early is not None:
            self._early.add(callback.id)
        if self._held >= MAX_PARAMS_HELD:
            callback.params = None
        self._enter(callback, 0.0)
        self._run_more()

    async def start(self) -> None:
        """Resumes what the store holds. To be called once.

        Raises:
            StoreError: the store cannot be read.
        """
        columns = [column for column in table.columns if column.name != "params"]
        query = select(*columns).where(table.c.state == "pending").order_by(table.c.id).limit(MAX_PENDING)
        rows = await self._store.fetch(query)
        # What was posted meanwhile is in the queue already.
        early, self._early = self._early or set(), None
        earlier = [row for row in rows if row["id"] not in early]
        now = clock.now()
        for row in earlier:
            self._resume(row, now)
        if earlier:
            log.info("%d callbacks of an earlier run are resumed", len(earlier))
        self._run_more()

    async def drain(self, seconds: float) -> int:
        """Waits until nothing is under way or due, at most so many seconds.

        Returns:
            How many are left in the store for the next start.
        """
        try:
            async with asyncio.timeout(seconds):
                while len(self._lanes) > self._waiting:
                    self._resting.clear()
                    await self._resting.wait()
        except TimeoutError:
            log.info("%d callbacks are left for the next start", self._pending)
        return self._pending

    async def close(self) -> None:
        """Stops. What was not delivered stays in the store."""
        self._closed = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stage(self, callback: Callback) -> None:
        now = clock.now()
        self._store.put(
            table,
            {
                "id": callback.id,
                "account_sid": callback.account_sid,
                "call_sid": callback.call_sid,
                "kind": callback.kind,
                "url": callback.hook.url,
                "method": callback.hook.method,
                "params": callback.params,
                "token": callback.token,
                "attempt": 0,
                "next_at": now,
                "created_at": now,
                "state": "pending",
                "subject": callback.subject or None,
            },
        )

    def _resume(self, row: Mapping[str, Any], now: datetime) -> None:
        self._last_id = max(self._last_id, int(row["id"]))
        hook = Hook(row["url"], row["method"])
        own = row["id"], row["account_sid"], row["call_sid"], row["kind"], hook, row["token"]
        callback = Callback(*own, None, row["attempt"] or 0, row["subject"] or "")
        # A clock that was set back must not hold a callback longer than the longest pause.
        due = (row["next_at"] - now).total_seconds() if row["next_at"] else 0.0
        self._enter(callback, min(due, max(self._pauses, default=0.0)))

    def _enter(self, callback: Callback, wait: float) -> None:
        """Puts a callback at the end of its lane, to be delivered not before `wait` seconds if it is the first."""
        origin = _origin(callback.hook.url)
        lane = self._lanes.get((callback.call_sid, origin))
        self._pending += 1
        self._held += callback.params is not None
        if lane is not None:
            lane.queue.append(callback)
            return
        if origin not in self._origins:
            self._origins[origin] = Origin(origin, self._share)
        lane = self._lanes[callback.call_sid, origin] = Lane((callback.call_sid, origin), self._origins[origin])
        lane.origin.lanes += 1
        lane.queue.append(callback)
        self._schedule(lane, wait)

    def _schedule(self, lane: Lane, wait: float) -> None:
        if wait > 0:
            self._waiting += 1
            lane.timer = asyncio.get_running_loop().call_later(wait, self._due, lane)
            return
        lane.origin.ready.append(lane)
        self._list(lane.origin)

    def _due(self, lane: Lane) -> None:
        self._waiting -= 1
        lane.timer = None
        self._schedule(lane, 0.0)
        self._run_more()

    def _list(self, origin: Origin[Lane]) -> None:
        if origin.runnable and not origin.listed:
            origin.listed = True
            self._runnable.append(origin)

    def _run_more(self) -> None:
        """Starts deliveries, origin by origin in turn, as long as there is room."""
        while self._runnable and len(self._tasks) < MAX_UNDER_WAY and not self._closed:
            origin = self._runnable.popleft()
            origin.listed = False
            if not origin.runnable:
                continue
            lane = origin.ready.popleft()
            origin.active += 1
            self._list(origin)
            task = asyncio.create_task(self._deliver(lane), name="callback")
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, lane, lane.queue[0]))

    def _ended(self, lane: Lane, callback: Callback, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        lane.origin.active -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the delivery of a callback broke", exc_info=error)
            if lane.queue and lane.queue[0] is callback:
                self._give_up(lane, type(error).__name__, 0)
        self._list(lane.origin)
        self._run_more()
        if len(self._lanes) <= self._waiting:
            self._resting.set()

    async def _deliver(self, lane: Lane) -> None:
        callback = lane.queue[0]
        try:
            await self._attempt(callback)
        except StoreError as error:
            log.debug("x callback %s: %s", callback.id, error)
            self._schedule(lane, STORE_PAUSE_S)
        except ApplicationError as error:
            self._failed(lane, error)
        else:
            lane.origin.answered(asyncio.get_running_loop().time())
            self.delivered += 1
            self._store.delete(table, callback.id)
            self._leave(lane)
            if callback.subject and self._on_delivered is not None:
                self._on_delivered(callback.subject)

    async def _attempt(self, callback: Callback) -> None:
        account = self._accounts.get(callback.account_sid)
        if account is None:
            raise ApplicationError(f"there is no account {callback.account_sid}")
        if clock.now().timestamp() - int(callback.id) / 1e6 > MAX_AGE_S:
            raise ApplicationError("it is too old")
        params = callback.params
        if params is None:
            rows = await self._store.fetch(select(table.c.params).where(table.c.id == callback.id))
            if not rows:
                raise ApplicationError("its row is lost")
            params = rows[0]["params"]
        reader = self._readers.get(callback.kind)
        # It has pauses of its own: a breaker would only use up its attempts.
        options: dict[str, Any] = {"idempotency_token": callback.token, "discard": reader is None, "insistent": True}
        fetch = Fetch(callback.hook, params, account, **options)
        if reader is None:
            await self._client.fetch(fetch)
        else:
            await reader(fetch, callback.call_sid)

    def _failed(self, lane: Lane, error: ApplicationError) -> None:
        callback, failure = lane.queue[0], classify(error)
        now = asyncio.get_running_loop().time()
        if FACTS[failure].later:
            lane.origin.failed(error.message, now)
        elif error.response_status:
            lane.origin.answered(now)
        state = State.REDELIVERY if callback.attempt else State.DELIVERY
        decision = decide(state, failure, error.code, may_repeat=callback.attempt < len(self._pauses))
        if self._on_alert is not None and (state is State.DELIVERY or decision.state is State.GIVEN_UP):
            alert = Alert(decision.level, decision.code, error.message, _exchanged(callback, error))
            self._on_alert(callback.account_sid, callback.call_sid, alert)
        if decision.state is State.GIVEN_UP:
            self._give_up(lane, error.message, error.response_status)
            return
        if self._on_retry is not None and state is State.DELIVERY:
            self._on_retry(_told(callback, error.message, error.response_status))
        pause = self._pauses[callback.attempt]
        callback.attempt += 1
        self.retried += 1
        self._hold_no_params(callback)
        due = clock.now() + timedelta(seconds=pause)
        change = {"id": callback.id, "attempt": callback.attempt, "next_at": due, "error": error.message}
        self._store.put(table, change)
        self._schedule(lane, pause)

    def _give_up(self, lane: Lane, reason: str, status: int) -> None:
        callback = lane.queue[0]
        self._store.put(table, {"id": callback.id, "state": "given_up", "error": reason})
        self._leave(lane)
        self._count_given_up(callback, reason, status)

    def _count_given_up(self, callback: Callback, reason: str, status: int) -> None:
        self.given_up += 1
        lost = _told(callback, reason, status)
        CallLog(log, callback.call_sid, callback.account_sid).info(
            "%s callback to %s given up: %s", lost.kind, lost.url, reason
        )
        if self._on_given_up is not None:
            self._on_given_up(lost)

    def _leave(self, lane: Lane) -> None:
        """Takes the first callback out of its lane; the next one's turn comes at once."""
        self._hold_no_params(lane.queue.popleft())
        self._pending -= 1
        if lane.queue:
            self._schedule(lane, 0.0)
        else:
            del self._lanes[lane.key]
            lane.origin.lanes -= 1
            if not lane.origin.lanes:
                del self._origins[lane.origin.name]

    def _hold_no_params(self, callback: Callback) -> None:
        self._held -= callback.params is not None
        callback.params = None


def _told(callback: Callback, reason: str, status: int) -> GivenUp:
    url = shown(callback.hook.url)
    own = callback.account_sid, callback.call_sid, callback.kind
    return GivenUp(*own, url, reason, status, subject=callback.subject)


def _exchanged(callback: Callback, error: ApplicationError) -> Exchanged:
    """The request that failed, for an alert."""
    answer = error if isinstance(error, BadAnswer) else None
    return Exchanged(
        url=without_credentials(callback.hook.url),
        method=callback.hook.method,
        variables=callback.params or {},
        response_headers=answer.headers if answer else (),
        response_body=answer.body if answer else b"",
    )


def _origin(url: str) -> str:
    try:
        return parse(fragment.parse(url)[0]).origin
    except ApplicationError:
        # Its delivery will say what is wrong with it.
        return ""
