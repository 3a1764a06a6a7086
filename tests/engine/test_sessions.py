"""What happens to a session that has begun: holds, other codecs and addresses, UPDATE, late offers, glare."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import PhoneCall
from tests.harness.message import Request
from tests.harness.rtp import RtpPeer
from tests.harness.sdp import DTMF, PCMA, PCMU, Sdp
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


async def offered_at(call: PhoneCall, count: int) -> float:
    """When the peer's re-INVITE of that number came."""

    def probe() -> float:
        entries = [entry for entry in call.phone.trace.entries if not entry.sent and isinstance(entry.message, Request)]
        offers = [entry.time for entry in entries if entry.message and entry.message.headers["CSeq"].endswith("INVITE")]
        started = 0 if call.caller else 1
        return offers[count - 1 + started] if len(offers) >= count + started else 0.0

    return await call.phone.trace.changes.until(probe, 6, lambda: f"re-INVITE {count}\n{call.ladder()}")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("direction", "address", "answered"),
    [("sendonly", "", "recvonly"), ("inactive", "", "inactive"), ("sendrecv", "0.0.0.0", "inactive")],
    ids=["sendonly", "inactive", "zero"],
)
async def test_every_way_of_holding(
    station: Station, phones: Phones, method: str, direction: str, address: str, answered: str
) -> None:
    call, leg = await station.answered(await phones("caller"))
    assert (await station.event(EventKind.MEDIA, leg)).detail["hold"] == "none"
    first = call.local_sdp
    assert first is not None
    held = replace(first.again(direction), address=address or first.address)
    response = await call.request(method, body=call.negotiation.offer(held))
    assert response.status == 200
    answer = Sdp.parse(response.body)
    assert answer.direction in (answered, "recvonly" if address else answered) or answer.address == "0.0.0.0"
    assert (await station.event(EventKind.MEDIA, leg)).detail["hold"] == "remote"
    since = call.media.mark()
    await call.media.silence_heard(0.4)
    assert len(call.media.heard.arrivals) - since <= 2

    resumed = replace(first.again("sendrecv"), version=first.version + 2)
    response = await call.request(method, body=call.negotiation.offer(resumed))
    assert (response.status, Sdp.parse(response.body).direction) == (200, "sendrecv")
    again = await station.event(EventKind.MEDIA, leg)
    assert (again.code, again.detail["hold"]) == (1, "none")
    await call.media.received(10)
    await call.hangup()


async def test_a_reinvite_changes_the_codec_and_the_address(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    assert (await station.event(EventKind.MEDIA, leg)).detail["codec"] == "PCMU"
    first, media = call.local_sdp, RtpPeer(codec=PCMA)
    assert first is not None
    moved = replace(first.again("sendrecv"), address=media.address, port=media.port, codecs=(PCMA, DTMF))
    before, call.media, call.negotiation.media = call.media, media, media
    assert (await call.reinvite(sdp=moved)).status == 200
    changed = await station.event(EventKind.MEDIA, leg)
    assert (changed.detail["codec"], changed.detail["remote"]) == ("PCMA", f"{media.address}:{media.port}")
    await media.received(10)
    assert media.heard.payload_types == {8}
    before.close()
    await call.hangup()


async def test_update_without_a_description_is_a_sign_of_life(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await station.event(EventKind.MEDIA, leg)
    response = await call.request("UPDATE")
    assert (response.status, response.body) == (200, b"")
    await call.media.received(5)
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert station.of(leg).count(EventKind.MEDIA) == 1


async def test_update_of_early_media(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.progress(reliable=True)
    await call.expect("PRACK")
    assert (await station.event(EventKind.MEDIA, leg)).detail["codec"] == "PCMU"
    first = call.local_sdp
    assert first is not None
    changed = replace(first.again("sendrecv"), codecs=(PCMA, DTMF))
    response = await call.request("UPDATE", body=call.negotiation.offer(changed))
    assert response.status == 200
    assert (await station.event(EventKind.MEDIA, leg)).detail["codec"] == "PCMA"
    await call.answer(sdp=False)
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_we_leave_the_offer_to_the_called_party(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, offer=False, codecs=["PCMA", "PCMU"])
    call = await phone.incoming()
    assert call.invite.body == b""
    await call.answer()
    ack = await call.expect("ACK")
    assert [codec.name for codec in Sdp.parse(ack.body).codecs] == ["PCMA", "telephone-event"]
    await station.event(EventKind.ESTABLISHED, leg)
    assert (await station.event(EventKind.MEDIA, leg)).detail["codec"] == "PCMA"
    await call.media.received(5)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_a_reinvite_without_an_offer_gets_one(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await station.event(EventKind.MEDIA, leg)
    response = await call.reinvite(sdp=False)
    assert response.status == 200
    assert Sdp.parse(response.body).codecs[0] == PCMU
    await call.media.received(10)
    await call.hangup()


@pytest.mark.parametrize("ours", [True, False], ids=["our-call", "their-call"])
async def test_an_offer_that_met_another_is_made_again(station: Station, phones: Phones, ours: bool) -> None:
    phone = await phones("peer")
    call, leg = await (station.placed(phone) if ours else station.answered(phone))
    await station.event(EventKind.MEDIA, leg)
    call.reinvite_status = 491
    station.engine.hold(leg, True)
    first = await offered_at(call, 1)
    call.reinvite_status = 200
    waited = await offered_at(call, 2) - first
    assert 2.0 < waited < 4.2 if ours else waited < 2.2
    assert (await station.event(EventKind.MEDIA, leg)).detail["hold"] == "local"
    assert len(call.reinvites) == 2
    station.engine.hangup(leg)
    await call.until_ended()


async def test_an_offer_that_meets_ours_is_refused_and_ours_stands(station: Station, phones: Phones) -> None:
    call, leg = await station.placed(await phones("peer"))
    await station.event(EventKind.MEDIA, leg)
    call.behaviour.never_answers = {"INVITE"}
    station.engine.hold(leg, True)
    await offered_at(call, 1)
    assert (await call.reinvite()).status == 491
    station.engine.hangup(leg)
    await call.until_ended()


async def test_a_hold_during_the_peers_offer_waits_for_its_end(station: Station, phones: Phones) -> None:
    phone = await phones("peer")
    phone.behaviour.acks = False
    call, leg = await station.placed(phone)
    await station.event(EventKind.MEDIA, leg)
    assert (await call.reinvite()).status == 200
    station.engine.hold(leg, True)
    station.engine.hold(leg, False)
    station.engine.hold(leg, True)
    await station.event(EventKind.MEDIA, leg, timeout=8)
    station.engine.hangup(leg)
    await call.until_ended()
