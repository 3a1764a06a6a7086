"""Fixtures of the engine's tests: `bridge` for audio without SIP, `station` for calls."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.engine.bridge import Bridge
from tests.engine.station import Station, running_engine
from tests.harness.ports import port_block


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    """An engine whose bridge runs at 16 kHz; at the end nothing native may be left of it."""
    running = Bridge()
    yield running
    running.close()


@pytest.fixture
def media_ports() -> Iterator[tuple[int, int]]:
    """A range of RTP ports that only this test uses."""
    with port_block(40) as block:
        yield block


@pytest.fixture
async def stations(
    media_ports: tuple[int, int], evidence: list[tuple[str, Callable[[], str]]]
) -> AsyncIterator[Callable[..., Station]]:
    """A factory of `Station`s, one alive at a time; options are those of `Engine`."""
    with contextlib.ExitStack() as engines:
        made: list[Station] = []

        def start(**options: object) -> Station:
            station = Station(engines.enter_context(running_engine(media_ports, **options)))
            made.append(station)
            evidence.append(("events of the engine", station.history))
            return station

        yield start
        for station in made:
            station.close()


@pytest.fixture
async def station(stations: Callable[..., Station]) -> Station:
    """A `Station` with the usual options."""
    return stations()
