"""OPTIONS to registered phones: who is asked when, and who is dropped."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from callwright.sip.binding import Binding
from callwright.sip.phone_pings import AGAIN_S, AT_ONCE, FAILURES, MANY, PhonePings, over
from callwright.sip.transaction import Response
from callwright.sip.users import Users
from callwright.store.store import Store
from tests.calls.fakes import Room
from tests.calls.jumping import turns
from tests.sip.registering import ALICE, Answers, user
from tests.sip.test_registrar import Desk, Hours

PERIOD = 60.0
HOME = "<sip:alice@10.0.0.5:5062>"
NOTHING = Response(408, "no answer in time")
NAMES = [f"u{number}" for number in range(60)]


class Rounds(Desk):
    """A registrar whose phones are pinged.

    Attributes:
        asked: what has been sent, with who wants to know its end.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store, Hours(), Users([ALICE, *(user(name) for name in NAMES)], ports=[5060]))
        self.seconds = 0.0
        self.asked: list[tuple[Binding, Callable[[Response], None]]] = []
        self.refused = False
        self.pings = PhonePings(self.registrar, PERIOD, self._send, time=lambda: self.seconds, chance=lambda: 0.5)

    def _send(self, binding: Binding, ended: Callable[[Response], None]) -> None:
        if self.refused:
            raise ValueError("not a URI")
        self.asked.append((binding, ended))

    def passes(self, seconds: float) -> int:
        """So long later: how many have been asked in all."""
        self.seconds += seconds
        self.pings.ping()
        return len(self.asked)

    def says(self, code: int) -> None:
        """The last that was asked answers."""
        self.asked[-1][1](NOTHING if code == 408 else Response(code, source=("UDP", "192.0.2.7", 5062)))

    async def many(self) -> None:
        """As many phones as there are names."""
        for name in NAMES:
            assert await self.take(f"<sip:{name}@10.0.0.5>", name=name) == 200


@pytest.fixture
async def rounds(tmp_path: Path) -> AsyncIterator[Rounds]:
    store = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    one = Rounds(store)
    yield one
    await one.close()
    await store.close()


async def test_a_phone_that_answers_stays(rounds: Rounds) -> None:
    """Whatever it answers; it is asked once in each period, the first time somewhere within it."""
    await rounds.take(HOME)
    assert rounds.passes(29) == 0 and rounds.passes(2) == 1
    for number, code in enumerate((200, 404, 481, 401, 503, 600), 1):
        rounds.says(code)
        assert rounds.passes(PERIOD * 0.94) == number, "not yet"
        assert rounds.passes(PERIOD * 0.02) == number + 1
    assert len(rounds.registrar) == 1


async def test_a_phone_that_says_nothing(rounds: Rounds, caplog: pytest.LogCaptureFixture) -> None:
    """The third time in a row it is dropped; it is not waited for as long as for one that has answered."""
    caplog.set_level(logging.INFO, "callwright.sip.registrar")
    await rounds.take(HOME)
    rounds.passes(31)
    for _ in range(FAILURES - 1):
        rounds.says(408)
        asked = len(rounds.asked)
        assert rounds.passes(AGAIN_S + 0.1) == asked + 1
    rounds.says(200)
    assert rounds.passes(AGAIN_S * 2) == len(rounds.asked) == FAILURES, "one answer, and it has all its chances again"
    rounds.passes(PERIOD)
    for _ in range(FAILURES):
        assert len(rounds.registrar) == 1
        rounds.says(408)
        rounds.passes(AGAIN_S + 0.1)
    assert len(rounds.registrar) == 0 and rounds.registrar.dropped == {"ping": 1}
    assert "3 OPTIONS in a row were not answered" in caplog.text
    asked = len(rounds.asked)
    assert rounds.passes(1000) == asked, "nobody is asked any more"


async def test_a_proxy_says_that_the_flow_is_gone(rounds: Rounds) -> None:
    await rounds.take(HOME, headers=[("Path", "<sip:edge.example;lr;ob>")])
    rounds.passes(31)
    rounds.says(430)
    assert len(rounds.registrar) == 0 and rounds.registrar.dropped == {"request": 1}


async def test_an_answer_to_what_was_asked_before_it_registered_again(rounds: Rounds) -> None:
    """It says nothing of the phone as it is now, and does not ask it twice as often."""
    await rounds.take(HOME)
    rounds.passes(31)
    await rounds.take(HOME, cseq=2)
    for _ in range(FAILURES):
        rounds.says(408)
    assert len(rounds.registrar) == 1
    assert rounds.passes(31) == 2
    rounds.says(200)
    assert rounds.passes(PERIOD) == 3 and rounds.passes(1) == 3


async def test_who_cannot_be_asked(rounds: Rounds) -> None:
    """A phone without its connection, and an address that no request can bear, are not silent."""
    await rounds.take(HOME, transport="TCP")
    rounds.registrar.stranded = {one.key for one in rounds.registrar.bindings(ALICE)}
    assert rounds.passes(31) == 0
    rounds.registrar.stranded = ()
    rounds.refused = True
    assert rounds.passes(PERIOD + 1) == 0
    rounds.refused = False
    assert rounds.passes(PERIOD + 1) == 1


async def test_they_go_out_one_by_one(rounds: Rounds) -> None:
    await rounds.many()
    assert rounds.passes(31) == AT_ONCE
    for turn in range(2, 7):
        assert rounds.passes(0) == turn * AT_ONCE
    assert rounds.passes(0) == len(NAMES) == 6 * AT_ONCE


async def test_when_all_are_silent_the_network_is_at_fault(rounds: Rounds, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is dropped for that, and one line says so. When it is back, who stays silent is dropped."""
    await rounds.many()
    for _ in range(FAILURES + 2):
        asked = len(rounds.asked)
        rounds.seconds += 40
        while rounds.passes(0) < asked + len(NAMES):
            assert len(rounds.asked) > asked
        for _, ended in rounds.asked[asked:]:
            ended(NOTHING)
    few = 5
    assert few < MANY and len(rounds.registrar) == len(NAMES)
    assert caplog.text.count("the network is at fault") == 1
    asked = len(rounds.asked)
    rounds.seconds += 40
    while rounds.passes(0) < asked + len(NAMES):
        assert len(rounds.asked) > asked
    back = rounds.asked[asked:]
    for _, ended in back[:-few]:
        ended(Response(200))
    for _, ended in back[-few:]:
        ended(NOTHING)
    assert len(rounds.registrar) == len(NAMES) - few


async def test_by_itself(rounds: Rounds) -> None:
    """`serve` asks as soon as there is somebody to be asked."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    pings = PhonePings(rounds.registrar, 60, lambda binding, ended: asked.set(), time=loop.time, chance=lambda: 0.0005)
    serving = asyncio.create_task(pings.serve())
    await asyncio.sleep(0)
    await rounds.take(HOME)
    async with asyncio.timeout(10):
        await asked.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_what_is_sent(room: Room) -> None:
    """To where the phone registered from, by the proxies on the way."""
    request = Answers().register("<sip:alice@h;transport=tcp>", transport="TCP", port=40000)
    made = Binding(
        "al#ice@pbx.example", "1", "sip:alice@h", request.call_id, 1, Hours().now, "192.0.2.7", 40000, "TCP",
        path=("<sip:edge.example;lr>",),
    )  # fmt: skip
    told: list[int] = []
    over(room.endpoint)(made, lambda response: told.append(response.code))
    (sent,) = room.engine.of("request")
    assert (sent.values["method"], sent.values["uri"]) == ("OPTIONS", "sip:alice@h")
    assert sent.values["next_hop"] == "sip:192.0.2.7:40000;transport=tcp"
    assert sent.values["headers"] == [
        ("From", "<sip:pbx.example>"),
        ("To", "<sip:al%23ice@pbx.example>"),
        ("Route", "<sip:edge.example;lr>"),
    ]
    room.engine.respond_to(sent.node, 404)
    await turns()
    assert told == [404]
