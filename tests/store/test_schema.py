import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from callwright.errors import StartError
from callwright.store import schema
from callwright.store.sqlite import SqliteDatabase
from callwright.store.tables import metadata


@pytest.mark.parametrize("build", [schema.create, schema.migrate])
async def test_migrations_build_what_the_tables_say(
    url: str, build: Callable[[Connection], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that an empty database needs none of them."""
    monkeypatch.setattr(schema, "upgrade", build)
    database = await SqliteDatabase.open(url)
    writer = database._writer
    assert writer is not None

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert await database._on(database._writing, lambda: differences(writer)) == []
    assert await database._on(database._writing, lambda: schema.version(writer)) == schema.HEAD
    await database._on(database._writing, writer.rollback)
    await database.close()


def test_head_is_the_newest_revision() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [schema.HEAD]


async def test_a_database_of_this_version_opens_without_migrations(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alembic.command", None)
    await (await SqliteDatabase.open(url)).close()  # an empty one too
    await (await SqliteDatabase.open(url)).close()


async def test_an_older_database_is_migrated(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows stay."""
    monkeypatch.setattr(schema, "HEAD", "0008")
    monkeypatch.setattr(schema, "upgrade", schema.migrate)
    await (await SqliteDatabase.open(url)).close()
    monkeypatch.undo()
    with sqlite3.connect(tmp_path / "callwright.db") as connection:
        connection.execute("INSERT INTO meta VALUES ('kept', '2026-01-01T00:00:00Z')")
    connection.close()
    await (await SqliteDatabase.open(url)).close()
    with sqlite3.connect(tmp_path / "callwright.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.HEAD,)]
        assert connection.execute("SELECT name FROM meta").fetchall() == [("kept",)]
        connection.execute("SELECT * FROM subscriptions")
    connection.close()


async def test_refuses_a_newer_database(url: str, tmp_path: Path) -> None:
    await (await SqliteDatabase.open(url)).close()
    with sqlite3.connect(tmp_path / "callwright.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StartError) as refused:
        await SqliteDatabase.open(url)
    assert "schema 9999" in refused.value.message
    assert "\n" not in refused.value.message
