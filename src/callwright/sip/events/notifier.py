"""The notifier: who watches whom, and who is told of a change (RFC 6665 §4.2).

Subscriptions live in memory; a change of one is in the store before its 200 is sent, so that a daemon that was killed
tells everybody, when it is there again, how things are now. A phone has one NOTIFY at a time: what changes meanwhile is
told when it has answered, and of several states only the newest.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sqlalchemy import select

from callwright import clock
from callwright.errors import StoreError
from callwright.sip.events import mailbox
from callwright.sip.events.commits import TOGETHER, Commits
from callwright.sip.events.deadlines import Deadlines
from callwright.sip.events.states import States
from callwright.sip.events.subscribing import Asked, asked, begun, refreshed
from callwright.sip.events.subscription import DialogId, Subscription, tag_of
from callwright.sip.events.watch import SubscriptionState, Watch
from callwright.sip.leg import Headers
from callwright.sip.registration import Refusal, Terms
from callwright.sip.request import Request
from callwright.sip.users import Users
from callwright.store import tables
from callwright.store.store import Store

logger = logging.getLogger(__name__)

QUIET = frozenset({423, 481, 489, 500})
"""Refusals that a phone mends by itself, or lives with."""
TURN_S = 0.004
"""For so long phones are told of a change, before calls get their turn."""
RESUMED_S = 0.1
"""Between two groups of phones that are told after a start."""
STORE_S = 1.0
LONGEST_RETRY_S = 300
NEW = "subscribed"


class Answer(Protocol):
    """The end of a NOTIFY: headers are empty when nothing came."""

    @property
    def code(self) -> int: ...
    @property
    def headers(self) -> Any: ...


Send = Callable[[Subscription, Headers, str, bytes, Callable[[Answer], None]], None]
"""Sends a NOTIFY with these headers, content type and body; the last one is told its end, later and once. Raises
ValueError: it cannot be sent."""


class Notifier:
    """All subscriptions.

    Args:
        most: subscriptions in all, and of one user.
        draw: random numbers of 0 to 1.

    Attributes:
        outcomes: SUBSCRIBEs by what became of them: subscribed, refreshed, fetched, unsubscribed, refused_489, ...
        told: NOTIFYs by what became of them: delivered, ended, refused, unanswered, unsent.
    """

    def __init__(
        self,
        users: Users,
        states: States,
        store: Store,
        commits: Commits,
        terms: Terms,
        send: Send,
        *,
        most: tuple[int, int],
        now: Callable[[], datetime] = clock.now,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self._users, self._states, self._store, self._commits = users, states, store, commits
        self._terms, self._send, self._most, self._now, self._draw = terms, send, most, now, draw
        self._watches: dict[str, Watch] = {}
        self._dialogs: dict[DialogId, Watch] = {}
        self._of: dict[str, dict[str, Watch]] = {}  # by resource and id
        self._counts: Counter[str] = Counter()  # by watcher
        self._deadlines: Deadlines[str, datetime] = Deadlines()
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._later: set[asyncio.TimerHandle] = set()
        self._closed = False
        states.changed = self.changed

    def __len__(self) -> int:
        """How many there are."""
        return len(self._watches)

    async def load(self) -> None:
        """Takes up the subscriptions that the daemon before this one kept; `resume` tells their phones.

        Raises:
            StoreError: they cannot be read.
        """
        now = self._now()
        for row in await self._store.fetch(select(tables.subscriptions)):
            one = Subscription.of(row)
            watcher = self._users.at(one.watcher)
            account = watcher.account_sid if watcher is not None else None
            if account == mailbox.account_of(one.resource, self._users) and one.lives(now):
                watch = Watch(one, SubscriptionState.ACTIVE)
                self._keep(watch)
                self._store.put(tables.subscriptions, watch.subscription.row())
            else:
                self._store.delete(tables.subscriptions, one.id)
        if self._watches:
            logger.info("%d subscriptions are taken up again", len(self._watches))

    async def resume(self) -> None:
        """Tells the phones of all subscriptions that were taken up how things are now, a few at a time."""
        while True:
            if await self._stored():
                break
            await asyncio.sleep(STORE_S)
        for number, watch in enumerate(tuple(self._watches.values()), 1):
            self._tell(watch, forced=True)
            if number % TOGETHER == 0:
                await asyncio.sleep(RESUMED_S)

    async def _stored(self) -> bool:
        """Whether what `load` has staged is stored: else numbers of NOTIFYs might be used once more after a crash."""
        try:
            await self._store.flushed()
        except StoreError as error:
            logger.warning("phones are not told how things are: %s", error.message)
            return False
        return True

    # SUBSCRIBE

    def take(self, request: Request) -> None:
        """One SUBSCRIBE. Its answer, and a NOTIFY, follow when its change is in the store."""
        now = self._now()
        if tag := tag_of("".join(request.values("To"))):
            watch = self._dialogs.get((request.call_id, tag, tag_of("".join(request.values("From")))))
            made = self._again(request, watch, now)
        else:
            made = self._new(request, now)
        if isinstance(made, Refusal):
            self._refuse(request, made)

    def _new(self, request: Request, now: datetime) -> Refusal | None:
        wanted = asked(request, self._users, self._states.has_mailbox, self._terms, self._draw)
        if isinstance(wanted, Refusal):
            return wanted
        if (full := self._full(wanted)) is not None:
            return full
        made = begun(request, wanted, now)
        if isinstance(made, Refusal):
            return made
        watch = Watch(made)
        if wanted.seconds:
            self._keep(watch)
            self._store.put(tables.subscriptions, made.row())
        self.outcomes[NEW if wanted.seconds else "fetched"] += 1
        logger.info("%s %s", NEW if wanted.seconds else "fetched", _words(made))
        self._confirm(request, watch, now)
        return None

    def _full(self, wanted: Asked) -> Refusal | None:
        in_all, of_one = self._most
        if not wanted.seconds:
            return None
        if self._counts[wanted.watcher.aor] >= of_one:
            return Refusal(403, f"{wanted.watcher.aor} has {of_one} subscriptions", "Too Many Subscriptions")
        if len(self._watches) >= in_all:
            return Refusal(503, f"there are {in_all} subscriptions", headers=[("Retry-After", "60")])
        return None

    def _again(self, request: Request, watch: Watch | None, now: datetime) -> Refusal | None:
        if watch is None or not watch.subscription.lives(now):
            return Refusal(481, "no such subscription")
        after = refreshed(request, watch.subscription, self._users, self._terms, now=now, draw=self._draw)
        if isinstance(after, Refusal):
            return after
        watch.subscription, watch.stranded = after, False
        if after.lives(now):
            self._deadlines.put(after.id, after.expires_at)
            self._store.put(tables.subscriptions, after.row())
            self.outcomes["refreshed"] += 1
        else:
            self._forget(watch)
            self.outcomes["unsubscribed"] += 1
            logger.info("unsubscribed %s", _words(after))
        self._confirm(request, watch, now)
        return None

    def _confirm(self, request: Request, watch: Watch, now: datetime) -> None:
        one = watch.subscription
        left = one.left(now)
        headers = [("Contact", f"<{one.contact}>"), ("Expires", str(left))]

        def confirmed(stored: bool) -> None:
            if not stored and watch.state is SubscriptionState.PENDING:
                self._forget(watch)  # it has been refused
                return
            if left:
                watch.enter(SubscriptionState.ACTIVE)
            else:
                watch.enter(SubscriptionState.TERMINATED, "timeout")
            self._tell(watch, forced=True)

        self._commits.confirm(request, headers, confirmed)

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        self.outcomes[f"refused_{refusal.code}"] += 1
        level = logging.DEBUG if refusal.code in QUIET else logging.WARNING
        where = f"{request.source_host}:{request.source_port}"
        logger.log(level, "SUBSCRIBE from %s refused with %d: %s", where, refusal.code, refusal.why)
        request.respond(refusal.code, refusal.reason, refusal.headers)

    # who is there

    def _keep(self, watch: Watch) -> None:
        one = watch.subscription
        self._watches[one.id] = self._dialogs[one.dialog] = watch
        self._of.setdefault(one.resource, {})[one.id] = watch
        self._counts[one.watcher] += 1
        self._deadlines.put(one.id, one.expires_at)

    def _forget(self, watch: Watch) -> None:
        one = watch.subscription
        if self._watches.pop(one.id, None) is None:
            return
        del self._dialogs[one.dialog], self._of[one.resource][one.id]
        if not self._of[one.resource]:
            del self._of[one.resource]
        self._counts[one.watcher] -= 1
        if not self._counts[one.watcher]:
            del self._counts[one.watcher]
        self._deadlines.drop(one.id)
        self._store.delete(tables.subscriptions, one.id)

    async def expire(self) -> None:
        """Ends what has not been refreshed: its phone is told so, and how things are."""
        for number, id_ in enumerate(self._deadlines.due(self._now()), 1):
            watch = self._watches[id_]
            self._forget(watch)
            logger.info("expired %s", _words(watch.subscription))
            if watch.enter(SubscriptionState.TERMINATED, "timeout"):
                self._tell(watch, forced=True)
            if number % TOGETHER == 0:
                await asyncio.sleep(0)

    # NOTIFY

    def changed(self, aor: str) -> None:
        """Something of a user is not as it was; `serve` tells who watches him."""
        if aor in self._of:
            self._changed[aor] = None
            self._wake.set()

    async def serve(self) -> None:
        """Tells watchers of changes, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, {}
            time = asyncio.get_running_loop().time
            until = time() + TURN_S
            for aor in changed:
                for watch in tuple(self._of.get(aor, {}).values()):
                    self._tell(watch)
                    if time() > until:
                        await asyncio.sleep(0)
                        until = time() + TURN_S

    def _tell(self, watch: Watch, *, forced: bool = False) -> None:
        """Lets a phone know how things are: now, or when it has answered what it was told before."""
        if not forced and watch.subscription.id not in self._watches:
            return  # it ended while others were told
        watch.want(forced=forced)
        if not (watch.busy or watch.stranded or watch.state is SubscriptionState.PENDING):
            self._deliver(watch)

    def _deliver(self, watch: Watch) -> None:
        """Sends a NOTIFY if there is news; `_answered` sends the next one.

        No task waits for the answer: five hundred phones that watch one user are told within a few turns of the loop.
        """
        one = watch.subscription
        try:
            document = self._states.document(one.package, one.resource)
            if not watch.take(document):
                return
            if watch.exhausted and one.id in self._watches:
                self._store.put(tables.subscriptions, watch.reserve().row())
            last = watch.state is SubscriptionState.TERMINATED
            number, headers = watch.notify(self._now())
            body = document.body(number - 1)
            self._send(watch.subscription, headers, document.content_type, body, partial(self._answered, watch, last))
            watch.busy = True
        except ValueError as fault:
            logger.warning("ended %s: %s", _words(watch.subscription), fault)
            self._forget(watch)
        except Exception:  # of one phone, which must not keep the others waiting
            logger.exception("NOTIFY of subscription %s failed", one.id)
            watch.forget()

    def _answered(self, watch: Watch, last: bool, answer: Answer) -> None:
        """A NOTIFY has ended."""
        if self._closed or last:
            watch.busy = False
            return
        pause = self._went_on(watch, answer)
        if pause:
            self._after(pause, watch)
            return
        watch.busy = False
        if pause is not None and watch.due and not watch.stranded:
            self._deliver(watch)

    def _after(self, seconds: float, watch: Watch) -> None:
        """A phone has asked for time."""

        def go_on() -> None:
            self._later.discard(timer)
            watch.busy = False
            if watch.due and not watch.stranded:
                self._deliver(watch)

        timer = asyncio.get_running_loop().call_later(seconds, go_on)
        self._later.add(timer)

    def _went_on(self, watch: Watch, answer: Answer) -> float | None:
        """After how many seconds a subscription goes on when its NOTIFY has been answered; None when it has ended (RFC
        6665 §4.2.2)."""
        if answer.code < 300:
            self.told["delivered"] += 1
            return 0.0
        one, came = watch.subscription, bool(answer.headers)
        watch.forget()
        if not came and answer.code == 503 and one.transport != "UDP":
            # its connection is gone; the phone knows, and comes back
            self.told["unsent"] += 1
            watch.stranded = watch.due = True
            logger.info("not told: no connection to %s", _words(one))
            return 0.0
        if (seconds := _retry_after(answer)) is not None:
            self.told["refused"] += 1
            watch.want(forced=True)
            return float(min(seconds, LONGEST_RETRY_S))
        self.told["ended" if answer.code == 481 else "refused" if came else "unanswered"] += 1
        if one.id in self._watches:
            why = f"{answer.code} to its NOTIFY" if came else "its NOTIFY is not answered"
            logger.log(logging.INFO if answer.code == 481 else logging.WARNING, "ended %s: %s", _words(one), why)
            self._forget(watch)
        watch.enter(SubscriptionState.TERMINATED, "noresource")
        return None

    async def close(self) -> None:
        """Nobody is told anything any more; the subscriptions stay in the store."""
        self._closed = True
        for timer in self._later:
            timer.cancel()
        self._later.clear()


def _retry_after(answer: Answer) -> int | None:
    """The seconds of a Retry-After; None without one."""
    for name, value in answer.headers:
        if name.lower() == "retry-after":
            digits = value.strip().partition(";")[0].partition("(")[0].strip()
            return max(1, int(digits)) if digits.isdecimal() and len(digits) < 10 else None
    return None


def _words(one: Subscription) -> str:
    where = f"{one.transport.lower()}:{one.host}:{one.port}"
    return f"{one.watcher} at {where} to the {one.package} of {one.resource} agent={one.user_agent or '-'}"
