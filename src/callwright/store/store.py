"""Records that outlive the daemon: rows are staged at once and committed in groups.

A writer stages rows and goes on; the store commits what was staged at most 50 ms later, and at once when somebody
waits for it or reads it. Rows that cannot be written stay staged and are tried again until they can.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, bindparam, select

from callwright import clock
from callwright.errors import StartError, StoreError
from callwright.store.batch import Batch
from callwright.store.sqlite import Key, Row, SqliteDatabase, transient
from callwright.store.tables import meta, metadata

log = logging.getLogger(__name__)

GROUP_S = 0.05
HEARTBEAT_S = 5.0
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BATCH_ROWS = 1_000
MAX_STAGED = 200_000


class Store:
    """The daemon's records. Made by `open`; used from one event loop; ended by `close`.

    Attributes:
        last_alive: when the daemon that used the database before this one was last known to run; None for a new one.
    """

    def __init__(self, database: SqliteDatabase, last_alive: datetime | None) -> None:
        self._database = database
        self._batches: deque[Batch] = deque()
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._lost = 0
        self._overflowing = False
        self._last_commit = float("-inf")
        self._last_beat = float("-inf")
        self._keys = {table: tuple(c.name for c in table.primary_key) for table in metadata.tables.values()}
        self._names = {table: frozenset(table.columns.keys()) for table in self._keys}
        self._by_key = {
            table: select(table).where(*(column == bindparam(column.name) for column in table.primary_key))
            for table in self._keys
        }
        self.last_alive = last_alive
        self._task = asyncio.create_task(self._run(), name="store")

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Opens the database and brings its schema up to date.

        Args:
            url: "sqlite:///path/to/file".

        Raises:
            StartError: it cannot be opened, or was written by a newer version.
        """
        if not url.startswith("sqlite"):
            raise StartError(f"unknown kind of database: {url.partition(':')[0]}")
        database = await SqliteDatabase.open(url)
        previous = await database.read(select(meta.c.at).where(meta.c.name == "alive"))
        return cls(database, previous[0]["at"] if previous else None)

    @property
    def healthy(self) -> bool:
        """False while rows cannot be written."""
        return self._failures == 0

    @property
    def staged(self) -> int:
        """How many rows wait to be written."""
        return sum(batch.size for batch in self._batches)

    @property
    def lost(self) -> int:
        """How many rows were given up: the database was away for too long, or could never take them."""
        return self._lost

    def put(self, table: Table, row: Mapping[str, Any]) -> None:
        """Stages an insertion, or a change of the row that has this key. Never blocks.

        Args:
            row: the whole key, and the columns that change; the others keep their values (NULL in a new row).

        Raises:
            ValueError: a column that the table does not have, or a key that is not whole.
        """
        if not row.keys() <= self._names[table]:
            raise ValueError(f"{table.name} has no column {', '.join(sorted(row.keys() - self._names[table]))}")
        key = tuple(row.get(name) for name in self._keys[table])
        if None in key:
            raise ValueError(f"a row of {table.name} needs {', '.join(self._keys[table])}")
        if (batch := self._open_batch()) is not None:
            batch.put(table, key, row)

    def delete(self, table: Table, key: Any) -> None:
        """Stages the deletion of a row. Never blocks.

        Args:
            key: the primary key; a tuple when it has several columns.
        """
        if (batch := self._open_batch()) is not None:
            batch.delete(table, key if isinstance(key, tuple) else (key,))

    async def flushed(self) -> None:
        """Returns when everything staged before is committed.

        Raises:
            StoreError: it could not be committed now; the rows stay staged and are tried again.
        """
        if not self._batches:
            return
        if self._task.done():
            raise StoreError("the store is closed")
        waiter = asyncio.get_running_loop().create_future()
        self._batches[-1].waiters.append(waiter)
        self._urgent.set()
        await waiter

    async def fetch(self, query: Select[Any]) -> list[Row]:
        """The rows of a SELECT, with everything that was staged before for its tables.

        Raises:
            StoreError: the database cannot be read, or what was staged cannot be written.
        """
        tables = frozenset(table for table in query.get_final_froms() if isinstance(table, Table))
        if any(batch.touches(tables) for batch in self._batches):
            await self.flushed()
        return await self._database.read(query)

    async def fetch_one(self, query: Select[Any]) -> Row | None:
        """The first row of a SELECT, or None. Raises like `fetch`."""
        rows = await self.fetch(query)
        return rows[0] if rows else None

    async def get(self, table: Table, key: Any) -> Row | None:
        """One row by its primary key as it was last put, even while the database cannot be written.

        Raises:
            StoreError: the database cannot be read.
        """
        whole: Key = key if isinstance(key, tuple) else (key,)
        if not any(batch.holds(table, whole) for batch in self._batches):
            return await self._read_one(table, whole)
        try:
            await self.flushed()
        except StoreError:
            row = await self._read_one(table, whole)
            for batch in self._batches:
                row = batch.overlaid(table, whole, row)
            return row
        return await self._read_one(table, whole)

    async def close(self) -> None:
        """Writes what is staged, then ends.

        Raises:
            StoreError: rows are left that could not be written.
        """
        self._closing = True
        self._wake.set()
        self._urgent.set()
        await self._task
        await self._database.close()
        if left := self.staged:
            raise StoreError(f"{left} rows could not be written to the database")

    async def _read_one(self, table: Table, key: Key) -> Row | None:
        rows = await self._database.read(self._by_key[table], dict(zip(self._keys[table], key, strict=True)))
        return rows[0] if rows else None

    def _open_batch(self) -> Batch | None:
        """The batch that takes the next row; None when no more can be held."""
        if self._batches:
            batch = self._batches[-1]
            if not batch.sealed and batch.size < BATCH_ROWS:
                return batch
            if len(self._batches) * BATCH_ROWS >= MAX_STAGED:
                self._lost += 1
                if not self._overflowing:
                    self._overflowing = True
                    log.error("x %d rows wait for the database: newer ones are lost", self.staged)
                return None
        self._batches.append(Batch())
        self._wake.set()
        return self._batches[-1]

    async def _run(self) -> None:
        """The writer: one commit at a time, oldest batch first."""
        while not self._closing or self._batches:
            await self._due()
            if self._batches and not await self._commit() and self._closing:
                break
        self._settle(list(self._batches), StoreError("the store is closed"))

    async def _due(self) -> None:
        """Returns when the next commit is due: the group's time is up, or somebody waits."""
        if not self._batches:
            self._wake.clear()
            if not self._closing and not await _within(self._wake, HEARTBEAT_S):
                self._batches.append(Batch())
        delay = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1] if self._failures else GROUP_S
        delay += self._last_commit - asyncio.get_running_loop().time()
        if delay > 0 and not self._closing and not any(batch.waiters for batch in self._batches):
            self._urgent.clear()
            await _within(self._urgent, delay)

    async def _commit(self) -> bool:
        """Writes the oldest batch. Returns False when it could not be written and stays."""
        batch = self._batches[0]
        now = asyncio.get_running_loop().time()
        if now - self._last_beat >= min(1.0, HEARTBEAT_S) and not batch.sealed:
            batch.put(meta, ("alive",), {"name": "alive", "at": clock.now()})
            self._last_beat = now
        batch.sealed = True
        refused: Exception | None = None
        try:
            await self._write(batch)
        except Exception as error:
            if transient(error):
                self._failed(error)
                return False
            refused = error
        if refused is not None and not await self._salvage(batch):
            return False
        self._batches.popleft()
        self._recovered()
        self._settle([batch], None if refused is None else StoreError(f"the database refused a row: {refused}"))
        return True

    async def _write(self, batch: Batch) -> None:
        deletes = {table: list(keys) for table, keys in batch.deletes.items() if keys}
        rows = {table: list(rows.values()) for table, rows in batch.rows.items() if rows}
        try:
            await self._database.write(deletes, rows)
        finally:
            self._last_commit = asyncio.get_running_loop().time()

    async def _salvage(self, batch: Batch) -> bool:
        """Writes the rows of a refused batch one by one, so that a bad one takes no other with it."""
        for single in batch.singles():
            try:
                await self._write(single)
            except Exception as error:
                if transient(error):
                    self._failed(error)
                    return False
                self._lost += 1
                names = {table.name: list(rows) for table, rows in (single.rows or single.deletes).items()}
                log.error("x row given up, the database refuses it: %s: %s", names, error)
        return True

    def _failed(self, error: Exception) -> None:
        reason = str(getattr(error, "orig", error))
        self._failures += 1
        if self._failures == 1:
            log.error("x the database cannot be written (%s): %d rows wait", reason, self.staged)
        self._settle(list(self._batches), StoreError(f"the database cannot be written: {reason}"))

    def _recovered(self) -> None:
        if self._failures:
            log.warning("- the database can be written again: %d rows wait", self.staged)
        self._failures = 0
        self._overflowing = False

    @staticmethod
    def _settle(batches: list[Batch], error: StoreError | None) -> None:
        for batch in batches:
            waiters, batch.waiters = batch.waiters, []
            for waiter in waiters:
                if waiter.done():
                    continue
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set within this time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
