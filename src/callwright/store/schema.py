"""The version of the database's schema: checked at each open, raised by migrations when it is older."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from callwright.errors import StartError

HEAD = "0012"
"""The newest revision in `migrations/versions`."""


def version(connection: Connection) -> str | None:
    """The revision that the database has; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(connection: Connection) -> None:
    """Brings the database to `HEAD`; does nothing, and loads nothing, when it is there already.

    Raises:
        StartError: the database was written by a newer version.
    """
    found = version(connection)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise StartError(
            f"the database has schema {found}, this version knows up to {HEAD}: "
            "start a newer version, or restore a backup of the database"
        )
    # Alembic takes longer to import than an existing database takes to open.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
