"""The servers that are measured: the daemon, and Asterisk beside it. Each ends only what it has started."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from .dialler import CALLED_PORT
from .machine import (
    BESIDE_HOST,
    CACHE,
    LOAD_CORE,
    LOAD_HOST,
    LOAD_PRIORITY,
    ROOT,
    SERVER_HOST,
    SERVER_PRIORITY,
    family,
    free_port,
    scheduled,
)

ACCOUNT = "AC00000000000000000000000000000001"
RTP_PORTS = (16000, 25999)
POLL_S = 0.01
"""How often a program that has just been started is asked whether it is ready."""
PEER_SCRIPTS = ROOT / "bench/asterisk"
START_S, STOP_S = 60.0, 15.0

CONFIG = """\
[server]
data_dir = "{data}"
public_url = "http://127.0.0.1:{http}"
log_level = "{log_level}"
drain_seconds = 1.0
[http]
listen = "127.0.0.1:{http}"
[sip]
listen = ["udp:{host}:{sip}"]
domain = "{host}"
[media]
address = "{host}"
rtp_ports = [{rtp_low}, {rtp_high}]
clock_rate = {clock_rate}
[outbound_http]
allow_private = true
[limits]
concurrent_calls = 4000
calls_per_second = 10000.0
legs = 2700
[[account]]
sid = "{account}"
auth_token = "{token}"
[[trunk]]
name = "bench"
account = "{account}"
allow = {allow}
targets = ["sip:{caller}:{called}"]
max_calls = 4000
calls_per_second = 10000
[[number]]
number = "answer"
account = "{account}"
twiml = '<Response><Gather timeout="600"/></Response>'
[[number]]
number = "play"
account = "{account}"
twiml = '<Response><Play loop="0">{application}/prompt.wav</Play></Response>'
[[number]]
number = "echo"
account = "{account}"
twiml = '<Response><Echo/></Response>'
[[number]]
number = "conf"
account = "{account}"
twiml = '<Response><Dial><Conference beep="false" waitUrl="">conf</Conference></Dial></Response>'
[[number]]
number = "bridge"
account = "{account}"
twiml = '<Response><Dial><Number>+15559999999</Number></Dial></Response>'
[[number]]
number = "recorded"
account = "{account}"
twiml = '<Response><Dial record="record-from-answer-dual"><Number>+15559999999</Number></Dial></Response>'
[[number]]
number = "app"
account = "{account}"
voice_url = "{application}/voice"
status_callback = "{application}/status"
"""
TOKEN = "0123456789abcdef0123456789abcdef"  # of an account that lives as long as the run
PHONE_PASSWORD = "as long as the run"
PHONE = """\
[[user]]
name = "u{number}"
password = "{password}"
account = "{account}"
"""


class Server(Protocol):
    """What a row needs of the server that it loads."""

    name: str

    @property
    def target(self) -> str:
        """ "host:port" of its SIP address."""
        ...

    @property
    def rtp_ports(self) -> tuple[int, int]:
        """Where its RTP sockets are."""
        ...

    def pids(self) -> list[int]:
        """Every process whose CPU time is its own."""
        ...

    def facts(self) -> dict[str, Any]:
        """What a line of output says of it."""
        ...


class Process(AbstractContextManager["Process"]):
    """A child process with its output in a file; SIGTERM, then SIGKILL, at the end of the with-block."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.log = log
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CALLWRIGHT_")}
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment | {"PYTHONPATH": str(ROOT)},
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process itself: taskset and chrt become what they start."""
        return self._process.pid

    def check(self) -> None:
        """Raises RuntimeError when it has ended."""
        if self._process.poll() is not None:
            end = self.log.read_text(errors="replace").splitlines()[-15:]
            raise RuntimeError("\n".join([f"{self._process.args!r} ended with {self._process.returncode}:", *end]))

    def stop(self) -> None:
        """Ends it; returns when it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def fetch(url: str) -> tuple[int, bytes]:
    """A GET; status 0 when there is no answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except OSError:
        return 0, b""


def until_answered(url: str, process: Process, seconds: float = START_S) -> float:
    """Waits for a 200; how long it took.

    Raises:
        RuntimeError: the process ended, or time is up.
    """
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        if fetch(url)[0] == 200:
            return now
        process.check()
        time.sleep(POLL_S)  # it does not listen yet
    raise RuntimeError(f"{url} did not answer 200 within {seconds:g} s; log: {process.log}")


class ApplicationServer(Process):
    """bench.application as a process on the load's core."""

    def __init__(self, directory: Path) -> None:
        self.origin = f"http://127.0.0.1:{(port := free_port(socket.SOCK_STREAM))}"
        command = [sys.executable, "-m", "bench.application", "--port", str(port)]
        super().__init__([*scheduled(LOAD_PRIORITY, str(LOAD_CORE)), *command], directory / "application.log")

    def __enter__(self) -> Self:
        until_answered(self.origin + "/figures", self)
        return self


def users(count: int) -> Iterator[str]:
    """The [[user]] tables of so many phones."""
    for number in range(count):
        yield PHONE.format(number=number, password=PHONE_PASSWORD, account=ACCOUNT)


class Callwright(AbstractContextManager["Callwright"]):
    """The daemon, with a configuration file and a data directory of its own.

    Args:
        application: origin of the application server.
        cores: a taskset list.
        phones: how many users may register: u0, u1, ...; with some, only the callers' own hosts are a trunk.
    """

    name = "callwright"
    rtp_ports = RTP_PORTS

    def __init__(
        self,
        directory: Path,
        application: str,
        *,
        cores: str = "0",
        clock_rate: int = 16000,
        log_level: str = "INFO",
        phones: int = 0,
    ) -> None:
        self.http, self._sip = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        self.directory = directory
        self._cores = cores
        self._facts = {"cores": cores, "clock_rate": clock_rate, "log_level": log_level}
        self.config = directory / "callwright.toml"
        self.config.write_text(
            CONFIG.format(
                data=directory / "data",
                http=self.http,
                sip=self._sip,
                rtp_low=RTP_PORTS[0],
                rtp_high=RTP_PORTS[1],
                clock_rate=clock_rate,
                log_level=log_level,
                account=ACCOUNT,
                token=TOKEN,
                application=application,
                called=CALLED_PORT,
                caller=LOAD_HOST,
                host=SERVER_HOST,
                allow=json.dumps([LOAD_HOST, BESIDE_HOST] if phones else ["127.0.0.0/8"]),
            )
            + "".join(users(phones))
        )
        self._process: Process | None = None

    def command(self) -> list[str]:
        """What starts it in the foreground, pinned."""
        serve = [sys.executable, "-m", "callwright", "serve", "--config", str(self.config)]
        return [*scheduled(SERVER_PRIORITY, self._cores), *serve]

    def __enter__(self) -> Self:
        self._process = Process(self.command(), self.directory / "callwright.log")
        try:
            until_answered(self.health, self._process)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def health(self) -> str:
        """The URL that says whether calls can be taken."""
        return f"http://127.0.0.1:{self.http}/health"

    @property
    def target(self) -> str:
        """Its SIP address."""
        return f"{SERVER_HOST}:{self._sip}"

    def pids(self) -> list[int]:
        """The daemon and whatever it has started."""
        assert self._process is not None
        self._process.check()
        return family([self._process.pid])

    def facts(self) -> dict[str, Any]:
        """Cores, the mixer's rate and the log level."""
        return self._facts


class Asterisk(AbstractContextManager["Asterisk"]):
    """The peer, in its chroot (bench/asterisk), with a FastAGI server beside it that counts as its own.

    Args:
        cores: a taskset list.
        wait: until it is fully booted.
    """

    name = "asterisk"
    target = "127.0.0.1:5160"
    rtp_ports = (50000, 59999)

    def __init__(self, directory: Path, *, cores: str = "0", wait: bool = True) -> None:
        self._cores = cores
        self._wait = wait
        self._agi_command = [*scheduled(SERVER_PRIORITY, cores), sys.executable, str(PEER_SCRIPTS / "fastagi")]
        self._agi_log = directory / "fastagi.log"
        self._agi: Process | None = None
        self._pid = 0
        self.version = ""

    def _script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"CORE": self._cores, "WAIT": "yes" if self._wait else ""}
        command = [str(PEER_SCRIPTS / name), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    @staticmethod
    def set_up() -> None:
        """Makes the chroot where it is missing (some minutes), and the prompts in it."""
        if subprocess.run([str(PEER_SCRIPTS / "setup")], env=os.environ | {"PYTHON": sys.executable}).returncode != 0:
            raise RuntimeError("bench/asterisk/setup failed")

    def __enter__(self) -> Self:
        started = self._script("start")
        if started.returncode != 0:
            raise RuntimeError(f"asterisk: {started.stderr.strip()}")
        self._pid = int((CACHE / "run/asterisk.pid").read_text())
        if self._wait:
            self.version = self._script("cli", "core", "show", "version").stdout.split(" built")[0].strip()
        self._agi = Process(self._agi_command, self._agi_log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._agi is not None:
            self._agi.stop()
        self._script("stop")

    def pids(self) -> list[int]:
        """Asterisk and the FastAGI server."""
        assert self._agi is not None
        self._agi.check()
        return [*family([self._pid]), self._agi.pid]

    def facts(self) -> dict[str, Any]:
        """Cores and version."""
        return {"cores": self._cores, "version": self.version}
