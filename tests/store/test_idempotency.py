import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from callwright import clock
from callwright.errors import RestError
from callwright.store import idempotency
from callwright.store.idempotency import KEPT_FOR, Answers, Kept, digest
from callwright.store.resources import answers as table
from callwright.store.store import Store

MADE = Kept("r1", 201, "application/json", b'{"sid":"CA1"}')


class Work:
    """Counts how often it is done."""

    def __init__(self, made: Kept = MADE) -> None:
        self.made, self.done = made, 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> Kept:
        self.done += 1
        await self.go.wait()
        return self.made


def test_digests_know_where_a_part_ends() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")


async def test_once(store: Store) -> None:
    work = Work()
    assert [await Answers(store).once("k", work) for _ in range(3)] == [MADE] * 3
    assert work.done == 1


async def test_a_failure_lets_the_next_one_try(store: Store) -> None:
    answers, work = Answers(store), Work()
    work.go.clear()
    first = asyncio.create_task(answers.once("k", work))
    while not work.done:
        await asyncio.wait({first}, timeout=0.01)
    second = asyncio.create_task(answers.once("k", work))
    first.cancel()
    work.go.set()
    assert await second == MADE
    with pytest.raises(asyncio.CancelledError):
        await first

    async def refused() -> Kept:
        raise RestError("no")

    with pytest.raises(RestError):
        await answers.once("other", refused)
    assert await answers.once("other", work) == MADE
    assert await answers.once("bad", Work(Kept("r", 500, "", b""))) == Kept("r", 500, "", b"")
    assert await answers.once("bad", work) == MADE


async def test_for_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, work = Answers(store), Work()
    await answers.once("k", work)
    later = clock.now() + KEPT_FOR + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert await answers.once("k", work) == MADE
    assert work.done == 2


async def test_old_answers_are_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "PURGE_EVERY", 2)
    answers = Answers(store)
    await answers.once("old", Work())
    later = clock.now() + KEPT_FOR + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    for key in ("a", "b"):
        await answers.once(key, Work())
    await store.flushed()
    assert {row["key"] for row in await store.fetch(select(table.c.key))} == {"a", "b"}
