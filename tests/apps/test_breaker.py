"""Circuit breakers: when an origin is left alone, and how it comes back."""

import asyncio
import logging

import pytest

from callwright.apps.breaker import TRANSITIONS, Breakers, BreakerState, Rules
from callwright.apps.client import ApplicationClient, Fetch
from callwright.apps.failure import CircuitOpen
from callwright.calls.application import Account, Hook
from callwright.errors import ApplicationError
from callwright.outbound import ConnectError, Outbound, ReadError
from tests.apps.faulty import FaultyServer, Hang, Reply, Reset

MINE, ORIGIN = "AC" + "1" * 32, "http://app.example:80"
SILENT = ReadError("sent nothing for 15 s", code=11200)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(Rules(failures=3, open_seconds=10.0, probes=2), clock)


def fail(breakers: Breakers, error: ApplicationError = SILENT, account: str = MINE) -> None:
    """A request that is let through and fails."""
    with pytest.raises(type(error)) as caught, breakers.asking(account, ORIGIN):
        raise error
    assert caught.value is error


def answer(breakers: Breakers) -> None:
    """A request that is let through and answered."""
    with breakers.asking(MINE, ORIGIN):
        pass


def refused(breakers: Breakers, account: str = MINE) -> CircuitOpen:
    """A request that is not let through."""
    with pytest.raises(CircuitOpen) as caught, breakers.asking(account, ORIGIN):
        pytest.fail("it was let through")
    return caught.value


def test_opens_after_failures_in_a_row_and_closes_by_a_probe(
    breakers: Breakers, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fail(breakers), fail(breakers)
    assert breakers.states()[BreakerState.CLOSED] == 1 and breakers.tripped() == {}
    fail(breakers)
    assert breakers.tripped() == {ORIGIN: BreakerState.OPEN}
    error = refused(breakers)
    assert error.code == 11200 and "sent nothing" in error.message
    clock.now += 9.9
    refused(breakers)
    clock.now += 0.1
    answer(breakers)
    assert sum(breakers.states().values()) == 0 and breakers.refused == 2
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        f"breaker of {ORIGIN} is open: sent nothing for 15 s; asked again in 10 s",
        f"breaker of {ORIGIN} is half_open",
        f"breaker of {ORIGIN} is closed: it answers again",
    ]


def test_an_answer_between_failures_starts_the_count_again(breakers: Breakers) -> None:
    for _ in range(5):
        fail(breakers), fail(breakers), answer(breakers)
    assert sum(breakers.states().values()) == 0


def test_a_failed_probe_opens_again(breakers: Breakers, clock: Clock) -> None:
    for _ in range(3):
        fail(breakers)
    clock.now += 10
    fail(breakers)
    assert breakers.states()[BreakerState.OPEN] == 1
    clock.now += 9
    refused(breakers)
    clock.now += 1
    answer(breakers)


def test_no_more_probes_than_allowed_and_one_that_is_abandoned_frees_its_place(
    breakers: Breakers, clock: Clock
) -> None:
    for _ in range(3):
        fail(breakers)
    clock.now += 10
    with pytest.raises(asyncio.CancelledError), breakers.asking(MINE, ORIGIN), breakers.asking(MINE, ORIGIN):
        refused(breakers)
        raise asyncio.CancelledError
    assert breakers.states()[BreakerState.HALF_OPEN] == 1
    answer(breakers)
    assert sum(breakers.states().values()) == 0


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("refuses", code=11202),
        ConnectError("reset", code=11205),
        ReadError("cut off", code=11205),
        ApplicationError("not HTTP", code=11206),
        ApplicationError("denied", code=11210),
        ApplicationError("too large", code=11750),
    ],
    ids=lambda error: error.message,
)
def test_what_fails_at_once_does_not_count(breakers: Breakers, error: ApplicationError) -> None:
    for _ in range(10):
        fail(breakers, error)
    assert sum(breakers.states().values()) == 0


def test_an_origin_that_was_not_asked_is_not_well_for_that(breakers: Breakers) -> None:
    fail(breakers), fail(breakers)
    fail(breakers, ApplicationError("denied", code=11210))
    fail(breakers)
    assert breakers.tripped() == {ORIGIN: BreakerState.OPEN}


def test_one_accounts_failures_are_its_own(breakers: Breakers) -> None:
    other = "AC" + "2" * 32
    for _ in range(3):
        fail(breakers, account=other)
    refused(breakers, other)
    answer(breakers)


def test_never() -> None:
    breakers = Breakers(Rules(failures=0), Clock())
    for _ in range(100):
        fail(breakers)
    assert sum(breakers.states().values()) == 0


def test_they_are_bounded(monkeypatch: pytest.MonkeyPatch, breakers: Breakers) -> None:
    monkeypatch.setattr("callwright.apps.breaker.MAX_BREAKERS", 5)
    for number in range(20):
        with pytest.raises(ReadError), breakers.asking(MINE, f"http://{number}.example:80"):
            raise SILENT
    assert breakers.states()[BreakerState.CLOSED] == 5


def test_every_state_can_be_left() -> None:
    assert set(TRANSITIONS) == set(BreakerState)
    assert all(TRANSITIONS.values())


async def test_a_server_that_hangs_and_comes_back(server: FaultyServer, outbound: Outbound, account: Account) -> None:
    """On the wire: the third request is not made; when its time is up one is, and its answer ends it."""
    client = ApplicationClient(outbound, Rules(failures=2, open_seconds=0.2))
    server.routes["/voice"] = Hang()
    fetch = Fetch(Hook(server.url("/voice#rt=100&rc=0")), {}, account)
    for _ in range(2):
        with pytest.raises(ReadError):
            await client.fetch(fetch)
    with pytest.raises(CircuitOpen):
        await client.fetch(fetch)
    assert len(server.requests) == 2
    server.routes["/voice"] = Reply()
    loop = asyncio.get_running_loop()
    up = loop.create_future()
    loop.call_later(0.25, up.set_result, None)
    await up
    assert (await client.fetch(fetch)).status == 200
    assert client.breakers.tripped() == {}


async def test_a_server_that_resets_is_asked_each_time(
    server: FaultyServer, outbound: Outbound, account: Account
) -> None:
    client = ApplicationClient(outbound, Rules(failures=1))
    server.routes["/voice"] = Reset()
    for _ in range(3):
        with pytest.raises(ConnectError):
            await client.fetch(Fetch(Hook(server.url("/voice#rc=0")), {}, account))
    assert len(server.requests) == 3


async def test_the_origin_of_a_redirect_is_blamed_not_the_one_that_sent_there(
    server: FaultyServer, other: FaultyServer, outbound: Outbound, account: Account
) -> None:
    client = ApplicationClient(outbound, Rules(failures=1))
    server.routes.update({"/voice": Reply(302, b"", {"Location": other.url("/x")}), "/fine": Reply()})
    other.routes["/x"] = Hang()
    with pytest.raises(ApplicationError):
        await client.fetch(Fetch(Hook(server.url("/voice#rt=100&rc=0")), {}, account))
    assert client.breakers.tripped() == {f"http://127.0.0.1:{other.port}": BreakerState.OPEN}
    await client.fetch(Fetch(Hook(server.url("/fine")), {}, account))


async def test_callbacks_pass_and_tell_nothing(server: FaultyServer, outbound: Outbound, account: Account) -> None:
    """A server that takes callbacks while its documents hang keeps callers waiting all the same."""
    client = ApplicationClient(outbound, Rules(failures=2, open_seconds=60))
    server.routes.update({"/voice": Hang(), "/status": Reply()})
    for _ in range(2):
        with pytest.raises(ReadError):
            await client.fetch(Fetch(Hook(server.url("/voice#rt=100&rc=0")), {}, account))
        await client.fetch(Fetch(Hook(server.url("/status")), {}, account, insistent=True))
    with pytest.raises(CircuitOpen):
        await client.fetch(Fetch(Hook(server.url("/status")), {}, account))
    await client.fetch(Fetch(Hook(server.url("/status")), {}, account, insistent=True))
    assert list(client.breakers.tripped().values()) == [BreakerState.OPEN]
