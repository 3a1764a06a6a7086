"""One measurement of each kind. Every function returns a flat dict: a line of output, with its cost under "cost"."""

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .caller import Callers, Load
from .machine import Window, cpu, resident
from .relays import Relay
from .servers import ApplicationServer, Callwright, Server, fetch
from .streams import Dialled, Leg, Streams

Line = dict[str, Any]

FULL_CPU_PCT = 97.0
LATE_MS = 40
LOSS = 0.0005
"""Of the packets of a window: what a busy neighbour on this machine may cost a stream at its edges."""
HEARD = (
    *("sent", "received", "refused", "loss", "lossy_streams", "disorder", "gap_p50_ms", "gap_p99_ms", "gap_max_ms"),
    *("gaps_over_40ms", "latency_p50_ms", "latency_p99_ms", "latency_max_ms", "late_p99_ms", "late_max_ms"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What callers with audio ask of a server.

    Attributes:
        extension: whom they call.
        bridged: whether the server dials a second party, which makes a call of two legs.
        gap_ms: the longest time between two packets that anybody may hear.
    """

    extension: str
    bridged: bool = False
    gap_ms: float = LATE_MS


@dataclass(frozen=True, slots=True)
class Sampling:
    """How media is measured: calls placed a second, seconds of packets before the window, seconds of the window."""

    ramp: float
    warm: float
    window: float


def media(server: Server, work: Work, calls: int, sampling: Sampling, directory: Path) -> Line:
    """P1 to P5, P12: `calls` calls that send 50 packets a second a leg. The cost is in CPU ms per call and second."""
    pids = server.pids()
    before = resident(pids)
    dialled = Dialled(
        server.target, work.extension, calls, rate=sampling.ramp, called=work.bridged, directory=directory
    )
    with dialled:
        legs = dialled.legs()
        if not legs:
            raise RuntimeError(f"{server.name}: no call came up: {dialled.finish()['first_error']}")
        line = _streamed(pids, legs, calls, sampling, directory, load=dialled.pid, echo=not work.bridged)
        rss = resident(pids)
        outcome = dialled.finish()
    whole = outcome["ok"] == calls and not outcome["left"] and line["loss"] <= LOSS
    return {
        **line,
        **outcome,
        "clean": whole and line["gap_max_ms"] <= work.gap_ms,
        "lossless": whole,
        "live": len(legs) // (2 if work.bridged else 1),
        "rss_mb": round(rss, 1),
        "rss_kb_per_call": round(1024 * (rss - before) / calls, 1),
    }


def relay(relayed: Relay, calls: int, sampling: Sampling, directory: Path) -> Line:
    """P3: the same packets through something that only relays."""
    line = _streamed(relayed.pids(), relayed.legs, calls, sampling, directory)
    whole = line["loss"] <= LOSS
    return {**line, "clean": whole and line["gap_max_ms"] <= LATE_MS, "lossless": whole}


def _streamed(
    pids: list[int],
    legs: list[Leg],
    calls: int,
    sampling: Sampling,
    directory: Path,
    *,
    load: int = 0,
    echo: bool = False,
) -> Line:
    """One window of packets on legs that are up."""
    streams = Streams(legs, echo=echo, warm=sampling.warm, seconds=sampling.window, directory=directory)
    with streams:
        streams.until("window")
        window = Window(pids, [streams.pid, load])
        streams.until("end")
        usage = window.end()
        heard = streams.result()
    return {
        "calls": calls,
        "cost": round(10 * usage.cpu_pct / calls, 4),
        "unit": "ms per call-second",
        **{name: heard[name] for name in HEARD if name in heard and (heard["exact"] or not name.startswith("latency"))},
        **usage.figures(),
    }


def signalling(
    server: Server, extension: str, rate: float, *, hold: float, seconds: float, settle: float, directory: Path
) -> Line:
    """P6 and P7: calls at a rate, each ended by its caller after `hold` seconds. The cost is in CPU ms per call.

    It is all that the server uses from the first INVITE to `settle` seconds after the last BYE. What its timers free
    later (RFC 3261 keeps transactions for 32 s) counts on neither side, unless `settle` is longer than that.
    """
    pids = server.pids()
    total = max(1, round(rate * seconds))
    before = resident(pids)
    used, began = cpu(pids), time.monotonic()
    with Callers(Load(extension, rate, total, hold), server.target, directory) as callers:
        time.sleep(min(hold + 1, seconds / 2))  # until calls end as fast as they come
        window = Window(pids, [callers.pid])
        time.sleep(max(1.0, seconds - hold - 2))  # ends before the last call is placed
        usage, peak = window.end(), resident(pids)
        outcome = callers.finish(seconds + 60)
    wall = time.monotonic() - began
    time.sleep(settle)  # what is used then still counts
    cost = 1000 * (cpu(pids) - used) / total
    late = wall > seconds + hold + 3
    return {
        "rate": rate,
        "hold_s": hold,
        "cost": round(cost, 4),
        "unit": "ms per call",
        "clean": outcome.clean and not late,
        "rss_mb": round(peak, 1),
        "rss_kb_per_call": round(1024 * (peak - before) / total, 1),
        **usage.figures(),
        **asdict(outcome),
    }


class Ledger:
    """What the application and the database hold of the calls since it was made: P7's proof that the job was done."""

    def __init__(self, daemon: Callwright, application: ApplicationServer) -> None:
        self._database = daemon.directory / "data/callwright.db"
        self._application = application
        self._cpu = cpu([application.pid])
        self._before = self._counts()

    def _counts(self) -> dict[str, float]:
        served = json.loads(fetch(self._application.origin + "/figures")[1])
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=5)) as database:
            (rows,) = database.execute("SELECT count(*) FROM calls WHERE status = 'completed'").fetchone()
        return {
            "documents": served["requests"]["/voice"],
            "callbacks": served["requests"]["/status"],
            "records": rows,
            "application_slowest_ms": served["slowest_ms"],
        }

    def add_to(self, line: Line) -> Line:
        """The line with what was served and recorded meanwhile; not clean when any is missing."""
        after = self._counts()
        counts = {name: after[name] - self._before[name] for name in ("documents", "callbacks", "records")}
        whole = all(count == line["placed"] for count in counts.values())
        spent = 1000 * (cpu([self._application.pid]) - self._cpu) / line["placed"]
        return line | {
            **counts,
            "clean": line["clean"] and whole,
            "application_cost": round(spent, 4),
            "application_slowest_ms": after["application_slowest_ms"],
        }


def saturated(line: Line, cores: int) -> bool:
    """Whether the server had nothing left."""
    return bool(line["cpu_pct"] >= FULL_CPU_PCT * cores)
