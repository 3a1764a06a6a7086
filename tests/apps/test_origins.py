"""How an origin behaves decides what it gets and what is said of it."""

import pytest

from callwright.apps.origins import FAILURES_TO_FAIL, PROBES, QUIET_S, Behaviour, Origin


def failed(origin: Origin[str], now: float, times: int = FAILURES_TO_FAIL) -> None:
    for _ in range(times):
        origin.failed("it answered 500", now)


def test_some_failures_in_a_row_make_it_failing() -> None:
    origin: Origin[str] = Origin("http://a:80", 10)
    failed(origin, 0.0, FAILURES_TO_FAIL - 1)
    origin.answered(0.0)
    failed(origin, 0.0, FAILURES_TO_FAIL - 1)
    assert origin.behaviour is Behaviour.WORKING
    failed(origin, 0.0, 1)
    assert origin.behaviour is Behaviour.FAILING
    origin.answered(0.0)
    assert origin.behaviour is Behaviour.WORKING


@pytest.mark.parametrize(("failing", "share"), [(False, 10), (True, PROBES)])
def test_its_share(failing: bool, share: int) -> None:
    origin: Origin[str] = Origin("http://a:80", 10)
    assert not origin.runnable
    origin.ready.append("lane")
    if failing:
        failed(origin, 0.0)
    origin.active = share - 1
    assert origin.runnable
    origin.active = share
    assert not origin.runnable


def test_one_line_a_change_and_silence_while_it_wavers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    origin: Origin[str] = Origin("http://a:80", 10)
    for now in range(10):
        failed(origin, float(now), 20)
        origin.answered(float(now))
    assert [record.getMessage() for record in caplog.records] == [
        "callbacks to http://a:80 fail: it answered 500; they wait and are tried again",
        "callbacks to http://a:80 are answered again",
    ]
    failed(origin, QUIET_S)
    assert len(caplog.records) == 3
