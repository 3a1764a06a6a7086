"""IPv4 and IPv6: each call has the family of its peer, in SIP and in the description, whatever the other calls have."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.harness.call import PhoneCall
from tests.harness.ports import daemon_address
from tests.harness.sdp import DTMF, PCMU, Sdp
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]


def dual(**more: Any) -> dict[str, Any]:
    """Options of an engine with both families."""
    host = daemon_address()
    listen = [(transport, address, 0) for address in (host, "::1") for transport in ("udp", "tcp")]
    return {"listen": listen, "media_address": host, "media_address6": "::1", **more}


def family(body: bytes) -> set[str]:
    """Families that a description names in its origin and connection lines."""
    return {line.split()[-2] for line in body.decode().splitlines() if line.startswith(("o=", "c="))}


async def talks(station: Station, call: PhoneCall, leg: int) -> None:
    """Sound goes both ways."""
    media = await station.event(EventKind.MEDIA, leg)
    assert media.code == 1
    await call.media.received(5)
    host = call.media.address
    assert media.detail["remote"] == f"{f'[{host}]' if ':' in host else host}:{call.media.port}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("address", [None, "::1"], ids=["ipv4", "ipv6"])
async def test_calls_both_ways(stations: Stations, phones: Phones, transport: str, address: str | None) -> None:
    station = stations(**dual())
    named = {"IP6"} if address else {"IP4"}
    phone = await phones("both", address=address, transport=transport)
    call, event = await station.invited(phone)
    assert event.detail["source_host"] == phone.address
    station.engine.answer(event.id, 200)
    assert family((await call.answered()).body) == named
    await talks(station, call, event.id)
    await call.hangup()

    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    called = await phone.incoming()
    assert family(called.invite.body) == named
    assert ("[::1]" in called.invite.headers["Via"]) == bool(address)
    assert ("[::1]" in called.invite.headers["Contact"]) == bool(address)
    await called.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    await talks(station, called, leg)
    station.engine.hangup(leg)
    await called.until_ended()


async def test_the_offer_decides_not_the_signalling(stations: Stations, phones: Phones) -> None:
    station = stations(**dual())
    narrow, wide = await phones("four"), await phones("six", address="::1")
    narrow.media_address, wide.media_address = "::1", narrow.address
    for phone, named in ((narrow, {"IP6"}), (wide, {"IP4"})):
        call, event = await station.invited(phone)
        station.engine.answer(event.id, 200)
        assert family((await call.answered()).body) == named
        await talks(station, call, event.id)


async def test_a_late_offer_has_the_family_of_the_signalling(stations: Stations, phones: Phones) -> None:
    station = stations(**dual())
    narrow, wide = await phones("four"), await phones("six", address="::1")
    waiting = [await station.invited(phone, offer=False) for phone in (narrow, wide)]
    for (call, event), named in zip(waiting, ({"IP4"}, {"IP6"}), strict=True):
        station.engine.answer(event.id, 200)
        assert family((await call.answered()).body) == named
        await talks(station, call, event.id)


async def test_ipv6_alone(stations: Stations, phones: Phones) -> None:
    station = stations(listen=[("udp", "::1", 0)], media_address="::1")
    phone = await phones("six", address="::1")
    call, leg = await station.answered(phone)
    await talks(station, call, leg)
    four = Sdp("127.0.0.1", 4000, (PCMU, DTMF), session=1, version=1)
    refused = await phone.invite(station.uri(ipv6=True), offer=four)
    assert (await refused.refused()).headers["Warning"].startswith("300 ")


async def test_no_transport_of_the_family(station: Station) -> None:
    leg = station.engine.originate("sip:nobody@[::1]:5099", local_uri=CALLER)
    assert (await station.event(EventKind.ENDED, leg)).code == 503


@pytest.mark.parametrize(
    "options",
    [
        {"media_address6": "127.0.0.1"},
        {"media_address6": "localhost"},
        {"media_address": "::1", "media_address6": "::1"},
    ],
)
def test_settings_that_are_none(media_ports: tuple[int, int], options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="media_address6"), running_engine(media_ports, **options):
        raise AssertionError("it started")
