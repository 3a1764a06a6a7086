"""A database that is there, that is none, and that is of another version."""

import sqlite3
from pathlib import Path

from callwright.cli.checks.records import records
from callwright.store.store import Store


def test_there_is_none(tmp_path: Path) -> None:
    assert records(tmp_path).line().endswith("callwright.db: is made at the first start")
    assert not (tmp_path / "callwright.db").exists(), "looking makes none"


async def test_one_in_use(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path / 'callwright.db'}")
    assert records(tmp_path).line().startswith("ok   database ")
    await store.close()
    with sqlite3.connect(tmp_path / "callwright.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "FAIL" in records(tmp_path).line() and "Start the newer version" in records(tmp_path).line()


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "callwright.db").write_bytes(b"not a database at all" * 100)
    line = records(tmp_path).line()
    assert line.startswith("FAIL database ") and "file is not a database" in line
