"""The registrar on a real database: answers after commits, bindings after a crash, an end for each."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest

from callwright.errors import StoreError
from callwright.sip.leg import Headers
from callwright.sip.registrar import TICK_S, TOGETHER, Registrar
from callwright.sip.registration import Terms
from callwright.sip.users import Users
from callwright.store.store import Store
from tests.sip.registering import ALICE, BOB, NOON, USERS, Answers, user

HOME, OFFICE = "<sip:alice@10.0.0.5:5062>", "<sip:alice@10.0.0.6:5062>"


class Hours:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        """So long later."""
        self.now += timedelta(seconds=seconds)


class Desk:
    """A registrar on a database, and the answers that it gives."""

    def __init__(
        self, store: Store, hours: Hours, users: Users = USERS, *, draw: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.store, self.hours, self.answers = store, hours, Answers()
        self.registrar = Registrar(users, store, Terms(60, 3600, 3600), now=hours, draw=draw)
        self.serving = asyncio.create_task(self.registrar.serve())

    async def take(self, *contacts: str, **facts: object) -> int:
        """The status of one REGISTER's answer."""
        count = len(self.answers.all) + 1
        self.registrar.take(self.answers.register(*contacts, **facts))  # type: ignore[arg-type]  # the caller's business
        await self.answered(count)
        return self.answers.codes[-1]

    async def answered(self, count: int) -> None:
        """Returns when there are so many answers."""
        async with asyncio.timeout(30):
            while len(self.answers.all) < count:
                self.answers.changed.clear()
                await self.answers.changed.wait()

    async def close(self) -> None:
        self.serving.cancel()
        await asyncio.gather(self.serving, return_exceptions=True)


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    one = Desk(store, Hours())
    yield one
    await one.close()


async def test_a_phone_comes_stays_and_goes(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "callwright.sip.registrar")
    assert await desk.take(HOME, headers=[("Path", "<sip:p;lr>"), ("User-Agent", "Phone 1")]) == 200
    assert desk.answers.values("Contact") == [f"{HOME};expires=3600"]
    assert desk.answers.values("Path") == ["<sip:p;lr>"]
    assert await desk.take(HOME, cseq=2) == 200
    assert await desk.take(OFFICE, cseq=3) == 200
    assert len(desk.registrar) == 2
    assert await desk.take(cseq=4) == 200
    assert desk.answers.values("Contact") == [f"{HOME};expires=3600", f"{OFFICE};expires=3600"]
    assert await desk.take("*", cseq=5, expires=0) == 200
    assert desk.answers.values("Contact") == [] and len(desk.registrar) == 0
    assert desk.registrar.bindings(ALICE) == ()
    words = [record.getMessage().split(" agent=")[0] for record in caplog.records if record.levelno == logging.INFO]
    where = "alice@pbx.example at udp:192.0.2.7:5062 contact="
    assert words == [
        f"registered {where}sip:alice@10.0.0.5:5062",
        f"registered {where}sip:alice@10.0.0.6:5062",
        f"unregistered {where}sip:alice@10.0.0.5:5062",
        f"unregistered {where}sip:alice@10.0.0.6:5062",
    ]
    assert desk.registrar.outcomes == {"registered": 2, "refreshed": 1, "queried": 1, "removed": 1}


async def test_who_watches_is_told_of_comings_and_goings(desk: Desk) -> None:
    told: list[str] = []
    desk.registrar.changed = told.append
    await desk.take(HOME)
    await desk.take(cseq=2)
    await desk.take(HOME, cseq=3, expires=0)
    await desk.take(HOME, cseq=4, expires=60)
    desk.hours.passes(100)
    await desk.registrar.expire()
    assert told == [ALICE.aor] * 4


async def test_refusals_are_answered_and_counted(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    assert await desk.take(HOME, to="sip:bob@pbx.example") == 403
    assert await desk.take(HOME, to="sip:alice@elsewhere") == 404
    assert "from 192.0.2.7:5062 refused with 403: alice may not register sip:bob@pbx.example" in caplog.text
    caplog.clear()
    assert await desk.take(HOME, expires=5) == 423
    assert desk.answers.values("Min-Expires") == ["60"]
    assert caplog.records == [] and len(desk.registrar) == 0
    assert desk.registrar.outcomes == {"refused_403": 1, "refused_404": 1, "refused_423": 1}


async def test_the_answer_waits_for_the_database(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """REGISTERs that come while it writes are one commit."""
    writing, flushes = asyncio.Event(), 0
    flushed = desk.store.flushed

    async def slowly() -> None:
        nonlocal flushes
        flushes += 1
        await writing.wait()
        await flushed()

    monkeypatch.setattr(desk.store, "flushed", slowly)
    for number in range(10):
        desk.registrar.take(desk.answers.register(f"<sip:alice@10.0.0.{number}>", cseq=number + 1))
        await asyncio.sleep(0)
    assert desk.answers.all == []
    writing.set()
    await desk.answered(10)
    assert desk.answers.codes == [200] * 10
    assert flushes <= 2


async def test_what_cannot_be_stored_is_not_confirmed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(desk.store, "flushed", fails)
    assert await desk.take(HOME) == 500
    assert desk.answers.values("Retry-After") == ["10"]
    monkeypatch.undo()
    assert await desk.take(HOME, cseq=2) == 200


async def test_an_answer_that_cannot_be_written_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    respond = desk.answers.respond

    def refuses(request: int, code: int, *, reason: str = "", headers: Headers = ()) -> None:
        if code == 200 and request == 0:
            raise ValueError("not a header")
        respond(request, code, reason=reason, headers=headers)

    monkeypatch.setattr(desk.answers, "respond", refuses)
    assert await desk.take(HOME) == 500
    assert "cannot be written" in caplog.text
    assert await desk.take(HOME, cseq=2) == 200


async def test_after_a_crash_they_are_there(desk: Desk, store: Store) -> None:
    await desk.take(HOME, cseq=7, headers=[("Path", "<sip:p;lr>")])
    await desk.take("<sip:bob@h>", name="bob")
    await desk.take("<sip:bob@h2>", name="bob", expires=60, cseq=2)
    desk.hours.passes(61)
    after = Desk(store, desk.hours, Users([ALICE], ports=[5060]))
    try:
        await after.registrar.load()
        assert after.registrar.bindings(ALICE) == desk.registrar.bindings(ALICE)
        assert len(after.registrar) == 1, "bob is no user any more"
        assert await after.take(HOME, cseq=7) == 500
        assert await after.take(HOME, cseq=8) == 200
        await store.flushed()
        last = Desk(store, desk.hours)
        await last.registrar.load()
        assert last.registrar.bindings(BOB) == ()
        await last.close()
    finally:
        await after.close()


async def test_they_expire(desk: Desk, store: Store) -> None:
    await desk.take(HOME, expires=60)
    await desk.take(OFFICE, cseq=2, expires=600)
    desk.hours.passes(30)
    await desk.take(HOME, cseq=3, expires=60)
    desk.hours.passes(40)
    await desk.registrar.expire()
    assert [one.uri for one in desk.registrar.bindings(ALICE)] == ["sip:alice@10.0.0.6:5062", "sip:alice@10.0.0.5:5062"]
    desk.hours.passes(20)
    assert len(desk.registrar.bindings(ALICE)) == 1, "nobody is called any more whose time is up"
    assert len(desk.registrar) == 2
    desk.hours.passes(TICK_S)
    await desk.registrar.expire()
    assert len(desk.registrar) == 1
    desk.hours.passes(600)
    await desk.registrar.expire()
    assert len(desk.registrar) == 0
    again = Desk(store, Hours())
    await again.registrar.load()
    assert len(again.registrar) == 0, "the rows are gone too"
    await again.close()


async def test_an_expired_one_does_not_count(desk: Desk) -> None:
    """A phone that comes back late is new, whatever its CSeq."""
    await desk.take(HOME, cseq=9, expires=60)
    desk.hours.passes(61)
    assert await desk.take(HOME, cseq=2) == 200
    assert len(desk.registrar) == 1
    desk.hours.passes(1000)
    await desk.registrar.expire()
    assert len(desk.registrar) == 1


async def test_S11_ten_thousand_come_back(store: Store) -> None:
    """After an outage all phones register within seconds: each is answered, few commits are made, and the next time
    they come spread over a tenth of the hour. Then a crash: all are there."""
    names = [f"u{number}" for number in range(10_000)]
    users = [user(name) for name in names]
    desk = Desk(store, Hours(), Users(users, ports=[5060]), draw=random.Random(5).random)
    commits, write = 0, store._write

    async def counted(batch: object) -> None:
        nonlocal commits
        commits += 1
        await write(batch)  # type: ignore[arg-type]  # as it came

    store._write = counted  # type: ignore[method-assign]  # counts only
    for cseq in (1, 2):
        for number, name in enumerate(names, 1):
            request = desk.answers.register(f"<sip:{name}@10.0.0.5:5062>", name=name, cseq=cseq)
            desk.registrar.take(request)
            if number % TOGETHER == 0:
                await asyncio.sleep(0)
    await desk.answered(20_000)
    assert desk.answers.codes.count(200) == 20_000
    assert commits <= 100
    granted = [int(desk.answers.values("Contact", index)[0].rpartition("=")[2]) for index in range(0, 20_000, 7)]
    assert min(granted) >= 3240 and max(granted) <= 3600
    assert len(set(granted)) > 300
    await desk.close()
    after = Desk(store, desk.hours, Users(users, ports=[5060]))
    await after.registrar.load()
    assert len(after.registrar) == 10_000
    await after.close()


async def test_a_phone_that_knows_gruus(desk: Desk) -> None:
    """It gets its own; a URI that is one means that phone, its newest flow, and nothing when it is not there."""
    known = [("Supported", "path, gruu")]
    home, office = f'{HOME};+sip.instance="<urn:uuid:A>"', f'{OFFICE};+sip.instance="<urn:uuid:b>"'
    assert await desk.take(home, headers=known) == 200
    (contact,) = desk.answers.values("Contact")
    assert contact.endswith(';+sip.instance="<urn:uuid:A>";pub-gruu="sip:alice@pbx.example;gr=urn:uuid:A"')
    assert await desk.take(office, call_id="other") == 200
    assert not any("gruu" in value for value in desk.answers.values("Contact"))
    registrar = desk.registrar
    assert len(registrar.phones(ALICE, "sip:alice@pbx.example")) == 2
    (found,) = registrar.phones(ALICE, "sip:alice@pbx.example;gr=urn:uuid:a")
    assert found.instance == "urn:uuid:A"
    desk.hours.passes(10)
    assert await desk.take(f"{home};reg-id=2", call_id="third") == 200
    (found,) = registrar.phones(ALICE, "sip:alice@pbx.example;gr=urn:uuid:a")
    assert found.reg_id == 2
    assert registrar.phones(ALICE, "sip:alice@pbx.example;gr=urn:uuid:c") == ()
