"""A queue: those who wait in it, and those who wait for somebody (call-control reference §1.7, §3.5)."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from callwright import clock, ids
from callwright.calls.application import Hook
from callwright.calls.party import Party
from callwright.calls.queue.plan import FULL
from callwright.errors import RoomError
from callwright.store import tables
from callwright.store.store import Store

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Claim:
    """A call that wants to talk with the first of a queue.

    Args:
        ready: resolved with the member when it can be connected; fails when the claiming call ends.

    Attributes:
        member: the one whom it has been given.
        begun: done when the member is to talk, with the claiming call as his party.
        bridged: they have been connected.
        expired: nobody else is wanted, should the member go before they are connected.
        over: done when the claiming call talks no more, or never will.
        parted: done when the member talks no more, or never will.
    """

    def __init__(self, call: "Call", whisper: Hook | None, ready: "asyncio.Future[Member | None]") -> None:
        self.call = call
        self.whisper = whisper
        self.ready = ready
        self.member: Member | None = None
        self.bridged = False
        self.expired = False
        self.begun: asyncio.Future[Party] = ready.get_loop().create_future()
        self.over: asyncio.Future[None] = ready.get_loop().create_future()
        self.parted: asyncio.Future[None] = ready.get_loop().create_future()

    def finish(self) -> None:
        """The claiming call talks no more."""
        _settle(self.over)


class Member:
    """A call that waits in a queue.

    Attributes:
        since: when it came, on the loop's clock.
        taken: resolved with the claim that takes it, None when it leaves the queue by itself; set by whoever waits.
    """

    def __init__(self, queue: "Queue", call: "Call") -> None:
        self.queue = queue
        self.call = call
        self.entered = clock.now()
        self.taken: asyncio.Future[Claim | None] | None = None
        self.since = call.exchange.endpoint.loop.time()
        self._waited: float | None = None

    @property
    def waiting(self) -> bool:
        """Whether it can be taken."""
        return self.taken is not None and not self.taken.done()

    @property
    def position(self) -> int:
        """From 1; 0 when it waits no longer."""
        return self.queue.members.index(self) + 1 if self in self.queue.members else 0

    @property
    def seconds(self) -> int:
        """How long it has waited, or had to."""
        waited = self._waited
        return int(self.call.exchange.endpoint.loop.time() - self.since if waited is None else waited)

    def stop_clock(self) -> None:
        """It waits no longer."""
        if self._waited is None:
            self._waited = self.call.exchange.endpoint.loop.time() - self.since

    def resume_clock(self) -> None:
        """It waits again: whoever had taken it is gone."""
        self._waited = None

    def leave(self) -> bool:
        """It leaves by its own wish; False when somebody has taken it already."""
        if self.taken is None or self.taken.done():
            return False
        self.taken.set_result(None)
        return True

    def parameters(self) -> dict[str, str]:
        """What a wait document is asked with (call-control reference §1.7)."""
        queue = self.queue
        return {
            "QueueSid": queue.sid,
            "QueueTime": str(self.seconds),
            "QueuePosition": str(self.position),
            "AvgQueueTime": str(queue.average_wait),
            "CurrentQueueSize": str(len(queue.members)),
            "MaxQueueSize": str(queue.max_size),
        }


class Queue:
    """One queue; it lives in the database until it is deleted.

    Attributes:
        members: those who wait, the first one first.
    """

    def __init__(self, store: Store, row: dict[str, Any]) -> None:
        self._store = store
        self._row = row
        self.members: list[Member] = []
        self._claims: list[Claim] = []
        self._since = 0.0
        """Of all members together: thousands of wait documents ask for the average every second."""

    @classmethod
    def new(cls, store: Store, account_sid: str, name: str, max_size: int) -> "Queue":
        """A queue that did not exist."""
        queue = cls(store, {})
        queue._save(
            sid=ids.new(ids.QUEUE),
            account_sid=account_sid,
            friendly_name=name,
            max_size=max_size,
            date_created=clock.now(),
        )
        return queue

    @property
    def sid(self) -> str:
        """QU..."""
        return str(self._row["sid"])

    @property
    def account_sid(self) -> str:
        """AC... of its owner."""
        return str(self._row["account_sid"])

    @property
    def name(self) -> str:
        """Unique in its account."""
        return str(self._row["friendly_name"])

    @property
    def max_size(self) -> int:
        """How many may wait in it."""
        return int(self._row["max_size"])

    @property
    def created(self) -> datetime:
        """When it was made."""
        found: datetime = self._row["date_created"]
        return found

    @property
    def updated(self) -> datetime:
        """When its settings last changed."""
        found: datetime = self._row["date_updated"]
        return found

    @property
    def average_wait(self) -> int:
        """Seconds that its members have waited, on average."""
        if not self.members:
            return 0
        now = self.members[0].call.exchange.endpoint.loop.time()
        return max(0, int(now - self._since / len(self.members)))

    @property
    def idle(self) -> bool:
        """Whether nobody waits, on either side."""
        return not self.members and not self._claims

    def change(self, *, name: str = "", max_size: int | None = None) -> None:
        """Changes its settings; what is "" or None stays."""
        self._save(friendly_name=name or self.name, max_size=self.max_size if max_size is None else max_size)

    def _save(self, **columns: Any) -> None:
        self._row.update(columns, date_updated=clock.now())
        self._store.put(tables.queues, self._row)

    # those who wait

    def enter(self, call: "Call", most: int) -> Member:
        """A call at its end.

        Args:
            most: members that the call itself lets it have.

        Raises:
            RoomError: 14207 it is full.
        """
        size = min(most, self.max_size)
        if len(self.members) >= size:
            raise RoomError(f"the queue {self.name!r} holds {len(self.members)} calls, its most", code=FULL)
        member = Member(self, call)
        self.members.append(member)
        self._since += member.since
        return member

    def wait(self, member: Member, taken: "asyncio.Future[Claim | None]") -> None:
        """A member waits to be taken; whoever asks first gets the first."""
        member.taken = taken
        self._match()

    def give_back(self, member: Member) -> None:
        """Whoever had taken a member is gone: it is the first again."""
        member.resume_clock()
        self.members.insert(0, member)
        self._since += member.since

    def remove(self, member: Member) -> None:
        """A member waits no longer."""
        member.stop_clock()
        if member in self.members:
            self.members.remove(member)
            self._since = self._since - member.since if self.members else 0.0

    # those who ask

    def claim(self, claim: Claim, *, first: bool = False) -> None:
        """Somebody asks for a member; `first`: again, because the one he was given is gone."""
        claim.member = None
        if claim.expired:
            claim.ready.set_result(None)
            return
        self._claims.insert(0 if first else len(self._claims), claim)
        self._match()

    def withdraw(self, claim: Claim) -> bool:
        """Nobody is wanted any more; False when there is a member already."""
        claim.expired = True
        if claim not in self._claims:
            return False
        self._claims.remove(claim)
        return True

    def _match(self) -> None:
        while self._claims and (member := next((one for one in self.members if one.waiting), None)) is not None:
            claim = self._claims.pop(0)
            if claim.ready.done():
                continue
            claim.member = member
            self.remove(member)
            assert member.taken is not None
            member.taken.set_result(claim)


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
