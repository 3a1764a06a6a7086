"""Who watches whom, read from the database beside a running daemon, or of one that has stopped."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from callwright.cli.tables import aligned, rows
from callwright.sip.events.subscription import Subscription
from callwright.store.tables import subscriptions

HEAD = ("watcher", "event", "of", "address", "expires in", "phone")


def read(directory: Path, now: datetime) -> list[Subscription]:
    """The subscriptions in a data directory that have not expired, in order.

    Raises:
        StoreError: there is no database that can be read.
    """
    order = (subscriptions.c.watcher, subscriptions.c.resource, subscriptions.c.package, subscriptions.c.id)
    found = rows(directory, select(subscriptions).order_by(*order))
    return [one for row in found if (one := Subscription.of(row)).lives(now)]


def table(found: Sequence[Subscription], now: datetime) -> Iterator[str]:
    """The lines of a table."""
    return aligned([HEAD, *(_row(one, now) for one in found)])


def _row(one: Subscription, now: datetime) -> tuple[str, ...]:
    where = f"{one.transport.lower()}:{one.host}:{one.port}"
    return one.watcher, one.package, one.resource, where, f"{one.left(now)} s", one.user_agent or "-"
