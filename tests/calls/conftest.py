"""A room of fakes on a loop whose clock jumps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.calls.fakes import Room
from tests.calls.jumping import skipping


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[None]:
    """Every test of calls runs on a clock that jumps."""
    with skipping(asyncio.get_running_loop()):
        yield


@pytest.fixture
async def rooms(tmp_path: Path, clock: None) -> AsyncIterator[Callable[..., Room]]:
    """A factory: `rooms(limits={...})`. Each room is closed at the end, and must then be empty."""
    made: list[Room] = []

    def make(**sections: Any) -> Room:
        made.append(Room.open(tmp_path, **sections))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def room(rooms: Callable[..., Room]) -> Room:
    """One room with the usual settings."""
    return rooms()
