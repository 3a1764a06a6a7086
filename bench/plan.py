"""Which measurements a run takes, in which order: the sides take turns, so that a busy neighbour meets both."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from . import growth, probe, rows, storm
from .profile import Profile
from .relays import Floor, Relay, RtpEngine, floor_legs, floors
from .rows import Line, Sampling, Work
from .servers import ApplicationServer, Asterisk, Callwright, Server

Emit = Callable[[str, str, Line], None]
"""Takes (row, side, line) as soon as it is measured."""

BOTH_CORES = "0,1"
CAPACITY = "P7 capacity"
LATENCY = "P7 latency"
IDLE = "P12 idle"
FINISHED = "P12 finished"
TOTAL = "P12 total"
CURVE_STEPS = 20
STORM = "P11"
ROWS = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", STORM, "P12", "P13")

OURS, PEER = Callwright.name, Asterisk.name
WORK: Mapping[str, Mapping[str, Work]] = {
    "P1": {OURS: Work("play"), PEER: Work("play")},
    "P2": {OURS: Work("echo"), PEER: Work("echo")},
    "P3": {OURS: Work("bridge", bridged=True), PEER: Work("bridge", bridged=True)},
    "P4": {OURS: Work("recorded", bridged=True), PEER: Work("bridgecore", bridged=True)},
    "P5": {OURS: Work("conf", gap_ms=60), PEER: Work("conf", gap_ms=60)},
    "P12": {OURS: Work("play"), PEER: Work("play")},
}
PEER_CALLS = {"P1": 400, "P2": 400, "P3": 400, "P4": 200, "P5": 250, "P12": 300}
"""The largest load that the peer is asked to carry."""
CALLS: Mapping[str, tuple[int, ...]] = {
    "P1": (50, 100, 200, 400, 800, 1200, 1500),
    "P2": (50, 100, 200, 400, 800),
    "P3": (50, 100, 200, 400, 900),
    "P4": (50, 100, 200, 400),
    "P5": (100, 250),
    "P12": (10, 30, 100, 300, 1000),
}
QUICK_CALLS = {"P1": (50, 200), "P2": (50, 200), "P3": (50, 200), "P4": (50, 100), "P5": (100,), "P12": (10, 30, 100)}
JOBS = {OURS: "app", PEER: "agi"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        calls: P1 to P5, P12: numbers of calls, ascending.
        rates: P6 and P7: calls a second on one core.
        capacity: P7: calls a second on two cores, ascending; ends at the first that is not clean twice.
        latency: P7: calls a second at which the answer's latency is taken, on two cores.
        phones: P11: how many register again, `phone_rate` a second, while `phone_calls` calls are up and others are
            placed, `phone_call_rate` a second.
        calls_total: P12: finished calls of the long run; 0: none.
        finish_rate, finished: P12: calls a second, and how many, whose memory after their end is taken.
        repeat: how often each is measured.
        warm, window: seconds of packets before a media window, and of the window.
        seconds: of calls being placed, in P6 and P7.
        short, hold: seconds from answer to BYE in P6 and in P7. Short, because the sides differ in what they send to a
            caller who is played nothing (ours silence, the peer no packet), and P6 is of signalling alone.
        settle: seconds after the last call that still count.
        ramp: calls with media placed a second.
        profile: where to write what the daemon's time goes into, of each load of P1 to P7; None: not looked at.
    """

    rows: tuple[str, ...] = ROWS
    peer: bool = False
    calls: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: CALLS)
    rates: tuple[float, ...] = (50, 100, 200)
    capacity: tuple[float, ...] = (200, 250, 300, 350, 400)
    latency: float = 125
    phones: int = 10_000
    phone_rate: float = 500
    phone_calls: int = 50
    phone_call_rate: float = 10
    calls_total: int = 0
    finish_rate: float = 100
    finished: int = 2000
    repeat: int = 3
    warm: float = 6
    window: float = 10
    seconds: float = 20
    short: float = 0.2
    hold: float = 1.0
    settle: float = 2
    ramp: float = 50
    clock_rate: int = 16000
    log_level: str = "INFO"
    profile: Path | None = None

    def quick(self) -> "Plan":
        """The same, small: a few minutes, for a first look."""
        return replace(
            self,
            calls=QUICK_CALLS,
            rates=(50,),
            capacity=(150,),
            latency=50,
            phones=1000,
            finished=500,
            repeat=1,
            window=4,
            seconds=8,
            settle=1.5,
        )

    def alike(self, calls: tuple[int, ...]) -> "Plan":
        """With these numbers of calls in every row."""
        return replace(self, calls=dict.fromkeys(CALLS, calls))

    @property
    def sampling(self) -> Sampling:
        """Of media."""
        return Sampling(self.ramp, self.warm, self.window)

    @property
    def storm(self) -> storm.Storm:
        """Of P11."""
        return storm.Storm(
            self.phones, self.phone_rate, self.phone_calls, self.phone_call_rate, ramp=self.ramp, warm=self.warm
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
        self._numbers = count(1)

    def all(self) -> None:
        """Every row that the plan names, in order."""
        steps = {"P6": self._p6, "P7": self._p7, STORM: self._p11, "P12": self._p12, "P13": self._p13}
        for name in self.plan.rows:
            if name in steps:
                steps[name]()
            else:
                self._media(name)

    def _fresh(self) -> Path:
        directory = self._directory / f"{next(self._numbers):03d}"
        directory.mkdir()
        return directory

    @contextmanager
    def _daemon(self, cores: str = "0", phones: int = 0) -> Iterator[tuple[Callwright, ApplicationServer]]:
        directory = self._fresh()
        with (
            ApplicationServer(directory) as application,
            self._callwright(directory, application, cores, phones) as daemon,
        ):
            yield daemon, application

    def _callwright(self, directory: Path, application: ApplicationServer, cores: str, phones: int = 0) -> Callwright:
        return Callwright(
            directory,
            application.origin,
            cores=cores,
            clock_rate=self.plan.clock_rate,
            log_level=self.plan.log_level,
            phones=phones,
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

    @contextmanager
    def _media_sides(self, row: str) -> Iterator[list[Server]]:
        """The same for a row of media, each with one call behind it: the first of all fetches the prompt."""
        with self._sides() as (_, _, sides):
            for side in sides:
                rows.media(side, WORK[row][side.name], 1, Sampling(1, 0.5, 0.5), self._directory)
            yield sides

    def _media(self, row: str) -> None:
        plan = self.plan
        with self._media_sides(row) as sides:
            for calls in plan.calls[row]:
                for _ in range(plan.repeat):
                    for side in sides:
                        self._loaded(row, side, calls)
                    if row == "P3":
                        self._relays(calls)

    def _loaded(self, row: str, side: Server, calls: int) -> None:
        if side.name == OURS or calls <= PEER_CALLS[row]:
            sampling = self.plan.sampling
            up = calls / sampling.ramp + sampling.warm
            with self._profiled(row, side, f"{calls} calls", up, sampling.window):
                line = rows.media(side, WORK[row][side.name], calls, sampling, self._directory)
            self._emit(row, side.name, line | side.facts())

    def _profiled(
        self, row: str, side: Server, load: str, delay: float, seconds: float
    ) -> AbstractContextManager[object]:
        """A look at our side under a load, if the plan wants one."""
        if self.plan.profile is None or side.name != OURS:
            return nullcontext()
        file = self.plan.profile / f"{row}-{load.partition(' ')[0].partition('/')[0]}.svg"
        return Profile(side.pids()[0], delay, seconds, file, f"{row}, {load}: the daemon's CPU time")

    def _relays(self, calls: int) -> None:
        """What only relays, under the same packets."""
        relays: list[Relay] = [RtpEngine(calls, self._fresh())] if RtpEngine.installed() else []
        relays += [Floor(name, floor_legs(calls), self._fresh()) for name in floors()]
        for one in relays:
            with one:
                self._emit("P3", one.name, rows.relay(one, calls, self.plan.sampling, self._directory))

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
        row = "P6" if extension == "answer" else "P7"
        with self._profiled(row, side, f"{rate:g}/s", hold + 1, max(1.0, plan.seconds - hold - 2)):
            return rows.signalling(
                side, extension, rate, hold=hold, seconds=plan.seconds, settle=plan.settle, directory=directory
            )

    def _warm(self, sides: list[Server], extensions: Mapping[str, str]) -> None:
        """A few calls that nobody counts: caches, lazy imports, the first growth of pools."""
        for side in sides:
            rows.signalling(side, extensions[side.name], 20, hold=1, seconds=3, settle=1, directory=self._directory)

    def _p11(self) -> None:
        """A daemon each time: it is the first storm that counts."""
        for _ in range(self.plan.repeat):
            with self._daemon(BOTH_CORES, self.plan.phones) as (daemon, _application):
                self._warm([daemon], {daemon.name: storm.PLACED})
                line = storm.registrations(daemon, self.plan.storm, self._directory)
                self._emit(STORM, daemon.name, line | daemon.facts())

    def _p12(self) -> None:
        plan = self.plan
        for _ in range(plan.repeat):
            for calls in plan.calls["P12"]:
                with self._media_sides("P12") as sides:  # afresh: what an earlier load has left would count as well
                    for side in sides:
                        self._emit(IDLE, side.name, growth.idle(side, plan.window))
                        self._loaded("P12", side, calls)
            with self._sides() as (_, _, sides):
                self._warm(sides, {side.name: growth.EXTENSION for side in sides})
                for side in sides:
                    line = growth.finished(side, plan.finish_rate, plan.finished, self._directory)
                    self._emit(FINISHED, side.name, line | side.facts())
        if plan.calls_total:
            self._total()

    def _total(self) -> None:
        """The long run: one side after the other."""
        with self._sides() as (_, _, sides):
            self._warm(sides, {side.name: growth.EXTENSION for side in sides})
            for side in sides:
                for line in growth.curve(
                    side, self.plan.finish_rate, self.plan.calls_total, CURVE_STEPS, self._directory
                ):
                    self._emit(TOTAL, side.name, line | side.facts())

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
