"""Who watches whom, told from beside a running daemon."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from callwright import clock
from callwright.cli.subscriptions import read, table
from callwright.store import tables
from callwright.store.store import Store
from tests.cli.test_app import invoke
from tests.sip.events.test_subscription import ONE

LAMP = replace(ONE, expires_at=clock.now() + timedelta(seconds=600))


async def test_while_it_runs_and_after(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    gone = replace(LAMP, id="2" * 32, expires_at=clock.now() - timedelta(seconds=1))
    for one in (LAMP, gone):
        store.put(tables.subscriptions, one.row())
    await store.flushed()
    try:
        assert read(tmp_path, clock.now()) == [LAMP]
    finally:
        await store.close()
    code, out, _ = invoke("subscriptions", "--data", str(tmp_path))
    assert code == 0
    assert out.splitlines()[1].startswith("alice@pbx.example  dialog  bob@pbx.example  tcp:192.0.2.7:40000")


def test_columns() -> None:
    now = LAMP.expires_at - timedelta(seconds=90)
    assert list(table([LAMP, replace(LAMP, package="presence", user_agent="")], now)) == [
        "watcher            event     of               address              expires in  phone",
        "alice@pbx.example  dialog    bob@pbx.example  tcp:192.0.2.7:40000  90 s        Phone 1",
        "alice@pbx.example  presence  bob@pbx.example  tcp:192.0.2.7:40000  90 s        -",
    ]


def test_no_database(tmp_path: Path) -> None:
    code, out, lines = invoke("subscriptions", "--data", str(tmp_path))
    assert (code, out) == (1, "")
    assert lines == [f"callwright: {tmp_path}/callwright.db cannot be read: unable to open database file"]
