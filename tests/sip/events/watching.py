"""SUBSCRIBEs and PUBLISHes as the engine tells of them, a whole notifier on a real database, and what it sends."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from callwright.sip.credentials import Credential
from callwright.sip.events.service import Events
from callwright.sip.events.subscription import Subscription
from callwright.sip.leg import Headers
from callwright.sip.registrar import Registrar
from callwright.sip.registration import Terms
from callwright.sip.request import Request
from callwright.sip.trunks import Trunk, Trunks
from callwright.sip.users import User, Users
from callwright.store.store import Store
from tests.sip.registering import ALICE, BOB, DOMAIN, NOON, USERS, Answers

TERMS = Terms(60, 3600, 3600)
CALL_ID = "watch-1"
SUMMARY = "application/simple-message-summary"
CONTACT = "<sip:alice@192.0.2.7:5062>"


OFFICE = "office.example"


class Office:
    """A domain of the API with one user, dora; her realm is that of all such users."""

    dora = User("dora", OFFICE, ALICE.account_sid, Credential("dora", DOMAIN, "0" * 32, "0" * 64), hosted=True)

    def __contains__(self, host: object) -> bool:
        return host == OFFICE

    def registrant(self, username: str, host: str) -> User | None:
        return self.dora if (username, host) == ("dora", OFFICE) else None


def hosting() -> Users:
    """Alice, Bob and Dora."""
    users = Users([ALICE, BOB], ports=[5060])
    users.host(Office())
    return users


class Hours:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        """So long later."""
        self.now += timedelta(seconds=seconds)


PLACE = {
    "call_id": CALL_ID,
    "cseq": 1,
    "source_host": "192.0.2.7",
    "source_port": 5062,
    "transport": "UDP",
    "realm": DOMAIN,
    "local_host": "192.0.2.1",
    "local_port": 5060,
}


def request(
    engine: Any,
    method: str = "SUBSCRIBE",
    *,
    id_: int = 1,
    name: str = "alice",
    resource: str = "bob",
    domain: str = DOMAIN,
    event: str = "presence",
    tag: str = "",
    contact: str = CONTACT,
    headers: Sequence[tuple[str, str]] = (),
    from_tag: str = "phone",
    **facts: Any,
) -> Request:
    """A request of an authenticated user. tag: of the dialog that it is in; facts: further ones of a Request."""
    uri = f"sip:{resource}@{domain}"
    own = f";tag={tag}" if tag else ""
    lines = [("From", f"<sip:{name}@{DOMAIN}>;tag={from_tag}"), ("To", f"<{uri}>{own}")]
    lines += [("Event", event)] if event else []
    lines += [("Contact", contact)] if contact else []
    known = {"user": name, "headers": (*lines, *headers), "to_tag": tag or f"ours-{id_}", **PLACE, **facts}
    return Request(engine, id_, method, uri, to_uri=uri, **known)


@dataclass(frozen=True)
class End:
    """How a NOTIFY ended."""

    code: int = 200
    headers: tuple[tuple[str, str], ...] = (("Via", "x"),)


@dataclass
class Notify:
    """One that was sent, and is answered by hand."""

    subscription: Subscription
    headers: Headers
    content_type: str
    body: bytes
    ended: Callable[[End], None]

    def value(self, name: str) -> str:
        """Of a header field."""
        return next(value for other, value in self.headers if other == name)

    @property
    def state(self) -> str:
        """Its Subscription-State."""
        return self.value("Subscription-State")

    def answer(self, code: int = 200, *headers: tuple[str, str]) -> None:
        """The phone's response."""
        self.ended(End(code, (("Via", "x"), *headers)))

    def lost(self, code: int = 408) -> None:
        """Nothing comes."""
        self.ended(End(code, ()))


@dataclass
class Air:
    """Where NOTIFYs go.

    Attributes:
        obliging: answers 200 by itself.
        under_way: how many are still to be answered so.
    """

    all: list[Notify] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    obliging: bool = True
    under_way: int = 0

    def send(
        self,
        subscription: Subscription,
        headers: Headers,
        content_type: str,
        body: bytes,
        ended: Callable[[End], None],
    ) -> None:
        one = Notify(subscription, headers, content_type, body, ended)
        self.all.append(one)
        self.changed.set()
        if self.obliging:
            self.under_way += 1
            asyncio.get_running_loop().call_soon(self._answer, one)

    def _answer(self, one: Notify) -> None:
        self.under_way -= 1
        one.answer()

    async def sent(self, count: int) -> Notify:
        """The n-th NOTIFY."""
        async with asyncio.timeout(30):
            while len(self.all) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.all[count - 1]


class Board:
    """Event notification on a database."""

    def __init__(
        self,
        store: Store,
        hours: Hours | None = None,
        *,
        users: Users = USERS,
        trunks: Sequence[Trunk] = (),
        most: tuple[int, int] = (100, 20),
    ) -> None:
        self.store, self.hours = store, hours or Hours()
        self.answers, self.air = Answers(), Air()
        self.registrar = Registrar(users, store, TERMS, now=self.hours, draw=lambda: 0.0)
        known = Trunks(trunks, realm=DOMAIN)
        self.events = Events(self.registrar, known, store, TERMS, most, self.air.send, now=self.hours, draw=lambda: 0.0)
        self.notifier, self.publications, self.dialogs = (
            self.events.notifier,
            self.events.publications,
            self.events.dialogs,
        )
        self.mailboxes = self.events.mailboxes
        self._ids = itertools.count(1)
        self._tasks = [
            asyncio.create_task(work)
            for name, work in self.events.work()
            if name != "subscriptions taken up" or work.close()
        ]

    async def subscribe(self, **facts: Any) -> int:
        """The status of one SUBSCRIBE's answer."""
        return await self._answered(self.notifier.take, "SUBSCRIBE", facts)

    async def publish(self, body: bytes = b"", **facts: Any) -> int:
        """The status of one PUBLISH's answer."""
        facts = {"resource": "alice", "contact": "", "content_type": "application/pidf+xml", **facts}
        return await self._answered(self.publications.take, "PUBLISH", {**facts, "body": body})

    async def counts(self, body: bytes, **facts: Any) -> int:
        """The status of the answer to one PUBLISH of a message summary, of alice's mailbox by bob."""
        facts = {"name": "bob", "event": "message-summary", "content_type": SUMMARY, **facts}
        return await self.publish(body, **facts)

    async def _answered(self, take: Any, method: str, facts: dict[str, Any]) -> int:
        count = len(self.answers.all) + 1
        take(request(self.answers, method, id_=next(self._ids), **facts))
        async with asyncio.timeout(30):
            while len(self.answers.all) < count:
                self.answers.changed.clear()
                await self.answers.changed.wait()
        return self.answers.codes[-1]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.notifier.close()
