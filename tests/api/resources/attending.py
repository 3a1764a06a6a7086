"""Calls in conferences and queues, as far as the API looks at them."""

import asyncio
from types import SimpleNamespace
from typing import Any

from callwright import ids
from callwright.account import Account
from callwright.calls.backdrop import Backdrop
from callwright.calls.conference.conference import Conference
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.queue.queue import Member
from callwright.calls.status import CallStatus
from callwright.calls.tasks import Tasks
from tests.calls.fakes import FakeEngine, Posts

from ..conftest import MINE, Site

NODES = iter(range(1000, 9999))


class Attending:
    """Makes them; `engine` is what they command, `posts` what is told."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.engine, self.posts = FakeEngine(), Posts()
        loop = asyncio.get_running_loop()
        endpoint = SimpleNamespace(engine=self.engine, loop=loop)
        self.exchange: Any = SimpleNamespace(
            endpoint=endpoint,
            store=site.store,
            callbacks=self.posts,
            tasks=Tasks(),
            rooms=site.services.rooms,
        )

    def call(self, account: Account = MINE) -> Any:
        """An answered call."""
        return SimpleNamespace(
            sid=ids.new(ids.CALL),
            account=account,
            exchange=self.exchange,
            leg=SimpleNamespace(node=next(NODES)),
            status=CallStatus.IN_PROGRESS,
            ended=asyncio.get_running_loop().create_future(),
            note=lambda kind, **data: None,
            parameters=dict,
        )

    def participant(self, name: str = "room", account: Account = MINE, **plan: Any) -> tuple[Conference, Any]:
        """A conference and a call that has just joined it, in silence."""
        call = self.call(account)
        quiet = {"wait": Backdrop.SILENCE, "beep_on_enter": False, "beep_on_exit": False}
        registry = self.site.services.rooms.conferences
        conference, _ = registry.join(call, ConferencePlan(name, **{**quiet, **plan}))
        return conference, call

    def member(self, name: str = "support") -> Member:
        """A call that has just begun to wait in a queue."""
        call = self.call()
        queue = self.site.services.rooms.queues.open(self.site.store, call.account.sid, name, 1000)
        member = queue.enter(call, 1000)
        queue.wait(member, asyncio.get_running_loop().create_future())
        return member
