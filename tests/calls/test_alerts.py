"""Alerts: what is kept, of how many, and for how long."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callwright import clock
from callwright.calls import alerts as module
from callwright.calls.alerts import Alert, Alerts, CallAlerts, Exchanged, Level
from callwright.store.store import Store
from callwright.store.tables import notifications

ACCOUNT, CALL = "AC" + "1" * 32, "CA" + "1" * 32
FAILED = Alert(Level.ERROR, 11200, "app.example answered 500")
NOW = clock.now


@pytest.fixture(autouse=True)
def clock_of_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time: the database works in a thread of its own."""
    monkeypatch.setattr(clock, "now", NOW)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    one = await Store.open(f"sqlite:///{tmp_path}/x.db")
    yield one
    await one.close()


async def rows(store: Store) -> list[dict[str, Any]]:
    return await store.fetch(notifications.select().order_by(notifications.c.date_created))


async def test_one_is_written_whole(store: Store) -> None:
    request = Exchanged(
        "http://a/", "GET", {"To": "é"}, {"Accept": "*/*"}, (("X", "1"), ("X", "2")), b"\xff" + b"y" * 9000
    )
    alerts = Alerts(store, 30)
    alerts.add(ACCOUNT, CALL, Alert(Level.WARNING, 15003, "m" * 5000, request))
    [row] = await rows(store)
    assert (row["account_sid"], row["call_sid"], row["level"], row["error_code"]) == (ACCOUNT, CALL, "warning", 15003)
    assert row["text"] == f"url=http%3A%2F%2Fa%2F&ErrorCode=15003&LogLevel=WARN&Msg={'m' * 2048}"
    assert (row["request_variables"], row["request_headers"]) == ("To=%C3%A9", "Accept=%2A%2F%2A")
    assert row["response_headers"] == "X=1&X=2"
    assert row["response_body"] == "\ufffd" + "y" * 4095
    assert alerts.raised == {Level.ERROR: 0, Level.WARNING: 1}


async def test_one_without_an_exchange(store: Store) -> None:
    Alerts(store, 30).add(ACCOUNT, "", FAILED)
    [row] = await rows(store)
    empty = ("call_sid", "request_method", "request_url", "request_variables", "response_headers", "response_body")
    assert [row[name] for name in empty] == [None] * 6


async def test_what_is_too_old_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_A_TIME", 2)
    alerts, present = Alerts(store, 7), NOW()
    for days in (30, 9, 8, 8, 7.01, 6.99, 1, 0):
        monkeypatch.setattr(clock, "now", lambda days=days: present - timedelta(days=days))
        alerts.add(ACCOUNT, CALL, FAILED)
    assert await alerts.forget() == 5
    assert [row["date_created"] for row in await rows(store)] == [
        present - timedelta(days=days) for days in (6.99, 1, 0)
    ]
    assert await alerts.forget() == 0


async def test_not_more_than_so_many_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_A_TIME", 2)
    monkeypatch.setattr(module, "MAX_ROWS", 3)
    alerts, present = Alerts(store, 7), NOW()
    for minutes in range(8):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: present + timedelta(minutes=minutes))
        alerts.add(ACCOUNT, CALL, FAILED)
    assert await alerts.forget() == 5
    assert [row["date_created"] for row in await rows(store)] == [
        present + timedelta(minutes=minutes) for minutes in (5, 6, 7)
    ]


async def test_a_call_tells_so_much_and_no_more(store: Store) -> None:
    alerts = Alerts(store, 30)
    call, other = CallAlerts(alerts, ACCOUNT, CALL), CallAlerts(alerts, ACCOUNT, "CA" + "2" * 32)
    for _ in range(module.MAX_OF_A_CALL + 7):
        call.add(FAILED)
    other.add(FAILED)
    assert len(await rows(store)) == module.MAX_OF_A_CALL + 1
    assert alerts.dropped == 7


async def test_a_warning_in_a_calls_story_is_an_alert(store: Store) -> None:
    """Steps of other kinds are none, nor warnings without a code; lost callbacks are told by their queue."""
    call = CallAlerts(Alerts(store, 30), ACCOUNT, CALL)
    call.noted("warning", {"code": 13420, "message": "<Play>: not a sound", "url": "http://a/x.wav"})
    call.noted("warning", {"message": "the disk is full"})
    call.noted("warning", {"code": 15003, "message": "given up"})
    call.noted("failure", {"code": 11200, "message": "answered 500"})
    call.noted("fetch", {"code": 11200})
    [row] = await rows(store)
    assert (row["error_code"], row["level"], row["request_url"]) == (13420, "warning", "http://a/x.wav")
    assert "not+a+sound" in row["text"]
