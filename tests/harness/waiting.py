"""Bounded waits on events: the only way in which the harness waits.

A probe is evaluated at once and again after each change; nothing is polled on a timer. A wait that ends without its
event raises `NotInTime` with a sentence that says what was awaited and what was there instead.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

SCALE = float(os.environ.get("CALLWRIGHT_TEST_TIMEOUT_SCALE", "1"))
"""Every timeout of the harness is multiplied by this number, so that a slow machine needs one setting."""

T = TypeVar("T")


class NotInTime(AssertionError):
    """What a test waited for did not happen within its time."""


async def within(awaitable: Awaitable[T], timeout: float, what: str | Callable[[], str]) -> T:
    """The awaitable's result, within `timeout` seconds.

    Args:
        awaitable: a future is only observed, never cancelled by the timeout.
        timeout: seconds, before `SCALE`.
        what: the failure's sentence, or a function that makes it at the time of the failure.

    Raises:
        NotInTime: the time is over.
    """
    __tracebackhide__ = True
    waited: Awaitable[T] = asyncio.shield(awaitable) if asyncio.isfuture(awaitable) else awaitable
    deadline = asyncio.timeout(timeout * SCALE)
    try:
        async with deadline:
            return await waited
    except TimeoutError:
        if not deadline.expired():
            raise
        sentence = what if isinstance(what, str) else what()
        raise NotInTime(f"not within {timeout:g} s: {sentence}") from None


class Changes:
    """A source of "something changed" that coroutines can wait on. All methods belong to the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def awaited(self) -> bool:
        """True while anybody waits."""
        return bool(self._waiting)

    def notify(self) -> None:
        """Wakes everybody, to evaluate their probes again."""
        waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self) -> None:
        """Returns after the next `notify`."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    async def until(self, probe: Callable[[], T | None], timeout: float, what: str | Callable[[], str]) -> T:
        """The first result of `probe` that is true.

        Raises:
            NotInTime: none came in `timeout` seconds.
        """

        __tracebackhide__ = True

        async def watch() -> T:
            while True:
                found = probe()
                if found:
                    return found
                await self.changed()

        return await within(watch(), timeout, what)
