"""Answers that were given to requests with an idempotency key, kept for a day: asking again changes nothing again."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from callwright import clock
from callwright.store.resources import answers
from callwright.store.store import Store

KEPT_FOR = timedelta(days=1)
PURGED_AT_ONCE = 1000
PURGE_EVERY = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer.

    Attributes:
        request: a digest of the request that it answers.
    """

    request: str
    status: int
    kind: str
    body: bytes


def digest(*parts: bytes) -> str:
    """A digest of a request."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(4, "big") + part)
    return whole.hexdigest()


class Answers:
    """The answers of a day, in the store, and the requests that are being answered, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: OrderedDict[str, asyncio.Future[Kept | None]] = OrderedDict()
        self._written = 0

    async def once(self, key: str, work: Callable[[], Awaitable[Kept]]) -> Kept:
        """The answer to a request: made by `work` the first time, the kept one from then on.

        Who asks while it is being made waits for it. Only what has changed something is kept: the answer to a
        request that was refused (400 and above) is made anew.

        Args:
            key: whose it is and what he calls it.

        Returns:
            The answer; it may be one to another request under this key.

        Raises:
            StoreError: the store cannot be read, or the answer cannot be kept.
        """
        while (other := self._under_way.get(key)) is not None:
            if (found := await asyncio.shield(other)) is not None:
                return found
        mine: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self._under_way[key] = mine
        kept: Kept | None = None
        try:
            kept = await self._read(key)
            if kept is None:
                made = await work()
                if made.status >= 400:
                    return made
                await self._write(key, made)
                kept = made
            return kept
        finally:
            del self._under_way[key]
            mine.set_result(kept)

    async def _read(self, key: str) -> Kept | None:
        row = await self._store.get(answers, key)
        if row is None or row["at"] < clock.now() - KEPT_FOR:
            return None
        return Kept(row["request"], row["status"], row["kind"], row["body"].encode())

    async def _write(self, key: str, made: Kept) -> None:
        row = {"request": made.request, "status": made.status, "kind": made.kind, "body": made.body.decode()}
        self._store.put(answers, {"key": key, "at": clock.now(), **row})
        self._written += 1
        if self._written % PURGE_EVERY == 1:
            await self.purge()
        await self._store.flushed()

    async def purge(self) -> None:
        """Deletes what is older than a day, so many at a time."""
        old = select(answers.c.key).where(answers.c.at < clock.now() - KEPT_FOR).limit(PURGED_AT_ONCE)
        for row in await self._store.fetch(old):
            self._store.delete(answers, row["key"])
