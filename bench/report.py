"""What a run found: medians of each side, their spread and ratio, and whether the goal is met."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table

from .growth import exponent, slope
from .plan import CAPACITY, FINISHED, IDLE, LATENCY, OURS, PEER, PEER_CALLS, STORM, TOTAL
from .rows import Line
from .storm import ABSORBED_S

BUSY_PCT = 10.0
"""Of a core, used by processes that are none of ours: beyond it a window says little."""

P7_RATE, P7_ANSWER_MS = 250, 20.0
P11_PHONES = 10_000
P13_CALL_S, P13_RUN_S = 2.0, 3.0
EXPONENT = 1.05
RTPENGINE, RTPENGINE_RATIO = "rtpengine", 0.8
SETTLED_CALLS, SETTLED_KB = 10_000, 0.05


@dataclass(frozen=True, slots=True)
class Goal:
    """Of a row whose cost is held against the peer's.

    Attributes:
        work: what the cost is of.
        ratio: the most that it may be of the peer's; None: the row is no contest of costs.
        reach: how many calls must be clean; 0: none is asked.
    """

    work: str
    ratio: float | None
    reach: int = 0
    clean: str = "no gap over 40 ms"


COSTS: Mapping[str, Goal] = {
    "P1": Goal("prompt: CPU ms a call-second", 0.20, 1500),
    "P2": Goal("echo: CPU ms a call-second", 0.6),
    "P3": Goal("bridged: CPU ms a call-second", 0.35, 900),  # with io_uring; 0.5 without
    "P4": Goal("recorded: CPU ms a call-second", 0.6),
    "P5": Goal("conference: CPU ms a call-second", 0.5, 250, "no gap over 60 ms"),
    "P6": Goal("answer, hang up: CPU ms a call", 1.0),
    "P7": Goal("the main job: CPU ms a call", 1.0),
    "P12": Goal("growth, prompt: CPU ms a call-second", None),
}
RATES = ("P6", "P7")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table.

    Attributes:
        goal: on the ratio when `relative`, else on our own figure; `lower` is better. None: there is none.
        spread: the least and the most of ours, and of the peer's.
    """

    row: str
    work: str
    load: str
    ours: float | None
    peer: float | None
    goal: float | None
    relative: bool
    lower: bool = True
    note: str = ""
    spread: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's."""
        return self.ours / self.peer if self.ours is not None and self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None when it cannot be told."""
        value = self.ratio if self.relative else self.ours
        if value is None or self.goal is None:
            return None
        return value <= self.goal if self.lower else value >= self.goal


class Results:
    """All lines of a run, by row, side and load."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], dict[float, list[Line]]] = defaultdict(lambda: defaultdict(list))

    def add(self, row: str, side: str, line: Line) -> None:
        """Takes a line."""
        self.lines[row, side][float(line.get("phones") or line.get("calls") or line.get("rate") or 0)].append(line)

    def values(self, row: str, side: str, load: float, key: str = "cost") -> list[float]:
        """A figure in the repetitions of one load."""
        return [line[key] for line in self.lines[row, side].get(load, ()) if key in line]

    def median(self, row: str, side: str, load: float, key: str = "cost") -> float | None:
        """The median of a figure over the repetitions of one load."""
        values = self.values(row, side, load, key)
        return median(values) if values else None

    def spread(self, row: str, side: str, load: float) -> tuple[float, float] | None:
        """The least and the most of the costs; None for fewer than two."""
        values = self.values(row, side, load)
        return (min(values), max(values)) if len(values) > 1 else None

    def loads(self, row: str, side: str = OURS) -> list[float]:
        """The loads that were measured, ascending."""
        return sorted(self.lines[row, side])

    def points(self, row: str, side: str, key: str = "cost") -> list[tuple[float, float]]:
        """(load, median) of a figure."""
        medians = [(load, self.median(row, side, load, key)) for load in self.loads(row, side)]
        return [(load, value) for load, value in medians if value is not None]

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

    def busy(self) -> int:
        """Windows in which others used more than a little."""
        lines = (line for loads in self.lines.values() for lines in loads.values() for line in lines)
        return sum(line.get("other_cpu_pct", 0) > BUSY_PCT for line in lines)

    def findings(self) -> Iterable[Finding]:
        """The table's lines."""
        for row, goal in COSTS.items():
            for load in self.loads(row):
                yield self._cost(row, goal, load)
                if row == "P3":
                    yield from self._relays(load)
            if goal.reach and (loads := self.loads(row)):
                yield self._reach(row, f"calls, {goal.clean}", "", goal.reach, f"{loads[-1]:g} tried")
        yield from self._main_job()
        yield from self._storm()
        yield from self._growth()
        for row, work, limit in (
            ("P13 first call", "cold start to first call: s", P13_CALL_S),
            ("P13 scripts/run", "scripts/run to /health: s", P13_RUN_S),
        ):
            if self.loads(row):
                yield Finding(row, work, "", self.median(row, OURS, 0), self.median(row, PEER, 0), limit, False)

    def _main_job(self) -> Iterable[Finding]:
        for load in self.loads(LATENCY):
            slowest = self.median(LATENCY, OURS, load, "application_slowest_ms")
            middle = self.median(LATENCY, OURS, load, "answer_p50_ms")
            ours, peer = (self.median(LATENCY, side, load, "answer_p99_ms") for side in (OURS, PEER))
            note = f"p50 {middle:g}; the application took {slowest:g} at most"
            limit = P7_ANSWER_MS + (slowest or 0)
            yield Finding(LATENCY, "INVITE to 200: p99 ms", f"{load:g}/s, 2 cores", ours, peer, limit, False, note=note)
        if loads := self.loads(CAPACITY):
            yield self._reach(CAPACITY, "calls/s, all clean", "2 cores", P7_RATE, f"{loads[-1]:g} tried")

    def _storm(self) -> Iterable[Finding]:
        for load in self.loads(STORM):
            seconds, register, answer, gap, rate = (
                self.median(STORM, OURS, load, key)
                for key in ("seconds", "register_p99_ms", "answer_p99_ms", "gap_max_ms", "cost")
            )
            note = f"REGISTER p99 {register:g} ms, INVITE p99 {answer:g} ms, longest gap {gap:g} ms"
            shown = f"{load:g}, 2 cores"
            yield Finding(STORM, "phones register again: s", shown, seconds, None, ABSORBED_S, False, note=note)
            yield Finding(STORM, "the same: CPU ms a phone", shown, rate, None, None, False)
        if loads := self.loads(STORM):
            yield self._reach(STORM, "phones, all calls clean", "2 cores", P11_PHONES, f"{loads[-1]:g} tried")

    def _cost(self, row: str, goal: Goal, load: float) -> Finding:
        ours, peer = self.median(row, OURS, load), self.median(row, PEER, load)
        against, notes = load, []
        if peer is None and (known := [n for n in self.loads(row, PEER) if n < load]):
            against = known[-1]
            peer = self.median(row, PEER, against)
            notes.append(f"peer at {against:g}")
        for side, name in ((OURS, ""), (PEER, "peer: ")):
            lines = self.lines[row, side].get(load, [])
            if dirty := sum(not line["clean"] for line in lines):
                notes.append(f"{name}{dirty} of {len(lines)} not clean")
        if gaps := self.values(row, OURS, load, "gap_max_ms"):
            notes.append(f"longest gap {max(gaps):g} ms")
        if (other := max(self.values(row, OURS, load, "other_cpu_pct"), default=0)) > BUSY_PCT:
            notes.append(f"others used {other:.0f} %")
        spread = (self.spread(row, OURS, load), self.spread(row, PEER, against))
        shown = f"{load:g}{'/s' if row in RATES else ''}"
        return Finding(row, goal.work, shown, ours, peer, goal.ratio, True, note=", ".join(notes), spread=spread)

    def _relays(self, load: float) -> Iterable[Finding]:
        ours = self.median("P3", OURS, load)
        sides = sorted({side for row, side in self.lines if row == "P3"} - {OURS, PEER})
        for side in sides:
            other = self.median("P3", side, load)
            goal = RTPENGINE_RATIO if side == RTPENGINE else None
            if other is not None:
                yield Finding("P3", f"beside {side}", f"{load:g}", ours, other, goal, True)

    def _reach(self, row: str, work: str, load: str, goal: float, note: str) -> Finding:
        ours, peer = self.reached(row, OURS), self.reached(row, PEER)
        return Finding(row, work, load, ours or 0.0, peer, goal, False, lower=False, note=note)

    def _growth(self) -> Iterable[Finding]:
        if len(loads := self.loads("P12")) > 1:
            span = f"{loads[0]:g} to {loads[-1]:g}"
            for work, points in (("CPU", self.busy_points), ("memory", self.memory_points)):
                ours, peer = exponent(points(OURS)), exponent(points(PEER))
                yield Finding("P12", f"{work}: exponent of calls", span, ours, peer, EXPONENT, False)
            ours, peer = (self._kb_per_call(side) for side in (OURS, PEER))
            yield Finding("P12", "memory: kB a live call", span, ours, peer, 1.0, True)
        for load in self.loads(FINISHED):
            ours, peer = self.median(FINISHED, OURS, load), self.median(FINISHED, PEER, load)
            spread = (self.spread(FINISHED, OURS, load), self.spread(FINISHED, PEER, load))
            work = "memory: kB a finished call"
            yield Finding(FINISHED, work, f"{load:g} calls", ours, peer, 1.0, True, spread=spread)
            ours, peer = (self.median(FINISHED, side, load, "kept_kb_per_call") for side in (OURS, PEER))
            yield Finding(FINISHED, "memory: the same after 40 s", f"{load:g} calls", ours, peer, None, True)
        for side in (OURS, PEER):
            settled = [(calls, 1024 * mb) for calls, mb in self.points(TOTAL, side) if calls >= SETTLED_CALLS]
            if (growth := slope(settled)) is not None:
                span = f"{settled[0][0]:g} to {settled[-1][0]:g}"
                work = f"{side}: kB a call of a long run"
                yield Finding(TOTAL, work, span, growth, None, SETTLED_KB if side == OURS else None, False)

    def busy_points(self, side: str) -> list[tuple[float, float]]:
        """(calls, CPU ms a second), without what the server uses when it is idle."""
        idle = self.median(IDLE, side, 0) or 0.0
        return [(calls, calls * cost - idle) for calls, cost in self.points("P12", side)]

    def memory_points(self, side: str) -> list[tuple[float, float]]:
        """(calls, kB that they have added)."""
        return [(calls, calls * each) for calls, each in self.points("P12", side, "rss_kb_per_call")]

    def _kb_per_call(self, side: str) -> float | None:
        """What one more call takes, by the loads that both sides carry."""
        return slope([(calls, kb) for calls, kb in self.memory_points(side) if calls <= PEER_CALLS["P12"]])

    def table(self) -> Table:
        """The findings for a terminal."""
        table = Table(title="Callwright beside Asterisk: medians (least-most)", title_justify="left")
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
    goal = "-"
    if finding.goal is not None:
        goal = f"{'<=' if finding.lower else '>='} {finding.goal:g}{' x' if finding.relative else ''}"
    met = {True: "[green]yes[/]", False: "[red]no[/]", None: "-"}[finding.met]
    ours, peer = (
        _number(value) + (f" ({_number(spread[0])}-{_number(spread[1])})" if spread else "")
        for value, spread in zip((finding.ours, finding.peer), finding.spread, strict=True)
    )
    return (
        finding.row.split()[0],
        finding.work,
        finding.load,
        ours,
        peer,
        _number(finding.ratio),
        goal,
        met,
        finding.note,
    )


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
