import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from callwright.errors import StartError, StoreError
from callwright.store.sqlite import SqliteDatabase, transient
from callwright.store.tables import calls


async def test_refuses_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to have a header" * 50)
    with pytest.raises(StartError, match=r"x\.db cannot be opened: file is not a database"):
        await SqliteDatabase.open(f"sqlite:///{tmp_path}/x.db")


async def test_refuses_memory() -> None:
    with pytest.raises(StartError, match="must be a file"):
        await SqliteDatabase.open("sqlite:///:memory:")


async def test_makes_the_folder_and_uses_a_write_ahead_log(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(f"sqlite:///{tmp_path}/a/b/x.db")
    connection = sqlite3.connect(tmp_path / "a/b/x.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    await database.close()


async def test_a_write_is_whole_or_not_at_all(url: str) -> None:
    database = await SqliteDatabase.open(url)
    with pytest.raises(DBAPIError):
        await database.write({}, {calls: [{"sid": "a"}, {"sid": "b", "duration": object()}]})
    assert await database.read(select(calls)) == []
    await database.write({}, {calls: [{"sid": "a"}, {"sid": "b", "duration": 1}]})
    await database.write({calls: [("a",)]}, {})
    assert [row["sid"] for row in await database.read(select(calls))] == ["b"]
    await database.close()


async def test_a_closed_database_says_so(url: str) -> None:
    database = await SqliteDatabase.open(url)
    await database.close()
    with pytest.raises((StoreError, RuntimeError)):
        await database.read(select(calls))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("", {}, sqlite3.OperationalError("database is locked")), True),
        (OperationalError("", {}, sqlite3.OperationalError("database or disk is full")), True),
        (OperationalError("", {}, sqlite3.OperationalError("disk I/O error")), True),
        (OperationalError("", {}, sqlite3.OperationalError("no such table: calls")), False),
        (ProgrammingError("", {}, sqlite3.ProgrammingError("type 'object' is not supported")), False),
        (ValueError("x"), False),
    ],
)
def test_transient_errors(error: Exception, expected: bool) -> None:
    assert transient(error) is expected
