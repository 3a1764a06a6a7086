"""The bound on API requests in flight: order, types, accounts, waits, refusals, and nobody's seat lost."""

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from callwright.account import Account
from callwright.api.concurrency import Concurrency, kind_of
from callwright.errors import RestError

ONE = Account("AC" + "1" * 32, "secret", api_concurrency=1, api_queue_ms=5000)
HASTY = replace(ONE, api_queue_ms=0)


@pytest.fixture
def metrics() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def seats(metrics: CollectorRegistry) -> Concurrency:
    return Concurrency(metrics)


async def waiting(seats: Concurrency, account: Account = ONE) -> "asyncio.Task[tuple[str, str]]":
    """A request that stands in the queue."""
    task = asyncio.create_task(seats.enter(account, "Calls"))
    await asyncio.sleep(0)  # runs it until it waits
    assert not task.done()
    return task


async def test_those_beyond_wait_in_order(seats: Concurrency) -> None:
    first = await seats.enter(ONE, "Calls")
    second, third = await waiting(seats), await waiting(seats, replace(ONE, api_concurrency=2))
    seats.leave(first)
    await second
    assert not third.done(), "the seat goes to who has waited longest"
    assert seats[ONE.sid] == 1
    seats.leave(await second)
    seats.leave(await third)
    assert len(seats) == 0


async def test_types_and_accounts_do_not_share(seats: Concurrency) -> None:
    taken = [
        await seats.enter(HASTY, "Calls"),
        await seats.enter(HASTY, "Recordings"),
        await seats.enter(replace(HASTY, sid="AC" + "2" * 32), "Calls"),
    ]
    assert (seats[HASTY.sid], len(seats)) == (2, 3)
    for seat in taken:
        seats.leave(seat)
    assert len(seats) == 0


async def test_refused_without_a_queue(seats: Concurrency, metrics: CollectorRegistry) -> None:
    first = await seats.enter(HASTY, "Calls")
    with pytest.raises(RestError) as refused:
        await seats.enter(HASTY, "Calls")
    assert (refused.value.code, refused.value.status) == (20429, 429)
    assert metrics.get_sample_value("callwright_api_refused_total") == 1
    seats.leave(first)
    seats.leave(await seats.enter(HASTY, "Calls"))


async def test_refused_after_the_wait(seats: Concurrency) -> None:
    first = await seats.enter(ONE, "Calls")
    with pytest.raises(RestError):
        await seats.enter(replace(ONE, api_queue_ms=1), "Calls")
    seats.leave(first)
    assert len(seats) == 0


async def test_a_full_queue_refuses_at_once(seats: Concurrency) -> None:
    first = await seats.enter(ONE, "Calls")
    second = await waiting(seats)
    with pytest.raises(RestError):
        await seats.enter(ONE, "Calls")
    seats.leave(first)
    seats.leave(await second)


async def test_who_goes_away_while_waiting_takes_nothing(seats: Concurrency) -> None:
    first = await seats.enter(ONE, "Calls")
    gone, stays = await waiting(seats), await waiting(seats, replace(ONE, api_concurrency=2))
    gone.cancel()
    await asyncio.wait([gone])
    seats.leave(first)
    seats.leave(await stays)
    assert len(seats) == 0


async def test_who_goes_away_with_the_seat_gives_it_back(seats: Concurrency) -> None:
    first = await seats.enter(ONE, "Calls")
    gone = await waiting(seats)
    seats.leave(first)
    gone.cancel()
    await asyncio.wait([gone])
    assert gone.cancelled() and len(seats) == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/2010-04-01/Accounts", "Accounts"),
        ("/2010-04-01/Accounts/AC1", "Accounts"),
        ("/2010-04-01/Accounts/AC1/Calls/CA1/Recordings", "Calls"),
        ("/2010-04-01/Accounts/AC1/Calls.json", "Calls"),
        ("/v1/Trunks/TK1", "Trunks"),
        ("/", ""),
    ],
)
def test_types_of_resources(path: str, kind: str) -> None:
    assert kind_of(path) == kind
