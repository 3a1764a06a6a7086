"""The daemon that many tests of real calls share, and a line of it for each test.

Tests that use `line` run on the session's event loop: `pytestmark = [..., pytest.mark.asyncio(loop_scope="session")]`.
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import Section
from tests.harness import ApplicationServer, Phone
from tests.harness.baseline import baseline, holdings
from tests.harness.daemon import TOKEN, Daemon, Table
from tests.harness.ports import daemon_address, free_ports
from tests.harness.waiting import within

from .line import PORTS, Line, Plan
from .site import NUMBER, Site, canary_number

LINES = 500
"""More than there are tests: nobody meets the records of an earlier call to his number."""
KEPT = (
    r"tcp .* established",
    r"threads: \d{1,2} more of (python|libuv-worker|recorder)",
    r"sockets: \d{1,2} more of unix",  # to the recognisers
    r"files: 1 more of anon_inode:\[eventfd\]",
)
"""What the first calls make and all others use: connections, the threads of pools, the recorders' thread."""
PLACES = 60
"""Sets of ports; the lines use them in turn."""


class Lines:
    """The shared daemon and its lines; each test gets the next one."""

    def __init__(self, daemon: Daemon, plans: list[Plan]) -> None:
        self.daemon = daemon
        self._plans = itertools.cycle(plans)
        self._opened: dict[int, Line] = {}  # by the port of the application server

    async def next(self) -> Line:
        """A line that nobody uses; one whose ports somebody has taken meanwhile is passed over."""
        assert self.daemon.process.returncode is None, f"the daemon has died\n{self.daemon.tail()}"
        for plan in itertools.islice(self._plans, PLACES):
            if plan.port in self._opened:
                await self._opened.pop(plan.port).application.close()
            if all(_is_free(port) for port in (plan.port, *plan.gateways)):
                line = self._opened[plan.port] = await Line.open(self.daemon, plan)
                return line
        raise OSError("every line has a port that is in use")

    async def close(self) -> None:
        """Stops the application servers."""
        for line in self._opened.values():
            await line.application.close()

    async def idle(self) -> None:
        """Returns when no call lives, in Python and in the engine; looks every 50 ms."""
        ended = asyncio.create_task(self.daemon.process.wait())
        try:
            while busy := _busy(await self.daemon.metrics()):
                await asyncio.wait([ended], timeout=0.05)
                assert not ended.done(), f"the daemon died with {busy}"
        finally:
            ended.cancel()


def _is_free(port: int) -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
    ):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            stream.bind((daemon_address(), port))
            datagram.bind((daemon_address(), port))
        except OSError:
            return False
    return True


def _busy(metrics: dict[str, int]) -> dict[str, int]:
    names = ["callwright_calls_live"]
    names += [f'callwright_native_objects{{kind="{kind}"}}' for kind in ("legs", "ports", "requests", "bridge_ports")]
    return {name: metrics[name] for name in names if metrics[name]}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lines]:
    """One daemon for all tests of this process. When they are over it must be idle and end in order."""
    ports = iter(free_ports(PLACES * PORTS))
    places = [(next(ports), (next(ports), next(ports))) for _ in range(PLACES)]
    plans = [Plan(index, *places[index % PLACES]) for index in range(LINES)]
    carriers = {"name": "carriers", "allow": ["127.0.0.0/8"], "calls_per_second": 1000}
    daemon = await Daemon.start(
        tmp_path_factory.mktemp("daemon"),
        numbers=[table for plan in plans for table in plan.numbers()],
        trunks=[carriers, *(plan.trunk() for plan in plans)],
    )
    shared = Lines(daemon, plans)
    try:
        held = holdings(daemon.pid)
        yield shared
        if daemon.process.returncode is None:
            await within(shared.idle(), 15, lambda: f"the daemon is idle\n{daemon.tail()}")
            async with baseline(daemon.pid, settle=10, ignoring=KEPT, before=held):
                pass
            await daemon.stop()
    finally:
        await daemon.close()
        await shared.close()


@pytest_asyncio.fixture(loop_scope="session")
async def line(lines: Lines, evidence: list[Section]) -> AsyncIterator[Line]:
    """A line of the shared daemon."""
    one = await lines.next()
    since = len(lines.daemon.log)
    evidence.append(("requests", one.application.history))
    evidence.append(("ladders", lambda: "\n".join(phone.ladder() for phone in one.phones)))
    evidence.append(("daemon log", lambda: "\n".join(lines.daemon.log[since:])))
    yield one
    await asyncio.shield(one.close())


@pytest.fixture
async def sites(
    daemon: Callable[..., Awaitable[Daemon]],
    applications: Callable[..., Awaitable[ApplicationServer]],
    phones: Callable[..., Awaitable[Phone]],
) -> Callable[..., Awaitable[Site]]:
    """A factory of sites with a daemon of their own: `await sites(sections={"limits": {...}}, canary=True)`.

    `numbers` and `trunks` are further tables; `strangers` admits the carrier's own address only; users call /user, and
    tell /status of the end; `domains` have URLs of the application's; all else goes to `Daemon.start`.
    """

    async def start(
        *,
        canary: bool = False,
        strangers: bool = False,
        numbers: Sequence[Table] = (),
        trunks: Sequence[Table] = (),
        users: Sequence[Table] = (),
        domains: Sequence[Table] = (),
        **options: Any,
    ) -> Site:
        application, carrier = await applications(TOKEN), await phones("+15557654321")
        allow = [f"{carrier.address}/32" if strangers else "127.0.0.0/8"]
        own = {"number": NUMBER, "voice_url": application.url("/voice"), "status_callback": application.url("/status")}
        through = {"name": "carrier", "targets": [f"sip:{carrier.address}:{carrier.port}"], "allow": allow}
        tables = [own, *numbers, *([canary_number(application)] if canary else [])]
        calling = {"voice_url": application.url("/user"), "status_callback": application.url("/status")}
        people = [{**calling, **user} for user in users]
        if domains:
            options["domains"] = [
                {key: application.url(value) if key.endswith("_url") else value for key, value in table.items()}
                for table in domains
            ]
        running = await daemon(numbers=tables, trunks=[through, *trunks], users=people, **options)
        application.on("/status", "")
        return Site(running, application, carrier)

    return start
