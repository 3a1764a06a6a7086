"""The media of many calls: the legs that a dialler has brought up, and the packets that rtpload sends and awaits."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .machine import CACHE, LOAD_CORE, LOAD_HOST, LOAD_PRIORITY, ROOT, scheduled

Leg = tuple[int, str]
"""A local port, and the "address:port" where the server expects its RTP."""

GRACE_S = 60.0


def build(name: str, *libraries: str) -> Path:
    """A program of bench/*.c, compiled when the cache has no newer one.

    Raises:
        RuntimeError: it does not compile.
    """
    source, program = ROOT / "bench" / f"{name}.c", CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        command = ["cc", "-O2", "-Wall", "-o", str(program), str(source), *libraries]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}.c: {done.stderr.strip()}")
    return program


class LineProcess:
    """A process of the load that writes lines of JSON. A with-block ends it, whatever happened."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        number, name = tempfile.mkstemp(prefix="load-", suffix=".log", dir=directory)
        self._log = Path(name)
        with os.fdopen(number, "w") as errors:
            self._process = subprocess.Popen(
                [*scheduled(LOAD_PRIORITY, str(LOAD_CORE)), *command],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Of the process itself."""
        return self._process.pid

    def say(self, text: str) -> None:
        """To its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def said(self) -> dict[str, Any]:
        """Its next line.

        Raises:
            RuntimeError: it has ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(GRACE_S)
            raise RuntimeError(f"{self._process.args!r} ended: {self._log.read_text()[-1000:].strip()}")
        found: dict[str, Any] = json.loads(line)
        return found


class Dialled(LineProcess):
    """bench.dialler: calls that are up until `finish`.

    Args:
        called: whether it also answers what the server dials: two legs a call.
    """

    def __init__(self, target: str, extension: str, calls: int, *, rate: float, called: bool, directory: Path) -> None:
        command = [
            *(sys.executable, "-m", "bench.dialler", "--target", target, "--extension", extension),
            *("--calls", str(calls), "--rate", f"{rate:g}", *(["--called"] if called else [])),
        ]
        super().__init__(command, directory)

    def legs(self) -> list[Leg]:
        """Waits until every call is up or has failed."""
        return [(int(port), str(address)) for port, address in self.said()["legs"]]

    def finish(self) -> dict[str, Any]:
        """Hangs up; what became of the calls."""
        self.say("\n")
        return self.said()


class Streams(LineProcess):
    """rtpload on legs.

    Args:
        echo: each leg hears what it has caused itself; otherwise legs 2k and 2k + 1 hear each other.
        warm: seconds of packets before the window.
        seconds: of the window.
        host: of the local ports.
    """

    def __init__(
        self,
        legs: Sequence[Leg],
        *,
        echo: bool,
        warm: float,
        seconds: float,
        directory: Path,
        host: str = LOAD_HOST,
    ) -> None:
        command = [
            *(str(build("rtpload")), "-b", host, "-w", f"{warm:g}", "-d", f"{seconds:g}"),
            *(["-e"] if echo else []),
        ]
        super().__init__(command, directory)
        self.say("".join(f"{port} {address}\n" for port, address in legs))
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None

    def until(self, event: str) -> None:
        """Until the window begins ("window") or ends ("end")."""
        while self.said().get("event") != event:
            pass

    def result(self) -> dict[str, Any]:
        """What arrived; see rtpload.c."""
        return self.said()
