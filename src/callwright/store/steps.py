"""The steps of a call in order: what was asked, answered, run and decided.

A call notes some ten steps a second at its start and end; a row each would cost more than the rest of its records
together. So a row holds up to `CHUNK` steps, is staged anew with each, and is written once a commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from callwright.store.store import Store
from callwright.store.tables import call_events

CHUNK = 64


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `number` counts from 0; `data` is what JSON can hold."""

    number: int
    at: datetime
    kind: str
    data: dict[str, Any]


class Steps:
    """The steps of one live call."""

    def __init__(self, store: Store, call_sid: str) -> None:
        self._store = store
        self._call_sid = call_sid
        self._first = 0
        self._steps: list[list[Any]] = []

    def add(self, at: datetime, kind: str, data: dict[str, Any]) -> None:
        """Stages a step; never blocks."""
        if len(self._steps) == CHUNK:
            self._first += CHUNK
            self._steps = []
        self._steps.append([at.isoformat(), kind, data])
        # a copy: the store writes it in another thread while the call goes on
        row = {"call_sid": self._call_sid, "number": self._first, "steps": self._steps.copy()}
        self._store.put(call_events, row)


async def read(store: Store, call_sid: str) -> list[Step]:
    """Every step of a call, live or over."""
    chunks = select(call_events).where(call_events.c.call_sid == call_sid).order_by(call_events.c.number)
    return [
        Step(row["number"] + index, datetime.fromisoformat(at), kind, data)
        for row in await store.fetch(chunks)
        for index, (at, kind, data) in enumerate(row["steps"])
    ]
