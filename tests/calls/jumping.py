"""A loop whose clock jumps over every wait, so that tests of minutes take milliseconds."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 3600.0
"""On the loop's own clock: what has not come by then never will."""


@contextmanager
def skipping(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """The clock of this loop jumps to the next timer whenever it would wait for it."""
    selector = loop._selector  # type: ignore[attr-defined]  # asyncio has no public way to hold its clock
    wait, time = selector.select, loop.time
    skipped = 0.0

    def select(timeout: float | None = None) -> list[Any]:
        nonlocal skipped
        if timeout is None or timeout <= 0:
            return list(wait(timeout))
        # a thread that works for us has this long, in real time, before the clock jumps
        ready = list(wait(min(timeout, 0.002)))
        if not ready:
            skipped += timeout
        return ready

    selector.select, loop.time = select, lambda: time() + skipped  # type: ignore[method-assign]  # restored below
    try:
        yield
    finally:
        del selector.select, loop.time


async def after(seconds: float) -> None:
    """Returns when the loop's clock has moved on by this much."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    loop.call_later(seconds, over.set_result, None)
    await over


async def turns(count: int = 20) -> None:
    """Lets everything that can go on without time or input go on."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        turn: asyncio.Future[None] = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def timers() -> int:
    """How many timers of the loop would still fire."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # asyncio tells nobody otherwise
    return sum(not handle.cancelled() for handle in scheduled)
