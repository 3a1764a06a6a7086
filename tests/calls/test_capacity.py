"""Counts and paces."""

from callwright.calls.application import Account
from callwright.calls.capacity import Capacity, Pace
from callwright.sip.trunks import Trunk

ACCOUNT = Account("AC" + "1" * 32, "t", calls_per_second=2, concurrent_calls=2)


def test_pace_lets_a_burst_through_and_then_spreads() -> None:
    pace = Pace(2.0)
    assert [pace.reserve(10.0) for _ in range(5)] == [0.0, 0.0, 0.5, 1.0, 1.5]
    assert pace.reserve(20.0) == 0.0


def test_slow_pace_has_no_burst() -> None:
    pace = Pace(0.5)
    assert [pace.reserve(0.0), pace.reserve(0.0)] == [0.0, 2.0]


def test_admits_takes_only_what_is_free() -> None:
    pace = Pace(2.0)
    assert [pace.admits(5.0) for _ in range(3)] == [True, True, False]
    assert pace.admits(5.5) and not pace.admits(5.5)


def test_account_and_trunk_counts() -> None:
    capacity = Capacity(lambda: 100.0)
    trunk = Trunk("t", ACCOUNT.sid, (), ("sip:x",), ("+",), max_calls=1)
    assert capacity.trunk_free(trunk) and not capacity.account_full(ACCOUNT)
    capacity.enter(ACCOUNT.sid, "t")
    capacity.enter(ACCOUNT.sid, "")
    assert not capacity.trunk_free(trunk) and capacity.account_full(ACCOUNT)
    capacity.leave(ACCOUNT.sid, "t")
    assert capacity.trunk_free(trunk) and not capacity.account_full(ACCOUNT)


def test_one_too_many() -> None:
    capacity = Capacity(lambda: 100.0)
    for full, over in ((False, False), (True, False), (True, True)):
        capacity.enter(ACCOUNT.sid, "")
        assert (capacity.account_full(ACCOUNT), capacity.account_over(ACCOUNT)) == (full, over)


async def test_turn_reports_its_wait() -> None:
    now = 50.0
    capacity = Capacity(lambda: now)
    quick = Account(ACCOUNT.sid, "t", calls_per_second=100)
    assert [await capacity.turn(quick) for _ in range(100)] == [0] * 100
    assert await capacity.turn(quick) == 10
