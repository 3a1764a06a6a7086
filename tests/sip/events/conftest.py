"""A notifier on a database."""

from collections.abc import AsyncIterator

import pytest

from callwright.store.store import Store
from tests.sip.events.watching import Board


@pytest.fixture
async def board(store: Store) -> AsyncIterator[Board]:
    one = Board(store)
    yield one
    await one.close()
