"""Answers that wait until what they confirm is in the store; those that come together share one commit."""

import asyncio
import logging
from collections.abc import Callable

from callwright.errors import StoreError
from callwright.sip.leg import Headers
from callwright.sip.request import Request
from callwright.store.store import Store

logger = logging.getLogger(__name__)

TOGETHER = 20
"""How many are answered before calls get their turn."""
NOT_STORED = [("Retry-After", "10")]


class Commits:
    """The answers that wait."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Request, Headers, Callable[[bool], None]]] = []
        self._wake = asyncio.Event()

    def confirm(self, request: Request, headers: Headers, done: Callable[[bool], None]) -> None:
        """200 as soon as everything that was staged is stored, else 500.

        Args:
            done: told afterwards whether it is stored.
        """
        self._waiting.append((request, headers, done))
        self._wake.set()

    async def serve(self) -> None:
        """Answers, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            stored = await self._stored(len(waiting))
            for number, (request, headers, done) in enumerate(waiting, 1):
                self._answer(request, headers, stored)
                done(stored)
                if number % TOGETHER == 0:
                    await asyncio.sleep(0)

    def _answer(self, request: Request, headers: Headers, stored: bool) -> None:
        try:
            request.respond(*((200, "", headers) if stored else (500, "Not Stored", NOT_STORED)))
        except ValueError:  # one that we should have refused must not keep the others waiting
            logger.exception("the answer to a %s from %s cannot be written", request.method, request.source_host)
            request.respond(500)

    async def _stored(self, count: int) -> bool:
        try:
            await self._store.flushed()
        except StoreError as error:
            logger.warning("%d SUBSCRIBEs and PUBLISHes are answered 500: %s", count, error.message)
            return False
        return True
