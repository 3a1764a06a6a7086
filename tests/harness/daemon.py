"""`Daemon`: the real daemon as a subprocess with a configuration of its own, and its end checked.

daemon = await Daemon.start(tmp_path, numbers=[{"number": "+15550001000", "voice_url": app.url("/voice")}])
call = await phone.invite(daemon.sip_uri("+15550001000"))
created = await daemon.rest.do(lambda client: client.calls.create(to=..., from_=..., url=...))
await daemon.stop()                          # SIGTERM: exit code 0 and no error in the log
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp

from .ports import daemon_address, free_port, port_block
from .rest import Rest
from .waiting import SCALE, Changes, within

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "0123456789abcdef0123456789abcdef"
FAULTS = re.compile(r"\b(ERROR|CRITICAL)\b|Traceback \(most recent call last\)|\"level\": \"(ERROR|CRITICAL)\"")

Table = Mapping[str, Any]


class Daemon:
    """Made by `start`.

    Attributes:
        base_url: of REST, /health and /metrics.
        host, sip_port: where SIP listens, UDP and TCP.
        config: the configuration as a dictionary; change it and `restart` to run with another.
        log: every line the daemon has written.
        allowed: regular expressions of log lines that are no fault in this test.
        rest: the vendor's client for the first account.
    """

    def __init__(self, directory: Path, config: dict[str, Any], program: Sequence[str]) -> None:
        self.directory, self.config, self.program = directory, config, tuple(program)
        self.host, _, port = config["http"]["listen"].rpartition(":")
        self.base_url = f"http://{self.host}:{port}"
        self.sip_port = int(config["sip"]["listen"][0].rpartition(":")[2])
        self.log: list[str] = []
        self.allowed: list[str] = []
        self.changes = Changes()
        account = config["account"][0]
        self.account_sid, self.auth_token = account["sid"], account["auth_token"]
        self.rest = Rest(self.base_url, self.account_sid, self.auth_token)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ports = ExitStack()

    @classmethod
    async def start(
        cls,
        directory: Path,
        *,
        accounts: Sequence[Table] = (),
        numbers: Sequence[Table] = (),
        trunks: Sequence[Table] = (),
        users: Sequence[Table] = (),
        routes: Sequence[Table] = (),
        domains: Sequence[Table] = (),
        sections: Mapping[str, Table] | None = None,
        rtp_ports: int = 400,
        program: Sequence[str] = ("-m", "callwright"),
        ready: float = 20.0,
    ) -> "Daemon":
        """Writes the configuration, starts the daemon and waits until /health answers 200.

        Args:
            directory: for the configuration file and the data.
            accounts: [[account]] tables; default: one with `ACCOUNT` and `TOKEN`.
            numbers: [[number]] tables; `account` defaults to the first account.
            trunks: [[trunk]] tables, likewise; default: one that takes calls from every loopback address.
            users: [[user]] tables, likewise.
            routes: [[route]] tables.
            domains: [[domain]] tables; `account` as of numbers.
            sections: further keys of sections, merged over the harness' own: {"limits": {"calls_per_second": 1}}.
            rtp_ports: how many UDP ports for media.
            program: arguments of the Python interpreter before `serve`.
            ready: seconds until /health must answer 200.
        """
        with ExitStack() as ports:
            media = ports.enter_context(port_block(rtp_ports))
            config = _config(media, accounts, numbers, trunks, users, sections or {})
            if routes:
                config["route"] = [dict(table) for table in routes]
            if domains:
                config["domain"] = [{"account": config["account"][0]["sid"], **table} for table in domains]
            daemon = cls(directory, config, program)
            daemon._ports = ports.pop_all()
        await daemon.run(ready)
        return daemon

    async def run(self, ready: float = 20.0) -> None:
        """Starts the process with the present configuration and data."""
        path = self.directory / "callwright.toml"
        path.write_text(toml(self.config))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLWRIGHT_")}
        environment["PYTHONUNBUFFERED"] = "1"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self.program, "serve", "--config", str(path), "--data", str(self.directory / "data"),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=environment, limit=2**20,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read(self._process))
        await within(self._healthy(), ready, lambda: f"/health answers 200\n{self.tail()}")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.log.append(line.decode(errors="replace").rstrip("\n"))
            self.changes.notify()

    async def _healthy(self) -> None:
        """Asks /health, each time the log grows or 50 ms have passed, until it is 200 or the process has ended."""
        process = self.process
        ended = asyncio.create_task(process.wait())
        try:
            async with aiohttp.ClientSession(trust_env=False) as session:
                while not ended.done():
                    try:
                        async with session.get(f"{self.base_url}/health") as response:
                            if response.status == 200:
                                return
                    except aiohttp.ClientConnectionError:
                        pass  # it does not listen yet
                    await asyncio.wait([ended], timeout=0.05)
            raise AssertionError(f"the daemon ended with {process.returncode} before it was ready\n{self.tail()}")
        finally:
            ended.cancel()

    # what it is

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The subprocess."""
        assert self._process is not None, "the daemon was not started"
        return self._process

    @property
    def pid(self) -> int:
        """Its process id, for `baseline(daemon.pid)`."""
        return self.process.pid

    def sip_uri(self, user: str, transport: str = "udp") -> str:
        """A SIP URI of the daemon."""
        suffix = ";transport=tcp" if transport.lower() == "tcp" else ""
        return f"sip:{user}@{self.host}:{self.sip_port}{suffix}"

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        return "\n".join(["daemon log:", *self.log[-lines:]])

    def faults(self) -> list[str]:
        """Log lines that tell of an error and are not allowed in this test."""
        found = [line for line in self.log if FAULTS.search(line)]
        return [line for line in found if not any(re.search(pattern, line) for pattern in self.allowed)]

    async def logged(self, pattern: str, timeout: float = 5.0, *, since: int = 0) -> str:
        """The first log line, from line `since` on, in which the pattern is found."""
        expression = re.compile(pattern)

        def probe() -> str | None:
            return next((line for line in self.log[since:] if expression.search(line)), None)

        return await self.changes.until(probe, timeout, lambda: f"a log line with {pattern!r}\n{self.tail()}")

    async def get(self, path: str, *, authenticated: bool = True) -> tuple[int, str]:
        """Status and text of a GET with the first account's credentials."""
        credentials = aiohttp.BasicAuth(self.account_sid, self.auth_token) if authenticated else None
        async with (
            aiohttp.ClientSession(auth=credentials, trust_env=False, timeout=aiohttp.ClientTimeout(10)) as session,
            session.get(self.base_url + path) as response,
        ):
            return response.status, await response.text()

    async def metrics(self) -> Counter[str]:
        """The samples of /metrics: name with labels -> value, without its fraction; 0 for what is not there."""
        status, text = await self.get("/metrics", authenticated=False)
        assert status == 200, f"/metrics: {status}"
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return Counter({name: int(float(value)) for name, _, value in samples if value not in ("NaN", "+Inf")})

    async def native(self) -> Counter[str]:
        """Its own count of native objects and live calls, for `baseline(daemon.pid, native=daemon.native)`."""
        counted = re.compile(r"callwright_(native_objects|calls_live)\b")
        return Counter({name: value for name, value in (await self.metrics()).items() if counted.match(name)})

    async def health(self) -> Any:
        """The JSON of /health, whatever its status."""
        return json.loads((await self.get("/health", authenticated=False))[1])

    # its end

    async def stop(self, timeout: float = 15.0) -> None:
        """SIGTERM; asserts exit code 0 and a log without faults."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await self._over(timeout)
        assert self.process.returncode == 0, f"exit code {self.process.returncode}\n{self.tail()}"
        faults = self.faults()
        assert faults == [], "\n".join(["faults in the daemon's log:", *faults])

    async def kill(self) -> None:
        """SIGKILL, and waits until the process is gone."""
        if self.process.returncode is None:
            self.process.kill()
        await self._over(5)

    async def _over(self, timeout: float) -> None:
        try:
            await within(self.process.wait(), timeout, lambda: f"the daemon ends\n{self.tail()}")
        except AssertionError:
            self.process.kill()
            await self.process.wait()
            raise
        finally:
            if self._reader is not None:
                await asyncio.wait([self._reader], timeout=5 * SCALE)

    async def restart(self, *, ready: float = 20.0) -> None:
        """Ends it in order when it still runs, and starts it again on the same configuration, data and ports."""
        if self.process.returncode is None:
            await self.stop()
        await self.run(ready)

    async def close(self) -> None:
        """Whatever happened: the process is gone, and its ports and connections are given back. No checks."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        self.rest.close()
        self._ports.close()


def _config(
    media: tuple[int, int],
    accounts: Sequence[Table],
    numbers: Sequence[Table],
    trunks: Sequence[Table],
    users: Sequence[Table],
    sections: Mapping[str, Table],
) -> dict[str, Any]:
    host = daemon_address()
    http, sip = free_port(host), free_port(host)
    config: dict[str, Any] = {
        "server": {"public_url": f"http://{host}:{http}", "drain_seconds": 2.0},
        "http": {"listen": f"{host}:{http}"},
        "sip": {"listen": [f"udp:{host}:{sip}", f"tcp:{host}:{sip}"], "domain": host},
        "media": {"address": host, "rtp_ports": list(media)},
        "outbound_http": {"allow_private": True},
    }
    for name, keys in sections.items():
        config.setdefault(name, {}).update(keys)
    config["account"] = [dict(a) for a in accounts] or [{"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Main"}]
    first = {"account": config["account"][0]["sid"]}
    config["number"] = [{**first, **table} for table in numbers]
    config["trunk"] = [{**first, **t} for t in trunks or [{"name": "loopback", "allow": ["127.0.0.0/8"]}]]
    if users:
        config["user"] = [{**first, **table} for table in users]
    return {key: value for key, value in config.items() if value}


def toml(config: Mapping[str, Any]) -> str:
    """Tables, and lists of tables, as a TOML document."""
    lines: list[str] = []
    for name, value in config.items():
        for table in value if isinstance(value, list) else [value]:
            lines.append(f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            lines += [f"{key} = {_toml_value(item)}" for key, item in table.items()]
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(str(value)) if isinstance(value, str | Path) else str(value)
