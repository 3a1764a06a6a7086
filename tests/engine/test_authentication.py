"""Digest of calls that we place, and the leak that must not happen (promise S5)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.dialog import response_to
from tests.harness.digest import Guard, parameters
from tests.harness.message import Request
from tests.harness.sdp import PCMU, Sdp
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


def answers(phone: Phone, method: str) -> list[dict[str, str]]:
    """The parameters of each Authorization that has come in requests of a method, in order."""
    messages = phone.trace.messages(method)
    return [parameters(value) for one in messages for value in one.headers.lines("Authorization")]


async def test_S6_nonce_counts_of_our_own(station: Station, phones: Phones) -> None:
    """One nonce for a whole call: each answer counts, in hexadecimal, and is right (RFC 7616 §3.4)."""
    phone = await phones("called")
    phone.guard = Guard(USER, PASSWORD, realm="carrier", algorithm="SHA-256", inside=True)
    call, leg = await station.placed(phone, realm="carrier", username=USER, password=PASSWORD)
    await station.event(EventKind.MEDIA, leg)
    for number in range(10):
        wanted = ("local", "none")[number % 2]
        station.engine.hold(leg, wanted == "local")
        while (await station.event(EventKind.MEDIA, leg)).detail["hold"] != wanted:
            pass
    station.engine.hangup(leg)
    await call.until_ended()
    given = [*answers(phone, "INVITE"), *answers(phone, "BYE")]
    assert [int(one["nc"], 16) for one in given] == list(range(1, 13))
    assert [one["nc"] for one in given[8:11]] == ["00000009", "0000000a", "0000000b"]
    assert all(one["cnonce"] and one["qop"] == "auth" for one in given)


async def test_S5_a_foreign_realm_in_our_own_dialog(station: Station, phones: Phones) -> None:
    """The callee behind the carrier asks in its own name: it gets nothing, whether a realm was named or not."""
    for realm in ("carrier", ""):
        phone = await phones("called")
        phone.guard = Guard(USER, PASSWORD, realm="carrier")
        call, leg = await station.placed(phone, realm=realm, username=USER, password=PASSWORD)
        phone.guard = Guard(USER, PASSWORD, realm="phishing", inside=True)
        station.engine.hangup(leg)
        await call.expect("BYE")
        assert (await phone.request("OPTIONS", station.uri())).status == 200
        assert answers(phone, "BYE") == []


class Both(Guard):
    """Asks in two algorithms, each with a nonce of its own; the stronger comes first (RFC 8760 §2.3)."""

    def challenges(self) -> list[tuple[str, str]]:
        weaker = replace(self, algorithm="MD5", nonce="another")
        return [self.challenge(), weaker.challenge()]


async def test_S6_the_strongest_challenge_is_answered(station: Station, phones: Phones) -> None:
    """And only it (RFC 8760 §2.4)."""
    phone = await phones("called")
    phone.guard = Both(USER, PASSWORD, realm="carrier", algorithm="SHA-256")
    _, leg = await station.placed(phone, realm="carrier", username=USER, password=PASSWORD)
    assert [one["algorithm"] for one in answers(phone, "INVITE")] == ["SHA-256"]
    station.engine.hangup(leg)


async def test_S6_no_weaker_answer_when_the_stronger_is_refused(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.guard = Both(USER, "other", realm="carrier", algorithm="SHA-256")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, username=USER, password=PASSWORD)
    assert (await station.event(EventKind.ENDED, leg)).code == 401
    assert {one["algorithm"] for one in answers(phone, "INVITE")} == {"SHA-256"}


def provoke(station: Station, leg: int, method: str) -> None:
    """Has the engine send a request inside a dialog."""
    if method == "BYE":
        station.engine.hangup(leg)
    elif method == "INVITE":
        station.engine.hold(leg, True)
    else:
        station.engine.send_digits(leg, "5")


@pytest.mark.parametrize("proxy", [False, True])
@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO"])
async def test_S5_digest_leak(station: Station, phones: Phones, method: str, proxy: bool) -> None:
    """A caller that challenges what we send in his call learns nothing, even while we hold credentials for others."""
    carrier, attacker = await phones("carrier"), await phones("attacker")
    carrier.guard = Guard(USER, PASSWORD, realm="carrier")
    trunk_call, trunk_leg = await station.placed(carrier, realm="carrier", username=USER, password=PASSWORD)

    offer = Sdp.offer(attacker.address, 4000, (PCMU,)) if method == "INFO" else True
    call, leg = await station.answered(attacker, offer=offer)
    call.behaviour.never_answers = {method}
    provoke(station, leg, method)
    request = await call.expect(method)
    assert isinstance(request, Request)
    guard = Guard(USER, PASSWORD, realm="carrier", proxy=proxy)
    attacker.send(response_to(request, guard.status, headers=[guard.challenge()]), attacker.hop(station.uri()))
    # The engine reads its socket in order: what the challenge provokes is sent before this answer.
    assert (await attacker.request("OPTIONS", station.uri())).status == 200
    sent = attacker.trace.messages(method)
    assert len(sent) == 1
    assert not any(has_credentials(message) for message in sent)

    station.engine.hangup(leg)
    station.engine.hangup(trunk_leg)
    await trunk_call.until_ended()
    await call.until_ended()
