"""A store on a fresh database file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callwright.store.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/callwright.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()
