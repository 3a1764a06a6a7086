"""Which codec an offer gets, and which one a further leg is offered first: two sides have one, and wide stays wide."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.test_codecs import EVENTS, offer_of
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sdp import DTMF, G722, GSM, OPUS, PCMA, PCMU, Codec, Sdp
from tests.harness.sip import Phone
from tests.harness.speech import encoded

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

USUAL = ["PCMU", "PCMA", "G722", "opus"]


def names(sdp: Sdp | None) -> list[str]:
    """The codecs of a description that carry sound."""
    assert sdp is not None
    return [codec.name for codec in sdp.codecs if codec.name != "telephone-event"]


async def offered(station: Station, phone: Phone, *codecs: Codec) -> tuple[PhoneCall, int]:
    """A call with this offer, and its leg, which rings."""
    call, event = await station.invited(phone, offer=offer_of(phone, *codecs, DTMF))
    return call, event.id


@pytest.mark.parametrize(
    ("codecs", "chosen"),
    [((G722, PCMU), "G722"), ((PCMA, G722), "PCMA"), ((GSM, OPUS, PCMU), "opus"), ((PCMU, G722), "PCMU")],
)
async def test_the_offers_order_decides_where_it_may(
    stations: Stations, phones: Phones, codecs: tuple[Codec, ...], chosen: str
) -> None:
    station = stations(codecs=USUAL, their_order=True, clock_rate=16000)
    call, leg = await offered(station, await phones("caller"), *codecs)
    station.engine.answer(leg, 200)
    assert names(Sdp.parse((await call.answered()).body)) == [chosen]
    await call.hangup()


async def test_a_list_of_its_own_decides_for_a_source_or_a_call(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=USUAL, their_order=True)
    phone = await phones("caller")
    station.engine.admit(["127.0.0.0/8"], policies=[(f"{phone.address}/32", ["PCMA", "PCMU"], "", "", [])])
    for own, chosen in (([], "PCMA"), (["G722", "PCMU"], "G722")):
        call, leg = await offered(station, phone, PCMU, G722, PCMA)
        station.engine.answer(leg, 200, codecs=own)
        assert names(Sdp.parse((await call.answered()).body)) == [chosen]
        await call.hangup()


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "ringing"])
@pytest.mark.parametrize(
    ("codecs", "first"), [((G722,), "G722"), ((G722, PCMU), "G722"), ((PCMA,), "PCMA"), ((OPUS,), "opus")]
)
async def test_a_leg_is_offered_the_codec_of_another_first(
    stations: Stations, phones: Phones, codecs: tuple[Codec, ...], first: str, answered: bool
) -> None:
    station = stations(codecs=USUAL, their_order=True, clock_rate=16000)
    call, leg = await offered(station, await phones("caller"), *codecs)
    if answered:
        station.engine.answer(leg, 200)
        await call.answered()
    callee = await phones("callee")
    other = station.engine.originate(callee.uri, local_uri=CALLER, like=leg)
    incoming = await callee.incoming()
    assert names(incoming.remote_sdp) == [first, *(name for name in USUAL if name != first)]
    station.engine.hangup(other)
    station.engine.hangup(leg)
    await incoming.until_ended()


async def test_a_codec_that_is_not_in_the_list_is_not_offered(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=USUAL, clock_rate=16000)
    call, leg = await offered(station, await phones("caller"), G722)
    callee = await phones("callee")
    other = station.engine.originate(callee.uri, local_uri=CALLER, like=leg, codecs=["PCMA", "PCMU"])
    incoming = await callee.incoming()
    assert names(incoming.remote_sdp) == ["PCMA", "PCMU"]
    third = station.engine.originate(callee.uri, local_uri=CALLER, like=12345)
    assert names((await callee.incoming()).remote_sdp) == USUAL
    for each in (other, third, leg):
        station.engine.hangup(each)
    await call.until_ended()


@pytest.mark.parametrize(
    ("callee", "codecs", "chosen"),
    [(PCMU, (G722, PCMU), "PCMU"), (G722, (PCMU, G722), "G722"), (G722, (PCMA, PCMU), "PCMA")],
)
async def test_an_answer_has_the_codec_of_the_leg_that_it_waited_for(
    stations: Stations, phones: Phones, callee: Codec, codecs: tuple[Codec, ...], chosen: str
) -> None:
    station = stations(codecs=USUAL, their_order=True, clock_rate=16000)
    call, leg = await offered(station, await phones("caller"), *codecs)
    phone = await phones("callee")
    other = station.engine.originate(phone.uri, local_uri=CALLER)
    incoming = await phone.incoming()
    incoming.negotiation.codecs = (callee, DTMF)
    await incoming.answer()
    await station.event(EventKind.ESTABLISHED, other)
    station.engine.answer(leg, 200, like=other)
    assert names(Sdp.parse((await call.answered()).body)) == [chosen]
    for each in (leg, other):
        station.engine.hangup(each)
    await call.until_ended()


@pytest.mark.parametrize(
    ("name", "codec", "event"),
    [
        ("opus", OPUS, DTMF),
        ("G722", G722, Codec(110, "telephone-event", 16000, "0-16")),
        ("PCMU", PCMU, Codec(108, "telephone-event", 32000, "0-16")),
        ("opus", OPUS, EVENTS[48000]),
    ],
    ids=["opus-8000", "G722-16000", "PCMU-32000", "opus-48000"],
)
async def test_events_of_whatever_clock_are_answered(
    stations: Stations, phones: Phones, name: str, codec: Codec, event: Codec
) -> None:
    station = stations(codecs=[name], clock_rate=16000)
    phone = await phones("caller")
    call, invited = await station.invited(phone, offer=Sdp.offer(phone.address, 40000, (codec, event)))
    station.engine.answer(invited.id, 200)
    answer = Sdp.parse((await call.answered()).body)
    assert [(each.name, each.rate, each.payload_type) for each in answer.codecs] == [
        (codec.name, codec.rate, codec.payload_type),
        ("telephone-event", event.rate, event.payload_type),
    ]
    media = await station.event(EventKind.MEDIA, invited.id)
    assert media.detail["telephone_event"]
    await call.hangup()


@pytest.mark.parametrize("rate", [8000, 48000])
async def test_digits_beside_opus_last_as_long_as_they_say(stations: Stations, phones: Phones, rate: int) -> None:
    """Their durations are in their own clock, their timestamps in that of the sound (RFC 7160 section 4.2)."""
    station = stations(codecs=["PCMU", "opus"], clock_rate=16000)
    call, leg = await station.answered(await phones("caller"))
    event, media = EVENTS[rate], call.media
    assert call.local_sdp is not None
    response = await call.reinvite(sdp=replace(call.local_sdp, codecs=(OPUS, event), version=9))
    answer = Sdp.parse(response.body)
    media.payloads(encoded(tones.tone(440, 1.0, rate=48000), "opus"))
    media.connect((answer.address, answer.port), codec=OPUS, dtmf=event, sending=True)
    since = media.mark()
    await media.received(10, since=since)
    station.engine.send_digits(leg, "7", duration=200)
    (digit,) = await media.heard_digits("7")
    assert digit.duration_ms == 200
    await media.received(20)
    sound = [each for each in media.heard.arrivals[since:] if each.packet.payload_type == OPUS.payload_type]
    passed = sound[-1].packet.timestamp - sound[0].packet.timestamp & 0xFFFFFFFF
    assert passed == pytest.approx(48000 * (sound[-1].time - sound[0].time), abs=48 * 80)
    await media.send_digits("5")
    assert (await station.event(EventKind.DIGIT, leg)).text == "5"
    await call.hangup()
