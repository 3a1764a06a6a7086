"""The directory of stored resources, in memory: what the running system asks, and what the API shows and changes.

It is filled at the start by what the configuration file declares and by the store; a change takes effect at once and
is durable before whoever asked for it is told so.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import select

from callwright import clock, ids
from callwright.errors import StoreError
from callwright.store.resources import resources
from callwright.store.sqlite import Row
from callwright.store.store import Store

log = logging.getLogger(__name__)

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""When what the file declares was created, as far as the order of lists goes."""

INDEXED = {
    "incoming_phone_numbers": ("phone_number",),
    "outgoing_caller_ids": ("phone_number",),
    "domains": ("domain_name",),
    "trunks": ("domain_name",),
    "credential_list_mappings": ("credential_list_sid",),
    "registration_mappings": ("credential_list_sid",),
    "trunk_credential_lists": ("credential_list_sid",),
    "ip_acl_mappings": ("ip_access_control_list_sid",),
    "trunk_ip_acls": ("ip_access_control_list_sid",),
}
"""Fields by which resources of a kind are looked up."""

UNIQUE = {"incoming_phone_numbers": "phone_number", "domains": "domain_name"}
"""Fields of which two resources cannot have the same value: what the file declares goes before what is stored."""


@dataclass(frozen=True, slots=True)
class Record:
    """One resource.

    Attributes:
        kind: of resource, as its list is called: "applications".
        account_sid: whose it is; the owner's of an account.
        parent_sid: what it is a part of; "" for nothing.
        fields: by name; values are what JSON can hold.
        declared: it stands in the configuration file, and cannot be changed through the API.
    """

    sid: str
    kind: str
    account_sid: str
    fields: Mapping[str, Any] = field(repr=False)
    parent_sid: str = ""
    date_created: datetime = UNDATED
    date_updated: datetime = UNDATED
    declared: bool = False

    @classmethod
    def new(
        cls, prefix: str, kind: str, account_sid: str, fields: Mapping[str, Any], *, parent_sid: str = ""
    ) -> "Record":
        """One that is created now."""
        now = clock.now()
        return cls(ids.new(prefix), kind, account_sid, fields, parent_sid, now, now)

    @classmethod
    def read(cls, row: Row) -> "Record":
        """One from its row."""
        return cls(
            row["sid"],
            row["kind"],
            row["account_sid"],
            row["fields"] or {},
            row["parent_sid"] or "",
            row["date_created"],
            row["date_updated"],
        )

    def __getitem__(self, name: str) -> Any:
        """A field; None when it is not set."""
        return self.fields.get(name)

    def changed(self, **fields: Any) -> "Record":
        """The same with other fields, changed now."""
        return replace(self, fields={**self.fields, **fields}, date_updated=clock.now())

    def row(self) -> Row:
        """Its row."""
        return {
            "sid": self.sid,
            "kind": self.kind,
            "account_sid": self.account_sid,
            "parent_sid": self.parent_sid or None,
            "date_created": self.date_created,
            "date_updated": self.date_updated,
            "fields": dict(self.fields),
        }


Listener = Callable[[Record | None, Record | None], None]
"""Told the record as it was (None: it is new) and as it is (None: it is gone)."""


class Directory:
    """All stored resources. Made by `open`, or empty over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[str, Record] = {}
        self._kinds: dict[str, dict[str, Record]] = {}
        self._owned: dict[tuple[str, str], dict[str, Record]] = {}
        self._index: dict[tuple[str, str, Any], dict[str, Record]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._overhearing: list[Listener] = []

    @classmethod
    async def open(cls, store: Store, declared: Iterable[Record]) -> Self:
        """What the file declares, and then what the store has; what both have is the file's.

        Raises:
            StoreError: the store cannot be read.
        """
        directory = cls(store)
        directory.declare(declared)
        query = select(resources).order_by(resources.c.date_created, resources.c.sid)
        for row in await store.fetch(query):
            record = Record.read(row)
            if (same := directory._clash(record)) is not None:
                log.warning("%s %s is passed over: %s is what the file declares", record.kind, record.sid, same.sid)
            else:
                directory._set(record)
        return directory

    def declare(self, records: Iterable[Record]) -> None:
        """Adds what the configuration file declares."""
        for record in records:
            self._set(replace(record, declared=True))

    def listen(self, kind: str, listener: Listener) -> None:
        """Has a listener told of every record of a kind: of those there are now, then of each change."""
        self._listeners.setdefault(kind, []).append(listener)
        for record in self.all(kind):
            listener(None, record)

    def overhear(self, listener: Listener) -> None:
        """Has a listener told of each change to come, of records of every kind."""
        self._overhearing.append(listener)

    # what is asked

    def get(self, kind: str, sid: str) -> Record | None:
        """The record of a kind that has this SID."""
        record = self._records.get(sid)
        return record if record is not None and record.kind == kind else None

    def all(self, kind: str) -> Sequence[Record]:
        """Every record of a kind, in the order in which they were made."""
        return tuple(self._kinds.get(kind, {}).values())

    def of(self, kind: str, account_sid: str, parent_sid: str | None = None) -> list[Record]:
        """An account's records of a kind, of one parent when it is given, in the order in which they were made."""
        return [
            record
            for record in self._owned.get((kind, account_sid), {}).values()
            if parent_sid is None or record.parent_sid == parent_sid
        ]

    def matching(self, kind: str, name: str, value: Any) -> Iterator[Record]:
        """Records of a kind whose indexed field has this value."""
        if name not in INDEXED.get(kind, ()):
            raise ValueError(f"{kind} are not indexed by {name}")
        return iter(tuple(self._index.get((kind, name, value), {}).values()))

    def first(self, kind: str, name: str, value: Any) -> Record | None:
        """The first record of a kind whose indexed field has this value."""
        return next(self.matching(kind, name, value), None)

    # what is changed

    async def change(self, *puts: Record, delete: Iterable[Record] = ()) -> None:
        """Puts and deletes records: in force at once, durable when this returns.

        Raises:
            StoreError: they cannot be written; everything is as it was before.
        """
        gone = tuple(delete)
        before = [(record, self._records.get(record.sid)) for record in puts]
        for record in gone:
            self._store.delete(resources, record.sid)
            self._remove(record)
        for record in puts:
            self._store.put(resources, record.row())
            self._set(record)
        try:
            await self._store.flushed()
        except StoreError:
            self._undo(before, gone)
            raise

    def _undo(self, before: list[tuple[Record, Record | None]], gone: tuple[Record, ...]) -> None:
        """Takes back a change that the store could not take now, where nobody has changed it meanwhile."""
        for record in gone:
            if record.sid not in self._records:
                self._store.put(resources, record.row())
                self._set(record)
        for record, old in before:
            if self._records.get(record.sid) is not record:
                continue
            if old is None:
                self._store.delete(resources, record.sid)
                self._remove(record)
            else:
                self._store.put(resources, old.row())
                self._set(old)

    def _clash(self, record: Record) -> Record | None:
        if (same := self._records.get(record.sid)) is not None:
            return same
        name = UNIQUE.get(record.kind)
        return self.first(record.kind, name, record[name]) if name else None

    def _set(self, record: Record) -> None:
        old = self._records.get(record.sid)
        if old is not None:
            self._unindex(old)
        self._records[record.sid] = record
        self._kinds.setdefault(record.kind, {})[record.sid] = record
        self._owned.setdefault((record.kind, record.account_sid), {})[record.sid] = record
        for name in INDEXED.get(record.kind, ()):
            self._index.setdefault((record.kind, name, record[name]), {})[record.sid] = record
        self._tell(record.kind, old, record)

    def _remove(self, record: Record) -> None:
        old = self._records.pop(record.sid, None)
        if old is None:
            return
        del self._kinds[old.kind][old.sid]
        self._unindex(old)
        self._tell(old.kind, old, None)

    def _unindex(self, record: Record) -> None:
        del self._owned[record.kind, record.account_sid][record.sid]
        for name in INDEXED.get(record.kind, ()):
            key = (record.kind, name, record[name])
            same = self._index[key]
            del same[record.sid]
            if not same:
                del self._index[key]

    def _tell(self, kind: str, old: Record | None, new: Record | None) -> None:
        for listener in (*self._listeners.get(kind, ()), *self._overhearing):
            listener(old, new)
