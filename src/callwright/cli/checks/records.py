"""The database of a data directory, read beside a running daemon."""

from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from callwright.cli.checks.finding import Finding, bad, good
from callwright.store.schema import HEAD, version


def records(data_dir: Path) -> Finding:
    """Whether it can be read, and by this version."""
    file = data_dir.absolute() / "callwright.db"
    what = f"database {file}"
    if not file.exists():
        return good(what, "is made at the first start")
    engine = create_engine(f"sqlite+pysqlite:///file:{file}?mode=ro&uri=true", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            found = version(connection)
            calls = connection.execute(text("SELECT max(rowid) FROM calls")).scalar() if found else 0
    except DBAPIError as error:
        return bad(what, str(error.orig), "Restore a backup, or move it away: a new one is made")
    finally:
        engine.dispose()
    if found is not None and found > HEAD:
        return bad(what, f"has schema {found}, this version knows up to {HEAD}", "Start the newer version")
    return good(what, f"{file.stat().st_size / 1024**2:.1f} MiB, schema {found}, some {calls or 0} calls so far")
