"""Guessing passwords, scanning, and what strangers get to hear (promises S2, S3)."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import Station
from tests.engine.users import Account, challenges, guard, is_stale, occasions, serve, tried
from tests.harness.sip import Phone
from tests.harness.waiting import NotInTime

Phones = Callable[..., Awaitable[Phone]]
ALICE, BOB = Account("alice"), Account("bob", "hunter2")
WRONG = Account("alice", "guess")


async def guess(phone: Phone, station: Station, times: int, account: Account = WRONG) -> list[int]:
    """The answers to so many wrong responses, all to one challenge."""
    uri = station.uri(transport=phone.transport.lower())
    asked = await tried(phone, station, "REGISTER")
    proofs = [account.answer(asked, "REGISTER", uri, count=count) for count in range(1, times + 1)]
    return [(await tried(phone, station, "REGISTER", proof)).status for proof in proofs]


async def is_silent(phone: Phone, station: Station, method: str = "REGISTER") -> bool:
    """Whether a request gets no answer; it is sent once."""
    phone.behaviour.repeats = False
    uri = station.uri(transport=phone.transport.lower())
    try:
        await phone.request(method, uri, timeout=0.3)
    except NotInTime:
        return True
    finally:
        phone.behaviour.repeats = True
    return False


async def test_S3_five_failures_block_a_source(station: Station, phones: Phones) -> None:
    guard(station, ALICE, BOB)
    serve(station)
    guesser, bob = await phones("guesser"), await phones("bob", credentials=BOB.phone())
    assert await guess(guesser, station, 5) == [401] * 5
    assert occasions(station) == ["auth-failed"] * 5 + ["blocked", "user-blocked"]
    assert await is_silent(guesser, station)
    assert await is_silent(guesser, station, "INVITE")
    assert (await bob.request("REGISTER", station.uri())).status == 200
    counters = station.engine.counters()
    assert (counters["auth_failed"], counters["blocked"]) == (5, 2)


async def test_S3_what_is_told(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    phone = await phones("guesser")
    await guess(phone, station, 5, Account("mallory", "x"))
    for event in [event for event in station.events if event.kind is EventKind.SECURITY]:
        detail = event.detail
        assert (detail["source_host"], detail["source_port"]) == (phone.address, phone.port)
        assert (detail["user"], detail["method"]) == ("mallory", "REGISTER")
        assert event.code == (60 if "blocked" in detail["kind"] else 0)
        assert set(detail) == {"kind", "source_host", "source_port", "user", "method"}


async def test_four_failures_block_nobody(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    await guess(phone, station, 4)
    phone.credentials = ALICE.phone()
    assert (await phone.request("REGISTER", station.uri())).status == 200
    assert occasions(station) == ["auth-failed"] * 4


async def test_failures_apart_block_nobody(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    station.engine.lockout(failures=2, window=0.000_001)
    assert await guess(await phones("forgetful"), station, 10) == [401] * 10
    assert set(occasions(station)) == {"auth-failed"}


async def test_S3_a_block_ends_and_the_next_is_twice_as_long(station: Station, phones: Phones) -> None:
    """Up to the longest. A request that is repeated meanwhile is answered when the block is over."""
    guard(station, ALICE)
    station.engine.lockout(failures=2, block=1.0, longest=2.0)
    phone = await phones("guesser")
    loop_time = []
    for _ in range(3):
        loop_time.append(station.now())
        assert await guess(phone, station, 2) == [401, 401]
    blocks = [event.code for event in station.events if event.detail.get("kind") == "blocked"]
    assert blocks == [1, 2, 2]
    assert loop_time[1] - loop_time[0] < 0.9  # two guesses take no time
    assert station.now() - loop_time[0] >= 3.0


async def test_S3_a_trunk_is_never_blocked(station: Station, phones: Phones) -> None:
    """The phones behind it are told apart by their names only."""
    guard(station, ALICE, BOB)
    serve(station)
    edge = await phones("edge")
    station.engine.admit([edge.address])
    assert await guess(edge, station, 12) == [401] * 12
    assert "blocked" not in occasions(station)
    assert "user-blocked" in occasions(station)
    edge.credentials = ALICE.phone()
    assert (await edge.request("REGISTER", station.uri())).status == 401
    edge.credentials = BOB.phone()
    assert (await edge.request("REGISTER", station.uri())).status == 200
    call, _ = await station.answered(edge)
    await call.hangup()


async def test_S3_a_user_is_blocked_wherever_the_guesses_come_from(station: Station, phones: Phones) -> None:
    """But not where he has authenticated before: others' guesses do not lock his phone out."""
    guard(station, ALICE, BOB)
    serve(station)
    home = await phones("alice", credentials=ALICE.phone())
    assert (await home.request("REGISTER", station.uri())).status == 200
    for _ in range(5):
        assert await guess(await phones("guesser"), station, 1) == [401]
    assert occasions(station) == ["auth-failed"] * 5 + ["user-blocked"]
    away = await phones("alice", credentials=ALICE.phone())
    assert (await away.request("REGISTER", station.uri())).status == 401
    assert (await home.request("REGISTER", station.uri())).status == 200
    away.credentials = BOB.phone()
    assert (await away.request("REGISTER", station.uri())).status == 200


async def test_S3_one_wrong_phone_behind_a_nat(station: Station, phones: Phones) -> None:
    """It is blocked alone, for longer each time; those with right passwords do not notice."""
    guard(station, ALICE, BOB)
    serve(station)
    station.engine.lockout(block=1.0, longest=2.0)
    alice = await phones("alice", credentials=ALICE.phone())
    assert (await alice.request("REGISTER", station.uri())).status == 200
    bob = await phones("bob", address=alice.address)
    for _ in range(2):
        assert await guess(bob, station, 5, Account("bob", "typo")) == [401] * 5
        asked = await tried(bob, station, "REGISTER")
        bob.behaviour.repeats = False
        with pytest.raises(NotInTime):  # not even with the right password
            authorization = ("Authorization", BOB.answer(asked, "REGISTER", station.uri()))
            await bob.request("REGISTER", station.uri(), headers=[authorization], timeout=0.3)
        bob.behaviour.repeats = True
        assert (await alice.request("REGISTER", station.uri())).status == 200
    kinds = ["home-auth-failed"] * 5 + ["pair-blocked", "user-blocked"]
    assert occasions(station) == kinds * 2
    seconds = [event.code for event in station.events if event.detail.get("kind") == "pair-blocked"]
    assert seconds == [1, 2]
    assert station.engine.counters()["blocked"] >= 2


async def test_S3_guessing_from_behind_a_nat_is_bounded(station: Station, phones: Phones) -> None:
    """Ten times as many failures block the source with all that are behind it."""
    guard(station, ALICE)
    serve(station)
    station.engine.lockout(failures=2)
    alice = await phones("alice", credentials=ALICE.phone())
    assert (await alice.request("REGISTER", station.uri())).status == 200
    guesser = await phones("guesser", address=alice.address)
    for number in range(10):
        assert (await alice.request("REGISTER", station.uri())).status == 200
        assert await guess(guesser, station, 2, Account(f"user{number}")) == [401, 401]
    assert occasions(station).count("blocked") == 1 and occasions(station)[-2:] == ["blocked", "user-blocked"]
    assert await is_silent(guesser, station)
    alice.credentials = None
    assert await is_silent(alice, station)


async def test_S2_a_user_that_there_is_not_is_blocked_as_well(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    for _ in range(5):
        await guess(await phones("guesser"), station, 1, Account("nobody"))
    assert occasions(station) == ["auth-failed"] * 5 + ["user-blocked"]


async def test_S3_nobody_can_have_another_blocked(station: Station, phones: Phones) -> None:
    """A forged source never sees our challenge: what comes without an answer to it is no guess."""
    guard(station, ALICE)
    thief, victim = await phones("thief"), await phones("victim")
    asked = await tried(thief, station, "REGISTER")
    for count in range(1, 11):
        proof = WRONG.answer(asked, "REGISTER", station.uri(), count=count)
        assert is_stale(await tried(victim, station, "REGISTER", proof))
    assert occasions(station) == []
    assert challenges(await tried(victim, station, "REGISTER"))


async def test_a_block_leaves_a_call_alone(station: Station, phones: Phones) -> None:
    """Requests inside a dialog are always served."""
    guard(station, ALICE)
    phone = await phones("alice", credentials=ALICE.phone())
    call, leg = await station.answered(phone)
    phone.credentials = None
    station.engine.lockout(failures=1)
    for number in range(10):
        await guess(phone, station, 1, Account(f"user{number}"))
    assert await is_silent(phone, station)
    assert (await call.info_dtmf("5")).status == 200
    assert (await call.hold()).status == 200
    await call.hangup()
    await station.event(EventKind.ENDED, leg)


async def test_S3_scanners_are_not_answered(station: Station, phones: Phones) -> None:
    """One event for all that a source sends within a minute; a trunk's tools are its own business."""
    guard(station, ALICE, scanners=["Friendly-Scanner", "sipcli"])
    scanner, trunk = await phones("scanner"), await phones("trunk")
    station.engine.admit([trunk.address])
    agents = ["friendly-scanner", "FRIENDLY-SCANNER v2", "sipcli/1.8"]
    for agent in agents:
        scanner.behaviour.repeats = False
        with pytest.raises(NotInTime):
            await scanner.request("OPTIONS", station.uri(), headers=[("User-Agent", agent)], timeout=0.3)
    assert occasions(station) == ["scanner"]
    assert station.engine.counters()["scanners"] == 3
    assert challenges(await scanner.request("OPTIONS", station.uri(), headers=[("User-Agent", "friendly-phone")]))
    answer = await trunk.request("OPTIONS", station.uri(), headers=[("User-Agent", "sipcli/1.8")])
    assert answer.status == 200


async def test_S2_silence_for_strangers(station: Station, phones: Phones) -> None:
    """A stranger may only register; a user's address is known from then on."""
    guard(station, ALICE, silent=True)
    serve(station)
    phone = await phones("alice")
    for method in ("INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE"):
        assert await is_silent(phone, station, method)
    phone.credentials = ALICE.phone()
    assert (await phone.request("REGISTER", station.uri())).status == 200
    call, _ = await station.answered(phone)
    await call.hangup()
    phone.credentials = None
    assert challenges(await tried(phone, station, "OPTIONS"))


async def test_S2_silence_when_there_are_no_users(station: Station, phones: Phones) -> None:
    guard(station, silent=True)
    assert await is_silent(await phones("stranger"), station)


async def test_S3_events_have_a_rate(station: Station, phones: Phones) -> None:
    """Behind a trunk nobody is blocked; the log is not flooded all the same."""
    guard(station, ALICE)
    phone = await phones("edge", transport="tcp")
    station.engine.admit([phone.address])
    began = station.now()
    await guess(phone, station, 300)
    told, seconds = len(occasions(station)), station.now() - began
    assert 50 <= told <= 50 + 10 * (seconds + 1)
    assert station.engine.counters()["unreported"] + told >= 300


async def test_a_restart_is_no_guess(stations: Callable[..., Station], phones: Phones) -> None:
    """The nonces of before are stale, not wrong: ten thousand phones that come back are not blocked."""
    first = stations()
    guard(first, ALICE)
    port = first.port()
    phone = await phones("alice")
    asked = await tried(phone, first, "REGISTER")
    first.close()
    second = stations(listen=[("udp", first.host, port)])
    guard(second, ALICE)
    serve(second)
    for count in range(1, 10):
        proof = ALICE.answer(asked, "REGISTER", second.uri(), count=count)
        assert is_stale(await tried(phone, second, "REGISTER", proof))
    phone.credentials = ALICE.phone()
    assert (await phone.request("REGISTER", second.uri())).status == 200
    assert occasions(second) == []


NOT_A_LOCKOUT: list[dict[str, float]] = [
    {"failures": 0},
    {"window": 0.0},
    {"block": -1.0},
    {"longest": float("nan")},
    {"block": 60.0, "longest": 59.0},
]


def test_not_a_lockout(station: Station) -> None:
    for wrong in NOT_A_LOCKOUT:
        with pytest.raises(ValueError, match=r".+"):
            station.engine.lockout(**wrong)  # type: ignore[arg-type]  # wrong on purpose


async def test_a_new_policy_keeps_the_lockout(station: Station, phones: Phones) -> None:
    station.engine.lockout(failures=2)
    guard(station, ALICE)
    await guess(await phones("guesser"), station, 2)
    assert "blocked" in occasions(station)
