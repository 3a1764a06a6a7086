"""A next hop: the message goes to an address, and names the host it is for."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import How
from tests.harness.digest import Guard
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_request_goes_to_the_next_hop(station: Station, phones: Phones, transport: str) -> None:
    phone = await phones("called", transport=transport)
    leg = station.engine.originate("sip:bob@carrier.invalid", next_hop=phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.invite.uri == "sip:bob@carrier.invalid"
    assert call.invite.via.transport == transport.upper()
    assert "Route" not in call.invite.headers
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await station.event(EventKind.ENDED, leg)
    assert (await call.until_ended()).how is How.BYE_RECEIVED


async def test_a_challenge_is_answered_at_the_next_hop(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.guard = Guard("alice", "secret", realm="carrier")
    leg = station.engine.originate(
        "sip:bob@carrier.invalid", next_hop=phone.uri, local_uri=CALLER, username="alice", password="secret"
    )
    call = await phone.incoming()
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_cancel_goes_there_too(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate("sip:bob@carrier.invalid", next_hop=phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.ring()
    await station.event(EventKind.PROGRESS, leg)
    station.engine.hangup(leg)
    assert (await call.until_ended()).how is How.CANCELLED


def test_a_next_hop_is_a_sip_uri(station: Station) -> None:
    with pytest.raises(ValueError, match="not a SIP URI"):
        station.engine.originate("sip:bob@carrier.invalid", next_hop="127.0.0.1:5060", local_uri=CALLER)
