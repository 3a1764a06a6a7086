"""Whom applications vouch for: asked once, remembered for a time, let in on the last word when nobody answers."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

import callwright.sip.roster as roster_module
from callwright.errors import ApplicationError
from callwright.sip.credentials import Credential
from callwright.sip.inquiries import AGAIN_S
from callwright.sip.roster import LEASE_S, SEEN_AGAIN_S, Key, Roster
from callwright.sip.users import User
from callwright.sip.vouching import Question, Vouching
from tests.calls.jumping import turns
from tests.sip.test_inquiries import Seconds

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32
DOMAIN, REALM = "pbx.example", "Pbx.Example"
TERMS = Vouching(DOMAIN, REALM, ONE, cached=300, refused=30, grace=1000, patience=2.0, at_once=2)
Judged = tuple[int, bool, float]


def person(name: str, password: str = "a") -> User:
    return User(name, DOMAIN, ONE, Credential.of(name, REALM, password))


class Engine:
    """The engine's credentials, and what was judged: (request, conclusive, delay)."""

    def __init__(self) -> None:
        self.users: dict[Key, str] = {}
        self.judged: list[Judged] = []

    def add_credential(self, username: str, realm: str, ha1_md5: str, ha1_sha256: str) -> None:
        self.users[username, realm] = ha1_md5

    def remove_credential(self, username: str, realm: str) -> None:
        self.users.pop((username, realm), None)

    def judge(self, request: int, *, conclusive: bool = True, delay: float = 0.0) -> None:
        self.judged.append((request, conclusive, delay))


class House:
    """A roster over an application that is scripted.

    Attributes:
        known: whom the application vouches for.
        asked: who was asked for.
        down: why it does not answer; "" when it does.
        answering: while it is not set, nothing is answered.
    """

    def __init__(self) -> None:
        self.clock, self.engine = Seconds(), Engine()
        self.known: dict[str, User] = {}
        self.asked: list[str] = []
        self.down = ""
        self.answering = asyncio.Event()
        self.answering.set()
        self.phones: set[str] = set()
        self.taken: set[Key] = set()
        self.roster = Roster([TERMS], self.clock)
        self.roster.ask = self.ask
        self.roster.taken = self.taken.__contains__
        self.roster.registered = self.phones.__contains__
        self.roster.open(self.engine)
        self._number = 0

    async def ask(self, question: Question) -> User | None:
        self.asked.append(question.user)
        await self.answering.wait()
        self.clock.now += 0.25
        if self.down:
            raise ApplicationError(self.down)
        return self.known.get(question.user)

    def held(self, name: str) -> int:
        """The engine holds a request of somebody's."""
        self._number += 1
        self.roster.take(Question(self._number, "REGISTER", name, REALM))
        return self._number

    async def judged(self, name: str) -> tuple[bool, float]:
        """How a request of somebody's is judged: conclusive, delay."""
        number = self.held(name)
        await turns()
        request, conclusive, delay = self.engine.judged[-1]
        assert request == number
        return conclusive, delay

    async def passes(self, seconds: float) -> None:
        """So much later, with what has ended by then."""
        self.clock.now += seconds
        await self.roster.expire()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.roster.close()


async def test_who_is_vouched_for(house: House) -> None:
    """The engine has his credential until the word on him ends; then he is asked for again, and remains who he is."""
    house.known["alice"] = alice = person("alice")
    assert await house.judged("alice") == (True, 0.0)
    assert house.engine.users == {("alice", REALM): alice.credential.ha1_md5}
    assert house.roster.named("alice", DOMAIN) is house.roster.proven("alice", REALM) is alice
    assert house.roster.named("alice", "other.example") is house.roster.proven("alice", DOMAIN) is None
    await house.passes(299)
    assert house.engine.users
    await house.passes(1)
    assert not house.engine.users and house.roster.named("alice", DOMAIN) is alice
    house.known["alice"] = new = person("alice", "b")
    assert await house.judged("alice") == (True, 0.0)
    assert house.engine.users == {("alice", REALM): new.credential.ha1_md5}
    assert house.asked == ["alice"] * 2 and house.roster.outcomes == {"vouched": 2}


async def test_who_is_refused(house: House) -> None:
    """For a while nobody is asked for him, and it takes as long."""
    assert await house.judged("mallory") == (True, 0.0)
    assert (await house.judged("mallory"))[1] in (0.25, roster_module.Inquiries(TERMS, house.clock).pace())
    assert house.asked == ["mallory"]
    await house.passes(30)
    house.known["mallory"] = person("mallory")
    assert await house.judged("mallory") == (True, 0.0)
    assert len(house.asked) == 2 and house.engine.users
    assert house.roster.outcomes == {"refused": 1, "remembered": 1, "vouched": 1}


async def test_who_comes_with_another_password(house: House) -> None:
    """Not asked for again at once, whatever comes; but before the word on him ends."""
    house.known["alice"] = person("alice")
    await house.judged("alice")
    house.engine.users.clear()  # as when a name that was another's is not any more
    assert (await house.judged("alice"))[1] > 0
    assert house.asked == ["alice"] and house.engine.users
    await house.passes(30)
    assert await house.judged("alice") == (True, 0.0)
    assert house.asked == ["alice"] * 2


async def test_who_is_taken_away(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house.known["alice"] = person("alice")
    await house.judged("alice")
    del house.known["alice"]
    await house.passes(300)
    house.phones.add("alice@pbx.example")
    assert await house.judged("alice") == (True, 0.0)
    assert house.roster.named("alice", DOMAIN) is None and not house.engine.users and len(house.roster) == 0
    assert "alice@pbx.example is vouched for no more" in caplog.text
    await house.passes(31)
    assert await house.judged("alice") == (True, 0.0)


async def test_requests_that_come_together_are_one_question(house: House) -> None:
    house.known["alice"] = person("alice")
    house.answering.clear()
    numbers = [house.held("alice") for _ in range(3)]
    await turns()
    assert house.engine.judged == []
    house.answering.set()
    await turns()
    assert house.engine.judged == [(number, True, 0.0) for number in numbers]
    assert house.asked == ["alice"] and house.roster.outcomes == {"vouched": 1, "joined": 2}


async def test_an_application_that_does_not_answer(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Its last word serves for a lease at a time, until the grace is over; of all others nobody can tell."""
    caplog.set_level(logging.INFO)
    house.known["alice"] = person("alice")
    await house.judged("alice")
    await house.judged("mallory")
    house.down = "no connection"
    assert (await house.judged("nobody"))[0] is False
    assert (await house.judged("mallory"))[0] is False, "remembered, and not to be told apart"
    await house.passes(300)
    assert not house.engine.users
    for _ in range(2):
        assert await house.judged("alice") == (False, 0.0)
        assert house.engine.users
        await house.passes(LEASE_S)
        assert not house.engine.users
    assert "alice@pbx.example is let in by what was said of him before" in caplog.text
    assert house.roster.outcomes["stale"] == 2
    await house.passes(1000)
    assert await house.judged("alice") == (False, 0.0)
    assert not house.engine.users and len(house.roster) == 0
    house.down = ""
    assert await house.judged("alice") == (True, 0.0)
    assert house.engine.users


async def test_names_that_nobody_is_asked_for(house: House) -> None:
    """Those that can be nobody's, and those of the file or the API: answered as late, and never handed out."""
    house.taken.add(("bob", REALM))
    for name in ("a b", "", "x" * 65, "zoë", "alice\n", "bob"):
        conclusive, delay = await house.judged(name)
        assert conclusive and delay > 0
    assert house.asked == [] and not house.engine.users


async def test_an_application_that_is_back_is_found_out(house: House) -> None:
    """By a name of the file's, too: else its wrong passwords would be answered as if nobody could tell, for ever."""
    house.taken.add(("bob", REALM))
    house.down = "no connection"
    await house.judged("nobody")
    assert (await house.judged("bob"))[0] is False
    house.down = ""
    await house.passes(AGAIN_S)
    assert (await house.judged("a b"))[0] is False
    assert await house.judged("bob") == (True, 0.0)
    assert house.asked == ["nobody", "bob"] and not house.engine.users
    conclusive, delay = await house.judged("bob")
    assert conclusive and delay > 0 and house.roster.named("bob", DOMAIN) is None


async def test_a_name_that_becomes_somebody_elses(house: House) -> None:
    """What the API says goes before, and is not taken away when the application's word ends."""
    house.known["alice"] = person("alice")
    await house.judged("alice")
    house.taken.add(("alice", REALM))
    house.engine.users["alice", REALM] = "the API's"
    assert house.roster.named("alice", DOMAIN) is house.roster.proven("alice", REALM) is None
    await house.passes(301)
    assert house.engine.users == {("alice", REALM): "the API's"}


async def test_who_is_registered_is_remembered(house: House) -> None:
    """So long he can be called; then he is forgotten."""
    house.known["alice"] = person("alice")
    house.phones.add("alice@pbx.example")
    await house.judged("alice")
    await house.passes(1300)
    await house.passes(SEEN_AGAIN_S)
    assert house.roster.named("alice", DOMAIN) is not None and not house.engine.users
    house.phones.clear()
    await house.passes(SEEN_AGAIN_S)
    assert house.roster.named("alice", DOMAIN) is None and len(house.roster) == 0


async def test_who_was_registered_before(house: House) -> None:
    """He is somebody until his application says otherwise; nothing that he proves comes from it."""
    house.phones.add("alice@pbx.example")
    alice = house.roster.presume("alice@pbx.example")
    assert alice is not None and (alice.aor, alice.account_sid) == ("alice@pbx.example", ONE)
    assert house.roster.presume("alice@pbx.example") is alice is house.roster.named("alice", DOMAIN)
    assert house.roster.presume("alice@other.example") is house.roster.presume("a b@pbx.example") is None
    assert not house.engine.users
    house.down = "no connection"
    assert await house.judged("alice") == (False, 0.0)
    assert not house.engine.users, "nobody has vouched for him yet"
    house.down = ""
    house.known["alice"] = person("alice")
    assert await house.judged("alice") == (True, 0.0)
    assert house.roster.named("alice", DOMAIN) is house.known["alice"]
    house.roster.presume("zoe@pbx.example")
    await house.passes(SEEN_AGAIN_S)
    assert house.roster.named("zoe", DOMAIN) is None, "no phone of hers is there"


async def test_the_oldest_makes_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "MOST_VOUCHED", 2)
    monkeypatch.setattr(roster_module, "MOST_REFUSED", 2)
    house.known = {name: person(name) for name in ("a", "b", "c")}
    for name in ("a", "b", "x", "y", "z"):
        await house.judged(name)
    await house.passes(31)
    await house.judged("a")  # told of last
    await house.judged("c")
    assert set(house.engine.users) == {("a", REALM), ("c", REALM)} and len(house.roster) == 2
    assert house.roster.presume("d@pbx.example") is None
    assert len(house.roster._refused) == 0
    for name in ("x", "y", "z"):
        await house.judged(name)
    assert set(house.roster._refused) == {("y", REALM), ("z", REALM)}


async def test_what_fails_inside_is_logged_and_answered(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(question: Question) -> User | None:
        raise KeyError(question.user)

    house.roster.ask = broken
    assert await house.judged("alice") == (False, 0.0)
    assert "task who is alice failed" in caplog.text


async def test_questions_end_with_the_roster(house: House) -> None:
    house.answering.clear()
    number = house.held("alice")
    await turns()
    await house.roster.close()
    assert house.engine.judged == [(number, False, 0.0)]


async def test_nobody_can_be_asked_before_it_is_ready() -> None:
    engine, roster = Engine(), Roster([TERMS], Seconds())
    roster.open(engine)
    roster.take(Question(1, "INVITE", "alice", REALM))
    await turns()
    assert engine.judged == [(1, False, 0.0)] and roster.realms == (REALM,)
