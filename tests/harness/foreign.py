"""Programs of other people as peers: their presence, their process, and SIPp with the scenarios in `sipp/`.

A missing program fails the test with the name of the package that brings it. Baresip is in `baresip.py`.
"""

import asyncio
import functools
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import tones
from .baseline import holdings
from .ports import free_port, next_address
from .tones import Pcm
from .waiting import Changes, within

SCENARIOS = Path(__file__).parent / "sipp"


def program(name: str, package: str) -> str:
    """The path of a program.

    Raises:
        AssertionError: it is not installed; the message names the Debian package.
    """
    path = shutil.which(name)
    assert path is not None, f"{name} is not installed; it comes with the Debian package {package}"
    return path


class ForeignProgram:
    """A subprocess whose output is kept line by line.

    Attributes:
        output: the lines so far.
    """

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.name = name
        self.output: list[str] = []
        self.changes = Changes()
        self.process = process
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def run(
        cls,
        *command: str,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        interactive: bool = False,
    ) -> "ForeignProgram":
        """Starts a command in a directory.

        Args:
            environment: another one than our own.
            interactive: whether `process.stdin` is a pipe.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env=environment,
            stdin=asyncio.subprocess.PIPE if interactive else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=2**20,
        )
        return cls(process, Path(command[0]).name)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.output.append(line.decode(errors="replace").rstrip())
            self.changes.notify()

    def tail(self, lines: int = 30) -> str:
        """The end of its output."""
        return "\n".join([f"{self.name}:", *self.output[-lines:]])

    async def said(self, pattern: str, timeout: float = 5.0, *, since: int = 0) -> str:
        """The first line of output, from the n-th on, in which the pattern is found."""
        expression = re.compile(pattern)

        def probe() -> str | None:
            return next((line for line in self.output[since:] if expression.search(line)), None)

        return await self.changes.until(probe, timeout, lambda: f"{pattern!r} in the output\n{self.tail()}")

    async def listening(self, *wanted: str, timeout: float = 5.0) -> None:
        """Its sockets ("udp 127.0.0.2:5060") are bound; it is looked at again when it writes, or after 20 ms."""

        async def bound() -> None:
            while not all(any(name.startswith(one) for name in holdings(self.process.pid).sockets) for one in wanted):
                try:
                    async with asyncio.timeout(0.02):
                        await self.changes.changed()
                except TimeoutError:
                    assert self.process.returncode is None, f"it has ended\n{self.tail()}"

        await within(bound(), timeout, lambda: f"it listens on {', '.join(wanted)}\n{self.tail()}")

    async def ended(self, timeout: float = 10.0) -> int:
        """Its exit code, when it has ended by itself and all its output is read."""
        code = await within(self.process.wait(), timeout, lambda: f"the program ends\n{self.tail()}")
        await within(self._reader, 5, "its output is read")
        return code

    async def close(self) -> None:
        """Ends it, at the worst with SIGKILL after two seconds."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait([asyncio.create_task(self.process.wait())], timeout=2)
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()


class Sipp:
    """One run of SIPp. Made by `calls` or `answers`; `finished` asserts that every call went as its scenario says.

    Attributes:
        address, port: its SIP address.
        program: the process and its output.
    """

    def __init__(self, program: ForeignProgram, address: str, port: int, directory: Path) -> None:
        self.program, self.address, self.port, self.directory = program, address, port, directory

    @classmethod
    async def calls(
        cls,
        directory: Path,
        user: str,
        host: str,
        port: int,
        *,
        caller: str = "sipp",
        digits: str = "",
        sound: Pcm | None = None,
        stay: float = 2.0,
        transport: str = "udp",
        count: int = 1,
        rate: float = 10.0,
    ) -> "Sipp":
        """Calls a user, plays, sends digits (400 ms each), stays and hangs up.

        Args:
            directory: for the sound and the error log; one of its own.
            user, host, port: whom it calls.
            caller: user part of From.
            digits: RFC 4733 digits; they need the right to open raw sockets.
            sound: at 8000 Hz, repeated; default: a second of 440 Hz.
            stay: seconds from the last step to the BYE; must leave time for the digits.
            transport: "udp" or "tcp".
            count: how many calls in all.
            rate: calls per second.
        """
        if digits:
            _assert_raw_sockets()
        scenario = "caller.xml" if digits else "caller_without_digits.xml"
        options = ["-s", user, "-key", "caller", caller, "-key", "digits", digits, "-r", str(rate)]
        target = [f"{host}:{port}"]
        return await cls._run(directory, scenario, [*target, *options], sound, stay, transport, count)

    @classmethod
    async def answers(
        cls,
        directory: Path,
        *,
        sound: Pcm | None = None,
        after: float = 0.0,
        transport: str = "udp",
        count: int = 1,
    ) -> "Sipp":
        """Waits for calls, rings, answers after some seconds and plays until the BYE; ready when this returns."""
        sipp = await cls._run(directory, "called.xml", [], sound, after, transport, count)
        await sipp.program.listening(f"{transport.lower()} {sipp.address}:{sipp.port}")
        return sipp

    @classmethod
    async def _run(
        cls,
        directory: Path,
        scenario: str,
        options: Sequence[str],
        sound: Pcm | None,
        pause: float,
        transport: str,
        count: int,
    ) -> "Sipp":
        path = program("sipp", "sip-tester")
        heard = tones.tone(440, 1.0) if sound is None else sound
        (directory / "sound.alaw").write_bytes(tones.encode(heard, "PCMA"))
        address = next_address()
        port = free_port(address)
        command = [
            path, *options, "-sf", str(SCENARIOS / scenario), "-i", address, "-mi", address, "-p", str(port),
            "-d", str(round(pause * 1000)), "-m", str(count), "-t", "t1" if transport.lower() == "tcp" else "u1",
            "-nostdin", "-timeout", "60", "-timeout_error", "-trace_err", "-error_file", str(directory / "errors.log"),
            *_no_echo(path),
        ]  # fmt: skip
        return cls(await ForeignProgram.run(*command, directory=directory), address, port, directory)

    @property
    def uri(self) -> str:
        """Where it can be called."""
        return f"sip:sipp@{self.address}:{self.port}"

    def errors(self) -> str:
        """What it complained about."""
        path = self.directory / "errors.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def finished(self, timeout: float = 30.0) -> None:
        """Waits for the end; asserts that no call failed."""
        code = await self.program.ended(timeout)
        assert code == 0, f"SIPp ended with {code}\n{self.errors()}\n{self.program.tail(60)}"

    async def close(self) -> None:
        """Ends it when it still runs."""
        await self.program.close()


@functools.cache
def _no_echo(path: str) -> list[str]:
    """Options with which SIPp expects no echo of what it plays.

    SIPp 3.7 compares what it receives with what it plays. The verdict is meant for patterns, but for a file it goes by
    a pattern number that was never set: exit code 253, at random, for a peer that is no echo. Only a tolerance above
    all that can go wrong turns it off; 3.6 has no such check and no such option.
    """
    options = subprocess.run([path, "-h"], capture_output=True, text=True, timeout=5).stdout
    return ["-audiotolerance", "2"] if "-audiotolerance" in options else []


def _assert_raw_sockets() -> None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except PermissionError as error:
        raise AssertionError("SIPp sends digits from a raw socket: root or CAP_NET_RAW is needed") from error
