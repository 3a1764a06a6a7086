"""Where a server's CPU time goes: perf for every thread's functions, py-spy for what runs in Python.

Both slow the server: figures of a profiled run are its own, and not for the table.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from .flames import Stack, flames
from .machine import LOAD_CORE, scheduled

PERF_HZ, PYTHON_HZ = 999, 250
RECORDER_PRIORITY = 20  # above server and load, or it would miss what it looks at
SAMPLE = re.compile(r"\s*(.+?)\s+(\d{1,7})\s+[0-9a-f]{8,}\s(.*) \((.*)\)$")
"""Thread, its id, function, library: the address between them has more digits than any id."""
LEAST_SHARE = 0.01
MOST_FUNCTIONS = 12


def missing() -> list[str]:
    """What to install before anything can be profiled."""
    needed = {"perf": "linux-perf (Debian)", "py-spy": f"py-spy ({sys.executable} -m pip install py-spy)"}
    return [where for program, where in needed.items() if program_of(program) is None]


def program_of(name: str) -> str | None:
    """Its path: beside this interpreter, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


class Profile(AbstractContextManager["Profile"]):
    """Watches a process for some seconds; with the block's end a table and a flame graph are written.

    Args:
        pid: of the daemon; its threads are seen, its children are not.
        delay: seconds before it starts to look.
        seconds: that it looks, half with each.
        file: the graph (.svg); the table goes beside it (.txt).
        title: of both.
    """

    def __init__(self, pid: int, delay: float, seconds: float, file: Path, title: str) -> None:
        self._pid = pid
        self._file, self._title = file, title
        self._perf, self._python = file.with_suffix(".perf"), file.with_suffix(".stacks")
        perf, spy = program_of("perf"), program_of("py-spy")
        if perf is None or spy is None:
            raise RuntimeError(f"cannot profile: install {', '.join(missing())}")
        watched = ["-p", f"{pid}", "-o"]
        recorders = (
            [perf, "record", "-q", "-F", f"{PERF_HZ}", "-e", "cpu-clock", *watched, str(self._perf)],
            [spy, "record", "-t", "-F", "-f", "raw", "-r", f"{PYTHON_HZ}", *watched, str(self._python)],
        )
        # one after the other: py-spy stops the process for each sample, which perf would see
        half = max(1, round(seconds / 2))
        ends = (["--", "sleep", f"{half}"], ["-d", f"{half}"])
        pinned = [*scheduled(RECORDER_PRIORITY, str(LOAD_CORE)), "sh", "-c"]
        self._commands = [
            [*pinned, f'sleep {delay + half * turn}; exec "$@"', "sh", *recorder, *end]
            for turn, (recorder, end) in enumerate(zip(recorders, ends, strict=True))
        ]
        self._recording: list[subprocess.Popen[str]] = []
        self._patience = delay + seconds + 60

    def __enter__(self) -> Self:
        self._recording = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for command in self._commands
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for recorder in self._recording:
                recorder.kill()
        said = [recorder.communicate(timeout=self._patience)[1] for recorder in self._recording]
        if error is None:
            for recorder, text in zip(self._recording, said, strict=True):
                if recorder.returncode:
                    raise RuntimeError(f"cannot profile: {text.strip() or f'it ended with {recorder.returncode}'}")
            self._write()

    def _write(self) -> None:
        script = ["perf", "script", "-i", str(self._perf), "-F", "comm,tid,ip,sym,dso"]
        found = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        samples = functions(found.splitlines())
        self._file.with_suffix(".txt").write_text(f"{self._title}\n{table(samples)}")
        stacks = merged(samples, python_stacks(self._python.read_text().splitlines()), self._pid)
        self._file.write_text(flames(stacks, self._title))
        self._perf.unlink()
        self._python.unlink()


Sample = tuple[str, int, str, str]
"""(thread's name, its id, library, function)"""


def functions(lines: Iterable[str]) -> Counter[Sample]:
    """Samples of `perf script`, counted: "comm tid  address symbol (library)" each."""
    counted: Counter[Sample] = Counter()
    for line in lines:
        if found := SAMPLE.match(line.rstrip()):
            thread, tid, function, library = found.groups()
            inside = Path(library).name
            inside = "kernel" if "kernel" in inside else inside.partition(".so")[0].partition(".cpython")[0]
            counted[thread, int(tid), inside, function.partition("+0x")[0] or "?"] += 1
    return counted


def python_stacks(lines: Iterable[str]) -> Counter[Stack]:
    """The main thread's stacks of py-spy's raw form ("thread (id);outer;inner count"), outermost first."""
    counted: Counter[Stack] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if "MainThread" in thread and frames:
            counted[tuple(frames)] += int(count)
    return counted


def merged(samples: Counter[Sample], stacks: Counter[Stack], pid: int) -> Counter[Stack]:
    """One picture: threads, libraries, functions; the main thread by its Python frames, in perf's weight."""
    weights: Counter[Stack] = Counter()
    main = sum(count for (_, tid, _, _), count in samples.items() if tid == pid)
    spied = sum(stacks.values())
    for (thread, tid, library, function), count in samples.items():
        if tid != pid or not spied:
            weights[thread, library, function] += count
    for stack, count in stacks.items():
        weights["main: asyncio", *stack] += round(main * count / spied)
    return +weights


def table(samples: Counter[Sample]) -> str:
    """Shares of the whole, a thread each and its functions, most first."""
    whole = sum(samples.values())
    threads: dict[str, Counter[str]] = {}
    for (thread, _, library, function), count in samples.items():
        threads.setdefault(thread, Counter())[f"{function} ({library})"] += count
    lines = []
    for thread, found in sorted(threads.items(), key=lambda item: -item[1].total()):
        if found.total() < LEAST_SHARE * whole:
            continue
        lines.append(f"{found.total() / whole:6.1%}  {thread}")
        most = found.most_common(MOST_FUNCTIONS)
        lines += [f"  {count / whole:6.1%}  {name}" for name, count in most if count >= LEAST_SHARE * whole / 2]
    return "".join(f"{line}\n" for line in lines)
