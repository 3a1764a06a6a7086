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
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, bindparam, create_engine, delete, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from callwright.errors import StartError, StoreError
from callwright.store import schema
from callwright.store.tables import is_constant

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


class Upsert:
    """The statement that writes rows of one shape, made once.

    It goes to the driver as text with its values in order: what SQLAlchemy does for each row that is handed to it as
    a dict takes longer than SQLite takes to write the row.

    Args:
        shape: the columns, the whole key among them.
    """

    def __init__(self, table: Table, shape: tuple[str, ...], dialect: Dialect) -> None:
        statement = insert(table).values(dict.fromkeys(shape))
        key = [column.name for column in table.primary_key.columns]
        changed = {
            name: statement.excluded[name] for name in shape if name not in key and not is_constant(table.c[name])
        }
        if changed:
            statement = statement.on_conflict_do_update(index_elements=key, set_=changed)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        names = compiled.positiontup or []
        self._values = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        kinds = [table.c[name].type.dialect_impl(dialect) for name in names]
        binds = [kind.bind_processor(dialect) for kind in kinds]
        self._conversions = [(index, bind) for index, bind in enumerate(binds) if bind is not None]

    def values(self, row: Row) -> tuple[Any, ...]:
        """A row's values, in the order of the statement and as the driver takes them."""
        values = list(self._values(row))
        for index, convert in self._conversions:
            values[index] = convert(values[index])
        return tuple(values)


class SqliteDatabase:
    """A database file. Made by `open`; `close` ends its connections and threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._upserts: dict[tuple[str, tuple[str, ...]], Upsert] = {}
        self._deletions: dict[str, str] = {}
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
            json_serializer=json.JSONEncoder(default=str, ensure_ascii=False, separators=(",", ":")).encode,
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
                self._writer.exec_driver_sql(self._deletion(table), list(keys))
            for table, changed in rows.items():
                shapes: dict[tuple[str, ...], list[Row]] = {}
                for row in changed:
                    shapes.setdefault(tuple(row), []).append(row)
                for shape, alike in shapes.items():
                    upsert = self._upsert(table, shape)
                    self._writer.exec_driver_sql(upsert.text, [upsert.values(row) for row in alike])

    def _read(self, select: Select[Any], parameters: Mapping[str, Any] | None) -> list[Row]:
        if self._reader is None:
            raise StoreError("the database is closed")
        result = self._reader.execute(select, parameters)
        keys = tuple(result.keys())
        return [dict(zip(keys, row, strict=True)) for row in result]

    def _upsert(self, table: Table, shape: tuple[str, ...]) -> Upsert:
        upsert = self._upserts.get((table.name, shape))
        if upsert is None:
            upsert = self._upserts[table.name, shape] = Upsert(table, shape, self._engine.dialect)
        return upsert

    def _deletion(self, table: Table) -> str:
        text = self._deletions.get(table.name)
        if text is None:
            statement = delete(table).where(*(column == bindparam(column.name) for column in table.primary_key.columns))
            text = self._deletions[table.name] = str(statement.compile(dialect=self._engine.dialect))
        return text
