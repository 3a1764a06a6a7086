"""The tasks of calls."""

import asyncio

import pytest

from callwright.calls.tasks import Tasks
from tests.calls.jumping import after


async def test_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("no")

    tasks = Tasks()
    with pytest.raises(ValueError, match="no"):
        await tasks.spawn(fail(), "this one")
    await tasks.settle(1)
    assert "task this one failed" in caplog.text and len(tasks) == 0


async def test_settle_waits_for_those_that_begin_meanwhile() -> None:
    tasks = Tasks()
    ended: list[str] = []

    async def first() -> None:
        await after(1)
        tasks.spawn(second(), "second")
        ended.append("first")

    async def second() -> None:
        await after(1)
        ended.append("second")

    tasks.spawn(first(), "first")
    await tasks.settle(10)
    assert ended == ["first", "second"]


async def test_settle_is_bounded_and_cancel_ends_the_rest() -> None:
    tasks = Tasks()
    began = asyncio.get_running_loop().time()
    task = tasks.spawn(after(1000), "long")
    await tasks.settle(5)
    assert asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.5)
    assert len(tasks) == 1 and not task.done()
    await tasks.cancel()
    assert task.cancelled() and len(tasks) == 0
