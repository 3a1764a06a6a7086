"""Which measurements a run takes, in which order: the sides take turns, so that a busy neighbour meets both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from . import probe, rows, tap
from .audio import caller
from .rows import Line
from .servers import ApplicationServer, Asterisk, Callwright, Server

Emit = Callable[[str, str, Line], None]
"""Takes (row, side, line) as soon as it is measured."""

BOTH_CORES = "0,1"
CAPACITY = "P7 capacity"
LATENCY = "P7 latency"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        calls: P1: numbers of callers, ascending.
        peer_calls: the largest of them that the peer is asked to carry.
        rates: P6 and P7: calls a second on one core.
        capacity: P7: calls a second on two cores, ascending; ends at the first that is not clean twice.
        latency: P7: calls a second at which the answer's latency is taken, on two cores.
        repeat: how often each is measured.
        window: seconds of a P1 window.
        seconds: of calls being placed, in P6 and P7.
        short, hold: seconds from answer to BYE in P6 and in P7. Short, because the sides differ in what they send to a
            caller who is played nothing (ours silence, the peer no packet), and P6 is of signalling alone.
        settle: seconds after the last call that still count.
    """

    rows: tuple[str, ...] = ("P1", "P6", "P7", "P13")
    peer: bool = False
    calls: tuple[int, ...] = (50, 100, 200, 400, 800, 1200, 1500)
    peer_calls: int = 400
    rates: tuple[float, ...] = (50, 100, 200)
    capacity: tuple[float, ...] = (200, 250, 300, 350, 400)
    latency: float = 125
    repeat: int = 3
    window: float = 10
    seconds: float = 20
    short: float = 0.2
    hold: float = 1.0
    settle: float = 2
    ramp: float = 100
    clock_rate: int = 16000
    log_level: str = "INFO"

    def quick(self) -> "Plan":
        """The same, small: a few minutes, for a first look."""
        return replace(
            self, calls=(50, 200), rates=(50,), capacity=(150,), latency=50, repeat=1, window=4, seconds=8, settle=1.5
        )


class Run:
    """One run of a plan.

    Args:
        directory: for configuration, data and logs of the servers.
        emit: takes each line.
    """

    def __init__(self, plan: Plan, directory: Path, emit: Emit) -> None:
        self.plan = plan
        self._directory = directory
        self._emit = emit
        self._sound = directory / "speech10.ulaw"
        self._sound.write_bytes(caller())
        self._numbers = count(1)

    def all(self) -> None:
        """Every row that the plan names, in order."""
        steps = {"P1": self._p1, "P6": self._p6, "P7": self._p7, "P13": self._p13}
        for name in self.plan.rows:
            steps[name]()

    def _fresh(self) -> Path:
        directory = self._directory / f"{next(self._numbers):02d}"
        directory.mkdir()
        return directory

    @contextmanager
    def _daemon(self, cores: str = "0") -> Iterator[tuple[Callwright, ApplicationServer]]:
        directory = self._fresh()
        with ApplicationServer(directory) as application, self._callwright(directory, application, cores) as daemon:
            yield daemon, application

    def _callwright(self, directory: Path, application: ApplicationServer, cores: str) -> Callwright:
        return Callwright(
            directory,
            application.origin,
            cores=cores,
            clock_rate=self.plan.clock_rate,
            log_level=self.plan.log_level,
        )

    @contextmanager
    def _sides(self, cores: str = "0") -> Iterator[tuple[Callwright, ApplicationServer, list[Server]]]:
        """Both servers up; only one is loaded at a time."""
        with ExitStack() as stack:
            daemon, application = stack.enter_context(self._daemon(cores))
            sides: list[Server] = [daemon]
            if self.plan.peer:
                sides.append(stack.enter_context(Asterisk(self._fresh(), cores=cores)))
            yield daemon, application, sides

    def _p1(self) -> None:
        tap.build()
        plan = self.plan
        with self._sides() as (_, _, sides):
            for side in sides:  # the first call of all fetches the prompt
                rows.prompt(side, 1, ramp=1, seconds=1, sound=self._sound, directory=self._directory)
            for calls in plan.calls:
                for _ in range(plan.repeat):
                    for side in sides:
                        if side.name == Asterisk.name and calls > plan.peer_calls:
                            continue
                        line = rows.prompt(
                            side,
                            calls,
                            ramp=plan.ramp,
                            seconds=plan.window,
                            sound=self._sound,
                            directory=self._directory,
                        )
                        self._emit("P1", side.name, line | side.facts())

    def _p6(self) -> None:
        plan = self.plan
        with self._sides() as (_, _, sides):
            self._warm(sides, {side.name: "answer" for side in sides})
            for rate in plan.rates:
                for _ in range(plan.repeat):
                    for side in sides:
                        line = self._signalling(side, "answer", rate, plan.short)
                        self._emit("P6", side.name, line | side.facts())

    def _p7(self) -> None:
        plan = self.plan
        with self._sides() as (daemon, application, sides):
            self._warm(sides, JOBS)
            for rate in plan.rates:
                for _ in range(plan.repeat):
                    for side in sides:
                        self._emit("P7", side.name, self._job(side, rate, daemon, application))
        with self._sides(BOTH_CORES) as (daemon, application, sides):
            self._warm(sides, JOBS)
            for _ in range(plan.repeat):
                for side in sides:
                    self._emit(LATENCY, side.name, self._job(side, plan.latency, daemon, application))
            for side in sides:
                self._climb(side, daemon, application)

    def _climb(self, side: Server, daemon: Callwright, application: ApplicationServer) -> None:
        """Rate after rate, until one is not clean twice."""
        for rate in self.plan.capacity:
            for _ in range(2):
                line = self._job(side, rate, daemon, application)
                self._emit(CAPACITY, side.name, line)
                if line["clean"]:
                    break
            else:
                return

    def _job(self, side: Server, rate: float, daemon: Callwright, application: ApplicationServer) -> Line:
        if side is not daemon:
            return self._signalling(side, JOBS[side.name], rate, self.plan.hold) | side.facts()
        ledger = rows.Ledger(daemon, application)
        return ledger.add_to(self._signalling(side, JOBS[side.name], rate, self.plan.hold)) | side.facts()

    def _signalling(self, side: Server, extension: str, rate: float, hold: float) -> Line:
        plan, directory = self.plan, self._directory
        return rows.signalling(
            side, extension, rate, hold=hold, seconds=plan.seconds, settle=plan.settle, directory=directory
        )

    def _warm(self, sides: list[Server], extensions: dict[str, str]) -> None:
        """A few calls that nobody counts: caches, lazy imports, the first growth of pools."""
        for side in sides:
            rows.signalling(side, extensions[side.name], 20, hold=1, seconds=3, settle=1, directory=self._directory)

    def _p13(self) -> None:
        plan = self.plan
        for _ in range(plan.repeat):
            for name, start in (("P13 first call", probe.cold_start), ("P13 scripts/run", probe.script_start)):
                directory = self._fresh()
                with ApplicationServer(directory) as application:
                    daemon = self._callwright(directory, application, "0")
                    self._emit(name, daemon.name, start(daemon) | daemon.facts())
            if plan.peer:
                self._emit("P13 first call", Asterisk.name, probe.peer_start(self._fresh()))


JOBS = {Callwright.name: "app", Asterisk.name: "agi"}
