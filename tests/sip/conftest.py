"""An endpoint on a fake engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callwright.store.store import Store
from tests.calls.fakes import Room
from tests.calls.jumping import skipping


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """One room with the usual settings, on a clock that jumps."""
    with skipping(asyncio.get_running_loop()):
        one = Room.open(tmp_path)
        yield one
        await one.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A database of the test's own."""
    opened = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    yield opened
    await opened.close()
