"""A trunk's registration: refreshed, moved to another place, refused, given up; on a clock that jumps."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from callwright.sip.leg import Headers
from callwright.sip.registrant import Line, Registrant, RegistrationState
from tests.calls.jumping import after, skipping

FIRST, SECOND = "sip:192.0.2.1:5060", "sip:[2001:db8::2]"
LINE = Line("sip:carrier.example", "line1", "secret", expires=600)


@dataclass(frozen=True)
class Answer:
    code: int
    headers: Sequence[tuple[str, str]] = ()
    reason: str = "so"
    cseq: int = 0

    def values(self, name: str) -> list[str]:
        return [value for other, value in self.headers if other == name]


@dataclass
class Sent:
    at: float
    hop: str
    seconds: float
    headers: dict[str, str]


@dataclass
class Carrier:
    """Answers in turn; the last answer goes on for ever."""

    answers: list[Answer] = field(default_factory=lambda: [Answer(200)])
    away: set[str] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)
    lost: bool = False

    async def send(self, line: Line, headers: Headers, hop: str, seconds: float) -> Answer:
        assert line is LINE
        self.sent.append(Sent(asyncio.get_running_loop().time(), hop, seconds, dict(headers)))
        if hop in self.away:
            await after(seconds)
            return Answer(408)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def locate(self, uri: str) -> Sequence[str]:
        assert uri == LINE.registrar
        if self.lost:
            raise OSError("no address for carrier.example")
        return FIRST, SECOND

    def times(self) -> list[int]:
        return [round(one.at - self.sent[0].at) for one in self.sent]


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[None]:
    with skipping(asyncio.get_running_loop()):
        yield


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
async def registrant(carrier: Carrier) -> Registrant:
    return Registrant("carrier", LINE, send=carrier.send, locate=carrier.locate, chance=lambda: 1.0)


async def served(registrant: Registrant, seconds: float) -> None:
    serving = asyncio.create_task(registrant.serve())
    await after(seconds)
    assert not serving.done()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_what_is_sent(carrier: Carrier, registrant: Registrant) -> None:
    await served(registrant, 1)
    (one,) = carrier.sent
    assert one.hop == FIRST and one.headers["To"] == "<sip:line1@carrier.example>"
    assert one.headers["From"].startswith("<sip:line1@carrier.example>;tag=")
    assert (one.headers["CSeq"], one.headers["Expires"]) == ("1 REGISTER", "600")
    assert registrant.registered and registrant.state is RegistrationState.REGISTERED
    assert registrant.addresses == {"192.0.2.1", "2001:db8::2"}
    assert "secret" not in repr(LINE)


async def test_refreshed_before_it_expires(carrier: Carrier, registrant: Registrant) -> None:
    carrier.answers = [Answer(200, [("Contact", "<sip:line1@10.0.0.1>;expires=100, <sip:x@y>;expires=5")])]
    await served(registrant, 200)
    assert carrier.times() == [0, 90, 180]
    assert {one.headers["Call-ID"] for one in carrier.sent} == {carrier.sent[0].headers["Call-ID"]}
    assert [one.headers["CSeq"] for one in carrier.sent] == ["1 REGISTER", "2 REGISTER", "3 REGISTER"]


@pytest.mark.parametrize(
    ("headers", "granted"),
    [
        ([("Contact", '"L, 1" <sip:line1@10.0.0.1;x=y>;q=1;expires="60"')], 60),
        ([("Contact", "sip:line1@10.0.0.1;expires=70")], 70),
        ([("Expires", "80")], 80),
        ([("Contact", "<sip:other@10.0.0.1>;expires=5"), ("Expires", "80")], 80),
        ([("Contact", "<sip:line1@10.0.0.1>;expires=60"), ("Contact", "<sip:line1@10.0.0.2>;expires=90")], 60),
        ([], 600),
    ],
)
async def test_for_how_long(
    carrier: Carrier, registrant: Registrant, headers: list[tuple[str, str]], granted: int
) -> None:
    carrier.answers = [Answer(200, headers)]
    await served(registrant, 1)
    assert round(registrant.ends - carrier.sent[0].at) == granted


async def test_a_challenge_takes_a_number(carrier: Carrier, registrant: Registrant) -> None:
    """What answered it was sent with the next CSeq."""
    carrier.answers = [Answer(200, [("Expires", "100")], cseq=2)]
    await served(registrant, 95)
    assert [one.headers["CSeq"] for one in carrier.sent] == ["1 REGISTER", "3 REGISTER"]


async def test_a_registrar_that_wants_a_longer_time(carrier: Carrier, registrant: Registrant) -> None:
    carrier.answers = [Answer(423, [("Min-Expires", "1800")]), Answer(200)]
    await served(registrant, 1700)
    assert [one.headers["Expires"] for one in carrier.sent] == ["600", "1800", "1800"]
    assert carrier.times() == [0, 0, 1620]


async def test_the_next_place_when_the_first_is_away(carrier: Carrier, registrant: Registrant) -> None:
    carrier.away = {FIRST}
    await served(registrant, 10)
    assert [one.hop for one in carrier.sent] == [FIRST, SECOND]
    assert registrant.registered and registrant.where == SECOND


async def test_ever_more_seldom_while_all_fail(
    carrier: Carrier, registrant: Registrant, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.answers = [Answer(503)]
    await served(registrant, 2000)
    assert carrier.times()[::2] == [0, 15, 45, 105, 225, 465, 945, 1845]
    assert registrant.state is RegistrationState.FAILED and not registrant.registered
    assert caplog.text.count("failed: 503 so") == 1, "told once"
    carrier.answers = [Answer(200)]
    await served(registrant, 1)
    assert registrant.registered


async def test_who_is_refused_comes_back_late(carrier: Carrier, registrant: Registrant) -> None:
    """And asks nobody else: the credentials would be as wrong there."""
    carrier.answers = [Answer(401)]
    await served(registrant, 1000)
    assert carrier.times() == [0, 300, 900] and {one.hop for one in carrier.sent} == {FIRST}
    assert registrant.state is RegistrationState.REFUSED


async def test_no_address(carrier: Carrier, registrant: Registrant, caplog: pytest.LogCaptureFixture) -> None:
    carrier.lost = True
    await served(registrant, 20)
    assert carrier.sent == [] and "failed: no address for carrier.example" in caplog.text


async def test_a_registration_that_was_not_refreshed_is_none(carrier: Carrier, registrant: Registrant) -> None:
    carrier.answers = [Answer(200, [("Expires", "100")]), Answer(503)]
    await served(registrant, 95)
    assert registrant.registered and registrant.state is RegistrationState.FAILED
    await after(10)
    assert not registrant.registered


class TestTheEnd:
    async def test_taken_back(self, carrier: Carrier, registrant: Registrant, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        await served(registrant, 1)
        await registrant.leave()
        assert [one.headers["Expires"] for one in carrier.sent] == ["600", "0"]
        assert carrier.sent[1].hop == FIRST and not registrant.registered
        assert registrant.state is RegistrationState.GONE and "given up" in caplog.text

    async def test_bounded(self, carrier: Carrier, registrant: Registrant) -> None:
        await served(registrant, 1)
        carrier.away = {FIRST, SECOND}
        began = asyncio.get_running_loop().time()
        await registrant.leave()
        assert asyncio.get_running_loop().time() - began < 3 and carrier.sent[-1].seconds == 2.0

    async def test_nothing_to_take_back(self, carrier: Carrier, registrant: Registrant) -> None:
        await registrant.leave()
        assert carrier.sent == []


async def test_whose_addresses_have_changed(carrier: Carrier) -> None:
    told: list[frozenset[str]] = []
    one = Registrant(
        "carrier",
        LINE,
        send=carrier.send,
        locate=carrier.locate,
        on_change=lambda registrant: told.append(registrant.addresses),
    )
    await served(one, 2000)
    assert len(carrier.sent) > 2 and told == [frozenset({"192.0.2.1", "2001:db8::2"})]
