"""An endpoint on a fake engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.calls.fakes import Room
from tests.calls.jumping import skipping


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """One room with the usual settings, on a clock that jumps."""
    with skipping(asyncio.get_running_loop()):
        one = Room.open(tmp_path)
        yield one
        await one.close()
