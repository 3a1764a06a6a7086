"""Threads for native work that may hang: bounded, and a job that overruns its time is left behind.

A thread that is stuck inside a codec cannot be ended. It is a daemon thread, so it never holds up the process's exit,
and its place is given to the next job; when too many are stuck, work is refused instead of piling up.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from callwright.errors import MediaError

T = TypeVar("T")


class _Job(Generic[T]):
    """One piece of work and where its result goes."""

    def __init__(self, work: Callable[[], T], ended: Callable[["_Job[T]"], None]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.ended = ended
        self.result: asyncio.Future[T] = self.loop.create_future()
        self.abandoned = False

    def run(self) -> None:
        """The thread's body."""
        try:
            value = self.work()
        except BaseException as error:
            outcome = self._failing(error)
        else:
            outcome = self._giving(value)
        try:
            self.loop.call_soon_threadsafe(outcome)
        except RuntimeError:
            # The loop was closed while this thread worked: nobody is left to hear of the result.
            return

    def _giving(self, value: T) -> Callable[[], None]:
        def deliver() -> None:
            self.ended(self)
            if not self.result.done():
                self.result.set_result(value)

        return deliver

    def _failing(self, error: BaseException) -> Callable[[], None]:
        def deliver() -> None:
            self.ended(self)
            if not self.result.done():
                self.result.set_exception(error)

        return deliver


class Workers:
    """Runs blocking work on at most `count` threads at a time.

    Args:
        count: jobs at the same time; the others wait.
        name: of the work, as errors and threads name it.
        stuck_limit: jobs that may be stuck past their time before further work is refused.
    """

    def __init__(self, count: int, *, name: str, stuck_limit: int = 4) -> None:
        self._slots = asyncio.Semaphore(count)
        self._name = name
        self._stuck_limit = stuck_limit
        self.stuck = 0
        """Jobs that overran their time and have not ended since."""

    async def run(self, work: Callable[[], T], *, seconds: float) -> T:
        """The result of `work`, run on a thread of its own.

        Args:
            work: called once; what it raises is raised here.
            seconds: the most that it may take, from its start.

        Raises:
            MediaError: 13420: the work overran its time, or too many others are stuck.
        """
        await self._slots.acquire()
        if self.stuck >= self._stuck_limit:
            self._slots.release()
            raise MediaError(f"{self._name}: {self.stuck} jobs are stuck; no other is begun", code=13420)
        job = _Job(work, self._ended)
        threading.Thread(target=job.run, name=self._name, daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                return await job.result
        except TimeoutError as error:
            if job.result.done() and not job.result.cancelled():
                raise
            job.abandoned = True
            self.stuck += 1
            self._slots.release()
            raise MediaError(f"{self._name} took longer than {seconds:g} s", code=13420) from error

    def _ended(self, job: _Job[T]) -> None:
        if job.abandoned:
            self.stuck -= 1
        else:
            self._slots.release()
