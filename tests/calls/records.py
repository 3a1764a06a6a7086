"""What calls leave behind: the rows that were put, and the callbacks that were posted."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from callwright.calls.application import Account, Hook
from callwright.errors import StoreError


class Rows:
    """The store's rows as last put, by table and key."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, dict[str, Any]]] = defaultdict(dict)
        self.broken = False

    def put(self, table: Table, row: Mapping[str, Any]) -> None:
        unknown = row.keys() - table.columns.keys()
        assert not unknown, f"{table.name} has no {unknown}"
        key = tuple(row[column.name] for column in table.primary_key)
        self.tables[table.name].setdefault(key, {}).update(row)

    def delete(self, table: Table, key: Any) -> None:
        self.tables[table.name].pop(key if isinstance(key, tuple) else (key,), None)

    async def get(self, table: Table, key: Any) -> dict[str, Any] | None:
        return self.tables[table.name].get(key if isinstance(key, tuple) else (key,))

    async def flushed(self) -> None:
        if self.broken:
            raise StoreError("the database cannot be written")

    def row(self, table: str, sid: str) -> dict[str, Any]:
        """The row with this SID."""
        return self.tables[table][(sid,)]

    def steps(self, call_sid: str) -> list[tuple[str, dict[str, Any]]]:
        """The steps of a call: kind and data."""
        chunks = sorted((key[1], row) for key, row in self.tables["call_events"].items() if key[0] == call_sid)
        return [(kind, data) for _, row in chunks for _, kind, data in row["steps"]]


@dataclass(frozen=True)
class Posted:
    """A callback that was posted."""

    url: str
    kind: str
    params: dict[str, str]


class Posts:
    """The callbacks, in order."""

    def __init__(self) -> None:
        self.all: list[Posted] = []

    def post(
        self, *, account: Account, call_sid: str, hook: Hook, params: dict[str, str], kind: str, subject: str = ""
    ) -> None:
        self.all.append(Posted(hook.url, kind, dict(params)))

    def of(self, url: str) -> list[dict[str, str]]:
        """What was posted to a URL."""
        return [one.params for one in self.all if one.url == url]
