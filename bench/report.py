"""What a run found: medians of each side, their ratio, and whether the goal is met."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table

from .plan import CAPACITY, LATENCY
from .rows import Line
from .servers import Asterisk, Callwright

OURS, PEER = Callwright.name, Asterisk.name
P1_RATIO, P6_RATIO, P7_RATIO = 0.20, 1.0, 1.0
P1_CALLS, P7_RATE, P7_ANSWER_MS = 1500, 250, 20.0
P13_CALL_S, P13_RUN_S = 2.0, 3.0

WORK = {
    "P1": "prompt: CPU ms a call-second",
    "P6": "answer, hang up: CPU ms a call",
    "P7": "the main job: CPU ms a call",
    LATENCY: "INVITE to 200: p99 ms",
    CAPACITY: "calls/s, all clean",
    "P13 first call": "cold start to first call: s",
    "P13 scripts/run": "scripts/run to /health: s",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `goal` is on the ratio when `relative`, else on our own figure; `lower` is better."""

    row: str
    load: str
    ours: float | None
    peer: float | None
    goal: float
    relative: bool
    lower: bool = True
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's."""
        return self.ours / self.peer if self.ours is not None and self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None when it cannot be told."""
        value = self.ratio if self.relative else self.ours
        if value is None:
            return None
        return value <= self.goal if self.lower else value >= self.goal


class Results:
    """All lines of a run, by row, side and load."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], dict[float, list[Line]]] = defaultdict(lambda: defaultdict(list))

    def add(self, row: str, side: str, line: Line) -> None:
        """Takes a line."""
        self.lines[row, side][float(line.get("calls") or line.get("rate") or 0)].append(line)

    def median(self, row: str, side: str, load: float, key: str = "cost") -> float | None:
        """The median of a figure over the repetitions of one load."""
        values = [line[key] for line in self.lines[row, side].get(load, ()) if key in line]
        return median(values) if values else None

    def loads(self, row: str, side: str = OURS) -> list[float]:
        """The loads that were measured, ascending."""
        return sorted(self.lines[row, side])

    def reached(self, row: str, side: str) -> float | None:
        """The largest load of which the better half of the runs was clean, with every smaller one clean as well."""
        best = None
        for load in self.loads(row, side):
            lines = self.lines[row, side][load]
            tries = 1 if row == CAPACITY else (len(lines) + 1) // 2
            if sum(bool(line["clean"]) for line in lines) < tries:
                break
            best = load
        return best

    def findings(self) -> Iterable[Finding]:
        """The table's lines."""
        for row, goal in (("P1", P1_RATIO), ("P6", P6_RATIO), ("P7", P7_RATIO)):
            for load in self.loads(row):
                yield self._cost(row, load, goal)
        if loads := self.loads("P1"):
            yield self._reach("P1", "no gap over 40 ms", P1_CALLS, f"{loads[-1]:g} tried")
        for load in self.loads(LATENCY):
            slowest = self.median(LATENCY, OURS, load, "application_slowest_ms")
            middle = self.median(LATENCY, OURS, load, "answer_p50_ms")
            ours, peer = (self.median(LATENCY, side, load, "answer_p99_ms") for side in (OURS, PEER))
            note = f"p50 {middle:g}; the application took {slowest:g} at most"
            yield Finding(LATENCY, f"{load:g}/s, 2 cores", ours, peer, P7_ANSWER_MS + (slowest or 0), False, note=note)
        if loads := self.loads(CAPACITY):
            yield self._reach(CAPACITY, "2 cores", P7_RATE, f"{loads[-1]:g} tried")
        for row, goal in (("P13 first call", P13_CALL_S), ("P13 scripts/run", P13_RUN_S)):
            if self.loads(row):
                yield Finding(row, "", self.median(row, OURS, 0), self.median(row, PEER, 0), goal, False)

    def _cost(self, row: str, load: float, goal: float) -> Finding:
        ours, peer = self.median(row, OURS, load), self.median(row, PEER, load)
        notes = []
        if peer is None and (known := [n for n in self.loads(row, PEER) if n < load]):
            peer = self.median(row, PEER, known[-1])
            notes.append(f"peer at {known[-1]:g}")
        dirty = sum(not line["clean"] for line in self.lines[row, OURS][load])
        if dirty:
            notes.append(f"{dirty} of {len(self.lines[row, OURS][load])} not clean")
        if row == "P1":
            gap = max(line["gap_max_ms"] for line in self.lines[row, OURS][load])
            notes.append(f"longest gap {gap:g} ms")
        other = self.median(row, OURS, load, "other_cpu_pct") or 0
        notes.append(f"others {other:.0f} %")
        unit = "" if row == "P1" else "/s"
        return Finding(row, f"{load:g}{unit}", ours, peer, goal, True, note=", ".join(notes))

    def _reach(self, row: str, load: str, goal: float, note: str) -> Finding:
        ours, peer = self.reached(row, OURS), self.reached(row, PEER)
        return Finding(row, load, ours or 0.0, peer, goal, False, lower=False, note=note)

    def table(self) -> Table:
        """The findings for a terminal."""
        table = Table(title="Callwright beside Asterisk, medians", title_justify="left")
        for name in ("row", "work", "load"):
            table.add_column(name, no_wrap=True)
        for name in ("ours", "peer", "ratio", "goal"):
            table.add_column(name, justify="right")
        table.add_column("met")
        table.add_column("notes", overflow="fold")
        for finding in self.findings():
            table.add_row(*_cells(finding))
        return table


def _cells(finding: Finding) -> tuple[str, ...]:
    sign = "<=" if finding.lower else ">="
    goal = f"{sign} {finding.goal:.3g}" + (" x" if finding.relative else "")
    met = {True: "[green]yes[/]", False: "[red]no[/]", None: "-"}[finding.met]
    figures = (_number(value) for value in (finding.ours, finding.peer, finding.ratio))
    return finding.row.split()[0], WORK[finding.row], finding.load, *figures, goal, met, finding.note


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
