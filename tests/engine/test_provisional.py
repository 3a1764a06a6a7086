"""Provisional responses that are acknowledged (RFC 3262), both ways: used when both can, required when it must be."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.message import Response
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


def is_reliable(response: Response) -> bool:
    return "RSeq" in response.headers and "100rel" in response.headers.get("Require")


async def capable(phones: Phones, user: str = "phone") -> Phone:
    phone = await phones(user)
    phone.behaviour.reliable_provisionals = True
    return phone


async def test_ringing_and_early_media_are_acknowledged_by_a_capable_caller(station: Station, phones: Phones) -> None:
    phone = await capable(phones)
    call, event = await station.invited(phone)
    station.engine.answer(event.id, 180)
    ringing = await call.ringing()
    assert is_reliable(ringing)
    assert (await call.expect(200, method="PRACK")).headers["CSeq"].endswith("PRACK")
    station.engine.answer(event.id, 183)
    await call.expect(200, method="PRACK")
    assert (await station.event(EventKind.MEDIA, event.id)).code == 1
    await call.media.received(5)
    station.engine.answer(event.id, 200)
    response = await call.answered()
    assert [is_reliable(each) for each in call.provisional] == [True, True]
    assert int(call.provisional[1].headers["RSeq"]) == int(ringing.headers["RSeq"]) + 1
    assert "100rel" not in response.headers.get("Require")
    await call.hangup()


async def test_an_answer_waits_for_the_acknowledgement_of_early_media(station: Station, phones: Phones) -> None:
    phone = await capable(phones)
    call, event = await station.invited(phone)
    station.engine.answer(event.id, 183)
    station.engine.answer(event.id, 200)  # before the PRACK can have come
    await call.answered()
    lines = [str(entry.message.title) for entry in phone.trace.entries if entry.message is not None]
    assert [line for line in lines if line.startswith(("183", "PRACK", "200"))]
    await station.event(EventKind.ESTABLISHED, event.id)
    await call.hangup()


async def test_a_caller_without_it_gets_plain_ones(station: Station, phones: Phones) -> None:
    call, event = await station.invited(await phones("plain"))
    station.engine.answer(event.id, 180)
    assert not is_reliable(await call.ringing())
    station.engine.answer(event.id, 200)
    await call.answered()
    await call.hangup()


async def test_a_caller_may_require_it(station: Station, phones: Phones) -> None:
    phone = await capable(phones)
    call, event = await station.invited(phone, headers=[("Require", "100rel")])
    station.engine.answer(event.id, 180)
    assert is_reliable(await call.ringing())
    station.engine.answer(event.id, 200)
    await call.answered()
    await call.hangup()


@pytest.mark.parametrize(
    ("reliable", "header"), [("", "Supported"), ("supported", "Supported"), ("required", "Require")]
)
async def test_we_acknowledge_those_of_a_called_party(
    station: Station, phones: Phones, reliable: str, header: str
) -> None:
    phone = await capable(phones)
    leg = station.engine.originate(phone.uri, local_uri=CALLER, reliable=reliable)
    call = await phone.incoming()
    assert "100rel" in call.invite.headers.get(header)
    await call.ring(reliable=True)
    prack = await call.expect("PRACK")
    assert prack.headers["RAck"].split()[0] == call.provisional[0].headers["RSeq"]
    await station.event(EventKind.PROGRESS, leg)
    await call.progress(reliable=True)
    assert (await call.expect("PRACK")).headers["RAck"].split()[0] == call.provisional[1].headers["RSeq"]
    assert (await station.event(EventKind.MEDIA, leg)).code == 1
    await call.media.received(5)
    await call.answer(sdp=False)
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_switched_off(station: Station, phones: Phones) -> None:
    phone = await capable(phones)
    station.engine.admit(["127.0.0.0/8"], policies=[("127.0.0.0/8", [], "", "off", [])])
    call, event = await station.invited(phone)
    station.engine.answer(event.id, 180)
    assert not is_reliable(await call.ringing())
    station.engine.answer(event.id, 200)
    await call.answered()
    await call.hangup()


async def test_a_source_that_must_have_it_and_has_not(station: Station, phones: Phones) -> None:
    station.engine.admit(["127.0.0.0/8"], policies=[("127.0.0.0/8", [], "", "required", [])])
    refused = await (await phones("plain")).invite(station.uri())
    response = await refused.refused()
    assert (response.status, response.headers["Require"]) == (421, "100rel")
    call, event = await station.invited(await capable(phones))
    station.engine.answer(event.id, 180)
    assert is_reliable(await call.ringing())
    await call.cancel()
