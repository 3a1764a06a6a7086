"""Who is registered, told from beside a running daemon."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from callwright import clock
from callwright.cli.registrations import read, table
from callwright.sip.binding import Binding
from callwright.store import tables
from callwright.store.store import Store
from tests.cli.test_app import invoke

HOME = Binding(
    aor="alice@pbx.example",
    id="b1",
    uri="sip:alice@10.0.0.5",
    call_id="c1",
    cseq=1,
    expires_at=clock.now() + timedelta(seconds=600),
    host="192.0.2.7",
    port=40000,
    transport="TCP",
    user_agent="Phone 1",
)


async def test_while_it_runs_and_after(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    gone = replace(HOME, id="b2", expires_at=clock.now() - timedelta(seconds=1))
    for binding in (HOME, gone):
        store.put(tables.bindings, binding.row())
    await store.flushed()
    try:
        assert read(tmp_path, clock.now()) == [HOME]
    finally:
        await store.close()
    assert read(tmp_path, clock.now()) == [HOME]
    code, out, _ = invoke("registrations", "--data", str(tmp_path))
    assert code == 0
    assert out.splitlines()[1].startswith("alice@pbx.example  tcp:192.0.2.7:40000  sip:alice@10.0.0.5")


def test_columns() -> None:
    now = HOME.expires_at - timedelta(seconds=90)
    assert list(table([HOME, replace(HOME, aor="bob@pbx.example", user_agent="")], now)) == [
        "user               address              contact             expires in  phone",
        "alice@pbx.example  tcp:192.0.2.7:40000  sip:alice@10.0.0.5  90 s        Phone 1",
        "bob@pbx.example    tcp:192.0.2.7:40000  sip:alice@10.0.0.5  90 s        -",
    ]


def test_no_database(tmp_path: Path) -> None:
    code, out, lines = invoke("registrations", "--data", str(tmp_path))
    assert (code, out) == (1, "")
    assert lines == [f"callwright: {tmp_path}/callwright.db cannot be read: unable to open database file"]
