"""One measurement of each kind. Every function returns a flat dict: a line of output, with its cost under "cost"."""

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import tap
from .caller import Callers, Load
from .machine import Window, cpu, drops, resident
from .servers import ApplicationServer, Callwright, Server, fetch

Line = dict[str, Any]

FULL_CPU_PCT = 97.0
LATE_MS = 40
SETTLE_S = 3.0
PACKETS_PER_S = 50
MISSING_PACKETS = 0.005
"""Of those that a window expects: its edges cut the first and the last frame of a stream off."""


def prompt(server: Server, calls: int, *, ramp: float, seconds: float, sound: Path, directory: Path) -> Line:
    """P1: `calls` callers who hear a prompt and send audio. The cost is in CPU ms per call and second.

    CPU time is read in one window, the RTP that arrives in the next: tapping costs the sender, too.
    """
    pids = server.pids()
    before = resident(pids)
    climb = calls / ramp
    hold = climb + SETTLE_S + 2 * seconds + 6
    with Callers(Load("play", ramp, calls, hold, sound), server.target, directory) as callers:
        time.sleep(climb + SETTLE_S)
        live, full = callers.live, drops(*server.rtp_ports)
        window = Window(pids, [callers.pid])
        time.sleep(seconds)
        usage = window.end()
        heard = tap.watch(seconds)
        rss, full = resident(pids), drops(*server.rtp_ports) - full
        outcome = callers.finish(hold + 60)
    expected = calls * PACKETS_PER_S * heard["seconds"]
    missing = max(0.0, 1 - heard["packets"] / expected)
    whole = live == calls and outcome.ok == calls and missing <= MISSING_PACKETS and not heard["lost"]
    return {
        "calls": calls,
        "cost": round(10 * usage.cpu_pct / calls, 4),
        "unit": "ms per call-second",
        "clean": whole and not heard["gaps_over_40ms"],
        "lossless": whole,
        "live": live,
        "missing_pct": round(100 * missing, 2),
        "gap_max_ms": heard["gap_ms"]["max"],
        "gap_p999_ms": heard["gap_ms"]["p999"],
        "gaps_over_40ms": heard["gaps_over_40ms"],
        "lost": heard["lost"],
        "tap_dropped": heard["tap_dropped"],
        "jitter_ms": heard["jitter_ms"]["mean"],
        "dropped_by_server_sockets": full,
        "rss_mb": round(rss, 1),
        "rss_kb_per_call": round(1024 * (rss - before) / calls, 1),
        **usage.figures(),
        **asdict(outcome),
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
        time.sleep(min(hold + 1, seconds / 2))
        window = Window(pids, [callers.pid])
        time.sleep(max(1.0, seconds - hold - 2))  # ends before the last call is placed
        usage, peak = window.end(), resident(pids)
        outcome = callers.finish(seconds + 60)
    wall = time.monotonic() - began
    time.sleep(settle)
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
