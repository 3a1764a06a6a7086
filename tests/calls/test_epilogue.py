"""Steps that come after a call's end."""

from pathlib import Path
from typing import Any

import pytest

from callwright.calls.epilogue import MOST_WAITING, Epilogue
from callwright.clock import now
from callwright.store import steps, tables
from callwright.store.store import Store

SID, ACCOUNT = "CA" + "1" * 32, "AC" + "1" * 32


@pytest.fixture(autouse=True)
def clock() -> None:
    """Real time: the database works in a thread of its own."""


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    one = await Store.open(f"sqlite:///{tmp_path / 'x.db'}")
    yield one
    await one.close()


async def test_warnings_follow_the_calls_own_steps(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put(tables.calls, {"sid": SID, "account_sid": ACCOUNT})
    steps.Steps(store, SID).add(now(), "completed", {})
    epilogue = Epilogue(store)
    epilogue.retry(SID, ACCOUNT, code=15003, message="none", url="http://x/")
    for message in ("one", "two"):
        epilogue.warn(SID, ACCOUNT, code=15003, message=message, url="http://x/")
    await epilogue.close(60)
    told = [(step.number, step.kind, step.data.get("message")) for step in await steps.read(store, SID)]
    assert told == [(0, "completed", None), (1, "retry", "none"), (2, "warning", "one"), (3, "warning", "two")]
    assert "warning code=15003 message=one url=http://x/" in caplog.text


async def test_call_without_a_record(store: Store) -> None:
    epilogue = Epilogue(store)
    epilogue.warn(SID, ACCOUNT, code=15003, message="m", url="")
    await epilogue.close(60)
    assert await steps.read(store, SID) == []


async def test_not_more_than_so_many_wait(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    epilogue = Epilogue(store)
    for _ in range(MOST_WAITING + 10):
        epilogue.warn(SID, ACCOUNT, code=15003, message="m", url="")
    assert len(epilogue._tasks) == MOST_WAITING
    assert caplog.text.count("15003") == MOST_WAITING + 10
    await epilogue.close(60)
