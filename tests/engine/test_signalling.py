"""Calls in and out over UDP and TCP, against a SIP peer that shares no code with the engine."""

import json
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import How
from tests.harness.sdp import Sdp
from tests.harness.sip import Phone
from tests.harness.transaction import Timers

Phones = Callable[..., Awaitable[Phone]]
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])


@TRANSPORTS
async def test_inbound_call_is_answered_and_ended_by_the_peer(station: Station, phones: Phones, transport: str) -> None:
    phone = await phones("caller", transport=transport)
    call, event = await station.invited(phone, headers=[("X-Account", "17"), ("x-account", "18")])
    assert event.detail["request_uri"] == station.uri(transport=transport)
    assert event.detail["from_uri"] == f"sip:caller@{phone.address}:{phone.port}"
    assert event.detail["to_uri"] == f"sip:service@{station.host}:{station.port(transport)}"
    assert event.detail["from_header"] == call.invite.headers["From"]
    assert event.detail["contact"] == phone.contact
    assert event.detail["call_id"] == call.call_id
    assert (event.detail["source_host"], event.detail["transport"]) == (phone.address, transport.upper())
    if transport == "udp":
        assert event.detail["source_port"] == phone.port
    assert (event.detail["local_host"], event.detail["local_port"]) == (station.host, station.port(transport))
    assert event.detail["offer"] is True
    names = [name for name, _ in event.detail["headers"]]
    assert names == [*(name for name, _ in call.invite.headers), "Content-Length"]
    assert [value for name, value in event.detail["headers"] if name.lower() == "x-account"] == ["17", "18"]

    station.engine.answer(event.id, 180, headers=[("X-Queue", "3")])
    ringing = await call.ringing()
    assert (ringing.status, ringing.headers["X-Queue"]) == (180, "3")
    station.engine.answer(event.id, 200, headers=[("X-Answered-By", "prompt")])
    response = await call.answered()
    assert response.headers["X-Answered-By"] == "prompt"
    media = await station.event(EventKind.MEDIA, event.id)
    assert media.code == 1
    assert media.detail["codec"] == "PCMU"
    assert (media.detail["clock_rate"], media.detail["ptime"], media.detail["hold"]) == (8000, 20, "none")
    established = await station.event(EventKind.ESTABLISHED, event.id)
    assert (established.code, established.detail["headers"]) == (200, [])
    assert established.detail["call_id"] == call.call_id

    await call.hangup(headers=[("X-Reason", "bored")])
    ended = await station.event(EventKind.ENDED, event.id)
    assert (ended.code, ended.detail["by"]) == (200, "remote")
    assert ("X-Reason", "bored") in ended.detail["headers"]
    assert ended.detail["call_id"] == call.call_id
    statistics = json.loads(ended.detail["statistics"])
    assert statistics["codec"] == "PCMU"


@TRANSPORTS
async def test_outbound_call_rings_answers_and_is_hung_up_by_us(
    station: Station, phones: Phones, transport: str
) -> None:
    phone = await phones("called", transport=transport)
    leg = station.engine.originate(
        phone.uri, local_uri=f'"Alice Q" <{CALLER}>', headers=[("X-Call", "A-1"), ("Subject", "test")]
    )
    call = await phone.incoming()
    assert call.invite.via.transport == transport.upper()
    assert (call.invite.from_.display, call.invite.from_.uri) == ("Alice Q", CALLER)
    assert (call.invite.headers["X-Call"], call.invite.headers["Subject"]) == ("A-1", "test")
    await call.ring()
    progress = await station.event(EventKind.PROGRESS, leg)
    assert (progress.code, progress.text, progress.detail["early_media"]) == (180, "Ringing", False)
    names = ("call_id", "local_tag", "remote_tag")
    ids = (call.call_id, call.dialog.remote.tag, call.dialog.local.tag)
    assert tuple(progress.detail[name] for name in names) == ids
    await call.answer(headers=[("X-Callee", "bob")])
    established = await station.event(EventKind.ESTABLISHED, leg)
    assert ("X-Callee", "bob") in established.detail["headers"]
    assert established.detail["call_id"] == call.call_id
    assert (await station.event(EventKind.MEDIA, leg)).detail["remote"] == f"{phone.address}:{call.media.port}"

    station.engine.hangup(leg, headers=[("X-Why", "done")])
    ended = await station.event(EventKind.ENDED, leg)
    assert (ended.code, ended.detail["by"]) == (200, "local")
    assert json.loads(ended.detail["statistics"])["codec"] == "PCMU"
    ending = await call.until_ended()
    assert ending.how is How.BYE_RECEIVED
    assert ending.message is not None and ending.message.headers["X-Why"] == "done"


async def test_peer_cancels(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    call, event = await station.invited(phone)
    final = await call.cancel(headers=[("Reason", "SIP;cause=200")])
    assert final.status == 487
    ended = await station.event(EventKind.ENDED, event.id)
    assert (ended.code, ended.text, ended.detail["by"]) == (487, "Request Terminated", "remote")
    assert ended.detail["statistics"] == ""
    station.engine.answer(event.id, 200)  # crossed with the CANCEL: nobody is there any more
    station.engine.hangup(event.id)
    await station.until_counts(jobs=0, legs=0)


@pytest.mark.parametrize(("code", "answered"), [(486, 486), (302, 302), (0, 603)])
async def test_we_refuse(station: Station, phones: Phones, code: int, answered: int) -> None:
    phone = await phones("caller")
    call, event = await station.invited(phone)
    station.engine.hangup(
        event.id, code=code, reason="Elsewhere", headers=[("Contact", "<sip:other@127.0.0.1>"), ("X-Why", "busy")]
    )
    refusal = await call.refused()
    assert (refusal.status, refusal.reason) == (answered, "Elsewhere")
    assert refusal.headers["X-Why"] == "busy"
    assert refusal.headers.lines("Contact") == ["<sip:other@127.0.0.1>"]
    ended = await station.event(EventKind.ENDED, event.id)
    assert (ended.code, ended.text, ended.detail["by"]) == (answered, "Elsewhere", "local")


@pytest.mark.parametrize("code", [302, 404, 486, 600])
async def test_peer_refuses(station: Station, phones: Phones, code: int) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.refuse(code, headers=[("X-Cause", "17"), ("Contact", "<sip:other@127.0.0.1>")], reason="On the phone")
    ended = await station.event(EventKind.ENDED, leg)
    assert (ended.code, ended.text, ended.detail["by"]) == (code, "On the phone", "remote")
    assert ("X-Cause", "17") in ended.detail["headers"]


@TRANSPORTS
async def test_we_cancel_a_ringing_call(station: Station, phones: Phones, transport: str) -> None:
    phone = await phones("called", transport=transport)
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.ring()
    await station.event(EventKind.PROGRESS, leg)
    station.engine.hangup(leg, headers=[("Reason", 'SIP;cause=200;text="Call completed elsewhere"')])
    ended = await station.event(EventKind.ENDED, leg)
    assert (ended.code, ended.detail["by"]) == (487, "local")
    ending = await call.until_ended()
    assert ending.how is How.CANCELLED
    assert ending.reason.startswith("SIP;cause=200")


async def test_we_cancel_before_the_peer_has_said_anything(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.behaviour.trying = False
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    station.engine.hangup(leg)
    assert (await station.event(EventKind.ENDED, leg)).code == 487
    await call.ring()  # RFC 3261 section 9.1: only now may the CANCEL go out
    assert (await call.until_ended()).how is How.CANCELLED


async def test_a_cancel_that_crosses_the_answer_ends_in_bye(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    phone.behaviour.never_answers = {"CANCEL"}
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.ring()
    await station.event(EventKind.PROGRESS, leg)
    station.engine.hangup(leg)
    await station.event(EventKind.ENDED, leg)
    await phone.expect("CANCEL")
    await call.answer()
    assert (await call.until_ended()).how is How.BYE_RECEIVED


async def test_a_bye_without_an_answer_still_ends_the_leg(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    phone.behaviour.never_answers = {"BYE"}
    call, leg = await station.answered(phone)
    station.engine.hangup(leg)
    ended = await station.event(EventKind.ENDED, leg, timeout=1.0)
    assert (ended.code, ended.detail["by"]) == (200, "local")
    assert station.engine.counts()["legs"] == 0
    await call.expect("BYE")


async def test_nobody_listens_at_the_target(station: Station) -> None:
    leg = station.engine.originate("sip:nobody@127.0.0.1:1;transport=tcp", local_uri=CALLER)
    ended = await station.event(EventKind.ENDED, leg)
    assert ended.code == 503
    assert ended.text
    assert station.of(leg) == [EventKind.ENDED]


async def test_early_media_both_ways(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.progress()
    assert (await station.event(EventKind.PROGRESS, leg)).detail["early_media"] is True
    assert (await station.event(EventKind.MEDIA, leg)).code == 1
    await call.media.received(5)
    station.engine.hangup(leg)
    await station.event(EventKind.ENDED, leg)

    caller = await phones("caller")
    inbound, event = await station.invited(caller)
    station.engine.answer(event.id, 183)
    assert (await inbound.ringing()).status == 183
    assert (await station.event(EventKind.MEDIA, event.id)).code == 1
    await inbound.media.received(5)
    station.engine.answer(event.id, 200)
    await inbound.answered()
    await inbound.hangup()


async def test_an_invite_without_an_offer_is_offered_media(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=False)
    assert event.detail["offer"] is False
    station.engine.answer(event.id, 180)
    await call.ringing()
    station.engine.answer(event.id, 200)
    response = await call.answered()
    offer = Sdp.parse(response.body)
    assert [codec.name for codec in offer.codecs][:3] == ["PCMU", "PCMA", "G722"]
    await station.event(EventKind.ESTABLISHED, event.id)
    assert (await station.event(EventKind.MEDIA, event.id)).code == 1
    await call.media.received(5)
    await call.hangup()


async def test_a_second_answer_fails_and_the_call_goes_on(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    call, leg = await station.answered(phone)
    station.engine.answer(leg, 200)
    failed = await station.event(EventKind.FAILED, leg)
    assert "answer" in failed.text
    await call.media.received(5)
    await call.hangup()


async def test_the_ack_never_comes(stations: Callable[..., Station], phones: Phones) -> None:
    station = stations()
    phone = await phones("caller", timers=Timers(t1=0.05))
    phone.behaviour.acks = False
    call, event = await station.invited(phone)
    station.engine.answer(event.id, 200)
    await call.answered()
    station.engine.hangup(event.id)
    ended = await station.event(EventKind.ENDED, event.id)
    assert ended.detail["by"] == "local"
    assert EventKind.ESTABLISHED not in station.of(event.id)
