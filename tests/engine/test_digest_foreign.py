"""Somebody else's phone authenticates at the gate (promise S6)."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine import users
from tests.engine.station import Station
from tests.engine.users import Account, guard, serve
from tests.harness.baresip import Baresip

Phones = Callable[..., Awaitable[Baresip]]
BARE = Account("bare", "open-sesame")

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_S6_baresip_registers_and_calls(station: Station, baresip: Phones, transport: str) -> None:
    guard(station, BARE, algorithms=["MD5"])
    serve(station)
    domain = f"{station.host}:{station.port(transport)}"
    phone = await baresip(user="bare", domain=domain, password=BARE.password, transport=transport)
    # It registers before anybody can listen to its events; its terminal tells.
    assert phone.program is not None
    await phone.program.said(r"200 OK .*\[\d+ bindings?\]")
    await phone.dial(station.uri(transport=transport))
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await phone.event("CALL_ESTABLISHED")
    await phone.hangup()
    await station.event(EventKind.ENDED, event.id)
    assert set(users.users(station)) == {"bare"}
    assert users.occasions(station) == []


async def test_S3_baresip_with_a_wrong_password(station: Station, baresip: Phones) -> None:
    """It tries again and again, and is blocked."""
    guard(station, BARE, algorithms=["MD5"])
    await baresip(user="bare", domain=f"{station.host}:{station.port()}", password="guess")
    while (await station.event(EventKind.SECURITY)).detail["kind"] != "blocked":
        pass
    assert station.engine.counters()["auth_failed"] == 5
