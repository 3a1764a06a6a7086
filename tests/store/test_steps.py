"""The steps of a call, many a row."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from callwright.store.steps import CHUNK, Step, Steps, read
from callwright.store.store import Store
from callwright.store.tables import call_events

AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


async def test_steps_are_read_in_order_across_rows(store: Store) -> None:
    noted = Steps(store, "CA1")
    for number in range(2 * CHUNK + 3):
        noted.add(AT + timedelta(milliseconds=number), "verb", {"n": number})
        if number % 50 == 0:
            await store.flushed()
    Steps(store, "CA2").add(AT, "other", {})
    found = await read(store, "CA1")
    assert [step.data["n"] for step in found] == [step.number for step in found] == list(range(2 * CHUNK + 3))
    assert found[-1] == Step(2 * CHUNK + 2, AT + timedelta(milliseconds=2 * CHUNK + 2), "verb", {"n": 2 * CHUNK + 2})
    rows = await store.fetch(select(func.count().label("n")).select_from(call_events))
    assert rows[0]["n"] == 4


async def test_what_is_noted_after_a_commit_is_added_to_it(store: Store) -> None:
    noted = Steps(store, "CA1")
    noted.add(AT, "one", {})
    await store.flushed()
    noted.add(AT, "two", {})
    assert [step.kind for step in await read(store, "CA1")] == ["one", "two"]


async def test_nothing_noted(store: Store) -> None:
    assert await read(store, "CA9") == []
