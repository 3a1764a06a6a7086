"""One INVITE, several phones behind a proxy: their early dialogs, and their answers (RFC 3261 section 13.2.2.4)."""

from collections.abc import Awaitable, Callable

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import How
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


async def test_the_second_answer_is_acknowledged_and_hung_up(station: Station, phones: Phones) -> None:
    phone = await phones("proxy")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    first = await phone.incoming()
    second = first.fork()
    await first.ring()
    await second.ring()
    await first.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    # Both phones have one host: until the first has been heard, the second might be the first behind a NAT.
    await first.media.received(5)
    await second.answer()
    assert (await second.until_ended()).how is How.BYE_RECEIVED
    ours = {arrival.packet.ssrc for arrival in first.media.heard.arrivals}
    assert not ours & {arrival.packet.ssrc for arrival in second.media.heard.arrivals}
    station.engine.hangup(leg)
    assert (await first.until_ended()).how is How.BYE_RECEIVED
    assert station.of(leg).count(EventKind.ESTABLISHED) == 1


async def test_the_one_that_did_not_ring_first_answers(station: Station, phones: Phones) -> None:
    phone = await phones("proxy")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    first = await phone.incoming()
    second = first.fork()
    await first.ring()
    await second.ring()
    await second.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    await second.media.received(5)
    assert (await station.event(EventKind.MEDIA, leg)).detail["remote"].endswith(f":{second.media.port}")
    station.engine.hangup(leg)
    assert (await second.until_ended()).how is How.BYE_RECEIVED


async def test_early_media_of_one_and_the_answer_of_another(station: Station, phones: Phones) -> None:
    phone = await phones("proxy")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    first = await phone.incoming()
    second = first.fork()
    await first.progress()
    await first.media.received(5)
    await second.ring()
    await second.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    await second.media.received(5)
    station.engine.hangup(leg)
    assert (await second.until_ended()).how is How.BYE_RECEIVED


async def test_reliable_ringing_of_two(station: Station, phones: Phones) -> None:
    phone = await phones("proxy")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    first = await phone.incoming()
    second = first.fork()
    await first.ring(reliable=True)
    await first.expect("PRACK")
    await second.ring(reliable=True)
    await second.expect("PRACK")
    await second.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    assert (await second.until_ended()).how is How.BYE_RECEIVED
