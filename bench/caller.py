"""SIPp as the callers: places calls at a rate or up to a number, and tells what became of them."""

import csv
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .machine import LOAD_CORE, LOAD_HOST, LOAD_PRIORITY, scheduled

SCENARIO = Path(__file__).parent / "scenarios/caller.xml"
SIP_PORT, MEDIA_PORT = 15070, 26000
MOST_LIVE_S = 20


@dataclass(frozen=True, slots=True)
class Load:
    """What is placed.

    Attributes:
        extension: user part of the request URI.
        rate: calls a second.
        total: how many in all.
        hold: seconds from answer to BYE. Callers send no media.
    """

    extension: str
    rate: float
    total: int
    hold: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the calls. Answer times are INVITE to 200, in ms; -1 when no call was answered.

    SIPp reads the coarse clock: the times are multiples of 4 ms on a kernel that ticks 250 times a second.
    """

    placed: int
    ok: int
    failed: int
    retransmissions: int
    answer_p50_ms: float
    answer_p99_ms: float
    answer_max_ms: float
    first_error: str

    @property
    def clean(self) -> bool:
        """Whether every call succeeded and nothing was sent twice."""
        return self.ok == self.placed and not self.failed and not self.retransmissions


class Callers:
    """A running SIPp. A with-block ends it, whatever happened.

    Args:
        target: "host:port" of the server.
        directory: where its files go.
        host: that they call from; SIPp beside a dialler needs another one.
    """

    def __init__(self, load: Load, target: str, directory: Path, host: str = LOAD_HOST) -> None:
        self.load = load
        self._directory = Path(tempfile.mkdtemp(prefix="callers-", dir=directory))
        command = [
            *scheduled(LOAD_PRIORITY, str(LOAD_CORE)),
            *("sipp", target, "-sf", str(SCENARIO), "-s", load.extension),
            *("-i", host, "-p", str(SIP_PORT), "-mi", host, "-mp", str(MEDIA_PORT)),
            *("-d", str(int(load.hold * 1000)), "-r", f"{load.rate:g}", "-m", str(load.total)),
            *("-l", str(int(load.rate * MOST_LIVE_S))),
            *("-nostdin", "-trace_stat", "-stf", "stat.csv", "-fd", "1"),
            *("-trace_rtt", "-rtt_freq", "1", "-trace_err", "-error_file", "errors.log"),
            *("-buff_size", "4000000", "-max_recv_loops", "5000", "-max_sched_loops", "5000"),
        ]
        self._process = subprocess.Popen(
            command,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def created(self) -> int:
        """Calls that were placed so far, as of the last second."""
        return int(float(self._last().get("TotalCallCreated") or 0))

    @property
    def ended(self) -> bool:
        """Whether SIPp has ended."""
        return self._process.poll() is not None

    def finish(self, seconds: float) -> Outcome:
        """Waits for the last call, at most so many seconds, and tells what became of all.

        Raises:
            RuntimeError: SIPp could not place any, because its port is taken, say.
        """
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()
        row = self._last()
        if not int(float(row.get("TotalCallCreated") or 0)):
            raise RuntimeError(f"SIPp ended with {self._process.returncode}, no call placed: {self._first_error()}")
        times = self._answer_times()
        return Outcome(
            placed=self.load.total,
            ok=int(float(row.get("SuccessfulCall(C)") or 0)),
            failed=int(float(row.get("FailedCall(C)") or 0)),
            retransmissions=int(float(row.get("Retransmissions(C)") or 0)),
            answer_p50_ms=_quantile(times, 0.50),
            answer_p99_ms=_quantile(times, 0.99),
            answer_max_ms=times[-1] if times else -1,
            first_error=self._first_error(),
        )

    def _last(self) -> dict[str, str]:
        """SIPp's newest line of statistics."""
        try:
            with (self._directory / "stat.csv").open(newline="") as file:
                rows = list(csv.reader(file, delimiter=";"))
        except OSError:
            return {}
        return dict(zip(rows[0], rows[-1], strict=False)) if len(rows) > 1 else {}

    def _answer_times(self) -> list[float]:
        """Response time 1 of every call, ascending. SIPp writes one line a time: date; milliseconds; which."""
        times: list[float] = []
        for path in self._directory.glob("*_rtt.csv"):
            for line in path.read_text().splitlines():
                fields = line.split(";")
                if len(fields) == 3 and fields[2].strip('"') == "1":
                    times.append(float(fields[1]))
        return sorted(times)

    def _first_error(self) -> str:
        try:
            lines = (self._directory / "errors.log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip()[:200] for line in lines[1:] if line.strip()), "")


def _quantile(ascending: list[float], q: float) -> float:
    return ascending[min(int(q * len(ascending)), len(ascending) - 1)] if ascending else -1
