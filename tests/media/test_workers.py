"""Threads for native work: bounded, and never waited for beyond their time."""

import asyncio
import threading
import time

import pytest

from callwright.errors import MediaError
from callwright.media.workers import Workers


async def test_results_and_errors_come_back() -> None:
    workers = Workers(2, name="work")

    def fail() -> None:
        raise KeyError("no")

    assert await workers.run(threading.get_ident, seconds=5) != threading.get_ident()
    with pytest.raises(KeyError):
        await workers.run(fail, seconds=5)


async def test_a_timeout_of_the_work_itself_is_its_own() -> None:
    def fail() -> None:
        raise TimeoutError("the work's own")

    workers = Workers(1, name="work")
    with pytest.raises(TimeoutError, match="own"):
        await workers.run(fail, seconds=5)
    assert workers.stuck == 0
    assert await workers.run(lambda: 1, seconds=5) == 1


async def test_no_more_than_so_many_run_at_a_time() -> None:
    workers, lock = Workers(2, name="work"), threading.Lock()
    running = peak = 0
    both = threading.Barrier(2)

    def work() -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        both.wait(10)
        with lock:
            running -= 1

    await asyncio.gather(*(workers.run(work, seconds=20) for _ in range(10)))
    assert peak == 2


async def test_M8_work_that_hangs_is_left_behind_and_the_next_begins() -> None:
    workers, release = Workers(1, name="decoding"), threading.Event()
    with pytest.raises(MediaError, match=r"decoding took longer than 0\.05 s") as raised:
        await workers.run(release.wait, seconds=0.05)
    assert raised.value.code == 13420
    assert workers.stuck == 1
    assert await workers.run(lambda: 7, seconds=5) == 7
    release.set()
    await ended(workers)
    assert await asyncio.gather(*(workers.run(lambda: 1, seconds=5) for _ in range(3))) == [1, 1, 1]


async def test_M8_when_too_many_hang_work_is_refused_until_one_ends() -> None:
    workers, release = Workers(1, name="decoding", stuck_limit=2), threading.Event()
    for _ in range(2):
        with pytest.raises(MediaError, match="longer"):
            await workers.run(release.wait, seconds=0.02)
    started = time.monotonic()
    with pytest.raises(MediaError, match="2 jobs are stuck"):
        await workers.run(lambda: 1, seconds=5)
    assert time.monotonic() - started < 1
    release.set()
    await ended(workers)
    assert await workers.run(lambda: 1, seconds=5) == 1


async def test_a_caller_who_leaves_gives_the_place_back_when_the_work_ends() -> None:
    workers, begun, release = Workers(1, name="work"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait(10)

    leaving = asyncio.create_task(workers.run(work, seconds=20))
    await asyncio.to_thread(begun.wait, 10)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    following = asyncio.create_task(workers.run(lambda: 3, seconds=5))
    release.set()
    assert await following == 3


async def test_threads_do_not_hold_up_the_exit() -> None:
    threads: list[bool] = []
    await Workers(1, name="work").run(lambda: threads.append(threading.current_thread().daemon), seconds=5)
    assert threads == [True]


def test_a_loop_that_is_closed_meanwhile_is_no_error() -> None:
    release = threading.Event()
    found: list[threading.Thread] = []

    def work() -> None:
        found.append(threading.current_thread())
        release.wait(10)

    async def begin() -> None:
        with pytest.raises(MediaError):
            await Workers(1, name="work").run(work, seconds=0.02)

    asyncio.run(begin())
    release.set()
    found[0].join(10)
    assert not found[0].is_alive()


async def ended(workers: Workers) -> None:
    """Returns when no job is stuck any more: their ends come through the loop, in the order of its calls."""
    while workers.stuck:
        await asyncio.to_thread(_let_threads_run)


def _let_threads_run() -> None:
    for thread in threading.enumerate():
        if thread.name == "decoding":
            thread.join(10)
