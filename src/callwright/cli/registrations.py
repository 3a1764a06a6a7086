"""Who is registered, read from the database beside a running daemon, or of one that has stopped."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from callwright.cli.tables import aligned, rows
from callwright.sip.binding import Binding
from callwright.store.tables import bindings

HEAD = ("user", "address", "contact", "expires in", "phone")


def read(directory: Path, now: datetime) -> list[Binding]:
    """The registrations in a data directory that have not expired, in order.

    Raises:
        StoreError: there is no database that can be read.
    """
    found = rows(directory, select(bindings).order_by(bindings.c.aor, bindings.c.id))
    return [binding for row in found if (binding := Binding.of(row)).lives(now)]


def table(found: Sequence[Binding], now: datetime) -> Iterator[str]:
    """The lines of a table."""
    return aligned([HEAD, *(_row(binding, now) for binding in found)])


def _row(binding: Binding, now: datetime) -> tuple[str, ...]:
    where = f"{binding.transport.lower()}:{binding.host}:{binding.port}"
    left = f"{(binding.expires_at - now).total_seconds():.0f} s"
    return binding.aor, where, binding.uri, left, binding.user_agent or "-"
