"""Digest of calls that we place, and the leak that must not happen (promise S5)."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.dialog import response_to
from tests.harness.digest import Guard
from tests.harness.message import Request
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
USER, PASSWORD = "trunk", "s3cret"


def has_credentials(request: object) -> bool:
    assert isinstance(request, Request)
    return "Authorization" in request.headers or "Proxy-Authorization" in request.headers


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("proxy", [False, True])
async def test_a_challenge_is_answered(station: Station, phones: Phones, proxy: bool, algorithm: str) -> None:
    phone = await phones("called")
    phone.guard = Guard(USER, PASSWORD, realm="carrier", proxy=proxy, algorithm=algorithm)
    call, leg = await station.placed(phone, realm="carrier", username=USER, password=PASSWORD)
    assert has_credentials(call.invite)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_any_realm_when_none_is_named(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.guard = Guard(USER, PASSWORD, realm="whatever")
    call, leg = await station.placed(phone, username=USER, password=PASSWORD)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_a_foreign_realm_gets_nothing(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.guard = Guard(USER, PASSWORD, realm="phishing")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, realm="carrier", username=USER, password=PASSWORD)
    ended = await station.event(EventKind.ENDED, leg)
    assert (ended.code, ended.detail["by"]) == (401, "remote")
    assert not any(has_credentials(invite) for invite in phone.trace.messages("INVITE"))


async def test_a_wrong_password_ends_the_call(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.guard = Guard(USER, "other", realm="carrier")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, username=USER, password=PASSWORD)
    assert (await station.event(EventKind.ENDED, leg)).code == 401
    assert len(phone.trace.messages("INVITE")) <= 3


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
async def test_S5_digest_leak(station: Station, phones: Phones, method: str) -> None:
    """A caller that challenges our BYE or re-INVITE learns nothing, even while we hold credentials for others."""
    carrier, attacker = await phones("carrier"), await phones("attacker")
    carrier.guard = Guard(USER, PASSWORD, realm="carrier")
    trunk_call, trunk_leg = await station.placed(carrier, realm="carrier", username=USER, password=PASSWORD)

    call, leg = await station.answered(attacker)
    call.behaviour.never_answers = {method}
    if method == "BYE":
        station.engine.hangup(leg)
    else:
        station.engine.hold(leg, True)
    request = await call.expect(method)
    assert isinstance(request, Request)
    challenge = Guard(USER, PASSWORD, realm="carrier").challenge()
    attacker.send(response_to(request, 401, headers=[challenge]), attacker.hop(station.uri()))
    # The engine reads its socket in order: what the challenge provokes is sent before this answer.
    assert (await attacker.request("OPTIONS", station.uri())).status == 200
    sent = attacker.trace.messages(method)
    assert len(sent) == 1
    assert not any(has_credentials(message) for message in sent)

    station.engine.hangup(leg)
    station.engine.hangup(trunk_leg)
    await trunk_call.until_ended()
    await call.until_ended()
