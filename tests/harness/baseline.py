"""What a process holds, from /proc, and the promise that it returns to that after a test.

    async with baseline(daemon.pid, settle=35):
        ...                                     # calls, abuse
    # on leaving: file descriptors, threads and ports are what they were, within 35 s

For the tests' own process asyncio tasks count too.
"""

import asyncio
import os
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .waiting import SCALE

_TCP_LISTEN = "0A"
_STATES = {"01": "established", "04": "fin-wait-1", "05": "fin-wait-2", "08": "close-wait", _TCP_LISTEN: "listening"}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds, as counts by description."""

    files: Counter[str] = field(default_factory=Counter)
    """Open descriptors that are no sockets: path, or kind as "anon_inode:[eventpoll]"."""
    sockets: Counter[str] = field(default_factory=Counter)
    """"udp 127.0.0.1:5060", "tcp 127.0.0.1:8080 listening", "unix", ..."""
    threads: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    native: Counter[str] = field(default_factory=Counter)
    """Whatever the caller counts itself, e.g. native objects that the daemon reports."""

    def beyond(self, before: "Holdings", ignoring: Sequence[str] = ()) -> list[str]:
        """One line for each thing that there is more of than before, and for each listening socket that is gone."""
        lines = []
        for kind in ("files", "sockets", "threads", "tasks", "native"):
            mine, theirs = getattr(self, kind), getattr(before, kind)
            lines += [f"{kind}: {count} more of {name}" for name, count in (mine - theirs).items()]
        gone = before.sockets - self.sockets
        lines += [f"sockets: {name} is gone" for name in gone if "listening" in name]
        return [line for line in lines if not any(re.search(pattern, line) for pattern in ignoring)]


def holdings(pid: int | None = None, native: Counter[str] | None = None) -> Holdings:
    """What a process holds now; None is this process.

    Raises:
        ProcessLookupError: no such process.
    """
    root = Path("/proc") / (str(pid) if pid else "self")
    if not root.exists():
        raise ProcessLookupError(f"process {pid} is gone")
    links = [link for link in (_link(entry) for entry in os.scandir(root / "fd")) if link]
    inodes = _inodes(root)
    bound = [inodes.get(link[8:-1], "other") for link in links if link.startswith("socket:[")]
    others = [_without_inode(link) for link in links if not link.startswith("socket:[")]
    if pid is None:
        names = [thread.name for thread in threading.enumerate()]
        tasks = Counter(_coroutine(task) for task in asyncio.all_tasks() if task is not asyncio.current_task())
    else:
        names = [(task / "comm").read_text().strip() for task in (root / "task").iterdir()]
        tasks = Counter()
    return Holdings(Counter(others), Counter(bound), Counter(names), tasks, native or Counter())


def _link(entry: os.DirEntry[str]) -> str:
    try:
        return os.readlink(entry.path)
    except FileNotFoundError:
        return ""  # closed meanwhile, as the descriptor of the scan itself


def _without_inode(link: str) -> str:
    return re.sub(r"^(pipe):\[\d+\]$", r"\1", link)


def _coroutine(task: "asyncio.Task[object]") -> str:
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", repr(coroutine))


def _inodes(root: Path) -> dict[str, str]:
    """Socket inode -> description."""
    found: dict[str, str] = {}
    for protocol in ("udp", "udp6", "tcp", "tcp6"):
        for line in _rows(root / "net" / protocol):
            local, state, inode = line[1], line[3], line[9]
            suffix = f" {_STATES.get(state, state)}" if protocol.startswith("tcp") else ""
            # the remote side and the own ephemeral port of a connection say nothing that repeats
            place = _address(local) if not suffix or state == _TCP_LISTEN else _address(local).rsplit(":", 1)[0]
            found[inode] = f"{protocol} {place}{suffix}"
    for line in _rows(root / "net" / "unix"):
        found[line[6]] = "unix"
    return found


def _rows(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []


def _address(text: str) -> str:
    host, port = text.split(":")
    words = [struct.pack("=I", int(host[i : i + 8], 16)) for i in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return f"{socket.inet_ntop(family, b''.join(words))}:{int(port, 16)}"


@asynccontextmanager
async def baseline(
    pid: int | None = None,
    *,
    settle: float = 5.0,
    ignoring: Sequence[str] = (),
    native: Callable[[], Awaitable[Counter[str]]] | None = None,
    before: Holdings | None = None,
) -> AsyncIterator[Holdings]:
    """Asserts that on leaving, a process holds nothing more than on entering.

    Args:
        pid: the process; None is this one.
        settle: seconds in which it may return to that.
        ignoring: regular expressions of lines of the difference that do not count ("asyncio_" threads of a pool).
        native: further counts, e.g. `daemon.metrics`.
        before: what it held; default: what it holds on entering.

    Raises:
        AssertionError: one line for each thing too many.
    """

    async def now() -> Holdings:
        return holdings(pid, await native() if native else None)

    before = before or await now()
    yield before
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settle * SCALE
    while lines := (await now()).beyond(before, ignoring):
        left = deadline - loop.time()
        if left <= 0:
            joined = "\n  ".join(lines)
            raise AssertionError(f"after {settle:g} s still beyond the baseline:\n  {joined}")
        tick = loop.create_future()
        handle = loop.call_later(min(0.05, left), tick.set_result, None)
        try:
            await tick
        finally:
            handle.cancel()
