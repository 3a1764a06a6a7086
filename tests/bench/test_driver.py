"""The bench's own program on the engine: an echo, and a conference in which everybody hears everybody else."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bench.driver import Driver
from callwright.config import Config
from tests.harness.call import PhoneCall
from tests.harness.ports import daemon_address, free_port
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Dial = Callable[[str, float], Awaitable[PhoneCall]]


@pytest.fixture
async def dial(media_ports: tuple[int, int], phones: Phones) -> AsyncIterator[Dial]:
    """Calls somebody at a running driver, with a tone of one's own."""
    host, port = daemon_address(), free_port()
    settings = {
        "sip": {"listen": [f"udp:{host}:{port}"]},
        "media": {"address": host, "rtp_ports": media_ports},
        "limits": {"legs": 10},
    }
    driver = Driver(Config.model_validate(settings))

    async def call(user: str, hz: float) -> PhoneCall:
        placed = await (await phones(f"phone{hz:g}")).invite(f"sip:{user}@{host}:{port}")
        await placed.answered()
        placed.media.tone(hz)
        return placed

    yield call
    await driver.close()


async def test_echo(dial: Dial) -> None:
    call = await dial("echo", 500)
    await call.media.heard_tone(500)
    await call.hangup()


async def test_a_conference(dial: Dial) -> None:
    calls = {hz: await dial("conf", hz) for hz in (500.0, 700.0, 1100.0)}
    for own, call in calls.items():
        for other in calls:
            if other != own:
                await call.media.heard_tone(other)
    left = calls.pop(500.0)
    await left.hangup()
    await calls[700.0].media.heard_tone(1100)
    for call in calls.values():
        await call.hangup()


async def test_rooms_are_apart(dial: Dial) -> None:
    one, other = await dial("conf1", 500), await dial("conf2", 700)
    third = await dial("conf1", 1100)
    await one.media.heard_tone(1100)
    await third.media.heard_tone(500)
    await other.media.silence_heard(0.3)
    for call in (one, other, third):
        await call.hangup()


async def test_anybody_else_is_not_found(dial: Dial) -> None:
    with pytest.raises(AssertionError, match="404"):
        await dial("nobody", 500)
