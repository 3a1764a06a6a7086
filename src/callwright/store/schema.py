"""The version of the database's schema: checked at each open, made at the first, raised by migrations when older."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from callwright.errors import StartError
from callwright.store.tables import metadata

HEAD = "0012"
"""The newest revision in `migrations/versions`."""


def version(connection: Connection) -> str | None:
    """The revision that the database has; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(connection: Connection) -> None:
    """Brings the database to `HEAD`; migrations are loaded for an older one only.

    Raises:
        StartError: the database was written by a newer version.
    """
    found = version(connection)
    if found == HEAD:
        return
    if found is None:
        create(connection)
        return
    if found is not None and found > HEAD:
        raise StartError(
            f"the database has schema {found}, this version knows up to {HEAD}: "
            "start a newer version, or restore a backup of the database"
        )
    migrate(connection)


def create(connection: Connection) -> None:
    """Makes the tables of an empty database as they are declared, which is what all migrations come to.

    What a start that was killed has left is completed: the version is written last.
    """
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def migrate(connection: Connection) -> None:
    """Runs the migrations that the database lacks, all of them on an empty one."""
    # Alembic takes longer to import than an existing database takes to open.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
