import asyncio
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from callwright import clock, ids
from callwright.errors import StartError, StoreError
from callwright.store import store as store_module
from callwright.store.store import Store
from callwright.store.tables import call_events, callbacks, calls, meta

ACCOUNT = "AC" + "0" * 32


def call(**columns: Any) -> dict[str, Any]:
    return {
        "sid": ids.new(ids.CALL),
        "account_sid": ACCOUNT,
        "status": "queued",
        "date_created": clock.now(),
        **columns,
    }


def committed(store: Store, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """An event that the next successful commit sets."""
    done, write = asyncio.Event(), store._database.write

    async def watched(*args: Any) -> None:
        await write(*args)
        done.set()

    monkeypatch.setattr(store._database, "write", watched)
    return done


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database's write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def on_disk(path: Path, query: str) -> Any:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "callwright.db"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BACKOFF_S", (0.01,))


async def test_reads_what_was_written(store: Store) -> None:
    moment = datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)
    row = call(start_time=moment, duration=3, statistics={"jitter": 1.5}, to="+15550001000", **{"from": "sip:ü@x"})
    store.put(calls, row)
    found = await store.fetch_one(select(calls).where(calls.c.sid == row["sid"]))
    assert found is not None
    assert {key: found[key] for key in row} == row
    assert found["end_time"] is None
    assert await store.get(calls, row["sid"]) == found


async def test_later_columns_win_and_others_stay(store: Store) -> None:
    row = call(to="+1")
    store.put(calls, row)
    store.put(calls, {"sid": row["sid"], "status": "ringing"})
    await store.flushed()
    store.put(calls, {"sid": row["sid"], "status": "completed", "duration": 4})
    found = await store.get(calls, row["sid"])
    assert found is not None
    assert (found["status"], found["duration"], found["to"]) == ("completed", 4, "+1")


async def test_deletes_and_puts_keep_their_order(store: Store) -> None:
    first, second = call(to="+1"), call(to="+2")
    store.put(calls, first)
    await store.flushed()
    store.put(calls, second)
    store.delete(calls, second["sid"])
    store.delete(calls, first["sid"])
    store.put(calls, {"sid": first["sid"], "status": "busy"})
    assert await store.get(calls, second["sid"]) is None
    found = await store.get(calls, first["sid"])
    assert found is not None
    assert (found["status"], found["to"]) == ("busy", None)


async def test_composite_keys(store: Store) -> None:
    for number in range(3):
        store.put(call_events, {"call_sid": "CA1", "number": number, "steps": [number]})
    store.delete(call_events, ("CA1", 1))
    rows = await store.fetch(select(call_events.c.number, call_events.c.steps).order_by(call_events.c.number))
    assert rows == [{"number": 0, "steps": [0]}, {"number": 2, "steps": [2]}]


async def test_commits_alone_within_the_group_time(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = committed(store, monkeypatch)
    store.put(calls, call())
    async with asyncio.timeout(2):
        await written.wait()
    assert on_disk(path, "SELECT count(*) FROM calls") == [(1,)]


async def test_many_waiters_share_commits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0
    write = store._database.write

    async def counted(*args: Any) -> None:
        nonlocal commits
        commits += 1
        await write(*args)

    monkeypatch.setattr(store._database, "write", counted)

    async def place() -> None:
        store.put(calls, call())
        await store.flushed()

    await asyncio.gather(*(place() for _ in range(200)))
    assert commits <= 3
    assert await store.fetch_one(select(func.count().label("n")).select_from(calls)) == {"n": 200}


async def test_refuses_unknown_columns_and_missing_keys(store: Store) -> None:
    with pytest.raises(ValueError, match="calls has no column colour"):
        store.put(calls, {"sid": "CA1", "colour": "red"})
    with pytest.raises(ValueError, match="call_events needs call_sid, number"):
        store.put(call_events, {"call_sid": "CA1"})


async def test_a_row_that_the_database_refuses_takes_no_other_with_it(store: Store) -> None:
    good, bad = call(), call(duration=object())
    store.put(calls, good)
    store.put(calls, bad)
    with pytest.raises(StoreError, match="refused a row"):
        await store.flushed()
    assert await store.get(calls, good["sid"]) is not None
    assert await store.get(calls, bad["sid"]) is None
    assert (store.lost, store.healthy) == (1, True)


async def test_p3_locked_database(store: Store, path: Path, impatient: None) -> None:
    """Rows staged while another program holds the database are written when it lets go."""
    before = call(to="+1")
    store.put(calls, before)
    await store.flushed()
    with locked(path):
        rows = [call() for _ in range(50)]
        for row in rows:
            store.put(calls, row)
        store.put(calls, {"sid": before["sid"], "status": "ringing"})
        with pytest.raises(StoreError, match="locked"):
            await store.flushed()
        assert not store.healthy
        assert store.staged >= 51
        seen = await store.get(calls, before["sid"])
        assert seen is not None
        assert (seen["status"], seen["to"]) == ("ringing", "+1"), "a reader sees what was put, written or not"
        with pytest.raises(StoreError):
            await store.fetch(select(calls))
    await store.flushed()
    assert store.healthy
    assert on_disk(path, "SELECT count(*) FROM calls") == [(51,)]


async def test_p3_full_database(store: Store, path: Path, impatient: None) -> None:
    """Rows staged while the database is full are written when there is room."""
    writer = store._database._writer
    assert writer is not None
    (pages,) = on_disk(path, "PRAGMA page_count")[0]

    async def limit(count: int) -> None:
        await store._database._on(
            store._database._writing, lambda: writer.exec_driver_sql(f"PRAGMA max_page_count={count}").close()
        )
        writer.rollback()

    await limit(pages)
    for _ in range(200):
        store.put(calls, call(to="x" * 500))
    with pytest.raises(StoreError, match="full"):
        await store.flushed()
    assert not store.healthy
    await limit(1_000_000)
    await store.flushed()
    assert store.healthy
    assert on_disk(path, "SELECT count(*) FROM calls") == [(200,)]


async def test_recovers_alone(store: Store, path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked(path):
        store.put(calls, call())
        with pytest.raises(StoreError):
            await store.flushed()
        written = committed(store, monkeypatch)
    async with asyncio.timeout(5):
        await written.wait()
    assert on_disk(path, "SELECT count(*) FROM calls") == [(1,)]


async def test_what_waits_is_bounded(
    store: Store, path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_module, "BATCH_ROWS", 10)
    monkeypatch.setattr(store_module, "MAX_STAGED", 50)
    with locked(path):
        for _ in range(80):
            store.put(calls, call())
        with pytest.raises(StoreError):
            await store.flushed()
        assert store.staged <= 51
        assert store.lost == 30
    await store.flushed()
    assert on_disk(path, "SELECT count(*) FROM calls") == [(50,)]
    assert sum("newer ones are lost" in record.message for record in caplog.records) == 1


async def test_close_writes_the_rest_and_ends(url: str, path: Path) -> None:
    store = await Store.open(url)
    store.put(calls, call())
    await store.close()
    assert on_disk(path, "SELECT count(*) FROM calls") == [(1,)]
    store.put(calls, call())
    with pytest.raises(StoreError, match="closed"):
        await store.flushed()


async def test_close_tells_what_it_could_not_write(url: str, path: Path) -> None:
    store = await Store.open(url)
    await store.flushed()
    with locked(path):
        store.put(calls, call())
        with pytest.raises(StoreError, match="could not be written"):
            await store.close()


async def test_knows_when_the_daemon_was_last_alive(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "HEARTBEAT_S", 0.01)
    first = await Store.open(url)
    assert first.last_alive is None
    while await first._database.read(select(meta)) == []:
        await first.flushed()
    await first.close()
    second = await Store.open(url)
    assert second.last_alive is not None
    assert clock.now() - second.last_alive < timedelta(minutes=1)
    await second.close()


async def test_refuses_other_databases() -> None:
    with pytest.raises(StartError, match="unknown kind of database: mysql"):
        await Store.open("mysql://localhost/x")


WRITER = """
import asyncio, sys
from callwright import ids
from callwright.store.store import Store
from callwright.store.tables import callbacks, calls

async def main():
    store = await Store.open(sys.argv[1])
    for number in range(100):
        sid = ids.new(ids.CALL)
        store.put(calls, {"sid": sid, "status": "queued"})
        store.put(callbacks, {"id": sid, "state": "pending"})
        await store.flushed()
        print(sid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_p1_rows_acknowledged_survive_kill_9(url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(60)]
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    store = await Store.open(url)
    assert {row["sid"] for row in await store.fetch(select(calls.c.sid))} >= set(acknowledged)
    assert {row["id"] for row in await store.fetch(select(callbacks.c.id))} >= set(acknowledged)
    await store.close()
