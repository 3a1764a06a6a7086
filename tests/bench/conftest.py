"""Fixtures of the bench's tests: an engine that answers, as the server that is loaded."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.engine.station import Station, running_engine
from tests.harness.ports import port_block


@pytest.fixture
def media_ports() -> Iterator[tuple[int, int]]:
    """A range of RTP ports that only this test uses."""
    with port_block(40) as block:
        yield block


@pytest.fixture
async def station(media_ports: tuple[int, int]) -> AsyncIterator[Station]:
    """An engine of one's own."""
    with running_engine(media_ports) as engine:
        running = Station(engine)
        yield running
        running.close()
