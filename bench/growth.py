"""P12: what calls leave behind, and whether a cost grows faster than the calls do."""

import time
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path

from .caller import Callers, Load
from .machine import cpu, resident
from .rows import Line
from .servers import Server

Points = Sequence[tuple[float, float]]

EXTENSION = "answer"
HOLD_S = 0.2
FORGOTTEN_S = 40.0
"""After which a server holds nothing of a call any more: RFC 3261 keeps its transactions for 32 s."""
POLL_S = 0.5


def idle(server: Server, seconds: float) -> Line:
    """What the server uses without a call: the part of its CPU time that does not grow."""
    pids = server.pids()
    used, began = cpu(pids), time.monotonic()
    time.sleep(seconds)  # the window that is measured
    share = (cpu(pids) - used) / (time.monotonic() - began)
    return {"cost": round(1000 * share, 4), "unit": "ms per second", "clean": True, "rss_mb": round(resident(pids), 1)}


def finished(server: Server, rate: float, calls: int, directory: Path) -> Line:
    """Memory that calls hold when they have just ended, and when the server may have forgotten them.

    The calls have to be placed within the 32 s for which a server keeps what could be sent again.
    """
    pids = server.pids()
    before = resident(pids)
    with Callers(Load(EXTENSION, rate, calls, HOLD_S), server.target, directory) as callers:
        outcome = callers.finish(calls / rate + 60)
        peak = resident(pids)
    time.sleep(FORGOTTEN_S)  # until RFC 3261 lets finished calls go
    after = resident(pids)
    return {
        "calls": calls,
        "cost": round(1024 * (peak - before) / calls, 3),
        "unit": "kB per finished call",
        "clean": outcome.clean,
        "kept_kb_per_call": round(1024 * (after - before) / calls, 3),
        "rss_mb": round(peak, 1),
        "first_error": outcome.first_error,
    }


def curve(server: Server, rate: float, calls: int, steps: int, directory: Path) -> Iterator[Line]:
    """Memory after each step of a long run."""
    pids = server.pids()
    yield _point(0, pids, True)
    with Callers(Load(EXTENSION, rate, calls, HOLD_S), server.target, directory) as callers:
        for step in range(1, steps):
            while callers.created < calls * step // steps and not callers.ended:
                time.sleep(POLL_S)  # SIPp tells its counts by a file only
            yield _point(calls * step // steps, pids, True)
        outcome = callers.finish(calls / rate + 60)
    yield _point(calls, pids, outcome.clean)


def _point(done: int, pids: Sequence[int], clean: bool) -> Line:
    return {"calls": done, "cost": round(resident(pids), 2), "unit": "MB", "clean": clean}


def exponent(points: Points) -> float | None:
    """The b of y = a * x^b that fits best; None for fewer than two points."""
    known = [(log(x), log(y)) for x, y in points if x > 0 and y > 0]
    return slope(known)


def slope(points: Points) -> float | None:
    """Of the straight line that fits best; None when there is none."""
    if len(points) < 2:
        return None
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    wide = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / wide if wide else None
