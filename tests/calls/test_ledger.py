"""What calls cost, day by day, over restarts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callwright import ids
from callwright.account import Account
from callwright.calls.call import Call
from callwright.calls.ledger import Charged, Ledger, Party, Rates, Spent
from callwright.calls.status import CallStatus
from callwright.sections import RateSection
from callwright.store.store import Store
from callwright.store.tables import calls

OWNER = Account("AC" + "1" * 32, "t")
PART = Account("AC" + "2" * 32, "t", owner_sid=OWNER.sid)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
RATES = Rates(
    [
        RateSection(prefix="+1", per_minute=0.01),
        RateSection(prefix="+1900", per_minute=3.0, increment=1),
        RateSection(prefix="49", per_minute=0.06, increment=30),
    ]
)


def under_way(account: Account, seconds: int, trunk: str = "") -> Call:
    """A call as far as a ledger looks at it."""
    facts = {
        "sid": ids.new(ids.CALL),
        "account": account,
        "trunk": trunk,
        "duration": seconds,
        "status": CallStatus.IN_PROGRESS,
        "ended": asyncio.get_running_loop().create_future(),
    }
    return cast(Call, SimpleNamespace(**facts))


async def end(call: Call) -> None:
    call.ended.set_result(CallStatus.COMPLETED)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("number", "seconds", "cost"),
    [
        ("+15550001000", 1, 0.01),
        ("+15550001000", 60, 0.01),
        ("+15550001000", 61, 0.02),
        ("0019005551234", 90, 4.5),
        ("+4930123456", 31, 0.06),
        ("+447700900000", 600, 0.0),
        ("+15550001000", 0, 0.0),
    ],
)
def test_what_a_call_costs(number: str, seconds: int, cost: float) -> None:
    assert RATES.cost(number, seconds) == pytest.approx(cost)


def test_no_rate() -> None:
    assert RATES.of("+447700900000") is None
    everywhere = Rates([RateSection(prefix="", per_minute=1)])
    assert everywhere.of("+447700900000") is not None and everywhere.of("118") is not None


async def test_live_calls_count_and_ended_ones_stay() -> None:
    ledger = Ledger(RATES, lambda: NOON)
    call = under_way(PART, 90, "carrier")
    ledger.follow(Charged(call, "+15550001000"))
    whom = [Party("account", PART.sid), Party("account", OWNER.sid), Party("trunk", "carrier")]
    for party in whom:
        assert ledger.spent(party) == Spent(1.5, 0.02)
    assert ledger.spent(Party("account", "AC" + "3" * 32)) == Spent()
    await end(call)
    assert not ledger.live
    for party in whom:
        assert ledger.spent(party) == Spent(1.5, 0.02), "not twice, and not lost"


async def test_a_day_is_of_UTC_and_a_call_is_of_the_day_of_its_answer() -> None:
    now = datetime(2026, 5, 4, 23, 59, tzinfo=UTC)
    ledger = Ledger(RATES, lambda: now)
    early, late = under_way(OWNER, 30), under_way(OWNER, 60)
    for call in (early, late):
        ledger.follow(Charged(call, "+15550001000"))
    me = Party("account", OWNER.sid)
    await end(early)
    assert ledger.spent(me).minutes == pytest.approx(1.5)
    now += timedelta(minutes=2)
    cast(Any, late).duration = 180
    assert ledger.spent(me) == Spent(), "a new day"
    await end(late)
    assert ledger.spent(me) == Spent()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{tmp_path / 'callwright.db'}")
    yield opened
    await opened.close()


async def test_a_restart_counts_on(store: Store) -> None:
    def record(to: str, seconds: int, **columns: Any) -> None:
        row = {
            "sid": ids.new(ids.CALL),
            "account_sid": PART.sid,
            "to": to,
            "direction": "outbound-api",
            "date_created": NOON - timedelta(hours=2),
            "start_time": NOON - timedelta(hours=1),
            "duration": seconds,
        }
        store.put(calls, row | columns)

    for _ in range(3):
        record("+15550009999", 61, trunk="carrier")
    record("+15550009998", 60)
    record("sip:alice@pbx.example", 600)
    record("+15550009999", 600, direction="inbound")
    record("+15550009999", 0, start_time=None)
    record("+15550009999", 600, start_time=NOON - timedelta(hours=13), date_created=NOON - timedelta(hours=13))
    record("+15550009999", 600, account_sid="AC" + "9" * 32)
    ledger = Ledger(RATES, lambda: NOON)
    accounts = {OWNER.sid: OWNER, PART.sid: PART}
    await ledger.load(store, accounts, lambda to, trunk: ("" if to.startswith("sip:") else to, ""))
    for sid in (OWNER.sid, PART.sid):
        spent = ledger.spent(Party("account", sid))
        assert (spent.minutes, spent.money) == (pytest.approx(3 * 61 / 60 + 1), pytest.approx(0.07))
    assert ledger.spent(Party("trunk", "carrier")).minutes == pytest.approx(3 * 61 / 60)
