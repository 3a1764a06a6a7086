"""What waits to be written: changed rows merged by key, and the keys to delete before them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from callwright.store.sqlite import Key, Row


class Batch:
    """The rows of one commit.

    Attributes:
        rows: by table and key, later columns over earlier ones.
        deletes: keys that are deleted before the rows are written.
        waiters: who waits for this commit.
        sealed: its commit has been tried; nothing is added any more.
    """

    __slots__ = ("deletes", "rows", "sealed", "size", "waiters")

    def __init__(self) -> None:
        self.rows: dict[Table, dict[Key, Row]] = {}
        self.deletes: dict[Table, dict[Key, None]] = {}
        self.waiters: list[asyncio.Future[None]] = []
        self.sealed = False
        self.size = 0

    def put(self, table: Table, key: Key, row: Mapping[str, Any]) -> None:
        """Adds a row, or merges it into the one that has this key."""
        rows = self.rows.setdefault(table, {})
        if (staged := rows.get(key)) is not None:
            staged.update(row)
        else:
            rows[key] = dict(row)
            self.size += 1

    def delete(self, table: Table, key: Key) -> None:
        """Adds a deletion, which takes back what was put before."""
        keys = self.deletes.setdefault(table, {})
        if self.rows.get(table, {}).pop(key, None) is not None:
            self.size -= 1
        if key not in keys:
            keys[key] = None
            self.size += 1

    def touches(self, tables: frozenset[Table]) -> bool:
        """Whether a row of these tables changes."""
        return any(self.rows.get(table) or self.deletes.get(table) for table in tables)

    def holds(self, table: Table, key: Key) -> bool:
        """Whether the row with this key changes."""
        return key in self.rows.get(table, ()) or key in self.deletes.get(table, ())

    def overlaid(self, table: Table, key: Key, row: Row | None) -> Row | None:
        """The row as it will be once this batch is written."""
        if key in self.deletes.get(table, ()):
            row = None
        if (change := self.rows.get(table, {}).get(key)) is not None:
            row = {**(row or dict.fromkeys(table.columns.keys())), **change}
        return row

    def singles(self) -> "list[Batch]":
        """The same changes in order, one row each."""
        parts = []
        for table, keys in self.deletes.items():
            for key in keys:
                part = Batch()
                part.delete(table, key)
                parts.append(part)
        for table, rows in self.rows.items():
            for key, row in rows.items():
                part = Batch()
                part.put(table, key, row)
                parts.append(part)
        return parts
