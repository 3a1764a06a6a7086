"""Session timers (RFC 4028): how they are agreed on, refreshed by either side, and what ends a dead peer's call."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]


async def test_ours_are_offered(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert "timer" in call.invite.headers["Supported"]
    assert call.invite.headers["Session-Expires"] == "1800"
    assert call.invite.headers["Min-SE"] == "90"
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_none_are_offered_when_they_are_off(stations: Stations, phones: Phones) -> None:
    station = stations(session_expires=0)
    phone = await phones("called")
    station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert "Session-Expires" not in call.invite.headers
    assert "timer" not in call.invite.headers.get("Supported")


@pytest.mark.parametrize(("asked", "refresher"), [("300", "uac"), ("300;refresher=uas", "uas")])
async def test_the_callers_are_agreed_to(station: Station, phones: Phones, asked: str, refresher: str) -> None:
    headers = [("Supported", "timer"), ("Session-Expires", asked)]
    call, event = await station.invited(await phones("caller"), headers=headers)
    station.engine.answer(event.id, 200)
    response = await call.answered()
    assert response.headers["Session-Expires"] == f"300;refresher={refresher}"
    await call.hangup()


async def test_too_short_a_session_is_refused(stations: Stations, phones: Phones) -> None:
    station = stations(min_session_expires=120)
    headers = [("Supported", "timer"), ("Session-Expires", "90")]
    call = await (await phones("caller")).invite(station.uri(), headers=headers)
    refusal = await call.refused()
    assert (refusal.status, refusal.headers["Min-SE"]) == (422, "120")


async def test_a_peer_that_wants_longer_ones_gets_them(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    first = await phone.incoming()
    await first.refuse(422, headers=[("Min-SE", "3600")])
    second = await phone.incoming()
    assert second.invite.headers["Session-Expires"] == "3600"
    await second.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await second.until_ended()


@pytest.mark.parametrize("refresher", ["uas", "uac"])
async def test_a_reinvite_of_the_peer_refreshes(station: Station, phones: Phones, refresher: str) -> None:
    headers = [("Supported", "timer"), ("Session-Expires", f"90;refresher={refresher}")]
    call, event = await station.invited(await phones("caller"), headers=headers)
    station.engine.answer(event.id, 200)
    await call.answered()
    await station.event(EventKind.ESTABLISHED, event.id)
    for method in ("UPDATE", "INVITE"):
        body = call.negotiation.offer() if method == "INVITE" else b""
        response = await call.request(method, headers=headers, body=body)
        assert (response.status, response.headers["Session-Expires"]) == (200, f"90;refresher={refresher}")
    await call.hangup()


async def refreshed(station: Station, phones: Phones) -> None:
    """We refresh a session of 90 s after 45 s, and again."""
    phone = await phones("refreshed")
    headers = [("Supported", "timer"), ("Session-Expires", "90;refresher=uas")]
    call, event = await station.invited(phone, headers=headers)
    station.engine.answer(event.id, 200)
    await call.answered()
    changes = phone.trace.changes
    await changes.until(lambda: call.reinvites, 60, lambda: f"a refresh\n{call.ladder()}")
    assert call.reinvites[0].headers["Session-Expires"].startswith("90")
    await call.media.received(5)
    await call.hangup()


async def abandoned(station: Station, phones: Phones) -> None:
    """A peer that was to refresh a session of 90 s and does not is hung up on before it is over."""
    phone = await phones("abandoned")
    headers = [("Supported", "timer"), ("Session-Expires", "90;refresher=uac")]
    call = await phone.invite(station.uri(), headers=headers)
    await station.event(EventKind.INCOMING)
    leg = station.events[-1].id
    station.engine.answer(leg, 200)
    await call.answered()
    ended = await station.event(EventKind.ENDED, leg, timeout=95)
    assert (ended.code, ended.text, ended.detail["by"]) == (408, "the session expired", "remote")
    await call.until_ended()


async def test_refresh_and_expiry(station: Station, phones: Phones) -> None:
    """The RFC's shortest session takes a minute and a half: both sides of it at once."""
    lost = asyncio.create_task(abandoned(station, phones))
    await station.event(EventKind.ESTABLISHED, timeout=10)
    await asyncio.gather(refreshed(station, phones), lost)
