"""Places that are left alone: after how many failures, for how long, and how they come back."""

import logging

import pytest

from callwright.sip.health import LONGEST_S, MOST_PLACES, PROBE_S, Health, HealthState, Patience

TWICE = Patience(failures=2, seconds=10.0)
HOP = "sip:192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock)


def fail(health: Health, times: int = 1, hop: str = HOP) -> None:
    for _ in range(times):
        health.failed("carrier", hop, TWICE, "503 busy")


def test_failures_in_a_row_count(health: Health) -> None:
    fail(health)
    assert health.takes("carrier", HOP)
    health.passed("carrier", HOP)
    fail(health)
    assert health.takes("carrier", HOP), "an answer in between starts anew"
    fail(health)
    assert not health.takes("carrier", HOP)
    assert health.takes("carrier", "sip:192.0.2.2") and health.takes("other", HOP), "one trunk's view of one address"


def test_half_open_lets_one_call_try(health: Health, clock: Clock) -> None:
    fail(health, 2)
    clock.now += 9.9
    assert not health.takes("carrier", HOP)
    clock.now += 0.2
    assert health.takes("carrier", HOP) and health.state("carrier", HOP) is HealthState.HALF_OPEN
    assert not health.takes("carrier", HOP), "one at a time"
    health.passed("carrier", HOP)
    assert health.takes("carrier", HOP) and health.state("carrier", HOP) is HealthState.UP


def test_each_failure_of_a_probe_doubles_the_time(health: Health, clock: Clock) -> None:
    fail(health, 2)
    for period in (10, 20, 40, 80, 160, 320, 640, LONGEST_S, LONGEST_S):
        clock.now += period - 0.5
        assert not health.takes("carrier", HOP)
        clock.now += 1
        assert health.takes("carrier", HOP)
        fail(health)
    health.passed("carrier", HOP)
    fail(health, 2)
    clock.now += 10.5
    assert health.takes("carrier", HOP), "after a success it begins with the first period again"


def test_a_probe_that_nobody_tells_of_is_forgotten(health: Health, clock: Clock) -> None:
    fail(health, 2)
    clock.now += 11
    assert health.takes("carrier", HOP)
    clock.now += PROBE_S + 1
    assert health.takes("carrier", HOP)


def test_a_late_failure_of_a_quarantined_place_changes_nothing(health: Health, clock: Clock) -> None:
    fail(health, 2)
    clock.now += 5
    fail(health, 5)
    clock.now += 5.5
    assert health.takes("carrier", HOP)


def test_never(health: Health) -> None:
    for _ in range(50):
        health.failed("carrier", HOP, Patience(failures=0), "503")
    assert health.takes("carrier", HOP)


def test_each_change_is_a_warning(health: Health, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    fail(health, 3)
    clock.now += 11
    health.takes("carrier", HOP)
    health.passed("carrier", HOP)
    health.passed("carrier", HOP)
    assert [record.getMessage() for record in caplog.records] == [
        "trunk=carrier target=sip:192.0.2.1 is left alone for 10 s after 2 failures: 503 busy",
        "trunk=carrier target=sip:192.0.2.1 is back",
    ]


def test_addresses_come_and_go(health: Health) -> None:
    """What is remembered is bounded, and what is left alone is remembered longest."""
    fail(health, 2)
    for number in range(MOST_PLACES + 10):
        health.passed("carrier", f"sip:host-{number}")
    assert len(list(health)) == MOST_PLACES and not health.takes("carrier", HOP)
