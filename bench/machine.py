"""What the machine tells: CPU time, memory and dropped packets of processes, from /proc."""

import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
CACHE = Path(os.environ.get("CALLWRIGHT_BENCH_CACHE") or Path.home() / ".cache/callwright-bench")
ROOT = Path(__file__).resolve().parent.parent

SERVER_PRIORITY, LOAD_PRIORITY = 10, 5
LOAD_CORE = 1
SERVER_HOST, LOAD_HOST, BESIDE_HOST = "127.9.0.2", "127.9.0.1", "127.9.0.3"
"""Addresses that nothing else on the machine is likely to have ports of."""
_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED


def _fields(pid: int) -> list[str]:
    """/proc/PID/stat after the name; [] when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []


def family(pids: Iterable[int]) -> list[int]:
    """Processes and all their descendants that live."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        if fields := _fields(int(name)):
            children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    queue = list(pids)
    while queue:
        pid = queue.pop()
        if pid not in found:
            found.append(pid)
            queue += children.get(pid, [])
    return found


def cpu(pids: Iterable[int]) -> float:
    """Seconds of CPU time that these processes have used, all threads, user and system, to the nanosecond."""
    total = 0.0
    for pid in pids:
        try:
            # The clock of another process, as clock_getcpuclockid(3) makes its name: /proc counts in ticks of 10 ms.
            total += time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)
        except OSError:
            continue  # it has ended
    return total


def resident(pids: Iterable[int]) -> float:
    """Resident memory in MB."""
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue  # it has ended: it holds nothing
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _everyone() -> dict[int, float]:
    return {int(name): cpu([int(name)]) for name in os.listdir("/proc") if name.isdigit()}


def _steal() -> float:
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / TICK


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU over a window, in percent of one core: the server, the load, everybody else, and what the host took."""

    seconds: float
    cpu_pct: float
    load_cpu_pct: float
    other_cpu_pct: float
    steal_pct: float

    def figures(self) -> dict[str, float]:
        """The values, rounded, for a line of output."""
        return {name: round(value, 2) for name, value in asdict(self).items()}


class Window:
    """Measures from its making to `end`."""

    def __init__(self, server: Iterable[int], load: Iterable[int]) -> None:
        self._server, self._load = list(server), list(load)
        self._steal = _steal()
        self._before = _everyone()
        self._server_before = cpu(self._server)
        self._began = time.monotonic()

    def end(self) -> Usage:
        """What was used since."""
        seconds = time.monotonic() - self._began
        server = cpu(self._server) - self._server_before
        after = _everyone()
        used = {pid: after[pid] - self._before.get(pid, 0.0) for pid in after}
        load = sum(used.get(pid, 0.0) for pid in self._load)
        other = sum(used.values()) - sum(used.get(pid, 0.0) for pid in self._server) - load
        stolen = _steal() - self._steal
        return Usage(seconds, *(100 * value / seconds for value in (server, load, other, stolen)))


def drops(low: int, high: int) -> int:
    """Datagrams that the kernel dropped because a socket on these UDP ports was full."""
    total = 0
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if low <= int(fields[1].split(":")[1], 16) <= high:
            total += int(fields[-1])
    return total


def take_descriptors() -> None:
    """Lifts the soft limit of open files, for this process and all that it starts: a call takes two sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@cache
def may_be_realtime() -> bool:
    """Whether this user may give a process a realtime priority."""
    if shutil.which("chrt") is None:
        return False
    return subprocess.run(["chrt", "-r", "10", "true"], capture_output=True, check=False).returncode == 0


def scheduled(priority: int, cores: str) -> list[str]:
    """The beginning of a command line that pins a process and, where allowed, makes it realtime (round robin)."""
    realtime = ["chrt", "-r", str(priority)] if may_be_realtime() else []
    return [*realtime, "taskset", "-c", cores]


def free_port(kind: socket.SocketKind) -> int:
    """A port that nobody has now, at any loopback address."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
