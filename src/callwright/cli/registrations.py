"""Who is registered, read from the database beside a running daemon, or of one that has stopped."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from callwright.errors import StoreError
from callwright.sip.binding import Binding
from callwright.store.tables import bindings

HEAD = ("user", "address", "contact", "expires in", "phone")


def read(directory: Path, now: datetime) -> list[Binding]:
    """The registrations in a data directory that have not expired, in order.

    Raises:
        StoreError: there is no database that can be read.
    """
    file = directory.absolute() / "callwright.db"
    engine = create_engine(f"sqlite+pysqlite:///file:{file}?mode=ro&uri=true", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(bindings).order_by(bindings.c.aor, bindings.c.id)).mappings().all()
    except DBAPIError as error:
        raise StoreError(f"{file} cannot be read: {error.orig}") from None
    finally:
        engine.dispose()
    return [binding for row in rows if (binding := Binding.of(dict(row))).lives(now)]


def table(found: Sequence[Binding], now: datetime) -> Iterator[str]:
    """The lines of a table."""
    return aligned([HEAD, *(_row(binding, now) for binding in found)])


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows, all of one length, with their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _row(binding: Binding, now: datetime) -> tuple[str, ...]:
    where = f"{binding.transport.lower()}:{binding.host}:{binding.port}"
    left = f"{(binding.expires_at - now).total_seconds():.0f} s"
    return binding.aor, where, binding.uri, left, binding.user_agent or "-"
