"""Fixtures of every test: phones, RTP peers, application servers; all are closed at the test's end.

A failing test's report carries the ladders of its phones and the requests of its application servers.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.application import ApplicationServer
from tests.harness.baresip import Baresip
from tests.harness.daemon import Daemon
from tests.harness.rtp import RtpPeer
from tests.harness.sip import Phone

# The scripted call and the attribute tables of the documents' tests: others use them too, and come first.
pytest.register_assert_rewrite("tests.twiml.playbook", "tests.twiml.verbs.tables")

Section = tuple[str, Callable[[], str]]
_SECTIONS = pytest.StashKey[list[Section]]()


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> list[Section]:
    """Titles and functions that make a text: added to the report when the test fails."""
    sections: list[Section] = []
    request.node.stash[_SECTIONS] = sections
    return sections


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what the fixtures know to a failure."""
    made = yield
    if made.when == "call" and made.failed:
        made.sections += [(title, text()) for title, text in item.stash.get(_SECTIONS, [])]
    return made


@pytest.fixture
async def phones(evidence: list[Section]) -> AsyncIterator[Callable[..., Awaitable[Phone]]]:
    """A factory: `await phones("alice", transport="tcp")`, with the arguments of `Phone.start`.

    At the end no phone may have seen a fault of its peer; a test that provokes some clears `phone.faults`.
    """
    made: list[Phone] = []

    async def start(user: str = "phone", **options: Any) -> Phone:
        phone = await Phone.start(user, **options)
        made.append(phone)
        evidence.append((f"ladder of {user}", phone.ladder))
        return phone

    yield start
    faults = [f"{phone.user}: {fault}" for phone in made for fault in phone.faults]
    for phone in made:
        await phone.close()
    assert faults == []


@pytest.fixture
async def rtp_peers() -> AsyncIterator[Callable[..., RtpPeer]]:
    """A factory of `RtpPeer`s without a call."""
    made: list[RtpPeer] = []

    def start(address: str | None = None, **options: Any) -> RtpPeer:
        peer = RtpPeer(address, **options)
        made.append(peer)
        return peer

    yield start
    for peer in made:
        peer.close()


@pytest.fixture
async def applications(evidence: list[Section]) -> AsyncIterator[Callable[..., Awaitable[ApplicationServer]]]:
    """A factory: `await applications(token)`, with the arguments of `ApplicationServer.start`."""
    made: list[ApplicationServer] = []

    async def start(token: str = "", **options: Any) -> ApplicationServer:
        server = await ApplicationServer.start(token, **options)
        made.append(server)
        evidence.append((f"requests to {server.base_url}", server.history))
        return server

    yield start
    for server in made:
        await server.close()


@pytest.fixture
async def application(applications: Callable[..., Awaitable[ApplicationServer]]) -> ApplicationServer:
    """One application server without a token."""
    return await applications()


@pytest.fixture
async def baresip(tmp_path: Path, evidence: list[Section]) -> AsyncIterator[Callable[..., Awaitable[Baresip]]]:
    """A factory: `await baresip(hz=600)`, with the arguments of `Baresip.start` but the directory."""
    made: list[Baresip] = []

    async def start(**options: Any) -> Baresip:
        phone = await Baresip.start(tmp_path / f"baresip-{len(made)}", **options)
        made.append(phone)
        evidence.append((f"baresip {phone.user}", phone.describe))
        return phone

    yield start
    for phone in made:
        await phone.close()


@pytest.fixture
async def daemon(tmp_path: Path, evidence: list[Section]) -> AsyncIterator[Callable[..., Awaitable[Daemon]]]:
    """A factory: `await daemon(numbers=[...])`, with the arguments of `Daemon.start` but the directory.

    At the end each daemon that still runs is stopped with SIGTERM, which must succeed and leave no fault in its log.
    """
    made: list[Daemon] = []

    async def start(**options: Any) -> Daemon:
        directory = tmp_path / f"daemon-{len(made)}"
        directory.mkdir()
        one = await Daemon.start(directory, **options)
        made.append(one)
        evidence.append(("daemon log", one.tail))
        return one

    yield start
    try:
        for one in made:
            if one.process.returncode is None:
                await one.stop()
            assert one.faults() == []
    finally:
        for one in made:
            await one.close()
