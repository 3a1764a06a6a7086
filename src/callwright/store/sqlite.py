"""SQLite behind the store: one connection that writes, one that reads, each on a thread of its own.

The only place that knows SQLite. WAL lets reads go on beside a write; `synchronous=NORMAL` keeps every committed
row through a crash of the process (not of the machine's power). A call into a thread costs one hop whatever the
number of statements, which an asynchronous driver pays for each of them.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, create_engine, delete, event, tuple_
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from callwright.errors import StartError, StoreError
from callwright.store import schema

T = TypeVar("T")
Row = dict[str, Any]
Key = tuple[Any, ...]

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "busy_timeout=1000",
    "cache_size=-16384",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)
_TRANSIENT = ("OperationalError", "InternalError")
_BEYOND_REPAIR = ("no such table", "no such column", "has no column", "syntax error")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def transient(error: BaseException) -> bool:
    """Whether the same write may succeed later: the database is locked, full, or its disk does not answer."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return False
    text = str(error.orig)
    return type(error.orig).__name__ in _TRANSIENT and not any(phrase in text for phrase in _BEYOND_REPAIR)


class SqliteDatabase:
    """A database file. Made by `open`; `close` ends its connections and threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._upserts: dict[tuple[str, tuple[str, ...]], Insert] = {}
        self._writing = ThreadPoolExecutor(1, "store-write")
        self._reading = ThreadPoolExecutor(1, "store-read")
        self._writer: Connection | None = None
        self._reader: Connection | None = None

    @classmethod
    async def open(cls, url: str) -> "SqliteDatabase":
        """Opens the file, making and migrating it where needed.

        Args:
            url: "sqlite:///path" or "sqlite:///path".

        Raises:
            StartError: it cannot be opened, is no database, or belongs to a newer version.
        """
        path = make_url(url).database
        if not path or path == ":memory:":
            raise StartError(f"the database must be a file: {url}")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # The pysqlite driver: its connections live on the threads above.
        engine = create_engine(
            make_url(url).set(drivername="sqlite+pysqlite"),
            poolclass=NullPool,
            json_serializer=partial(json.dumps, default=str, ensure_ascii=False, separators=(",", ":")),
        )
        event.listen(engine, "connect", _prepare)
        database = cls(engine)
        try:
            database._writer = await database._on(database._writing, database._connect_writer)
            database._reader = await database._on(database._reading, database._connect_reader)
        except DBAPIError as error:
            await database.close()
            raise StartError(f"the database {path} cannot be opened: {error.orig}") from error
        except BaseException:
            await database.close()
            raise
        return database

    async def write(self, deletes: Mapping[Table, Sequence[Key]], rows: Mapping[Table, Sequence[Row]]) -> None:
        """Commits deletions, then upserts, as one transaction."""
        await self._on(self._writing, partial(self._write, deletes, rows))

    async def read(self, select: Select[Any], parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Runs one SELECT, with values for its bind parameters, and returns its rows as dicts.

        Raises:
            StoreError: the database cannot be read.
        """
        try:
            return await self._on(self._reading, partial(self._read, select, parameters))
        except DBAPIError as error:
            raise StoreError(f"the database cannot be read: {error.orig}") from error

    async def close(self) -> None:
        """Ends both connections and their threads."""
        for executor, connection in ((self._reading, self._reader), (self._writing, self._writer)):
            if connection is not None:
                await self._on(executor, connection.close)
            executor.shutdown(wait=False)
        self._reader = self._writer = None
        self._engine.dispose()

    async def _on(self, executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, function)

    def _connect_writer(self) -> Connection:
        connection = self._engine.connect()
        try:
            with connection.begin():
                schema.upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_reader(self) -> Connection:
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _write(self, deletes: Mapping[Table, Sequence[Key]], rows: Mapping[Table, Sequence[Row]]) -> None:
        if self._writer is None:
            raise StoreError("the database is closed")
        with self._writer.begin():
            for table, keys in deletes.items():
                self._writer.execute(delete(table).where(tuple_(*table.primary_key.columns).in_(keys)))
            for table, changed in rows.items():
                shapes: dict[tuple[str, ...], list[Row]] = {}
                for row in changed:
                    shapes.setdefault(tuple(row), []).append(row)
                for shape, alike in shapes.items():
                    self._writer.execute(self._upsert(table, shape), alike)

    def _read(self, select: Select[Any], parameters: Mapping[str, Any] | None) -> list[Row]:
        if self._reader is None:
            raise StoreError("the database is closed")
        result = self._reader.execute(select, parameters)
        keys = tuple(result.keys())
        return [dict(zip(keys, row, strict=True)) for row in result]

    def _upsert(self, table: Table, shape: tuple[str, ...]) -> Insert:
        statement = self._upserts.get((table.name, shape))
        if statement is None:
            statement = insert(table).values({name: None for name in shape})
            key = [column.name for column in table.primary_key.columns]
            changed = {name: statement.excluded[name] for name in shape if name not in key}
            if changed:
                statement = statement.on_conflict_do_update(index_elements=key, set_=changed)
            else:
                statement = statement.on_conflict_do_nothing(index_elements=key)
            self._upserts[table.name, shape] = statement
        return statement
