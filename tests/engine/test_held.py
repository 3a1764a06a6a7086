"""Requests of a realm that asks: kept until it is known who they are from (promises S2, S3, S4)."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import Event, EventKind
from tests.engine.station import Station
from tests.engine.users import REALM, Account, guard, is_stale, occasions, serve, times_of_refusals, tried, users
from tests.harness.message import Response
from tests.harness.sip import Phone
from tests.harness.waiting import NotInTime

Phones = Callable[..., Awaitable[Phone]]
ALICE, BOB = Account("alice"), Account("bob", "hunter2")
WRONG, NOBODY = Account("alice", "guess"), Account("nobody", "guess")


class Knowing:
    """Answers every HELD: it adds the credential of whoever it knows, and has the request judged."""

    def __init__(self, station: Station, *known: Account) -> None:
        self.station, self.known = station, {account.username: account for account in known}
        self.asked: list[Event] = []
        self.conclusive = True
        self.delay = 0.0
        station.listeners.append(self.take)

    def take(self, event: Event) -> None:
        if event.kind is not EventKind.HELD:
            return
        self.asked.append(event)
        engine = self.station.engine
        if (account := self.known.get(event.detail["user"])) is not None and self.conclusive:
            engine.add_credential(*account.credential())
        engine.judge(event.id, conclusive=self.conclusive, delay=self.delay)

    @property
    def names(self) -> list[str]:
        """Who was asked for, in order."""
        return [event.detail["user"] for event in self.asked]


def asking(station: Station, *accounts: Account, **policy: object) -> None:
    """Only these users, and those of whom somebody else knows."""
    guard(station, *accounts, asking=[REALM], **policy)


async def guessed(phone: Phone, station: Station, account: Account, method: str = "REGISTER") -> Response:
    """The answer to a response of its own challenge."""
    uri = station.uri(transport=phone.transport.lower())
    asked = await tried(phone, station, method)
    return await tried(phone, station, method, account.answer(asked, method, uri))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_who_is_known_elsewhere_is_let_in(station: Station, phones: Phones, transport: str) -> None:
    """He is asked for once; the second time the engine knows him."""
    asking(station)
    serve(station)
    knowing = Knowing(station, ALICE)
    phone = await phones("alice", transport=transport, credentials=ALICE.phone())
    for _ in range(2):
        answer = await phone.request("REGISTER", station.uri(transport=transport), headers=[("User-Agent", "Phone 1")])
        assert answer.status == 200
    assert users(station) == ["alice"] * 2 and knowing.names == ["alice"]
    [event] = knowing.asked
    detail = event.detail
    assert (event.text, detail["realm"], detail["user_agent"]) == ("REGISTER", REALM, "Phone 1")
    assert (detail["source_host"], detail["transport"]) == (phone.address, transport.upper())
    assert detail["call_id"] == phone.trace.messages("REGISTER", sent=True)[0].headers["Call-ID"]
    assert (station.engine.counters()["held"], station.engine.counts()["held"]) == (1, 0)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_of_who_is_known_elsewhere(station: Station, phones: Phones, transport: str) -> None:
    """Its INVITE comes on as it was, with its offer and its sender."""
    asking(station)
    Knowing(station, ALICE)
    phone = await phones("alice", transport=transport, credentials=ALICE.phone())
    call, event = await station.invited(phone, headers=[("X-Floor", "3")])
    assert (event.detail["user"], event.detail["realm"], event.detail["offer"]) == ("alice", REALM, True)
    assert ("X-Floor", "3") in event.detail["headers"]
    station.engine.answer(event.id, 200)
    await call.answered()
    station.engine.hangup(event.id)
    await call.until_ended()


async def test_what_comes_again_is_held_once(station: Station, phones: Phones) -> None:
    """UDP: retransmissions are neither answered nor asked for until the first is judged."""
    asking(station)
    serve(station)
    phone = await phones("alice", credentials=ALICE.phone())
    sending = asyncio.create_task(phone.request("REGISTER", station.uri()))
    event = await station.event(EventKind.HELD)

    def sent() -> bool:
        return len(phone.trace.messages("REGISTER", sent=True)) >= 4

    await phone.trace.changes.until(sent, 5, phone.ladder)
    station.engine.add_credential(*ALICE.credential())
    station.engine.judge(event.id)
    assert (await sending).status == 200
    assert [one.id for one in station.events if one.kind is EventKind.HELD] == [event.id]
    assert users(station) == ["alice"]


async def refused_alike(station: Station, phone: Phone, account: Account, method: str) -> str:
    """The answer to a wrong response, without what differs from request to request."""
    text = bytes(await guessed(phone, station, account, method)).decode()
    for changing in (r"nonce=\"\w+\"", r"branch=[^;\r]+", r"tag=[^;\r]+", r"Call-ID: [^\r]+", r"CSeq: \d+"):
        text = re.sub(changing, "", text)
    return text


@pytest.mark.parametrize("conclusive", [True, False])
async def test_S2_held_failures_look_the_same(station: Station, phones: Phones, conclusive: bool) -> None:
    """One of the table, one who is known elsewhere, and nobody: 401, or 503 when nobody can tell; of the former each is
    a guess."""
    asking(station, BOB)
    knowing = Knowing(station, ALICE)
    station.engine.lockout(failures=100)
    phone = await phones("stranger")
    for account in (WRONG, BOB) if not conclusive else ():
        station.engine.add_credential(*account.credential())
    knowing.conclusive = conclusive
    for method in ("REGISTER", "INVITE", "MESSAGE"):
        tries = (Account("bob", "guess"), Account("alice", "guess 2"), NOBODY, Account("nobody", ""))
        answers = {await refused_alike(station, phone, account, method) for account in tries}
        assert len(answers) == 1, answers
        assert ("401" in answers.pop()) is conclusive
    assert len(knowing.asked) == 12 and not station.engine.counts()["held"]
    assert station.engine.counters()["auth_failed"] == (12 if conclusive else 6)
    assert users(station) == []


async def test_S2_held_failures_take_the_same_time(station: Station, phones: Phones) -> None:
    """The medians of 80 interleaved tries: each is held, and answered when its delay is over."""
    asking(station, ALICE)
    station.engine.lockout(failures=1_000_000)
    knowing = Knowing(station)
    knowing.delay = 0.05
    phone = await phones("stranger", transport="tcp")
    known, unknown = await times_of_refusals(phone, station, 80)
    assert min(known, unknown) >= 0.05
    assert abs(known - unknown) < 0.1 * max(known, unknown), f"{known * 1e6:.0f} and {unknown * 1e6:.0f} us"


async def test_who_proves_himself_does_not_wait(station: Station, phones: Phones) -> None:
    """The delay is for refusals."""
    asking(station)
    serve(station)
    Knowing(station, ALICE).delay = 10.0
    began = station.now()
    assert (await guessed(await phones("alice"), station, ALICE)).status == 200
    assert station.now() - began < 5


async def test_S3_held_guesses_block_as_others_do(station: Station, phones: Phones) -> None:
    """Five a minute, and nobody is asked for whom is blocked."""
    asking(station)
    knowing = Knowing(station, ALICE)
    guesser, other = await phones("guesser"), await phones("other")
    for _ in range(5):
        assert (await guessed(guesser, station, WRONG)).status == 401
    assert occasions(station) == ["auth-failed"] * 5 + ["blocked", "user-blocked"]
    guesser.behaviour.repeats = False
    with pytest.raises(NotInTime):
        await guesser.request("REGISTER", station.uri(), timeout=0.3)
    assert (await guessed(other, station, ALICE)).status == 401  # the user is blocked, too
    assert len(knowing.asked) == 5


async def test_S3_guesses_while_nobody_can_tell(station: Station, phones: Phones) -> None:
    """They are counted where there is somebody to guess at, and the block is not seen: the right password gets 503,
    as all that went before; where the user has been before he is let in."""
    asking(station, ALICE)
    serve(station)
    home = await phones("alice")
    assert (await guessed(home, station, ALICE)).status == 200
    knowing = Knowing(station)
    knowing.conclusive = False
    guesser, bystander = await phones("guesser"), await phones("bystander")
    for _ in range(5):
        assert (await guessed(guesser, station, WRONG)).status == 503
    for phone in (guesser, bystander):
        refused = await guessed(phone, station, ALICE)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert occasions(station) == ["auth-failed"] * 7
    for _ in range(8):
        assert (await guessed(bystander, station, NOBODY)).status == 503
    assert station.engine.counters()["blocked"] == 0
    assert (await guessed(home, station, ALICE)).status == 200


async def test_S4_nothing_is_held_that_answers_no_challenge(station: Station, phones: Phones) -> None:
    """No credentials, a forged nonce, one of elsewhere, one that has been used with its count, another realm."""
    asking(station, ALICE)
    serve(station)
    knowing = Knowing(station)
    phone, thief = await phones("alice"), await phones("thief")
    asked = await tried(phone, station, "REGISTER")
    proof = NOBODY.answer(asked, "REGISTER", station.uri())
    assert is_stale(await tried(thief, station, "REGISTER", proof))
    forged = re.sub(r'nonce="\w', 'nonce="g', proof)
    assert is_stale(await tried(phone, station, "REGISTER", forged))
    assert (await tried(phone, station, "REGISTER", proof.replace(REALM, "other.example"))).status == 401
    right = ALICE.answer(asked, "REGISTER", station.uri(), count=7)
    assert (await tried(phone, station, "REGISTER", right)).status == 200
    again = NOBODY.answer(asked, "REGISTER", station.uri(), count=7)
    assert is_stale(await tried(phone, station, "REGISTER", again))
    assert knowing.asked == [] and station.engine.counters()["auth_failed"] == 0
    assert (
        await tried(phone, station, "REGISTER", NOBODY.answer(asked, "REGISTER", station.uri(), count=8))
    ).status == 401
    assert knowing.names == ["nobody"]


async def test_S4_a_source_is_held_so_often(station: Station, phones: Phones) -> None:
    """64 requests wait; of further ones nothing is kept, and another source has room."""
    asking(station)
    station.engine.gate(requests_per_second=10000, burst=10000, backlog=5000)
    station.engine.lockout(failures=1000)
    phone, other = await phones("many", transport="tcp"), await phones("other", transport="tcp")
    uri = station.uri(transport="tcp")
    asked = await tried(phone, station, "REGISTER")
    proofs = [Account(f"u{n}").answer(asked, "REGISTER", uri, count=n) for n in range(1, 71)]
    waiting = [asyncio.create_task(tried(phone, station, "REGISTER", proof)) for proof in proofs]
    beyond = []
    for answered in asyncio.as_completed(waiting):
        beyond.append((await answered).status)
        if len(beyond) == 6:
            break
    assert beyond == [503] * 6 and station.engine.counts()["held"] == 64
    last = asyncio.create_task(guessed(other, station, NOBODY))
    await station.until_counts(held=65)
    held = [event.id for event in station.events if event.kind is EventKind.HELD]
    for request in held:
        station.engine.judge(request)
    assert (await last).status == 401
    assert sorted(one.status for one in await asyncio.gather(*waiting)) == [401] * 64 + [503] * 6
    assert station.engine.counts()["held"] == 0


async def test_the_realm_of_an_asking_domain(station: Station, phones: Phones) -> None:
    """It is challenged by the host of the From, though no user of it is known; and silence is not for its phones."""
    guard(station, asking=["Two.example"], silent=True)
    serve(station)
    carol = Account("carol", realm="Two.example")
    Knowing(station, carol)
    phone = await phones("carol")
    asked = await phone.request("REGISTER", station.uri(), from_uri="sip:carol@TWO.example")
    proof = carol.answer(asked, "REGISTER", station.uri())
    assert 'realm="Two.example"' in asked.headers["WWW-Authenticate"]
    assert (await tried(phone, station, "REGISTER", proof)).status == 200


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_what_is_held_at_the_end(stations: Callable[..., Station], phones: Phones, transport: str) -> None:
    """503, and no copy is left; nor is one of a phone that has gone away."""
    station = stations()
    asking(station)
    phone, gone = await phones("alice", transport=transport), await phones("gone", transport="tcp")
    sending = asyncio.create_task(guessed(phone, station, ALICE))
    await station.event(EventKind.HELD)
    leaving = asyncio.create_task(guessed(gone, station, NOBODY))
    await station.event(EventKind.HELD)
    leaving.cancel()
    await gone.close()
    station.engine.close()
    assert (await sending).status == 503
    await asyncio.gather(leaving, return_exceptions=True)


def test_a_delay_is_bounded(station: Station) -> None:
    for delay in (-0.1, 15.1, float("nan")):
        with pytest.raises(ValueError, match="delay: 0 to 15 s"):
            station.engine.judge(1, delay=delay)
    station.engine.judge(1)
