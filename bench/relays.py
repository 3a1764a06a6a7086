"""What relays RTP and nothing else, beside which a bridged call is held: rtpengine, and the least that C can do."""

import shutil
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from .dialler import MEDIA_PORT
from .machine import LOAD_HOST, SERVER_PRIORITY, family, scheduled
from .ng import Control
from .servers import POLL_S, RTP_PORTS, Process
from .streams import Leg, build

NG_PORT = 12223
ENGINE_PORTS = (40000, 49999)
START_S = 10.0
FLOORS = {
    "floor": ("floor", "-m", "sockets"),
    "floor connected": ("floor", "-m", "connected"),
    "floor uring": ("floor_uring",),
}


class Relay(AbstractContextManager["Relay"]):
    """Relays `calls` calls while the with-block runs.

    Attributes:
        name: of the side in the results.
        legs: two a call.
    """

    name = ""
    legs: list[Leg]
    _process: Process

    def pids(self) -> list[int]:
        """Its process."""
        self._process.check()
        return family([self._process.pid])


class RtpEngine(Relay):
    """In userspace: its kernel module would do the work where nobody counts it."""

    name = "rtpengine"

    def __init__(self, calls: int, directory: Path) -> None:
        self._calls, self._directory = calls, directory

    @staticmethod
    def installed() -> bool:
        """Whether there is one (Debian: rtpengine-daemon)."""
        return shutil.which("rtpengine") is not None

    def __enter__(self) -> Self:
        command = [
            *("rtpengine", "--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=3"),
            *("--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{NG_PORT}", "--num-threads=2", "--delete-delay=0"),
            *(f"--port-min={ENGINE_PORTS[0]}", f"--port-max={ENGINE_PORTS[1]}", "--media-num-threads=0"),
        ]
        log = self._directory / "rtpengine.log"
        self._process = Process([*scheduled(SERVER_PRIORITY, "0"), *command], log)
        control = Control(NG_PORT, 2.0)
        try:
            self._until_it_answers(control)
            self.legs = [leg for index in range(self._calls) for leg in self._bridge(control, index)]
        except BaseException:
            self._process.stop()
            raise
        finally:
            control.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def _until_it_answers(self, control: Control) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self._process.check()
            try:
                control.ask("ping")
                return
            except ConnectionRefusedError:
                time.sleep(POLL_S)  # it does not listen yet
        raise RuntimeError(f"rtpengine does not answer; log: {self._process.log}")

    def _bridge(self, control: Control, index: int) -> list[Leg]:
        one, other = MEDIA_PORT + 4 * index, MEDIA_PORT + 4 * index + 2
        to_one, to_other = control.bridge(index, one, other)
        return [(one, to_one), (other, to_other)]


class Floor(Relay):
    """bench/floor.c: a socket a leg, no call, no RTCP, no statistics."""

    def __init__(self, name: str, legs: list[Leg], directory: Path, host: str = LOAD_HOST) -> None:
        self.name, self.legs = name, legs
        self._program, *self._arguments = FLOORS[name]
        self._directory, self._host = directory, host

    def __enter__(self) -> Self:
        program = build(self._program, *(["-luring"] if self._program.endswith("uring") else []))
        pairs = self._directory / "pairs"
        pairs.write_text("".join(f"{to.rpartition(':')[2]} {self._host}:{port}\n" for port, to in self.legs))
        shell = ["sh", "-c", 'exec "$@" <"$0"', str(pairs), str(program), *self._arguments]
        self._process = Process([*scheduled(SERVER_PRIORITY, "0"), *shell], self._directory / "floor.log")
        deadline = time.monotonic() + START_S
        while "ready" not in self._process.log.read_text():
            self._process.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready; log: {self._process.log}")
            time.sleep(POLL_S)  # it tells nobody that it is ready
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()


def floor_legs(calls: int) -> list[Leg]:
    """As many as so many calls have, on ports of the daemon's."""
    return [(MEDIA_PORT + 2 * leg, f"127.0.0.1:{RTP_PORTS[0] + 2 * leg}") for leg in range(2 * calls)]


def floors() -> list[str]:
    """Those that can be built here."""
    probe = ["cc", "-xc", "-", "-luring", "-o", "/dev/null"]
    source = "#include <liburing.h>\nint main(void) { return 0; }"
    found = subprocess.run(probe, input=source, text=True, capture_output=True, check=False).returncode == 0
    return [name for name in FLOORS if found or not name.endswith("uring")]
