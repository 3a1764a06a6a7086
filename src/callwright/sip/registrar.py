"""The registrar: where every user's phones are (RFC 3261 §10).

Bindings live in memory; a change is in the store before its 200 is sent, so that phones are found again after a crash.
REGISTERs that come together share one commit. Those that expire are found by one task, in the order of time.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import select

from callwright import clock
from callwright.errors import StoreError
from callwright.sip import gruu
from callwright.sip.binding import Binding, Key
from callwright.sip.flow import promised
from callwright.sip.leg import Headers
from callwright.sip.registration import Refusal, Terms, addressed, updated
from callwright.sip.request import Request
from callwright.sip.users import User, Users
from callwright.store import tables
from callwright.store.store import Store

logger = logging.getLogger(__name__)

TICK_S = 5.0
TOGETHER = 100
"""How many phones are answered, or forgotten, before calls get their turn."""
FLOW_FAILED = 430
QUIET = frozenset({423, 439, 500})
"""Refusals that a phone mends by itself."""


class Follower(Protocol):
    """Who is told of each binding that there is, and that there is no longer; of one that is renewed, both."""

    def bound(self, binding: Binding) -> None: ...
    def released(self, binding: Binding) -> None: ...


class Registrar:
    """The bindings of all users.

    Args:
        now: the wall clock: registrations outlive the process.
        draw: random numbers of 0 to 1.

    Attributes:
        outcomes: REGISTERs by what became of them: registered, refreshed, removed, queried, unstored, refused_403, ...
        dropped: bindings that led nowhere any more, by what has shown it.
        changed: told the address of record whose phones have come or gone.
        stranded: keys of the bindings whose connection is gone: the first to make room.
    """

    def __init__(
        self,
        users: Users,
        store: Store,
        terms: Terms | None = None,
        *,
        now: Callable[[], datetime] = clock.now,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.users = users
        self.outcomes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.stranded: Collection[Key] = ()
        self._followers: list[Follower] = []
        self.changed: Callable[[str], None] = lambda aor: None
        self._store, self.terms = store, terms or Terms()
        self._now, self._draw = now, draw
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._due: dict[int, set[Key]] = {}  # keys by the tick in which they expire
        self._answers: list[tuple[Request, Headers]] = []
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """How many bindings there are."""
        return sum(map(len, self._due.values()))

    def follow(self, follower: Follower) -> None:
        """Tells another of what there is, and of what comes and goes from now on."""
        self._followers.append(follower)
        for bindings in self._bindings.values():
            for binding in bindings:
                follower.bound(binding)

    async def load(self) -> None:
        """Takes up the bindings that the daemon before this one kept, but for those that nobody may have any more.

        Raises:
            StoreError: they cannot be read.
        """
        now, found = self._now(), 0
        # those that were renewed last are the last, as well as the ends of their times tell
        rows = await self._store.fetch(select(tables.bindings).order_by(tables.bindings.c.expires_at))
        for row in rows:
            binding = Binding.of(row)
            if binding.lives(now) and self.users.registered(binding.aor) is not None:
                self._bindings[binding.aor] = (*self._bindings.get(binding.aor, ()), binding)
                self._schedule(binding)
                found += 1
            else:
                self._store.delete(tables.bindings, binding.key)
        if found:
            logger.info("%d registrations are taken up again", found)

    def bindings(self, user: User) -> tuple[Binding, ...]:
        """Where a user can be reached now."""
        return self.bindings_of(user.aor)

    def phones(self, user: User, uri: str) -> tuple[Binding, ...]:
        """Which bindings of a user a URI means: all of them, or the newest of the phone whose GRUU it is."""
        found, instance = self.bindings(user), gruu.instance_of(uri)
        if not instance:
            return found
        own = [binding for binding in found if binding.instance.lower() == instance]
        return tuple(own[-1:])

    def bindings_of(self, aor: str) -> tuple[Binding, ...]:
        """Where an address of record can be reached now; who has registered last is the last."""
        now = self._now()
        return tuple(binding for binding in self._bindings.get(aor, ()) if binding.lives(now))

    # REGISTER

    def take(self, request: Request) -> None:
        """One REGISTER. Its answer follows when its changes are in the store."""
        owner = addressed(request, self.users)
        if isinstance(owner, Refusal):
            self._refuse(request, owner)
            return
        before, now = self.bindings(owner), self._now()
        dead = {binding.id for binding in before if binding.key in self.stranded}
        after = updated(request, owner, before, self.terms, now=now, draw=self._draw, dead=dead)
        if isinstance(after, Refusal):
            self._refuse(request, after)
            return
        changed = self._replace(owner, self._bindings.get(owner.aor, ()), after)
        self._tell(request, before, after)
        known = gruu.wanted(request)
        headers = [("Contact", binding.contact(now, gruu=known)) for binding in after]
        headers += [("Path", value) for value in request.values("Path")]
        headers += promised(request, after)
        if not changed:
            request.respond(200, headers=headers)
            return
        self._answers.append((request, headers))
        self._wake.set()

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        self.outcomes[f"refused_{refusal.code}"] += 1
        level = logging.DEBUG if refusal.code in QUIET else logging.WARNING
        where = f"{request.source_host}:{request.source_port}"
        logger.log(level, "REGISTER from %s refused with %d: %s", where, refusal.code, refusal.why)
        request.respond(refusal.code, refusal.reason, refusal.headers)

    def _replace(self, user: User, before: Sequence[Binding], after: Sequence[Binding]) -> bool:
        """Whether anything has changed."""
        kept = set(after)
        for binding in before:
            if binding not in kept:
                self._unschedule(binding)
        gone = {binding.id for binding in before} - {binding.id for binding in after}
        for id_ in gone:
            self._store.delete(tables.bindings, (user.aor, id_))
        old = set(before)
        new = [binding for binding in after if binding not in old]
        for binding in new:
            self._schedule(binding)
            self._store.put(tables.bindings, binding.row())
        if after:
            self._bindings[user.aor] = tuple(after)
        else:
            self._bindings.pop(user.aor, None)
        if gone or new:
            self.changed(user.aor)
        return bool(gone or new)

    def _tell(self, request: Request, before: Sequence[Binding], after: Sequence[Binding]) -> None:
        """One line for each phone that has come or gone; what only goes on is worth none."""
        known, left = {binding.id for binding in before}, {binding.id for binding in after}
        verbose = logger.isEnabledFor(logging.DEBUG)
        for binding in after:
            if binding.id not in known:
                logger.info("registered %s", _words(binding))
            elif verbose and binding not in before:
                logger.debug("refreshed %s", _words(binding))
        for binding in before:
            if binding.id not in left:
                logger.info("unregistered %s", _words(binding))
        came, went = left - known, known - left
        refreshed = set(after) != set(before)
        outcome = "registered" if came else "removed" if went else "refreshed" if refreshed else "queried"
        self.outcomes[outcome] += 1

    async def serve(self) -> None:
        """Answers REGISTERs when their changes are in the store, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            answers, self._answers = self._answers, []
            stored = await self._stored(len(answers))
            for number, (request, headers) in enumerate(answers, 1):
                self._answer(request, headers, stored)
                if number % TOGETHER == 0:
                    await asyncio.sleep(0)

    def _answer(self, request: Request, headers: Headers, stored: bool) -> None:
        if not stored:
            self.outcomes["unstored"] += 1
            request.respond(500, "Not Stored", [("Retry-After", "10")])
            return
        try:
            request.respond(200, headers=headers)
        except ValueError:  # one that we should have refused must not keep the others waiting
            logger.exception("the answer to a REGISTER from %s cannot be written", request.source_host)
            request.respond(500)

    async def _stored(self, count: int) -> bool:
        try:
            await self._store.flushed()
        except StoreError as error:
            logger.warning("%d REGISTERs are answered 500: %s", count, error.message)
            return False
        return True

    # time

    def _tick(self, binding: Binding) -> int:
        return int(binding.expires_at.timestamp() // TICK_S)

    def _schedule(self, binding: Binding) -> None:
        self._due.setdefault(self._tick(binding), set()).add(binding.key)
        for follower in self._followers:
            follower.bound(binding)

    def _unschedule(self, binding: Binding) -> None:
        for follower in self._followers:
            follower.released(binding)
        tick = self._tick(binding)
        if (keys := self._due.get(tick)) is not None:
            keys.discard(binding.key)
            if not keys:
                del self._due[tick]

    async def prune(self) -> None:
        """Forgets what has expired, until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            await self.expire()

    async def expire(self) -> None:
        """Forgets what has expired by now."""
        now = self._now()
        present = int(now.timestamp() // TICK_S)
        for tick in sorted(tick for tick in self._due if tick < present):
            for number, key in enumerate(tuple(self._due.get(tick, ())), 1):
                self._expire(*key, now)
                if number % TOGETHER == 0:
                    await asyncio.sleep(0)

    def _expire(self, aor: str, id_: str, now: datetime) -> None:
        """One binding, unless it has been renewed meanwhile."""
        expired = self._find((aor, id_))
        if expired is not None and not expired.lives(now):
            logger.info("expired %s", _words(expired))
            self._forget(expired)

    def drop(self, binding: Binding, by: str, why: str) -> None:
        """Forgets a binding before its time: there is nobody. A no-op when its phone has registered from elsewhere
        meanwhile.

        Args:
            by: what has shown it, in a word.
            why: for the log.
        """
        found = self._find(binding.key)
        if found is not None and found.place == binding.place:
            self.dropped[by] += 1
            logger.info("dropped %s: %s", _words(found), why)
            self._forget(found)

    def unreached(self, binding: Binding, code: int) -> None:
        """A request to a phone has failed. A 430, of ours or of a proxy on the way, says that no way leads there any
        more (RFC 5626 §5.3.1)."""
        if code == FLOW_FAILED:
            self.drop(binding, "request", "a request has found no connection to it")

    def _find(self, key: Key) -> Binding | None:
        return next((one for one in self._bindings.get(key[0], ()) if one.id == key[1]), None)

    def _forget(self, binding: Binding) -> None:
        self._unschedule(binding)
        self._store.delete(tables.bindings, binding.key)
        left = tuple(one for one in self._bindings[binding.aor] if one is not binding)
        if left:
            self._bindings[binding.aor] = left
        else:
            self._bindings.pop(binding.aor, None)
        self.changed(binding.aor)


def _words(binding: Binding) -> str:
    where = f"{binding.transport.lower()}:{binding.host}:{binding.port}"
    return f"{binding.aor} at {where} contact={binding.uri} agent={binding.user_agent or '-'}"
