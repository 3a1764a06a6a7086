"""How long a packet is: what a peer asks for in every codec, as far as a datagram holds it, and as it takes it."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.test_codecs import NAMED, heard_of, tap_hears
from tests.engine.test_switching import until_fed
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sdp import Codec, Sdp
from tests.harness.sip import Phone
from tests.harness.speech import decoded

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

LONGEST = {"L16/16000": 40}
"""ms, where 60 do not fit into a datagram."""
FRAME = {"opus": 20, "GSM": 20, "L16/8000": 20, "L16/16000": 20}
"""ms of a codec's frame, where it is not 10."""


def sent_ms(name: str, ptime: int) -> int:
    """How long our packets are to a peer that asks for so many ms."""
    frame = FRAME.get(name, 10)
    rounded = max(frame, (ptime + frame // 2) // frame * frame)
    return min(rounded, LONGEST.get(name, 60))


async def answered(station: Station, phone: Phone, name: str, **description: object) -> tuple[PhoneCall, int, Codec]:
    """A call to a phone that answers with one codec and these fields of its description."""
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    call.negotiation.codecs = (NAMED[name],)
    assert call.remote_sdp is not None
    codec = next(each for each in call.remote_sdp.codecs if each.name == NAMED[name].name)
    sdp = replace(Sdp.offer(call.media.address, call.media.port, (codec,)), **description)
    await call.answer(sdp=sdp)
    return call, leg, codec


@pytest.mark.parametrize("ptime", [10, 30, 50, 60])
@pytest.mark.parametrize("name", NAMED)
async def test_the_peers_ptime_is_spoken_and_understood(
    stations: Stations, phones: Phones, name: str, ptime: int
) -> None:
    station = stations(codecs=[name], clock_rate=16000)
    call, leg, codec = await answered(station, await phones("called"), name, ptime=ptime)
    length = sent_ms(name, ptime)
    assert (await station.event(EventKind.MEDIA, leg)).detail["ptime"] == length
    call.media.accept([codec])
    station.engine.tone([(700, 0, 5000, 0)], sink=leg, loop=0)
    since, began = call.media.mark(), station.now()
    await call.media.received(1200 // length, since=since)
    assert station.now() - began == pytest.approx(1.2, abs=0.4)
    packets = [arrival.packet for arrival in call.media.heard.arrivals[since:]]
    steps = {after.timestamp - before.timestamp & 0xFFFFFFFF for before, after in itertools.pairwise(packets[5:])}
    assert steps == {codec.rate * length // 1000}
    payloads = heard_of(call, codec, since)
    pcm, rate = decoded(payloads[5:], codec.name, codec.rate)
    assert tones.contains(pcm[-rate // 2 :], 700, rate=rate)

    call.media.ptime_ms = length
    call.media.payloads(payloads[5:])
    assert call.remote_sdp is not None
    call.media.connect((call.remote_sdp.address, call.remote_sdp.port), codec=codec, sending=True)
    await tap_hears(station, leg, 700, 16000)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_what_we_ask_for_fits_into_a_datagram(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["L16/16000"], ptime=60, clock_rate=16000)
    call, leg, codec = await answered(station, await phones("called"), "L16/16000", ptime=0)
    assert call.remote_sdp is not None
    assert (call.remote_sdp.ptime, call.remote_sdp.attribute("maxptime")) == (40, "40")
    assert (await station.event(EventKind.MEDIA, leg)).detail["ptime"] == 40
    call.media.accept([codec])
    station.engine.tone([(700, 0, 5000, 0)], sink=leg, loop=0)
    await call.media.heard_tone(700)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_opus_of_a_high_bit_rate_fits_into_a_datagram(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["opus"], ptime=60, clock_rate=16000, opus={"bitrate": 510000})
    call, leg, codec = await answered(station, await phones("called"), "opus", ptime=60)
    assert (await station.event(EventKind.MEDIA, leg)).detail["ptime"] == 20
    call.media.accept([codec])
    station.engine.tone([(700, 1100, 5000, 0)], sink=leg, loop=0)
    await call.media.received(30)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_a_peer_gets_no_longer_packets_than_it_takes(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["PCMU"], ptime=60)
    call, leg, _ = await answered(station, await phones("called"), "PCMU", ptime=0, extra=("maxptime:30",))
    assert (await station.event(EventKind.MEDIA, leg)).detail["ptime"] == 30
    await call.media.received(5)
    assert {len(arrival.packet.payload) for arrival in call.media.heard.arrivals} == {240}
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize(("longest", "mode", "size"), [("20", "mix", 160), ("60", "relay", 480)])
async def test_long_packets_are_relayed_to_those_who_take_them(
    stations: Stations, phones: Phones, longest: str, mode: str, size: int
) -> None:
    station = stations(codecs=["PCMU"])
    long, one, _ = await answered(station, await phones("long"), "PCMU")
    short, other, _ = await answered(station, await phones("short"), "PCMU", extra=(f"maxptime:{longest}",))
    for leg in (one, other):
        await station.event(EventKind.ESTABLISHED, leg)
    long.media.ptime_ms = 60
    long.media.tone(500)
    short.media.tone(700)
    station.engine.connect(one, other)
    station.engine.connect(other, one)
    await until_fed(station, mode, 1 if mode == "mix" else 2)
    await short.media.heard_tone(500)
    await long.media.heard_tone(700)
    since = short.media.mark()
    await short.media.received(20, since=since)
    assert {len(arrival.packet.payload) for arrival in short.media.heard.arrivals[since:]} == {size}
    for call, leg in ((long, one), (short, other)):
        station.engine.hangup(leg)
        await call.until_ended()
