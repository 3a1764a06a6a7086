import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from callwright.errors import StartError, StoreError
from callwright.store.sqlite import SqliteDatabase, transient
from callwright.store.tables import call_events, calls


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


async def test_a_constant_column_keeps_its_first_value(url: str) -> None:
    database = await SqliteDatabase.open(url)
    whole = {"sid": "a", "from": "+1", "direction": "inbound", "status": "ringing"}
    await database.write({}, {calls: [whole]})
    await database.write({}, {calls: [whole | {"from": "+2", "status": "in-progress"}, whole | {"sid": "b"}]})
    rows = await database.read(select(calls).order_by(calls.c.sid))
    assert [(row["sid"], row["from"], row["status"]) for row in rows] == [
        ("a", "+1", "in-progress"),
        ("b", "+1", "ringing"),
    ]
    await database.close()


async def test_a_key_of_two_columns(url: str) -> None:
    database = await SqliteDatabase.open(url)
    rows = [{"call_sid": sid, "number": number, "steps": [number]} for sid in "ab" for number in (0, 64)]
    await database.write({}, {call_events: rows})
    await database.write({call_events: [("a", 64), ("b", 0)]}, {call_events: [rows[0] | {"steps": ["new"]}]})
    left = await database.read(select(call_events).order_by(call_events.c.call_sid))
    assert left == [rows[0] | {"steps": ["new"]}, rows[3]]
    await database.close()
