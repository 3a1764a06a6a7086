"""The daemon's own judgements: its health, and where a lost callback is told."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callwright.apps.callbacks import GivenUp
from callwright.calls.application import Application
from callwright.config import validate
from callwright.daemon import Daemon
from callwright.start import Phase

LOST = GivenUp("AC1", "CA1", "call-completed", "http://x/", "HTTP 404", 404)


@pytest.fixture
def daemon(tmp_path: Path) -> Any:
    one: Any = Daemon(validate({"server": {"data_dir": str(tmp_path)}, "limits": {"legs": 2}}))
    one.switchboard = SimpleNamespace(live=0)
    one.store = SimpleNamespace(healthy=True)
    one.callbacks = SimpleNamespace(pending=3)
    one.registrar = ["alice's phone", "bob's phone"]
    one.edge = SimpleNamespace(events=SimpleNamespace(notifier=["bob's lamp"]))
    return one


@pytest.mark.parametrize(
    ("live", "phase", "healthy", "status", "word"),
    [
        (0, Phase.SERVING, True, 200, "ok"),
        (1, Phase.SERVING, True, 200, "ok"),
        (2, Phase.SERVING, True, 429, "full"),
        (2, Phase.SERVING, False, 503, "store"),
        (2, Phase.DRAINING, False, 503, "draining"),
        (0, Phase.DRAINING, True, 503, "draining"),
        (0, Phase.STARTING, True, 503, "starting"),
    ],
)
def test_health(daemon: Any, live: int, phase: Phase, healthy: bool, status: int, word: str) -> None:
    daemon.switchboard.live, daemon.store.healthy, daemon.phase = live, healthy, phase
    told, facts = daemon.health()
    assert (told, facts["status"], facts["live_calls"], facts["callbacks_pending"]) == (status, word, live, 3)
    assert (facts["registrations"], facts["subscriptions"]) == (2, 1)


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


def test_lost_callback_of_a_conference(daemon: Any, caplog: pytest.LogCaptureFixture) -> None:
    """16011; no call's story has it."""
    daemon._on_given_up(GivenUp("AC1", "CF" + "1" * 32, "participant-join", "http://x/", "HTTP 404", 404))
    assert "code=16011" in caplog.text and "CF" + "1" * 32 in caplog.text


async def test_the_documents_of_a_call_are_one_source_until_its_end(daemon: Any) -> None:
    """They share its cookies; what is over is not remembered."""
    daemon.client = SimpleNamespace()
    account, ended = SimpleNamespace(sid="AC1"), asyncio.get_running_loop().create_future()
    alerts = SimpleNamespace(add=lambda alert: None)
    call = SimpleNamespace(
        sid="CA1", application=Application(), note=lambda kind, **data: None, alerts=alerts, ended=ended
    )
    daemon.alerts = alerts
    source = daemon._documents(account, call)
    assert daemon._documents(account, call) is source
    assert daemon._documents(account, None) is not daemon._documents(account, None)
    ended.set_result(None)
    over = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(over.set_result, None)
    await over
    assert daemon._sources == {}
    assert daemon._documents(account, call) is not source and daemon._sources == {}


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
