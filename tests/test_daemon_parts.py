"""The daemon's own judgements: its health, and where a lost callback is told."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callwright.apps.callbacks import GivenUp
from callwright.config import validate
from callwright.daemon import Daemon

LOST = GivenUp("AC1", "CA1", "call-completed", "http://x/", "HTTP 404", 404)


@pytest.fixture
def daemon(tmp_path: Path) -> Any:
    one: Any = Daemon(validate({"server": {"data_dir": str(tmp_path)}, "limits": {"legs": 2}}))
    one.switchboard = SimpleNamespace(live=0)
    one.store = SimpleNamespace(healthy=True)
    one.callbacks = SimpleNamespace(pending=3)
    return one


@pytest.mark.parametrize(
    ("live", "draining", "healthy", "status", "word"),
    [
        (0, False, True, 200, "ok"),
        (1, False, True, 200, "ok"),
        (2, False, True, 429, "full"),
        (2, False, False, 503, "store"),
        (2, True, False, 503, "draining"),
        (0, True, True, 503, "draining"),
    ],
)
def test_health(daemon: Any, live: int, draining: bool, healthy: bool, status: int, word: str) -> None:
    daemon.switchboard.live, daemon.store.healthy, daemon.draining = live, healthy, draining
    told, facts = daemon.health()
    assert (told, facts["status"], facts["live_calls"], facts["callbacks_pending"]) == (status, word, live, 3)


def test_lost_callback_of_a_live_call(daemon: Any) -> None:
    noted: list[Any] = []
    daemon.live["CA1"] = SimpleNamespace(note=lambda kind, **data: noted.append((kind, data)))
    daemon._on_given_up(LOST)
    message = "the call-completed callback is given up: HTTP 404"
    assert noted == [("warning", {"code": 15003, "message": message, "url": "http://x/"})]


def test_lost_callback_of_a_call_that_is_over(daemon: Any) -> None:
    """Also before the first call can be taken: callbacks of the last run are delivered from the start."""
    told: list[Any] = []
    daemon.epilogue = SimpleNamespace(warn=lambda *call, **data: told.append((call, data["code"])))
    daemon._on_given_up(LOST)
    assert told == [(("CA1", "AC1"), 15003)]


def test_late_callback(daemon: Any) -> None:
    """The first failure of a callback that will be tried again: of a live call, and of one that is over."""
    noted: list[Any] = []
    daemon.live["CA1"] = SimpleNamespace(note=lambda kind, **data: noted.append((kind, data)))
    daemon._on_retry(LOST)
    message = "the call-completed callback is tried again: HTTP 404"
    assert noted == [("retry", {"code": 15003, "message": message, "url": "http://x/"})]
    del daemon.live["CA1"]
    daemon.epilogue = SimpleNamespace(retry=lambda *call, **data: noted.append((call, data["code"])))
    daemon._on_retry(LOST)
    assert noted[1] == (("CA1", "AC1"), 15003)
