"""The queues of a daemon: one of each name in an account."""

from collections.abc import Iterable, Mapping
from typing import Any

from callwright.calls.queue.queue import Queue
from callwright.store import tables
from callwright.store.store import Store


class Queues:
    """All queues, those in the database and nobody else's."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Queue] = {}
        self._by_name: dict[tuple[str, str], Queue] = {}

    def load(self, store: Store, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes over what the database holds. To be called once, before the first call."""
        for row in rows:
            self._add(Queue(store, dict(row)))

    def get(self, account_sid: str, sid: str) -> Queue | None:
        """The queue of an account with this SID."""
        queue = self._by_sid.get(sid)
        return queue if queue is not None and queue.account_sid == account_sid else None

    def find(self, account_sid: str, name: str) -> Queue | None:
        """The queue of an account with this name."""
        return self._by_name.get((account_sid, name))

    def open(self, store: Store, account_sid: str, name: str, max_size: int) -> Queue:
        """The queue of this name, made when it is not there."""
        return self.find(account_sid, name) or self._add(Queue.new(store, account_sid, name, max_size))

    def rename(self, queue: Queue, name: str) -> None:
        """Gives it another name, which nobody has."""
        del self._by_name[queue.account_sid, queue.name]
        queue.change(name=name)
        self._by_name[queue.account_sid, name] = queue

    def delete(self, store: Store, queue: Queue) -> None:
        """Deletes an idle queue."""
        del self._by_sid[queue.sid], self._by_name[queue.account_sid, queue.name]
        store.delete(tables.queues, queue.sid)

    @property
    def waiting(self) -> int:
        """How many calls wait, in all of them."""
        return sum(len(queue.members) for queue in self._by_sid.values())

    def _add(self, queue: Queue) -> Queue:
        self._by_sid[queue.sid] = self._by_name[queue.account_sid, queue.name] = queue
        return queue
