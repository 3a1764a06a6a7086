"""Answers after the commit."""

import asyncio

import pytest

from callwright.errors import StoreError
from callwright.sip.events.commits import Commits
from callwright.store.store import Store
from tests.sip.events.watching import request
from tests.sip.registering import Answers


async def test_those_that_come_together_share_a_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits, answers, done, flushes = Commits(store), Answers(), asyncio.Event(), 0
    flushed = store.flushed

    async def counted() -> None:
        nonlocal flushes
        flushes += 1
        await flushed()

    monkeypatch.setattr(store, "flushed", counted)
    serving = asyncio.create_task(commits.serve())
    for number in range(49):
        commits.confirm(request(answers, id_=number), [("Expires", "1")], lambda stored: None)
    commits.confirm(request(answers, id_=49), [("Expires", "1")], lambda stored: done.set())
    async with asyncio.timeout(30):
        await done.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert answers.codes == [200] * 50 and flushes == 1
    assert [id_ for id_, *_ in answers.all] == list(range(50))


async def test_one_that_cannot_be_written_holds_up_no_other(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    class Choosy(Answers):
        def respond(self, request: int, code: int, **facts: object) -> None:
            if request == 1 and code == 200:
                raise ValueError("a header cannot be written")
            super().respond(request, code, **facts)  # type: ignore[arg-type]  # as they came

    commits, answers, done = Commits(store), Choosy(), asyncio.Event()
    commits.confirm(request(answers, id_=1), [], lambda stored: None)
    commits.confirm(request(answers, id_=2), [], lambda stored: done.set())
    serving = asyncio.create_task(commits.serve())
    async with asyncio.timeout(30):
        await done.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert answers.codes == [500, 200] and "cannot be written" in caplog.text


async def test_a_store_that_fails(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "flushed", fails)
    commits, answers = Commits(store), Answers()
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    commits.confirm(request(answers), [], told.set_result)
    serving = asyncio.create_task(commits.serve())
    async with asyncio.timeout(30):
        assert await told is False
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert answers.codes == [500] and answers.values("Retry-After") == ["10"]
