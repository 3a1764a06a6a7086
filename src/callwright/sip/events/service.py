"""Event notification as one part of the daemon: who subscribes, who publishes, and what is told of whom."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Any

from callwright import clock
from callwright.sip.endpoint import Endpoint
from callwright.sip.events.commits import Commits
from callwright.sip.events.dialogs import Dialogs
from callwright.sip.events.mailboxes import Mailboxes
from callwright.sip.events.notifier import Answer, Notifier, Send
from callwright.sip.events.publications import Publications
from callwright.sip.events.states import States
from callwright.sip.events.subscription import Subscription
from callwright.sip.leg import Headers
from callwright.sip.registrar import Registrar
from callwright.sip.registration import Terms
from callwright.sip.trunks import Trunks
from callwright.store.store import Store

logger = logging.getLogger(__name__)

TICK_S = 5.0


class Events:
    """Subscriptions, publications, mailboxes, and the dialogs of users' phones.

    Args:
        most: subscriptions in all, and of one user.
        send: how NOTIFYs are sent; see `over`.
    """

    def __init__(
        self,
        registrar: Registrar,
        trunks: Trunks,
        store: Store,
        terms: Terms,
        most: tuple[int, int],
        send: Send,
        *,
        now: Callable[[], datetime] = clock.now,
        draw: Callable[[], float] = random.random,
    ) -> None:
        users, self._commits = registrar.users, Commits(store)
        self.dialogs = Dialogs()
        self.publications = Publications(users, trunks, store, self._commits, terms, now=now, draw=draw)
        self.mailboxes = Mailboxes(users, self.publications)
        states = States(registrar, self.dialogs, self.publications)
        self.notifier = Notifier(users, states, store, self._commits, terms, send, most=most, now=now, draw=draw)

    async def load(self) -> None:
        """Takes up what the daemon before this one kept.

        Raises:
            StoreError: it cannot be read.
        """
        await self.publications.load()
        await self.notifier.load()

    def answer(self, endpoint: Endpoint) -> None:
        """From now on the requests of phones, and the states of their legs, come here."""
        endpoint.requests["SUBSCRIBE"] = self.notifier.take
        endpoint.requests["PUBLISH"] = self.publications.take
        endpoint.moved = self.dialogs.moved

    def work(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs beside the calls until the daemon stops, with its names."""
        yield "events", self._commits.serve()
        yield "watchers", self.notifier.serve()
        yield "subscriptions", self._prune()
        yield "subscriptions taken up", self.notifier.resume()

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            await self.notifier.expire()
            await self.publications.expire()

    def outcomes(self) -> dict[tuple[str, str], int]:
        """Requests by method and what became of them."""
        counted = {"SUBSCRIBE": self.notifier.outcomes, "PUBLISH": self.publications.outcomes}
        counted["NOTIFY"] = self.notifier.told
        return {(method, outcome): count for method, by in counted.items() for outcome, count in by.items()}


def over(endpoint: Endpoint) -> Send:
    """NOTIFYs to where the SUBSCRIBE came from."""

    def send(
        one: Subscription, headers: Headers, content_type: str, body: bytes, ended: Callable[[Answer], None]
    ) -> None:
        endpoint.transactions.send(
            "NOTIFY",
            one.target,
            ended,
            headers=headers,
            content_type=content_type,
            body=body,
            next_hop=one.hop,
        )

    return send
