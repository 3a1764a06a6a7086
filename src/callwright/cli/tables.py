"""Rows of a daemon's database, read beside it, and their tables on the terminal."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from callwright.errors import StoreError


def rows(directory: Path, query: Select[Any]) -> list[dict[str, Any]]:
    """The rows of a SELECT on the database in a data directory, which a daemon may be using.

    Raises:
        StoreError: there is no database that can be read.
    """
    file = directory.absolute() / "callwright.db"
    engine = create_engine(f"sqlite+pysqlite:///file:{file}?mode=ro&uri=true", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
    except DBAPIError as error:
        raise StoreError(f"{file} cannot be read: {error.orig}") from None
    finally:
        engine.dispose()


def aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, each column as wide as its widest text."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
