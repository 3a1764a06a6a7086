"""Behind a router that translates addresses one to one: who is beyond it is told the public one, who is not is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.harness.call import PhoneCall
from tests.harness.message import Message
from tests.harness.ports import daemon_address, next_address
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]
RTP_HOLES = 8


class Hole(asyncio.DatagramProtocol):
    """One port of the router: what comes to its public side goes in, what comes from inside goes back out."""

    def __init__(self, inside: tuple[str, int]) -> None:
        self._inside = inside
        self._outside: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """A packet from either side."""
        if addr != self._inside:
            self._outside = addr
        self._transport.sendto(data, self._inside if addr != self._inside else self._outside)


class Router:
    """A public address, with the ports of an engine behind it."""

    def __init__(self) -> None:
        self.public = next_address()
        self._holes: list[asyncio.DatagramTransport] = []

    async def lead_to(self, station: Station, media_ports: tuple[int, int]) -> None:
        """Opens its signalling port and the first of its RTP ports."""
        loop = asyncio.get_running_loop()
        for port in (station.port(), *range(media_ports[0], media_ports[0] + RTP_HOLES)):
            hole, _ = await loop.create_datagram_endpoint(
                partial(Hole, (station.host, port)), local_addr=(self.public, port)
            )
            self._holes.append(hole)

    def close(self) -> None:
        """No way through any more."""
        for hole in self._holes:
            hole.close()


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    router = Router()
    yield router
    router.close()


def behind(router: Router, *inside: str) -> dict[str, Any]:
    """Options of an engine behind it; who is on its own side of it."""
    return {
        "listen": [("udp", daemon_address(), 0), ("tcp", daemon_address(), 0)],
        "advertised": [router.public, ""],
        "advertised_address": router.public,
        "inside": list(inside),
        "rtp_io": "epoll",
    }


def told(message: Message) -> set[str]:
    """The addresses that a description names."""
    lines = message.body.decode().splitlines()
    return {line.split()[-1] for line in lines if line.startswith(("o=", "c=", "a=rtcp:"))}


async def talks(station: Station, call: PhoneCall, leg: int) -> None:
    """Sound goes both ways: the phone hears itself."""
    assert (await station.event(EventKind.MEDIA, leg)).code == 1
    station.engine.connect(leg, leg)
    call.media.tone(700)
    await call.media.heard_tone(700)


async def test_a_call_from_beyond(
    stations: Stations, phones: Phones, router: Router, media_ports: tuple[int, int]
) -> None:
    station = stations(**behind(router))
    await router.lead_to(station, media_ports)
    phone = await phones("far")
    call = await phone.invite(f"sip:service@{router.public}:{station.port()}")
    leg = (await station.event(EventKind.INCOMING)).id
    station.engine.answer(leg, 200)
    answer = await call.answered()
    assert told(answer) == {router.public}
    assert answer.headers["Contact"] == f"<sip:{router.public}:{station.port()}>"
    await station.event(EventKind.ESTABLISHED, leg)  # the ACK went to the Contact
    await talks(station, call, leg)
    await call.hangup()
    assert (await station.event(EventKind.ENDED, leg)).detail["by"] == "remote"


async def test_a_call_to_beyond(
    stations: Stations, phones: Phones, router: Router, media_ports: tuple[int, int]
) -> None:
    station = stations(**behind(router))
    await router.lead_to(station, media_ports)
    phone = await phones("far")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert told(call.invite) == {router.public}
    assert f"{router.public}:{station.port()}" in call.invite.headers["Via"]
    assert call.invite.headers["Contact"] == f"<sip:{router.public}:{station.port()}>"
    await call.answer()
    await talks(station, call, leg)
    station.engine.hold(leg, True)  # a later offer is told the same
    assert told(await call.expect("INVITE")) == {router.public}
    await call.hangup()
    await station.event(EventKind.ENDED, leg)


async def test_who_is_inside_is_told_the_machine_s_own(stations: Stations, phones: Phones, router: Router) -> None:
    phone = await phones("near", transport="tcp")
    station = stations(**behind(router, f"{phone.address}/32"))
    call, leg = await station.answered(phone)
    assert call.remote_sdp is not None and call.remote_sdp.address == station.host
    await talks(station, call, leg)
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    called = await phone.incoming()
    assert told(called.invite) == {station.host}
    station.engine.hangup(leg)
    await called.until_ended()


@pytest.mark.parametrize(
    "options",
    [
        {"advertised_address": "example.com"},
        {"inside": ["127.0.0.0/33"]},
        {"advertised": ["here"], "listen": [("udp", "127.0.0.1", 0)]},
        {"advertised": ["127.0.0.1"]},
    ],
)
def test_settings_that_are_none(media_ports: tuple[int, int], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError), running_engine(media_ports, **options):
        raise AssertionError("it started")
