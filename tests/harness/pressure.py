"""What a busy machine adds to a duration: how long a process was ready to run and got no processor (sched(7)).

pressure = Pressure(daemon.pid)
...                                          # something that must not take longer than 0.5 s
assert took - pressure.seconds() < 0.5
"""

import os
from pathlib import Path


class Pressure:
    """Counts from now on, for each thread of a process."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path("/proc") / str(pid) / "task"
        self._before = self._waits()

    def seconds(self) -> float:
        """The most that any one thread of the process has waited for a processor since then."""
        return max((waited - self._before.get(task, 0.0) for task, waited in self._waits().items()), default=0.0)

    def _waits(self) -> dict[str, float]:
        found = {}
        for task in self._tasks.iterdir():
            try:
                found[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
            except (FileNotFoundError, ProcessLookupError):
                continue  # the thread has ended meanwhile
        return found


def since_birth(pid: int) -> float:
    """The same of the main thread, since the process was started."""
    return int((Path("/proc") / str(pid) / "schedstat").read_text().split()[1]) / 1e9


def spent(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
