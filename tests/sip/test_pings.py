"""OPTIONS to the trunks' gateways, on a clock that jumps."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from callwright.config import DEMO_ACCOUNT, TrunkSection
from callwright.sip.health import Health, HealthState
from callwright.sip.pings import Pings
from callwright.sip.trunks import declared
from tests.calls.jumping import after, skipping

HOP = "sip:192.0.2.1"


@dataclass(frozen=True)
class Answer:
    code: int
    reason: str = "so"


class Gateways:
    """Gateways by their hop; each answers with its code."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.asked: list[tuple[float, str, str]] = []
        self.refused = False

    async def ask(self, uri: str, hop: str) -> Answer:
        self.asked.append((asyncio.get_running_loop().time(), uri, hop))
        if self.refused:
            raise ValueError("it cannot be sent")
        return Answer(self.codes.get(hop, 200))

    async def locate(self, uri: str) -> Sequence[str]:
        if uri.endswith(".invalid"):
            raise OSError("no address")
        return (HOP, "sip:192.0.2.2") if uri.endswith(".many") else ("",)


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[None]:
    with skipping(asyncio.get_running_loop()):
        yield


@pytest.fixture
def gateways() -> Gateways:
    return Gateways()


async def pinged(gateways: Gateways, seconds: float, *targets: str, **keys: object) -> Health:
    """What is known after some time of pings each 10 s."""
    keys = {"ping_s": 10, "quarantine_after": 2, "quarantine_s": 60, **keys}
    section = {"name": "carrier", "account": DEMO_ACCOUNT, "targets": targets, **keys}
    trunk = declared(TrunkSection.model_validate(section))
    health = Health(asyncio.get_running_loop().time)
    pings = Pings([trunk], health, ask=gateways.ask, locate=gateways.locate, chance=lambda: 0.0)
    serving = asyncio.create_task(pings.serve())
    await after(seconds)
    assert serving.done() == (not keys["ping_s"])
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    return health


async def test_every_address_of_every_target(gateways: Gateways) -> None:
    health = await pinged(gateways, 25, "sip:gw.many", "sip:192.0.2.9:5070", "sip:gw.invalid")
    assert [one[1:] for one in gateways.asked] == [
        ("sip:gw.many", HOP),
        ("sip:gw.many", "sip:192.0.2.2"),
        ("sip:192.0.2.9:5070", ""),
    ] * 3
    assert {(one.hop, one.state) for one in health} == {
        (HOP, HealthState.UP),
        ("sip:192.0.2.2", HealthState.UP),
        ("sip:192.0.2.9:5070", HealthState.UP),
    }


@pytest.mark.parametrize(("code", "lives"), [(200, True), (404, True), (405, True), (408, False), (503, False)])
async def test_who_lives(gateways: Gateways, code: int, lives: bool) -> None:
    gateways.codes = {HOP: code}
    health = await pinged(gateways, 15, "sip:gw.many")
    assert health.takes("carrier", HOP) is lives and health.takes("carrier", "sip:192.0.2.2")


async def test_who_is_left_alone_is_not_asked_until_its_time_is_up(gateways: Gateways) -> None:
    gateways.codes = {HOP: 503}
    health = await pinged(gateways, 235, "sip:gw.many")
    times = [round(at - gateways.asked[0][0]) for at, _, hop in gateways.asked if hop == HOP]
    assert times == [0, 10, 70, 190], "each time twice as long"
    assert health.state("carrier", HOP) is HealthState.QUARANTINED
    assert len([one for one in gateways.asked if one[2] != HOP]) == 24


async def test_back_again(gateways: Gateways) -> None:
    gateways.codes = {HOP: 503}
    asyncio.get_running_loop().call_later(30, gateways.codes.clear)
    health = await pinged(gateways, 85, "sip:gw.many")
    assert health.state("carrier", HOP) is HealthState.UP


async def test_what_cannot_be_sent(gateways: Gateways) -> None:
    gateways.refused = True
    assert not (await pinged(gateways, 15, "sip:gw.many")).takes("carrier", HOP)


async def test_none_unless_wanted(gateways: Gateways) -> None:
    await pinged(gateways, 15, "sip:gw.many", ping_s=0)
    assert gateways.asked == []
