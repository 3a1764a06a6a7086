"""A notifier on a database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callwright.store.store import Store
from tests.sip.events.watching import Board


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    yield opened
    await opened.close()


@pytest.fixture
async def board(store: Store) -> AsyncIterator[Board]:
    one = Board(store)
    yield one
    await one.close()
