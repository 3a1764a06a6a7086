"""Plans, and what of them the command line changes."""

import sys

import pytest

from bench.__main__ import options, plan_of
from bench.plan import CALLS, PEER_CALLS, ROWS, WORK, Plan


def planned(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Plan:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    return plan_of(options())


def test_every_row_of_media_is_whole() -> None:
    assert set(WORK) == set(CALLS) == set(PEER_CALLS)
    assert set(WORK) < set(ROWS)
    assert set(Plan().quick().calls) == set(CALLS)


def test_by_default_everything_is_measured_without_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert planned(monkeypatch) == Plan()


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(
        monkeypatch,
        "--rows",
        "p3,P12",
        "--calls",
        "20,10",
        "--calls-total",
        "5000",
        "--repeat",
        "5",
        "--peer",
        "asterisk",
    )
    assert plan.rows == ("P3", "P12")
    assert plan.calls["P3"] == plan.calls["P12"] == (10, 20)
    assert (plan.calls_total, plan.repeat, plan.peer) == (5000, 5, True)


def test_quick_with_numbers_of_one_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(monkeypatch, "--quick", "--calls", "7", "--window", "2", "--warm", "1")
    assert plan.repeat == 1
    assert plan.calls["P1"] == (7,)
    assert (plan.sampling.window, plan.sampling.warm) == (2, 1)


def test_the_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Plan().storm.phones, Plan().quick().storm.phones) == (10_000, 1000)
    asked = planned(monkeypatch, "--rows", "P11", "--phones", "200").storm
    assert (asked.phones, asked.seconds) == (200, 13 + 200 / Plan().phone_rate)


def test_an_unknown_row_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        planned(monkeypatch, "--rows", "P1,P99")
    assert "unknown: P99" in capsys.readouterr().err
