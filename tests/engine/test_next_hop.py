"""A next hop: the message goes to an address, and names the host it is for."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import How
from tests.harness.digest import Guard
from tests.harness.message import Request
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


# what follows in the dialog


async def test_a_phone_behind_a_nat_is_reached_where_it_is(station: Station, phones: Phones) -> None:
    """ACK, re-INVITE and BYE go where the INVITE went, not to the address in its Contact."""
    phone, victim = await phones("called"), await phones("victim")
    phone.shown = victim.uri
    leg = station.engine.originate("sip:bob@192.0.2.1", next_hop=phone.uri, keep_hop=True, local_uri=CALLER)
    call = await phone.incoming()
    await call.ring()
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hold(leg, True)
    await call.expect("INVITE")
    held = await call.expect("INVITE")
    assert isinstance(held, Request)
    assert (held.uri, "Route" in held.headers) == (victim.uri, False), "a re-INVITE, whose hop is not shown"
    station.engine.hangup(leg)
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert victim.trace.entries == []


async def test_otherwise_the_contact_is_followed(station: Station, phones: Phones) -> None:
    """As RFC 3261 §12.2.1.1 wants: what has no hop to be kept."""
    phone, other = await phones("called"), await phones("other")
    phone.shown = other.uri
    leg = station.engine.originate("sip:bob@192.0.2.1", next_hop=phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.answer(ack=False)
    await other.expect("ACK")
    station.engine.hangup(leg)
    await other.expect("BYE")
    other.faults.clear()  # they are of no call of its own


async def test_proxies_that_stay_on_the_way_are_followed(station: Station, phones: Phones) -> None:
    """A trunk's, wherever they say that they are (RFC 3261 §12.1.2); those of phones are in `test_kept_hops.py`."""
    phone, proxy = await phones("called"), await phones("proxy")
    leg = station.engine.originate("sip:bob@192.0.2.1", next_hop=phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    record = f"<sip:{proxy.place};lr>"
    await call.answer([("Record-Route", record)], ack=False)
    assert (await proxy.expect("ACK")).headers.lines("Route") == [record]
    station.engine.hangup(leg)
    assert (await proxy.expect("BYE")).headers.lines("Route") == [record]
    proxy.faults.clear()  # they are of no call of its own


async def test_a_connection_that_is_closed_fails_at_once(station: Station, phones: Phones) -> None:
    """430 (RFC 5626 section 11.5): nobody is connected to, though somebody would listen."""
    phone = await phones("called", transport="tcp")
    leg = station.engine.originate("sip:bob@192.0.2.1", next_hop=phone.uri, keep_hop=True, local_uri=CALLER)
    ended = await station.event(EventKind.ENDED, leg, timeout=1)
    assert (ended.code, ended.detail["by"]) == (430, "local")
    assert phone.connections == []


def test_a_hop_to_keep_is_needed(station: Station) -> None:
    with pytest.raises(ValueError, match="no hop"):
        station.engine.originate("sip:bob@192.0.2.1", keep_hop=True, local_uri=CALLER)
    with pytest.raises(ValueError):
        station.engine.originate("sip:bob@192.0.2.1", route=["p1"], local_uri=CALLER)
