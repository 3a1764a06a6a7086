"""Servers that misbehave, and clients that must cope."""

from collections.abc import AsyncIterator, Iterator

import pytest

from callwright.apps.client import ApplicationClient
from callwright.calls.application import Account
from callwright.outbound import Outbound
from callwright.sections import OutboundHttp
from tests.apps.certificates import Authority
from tests.apps.faulty import Deaf, FaultyServer


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    faulty = FaultyServer()
    await faulty.start()
    yield faulty
    await faulty.stop()


@pytest.fixture
async def other() -> AsyncIterator[FaultyServer]:
    """A second server: another origin."""
    faulty = FaultyServer()
    await faulty.start()
    yield faulty
    await faulty.stop()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    port = Deaf()
    yield port
    port.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def outbound(authority: Authority) -> AsyncIterator[Outbound]:
    """A client that may go to loopback and trusts the tests' authority."""
    client = Outbound(OutboundHttp(allow_private=True), tls=authority.client())
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def client(outbound: Outbound) -> ApplicationClient:
    return ApplicationClient(outbound)


@pytest.fixture
def account() -> Account:
    return Account("AC" + "1" * 32, "the-token")
