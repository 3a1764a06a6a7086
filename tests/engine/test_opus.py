"""Opus as the peer asks for it (RFC 7587 section 6.1): silence, redundancy, bit rate and bandwidth."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.test_codecs import heard_of, tap_hears
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sdp import Codec, Sdp
from tests.harness.sip import Phone
from tests.harness.speech import decoded

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]


async def asked(station: Station, phone: Phone, parameters: str) -> tuple[PhoneCall, int, Codec]:
    """A call to a phone that speaks Opus and says this of itself."""
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    codec = replace(call.remote_sdp.codecs[0], parameters=parameters)
    await call.answer(sdp=Sdp.offer(call.media.address, call.media.port, (codec,)))
    await station.event(EventKind.MEDIA, leg)
    call.media.accept([codec])
    return call, leg, codec


def has_redundancy(payload: bytes) -> bool:
    """Whether a packet of one frame of 20 ms by SILK has an earlier frame anew (RFC 6716 sections 3.1 and 4.2.3)."""
    silk = payload[0] >> 3 < 16
    return silk and len(payload) > 1 and bool(payload[1] >> 6 & 1)


async def said(station: Station, call: PhoneCall, leg: int, codec: Codec, packets: int = 100) -> Sequence[bytes]:
    """What the peer gets of a sound that changes."""
    station.engine.tone([(440, 1234, 180, 20), (700, 900, 180, 20)], sink=leg, loop=0)
    since = call.media.mark()
    await call.media.received(packets, since=since)
    return heard_of(call, codec, since)[packets // 5 :]


async def test_silence_is_not_sent_to_who_asks_for_that(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["opus"], clock_rate=16000)
    call, leg, codec = await asked(station, await phones("called"), "usedtx=1")
    await station.pause(1)
    station.engine.tone([(440, 0, 500, 2500)], sink=leg, loop=0)
    await call.media.received(20)
    since = call.media.mark()
    await station.pause(3)
    arrivals = call.media.heard.arrivals[since:]
    payloads = heard_of(call, codec, since)
    assert min(len(payload) for payload in payloads) > 2
    assert 25 <= len(payloads) < 80, "half a second of sound, and a packet each 400 ms"
    for before, after in itertools.pairwise(arrivals):
        assert after.packet.sequence - before.packet.sequence & 0xFFFF == 1, "a silence is no loss"
        ticks = after.packet.timestamp - before.packet.timestamp & 0xFFFFFFFF
        assert ticks / 48000 == pytest.approx(after.time - before.time, abs=0.1)
        assert after.packet.marker == (ticks > 960)
    await call.media.received(50)
    pcm, rate = decoded(heard_of(call, codec, since), "opus", 48000)
    assert any(tones.contains(pcm[at : at + rate // 5], 440, rate=rate) for at in range(0, len(pcm), rate // 10))
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize("parameters", ["", "usedtx=0;useinbandfec=1"])
async def test_silence_is_sent_to_who_does_not(stations: Stations, phones: Phones, parameters: str) -> None:
    station = stations(codecs=["opus"], clock_rate=16000, opus={"dtx": 1})
    call, leg, codec = await asked(station, await phones("called"), parameters)
    station.engine.tone([(440, 0, 100, 4900)], sink=leg, loop=0)
    await station.pause(1)
    since = call.media.mark()
    await station.pause(1.5)
    assert 65 <= len(heard_of(call, codec, since)) <= 85
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize(
    ("parameters", "fec", "redundant"),
    [
        ("useinbandfec=1", 1, True),
        ("useinbandfec=1;usedtx=1", 1, True),
        ("useinbandfec=0", 1, False),
        ("usedtx=1", 1, False),
        ("useinbandfec=1", 0, False),
    ],
)
async def test_redundancy_is_sent_to_who_asks_for_it(
    stations: Stations, phones: Phones, parameters: str, fec: int, redundant: bool
) -> None:
    station = stations(codecs=["opus"], clock_rate=16000, opus={"fec": fec, "bitrate": 24000})
    call, leg, codec = await asked(station, await phones("called"), parameters)
    payloads = await said(station, call, leg, codec)
    with_it = sum(has_redundancy(payload) for payload in payloads)
    assert with_it > len(payloads) / 3 if redundant else with_it == 0
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize(
    ("ours", "theirs", "least", "most"),
    [(64000, 40000, 24000, 44000), (0, 12000, 6000, 14000), (16000, 64000, 8000, 20000)],
)
async def test_the_lower_bit_rate_counts(
    stations: Stations, phones: Phones, ours: int, theirs: int, least: int, most: int
) -> None:
    station = stations(codecs=["opus"], clock_rate=16000, opus={"bitrate": ours, "fec": 0})
    call, leg, codec = await asked(station, await phones("called"), f"maxaveragebitrate={theirs}")
    payloads = await said(station, call, leg, codec)
    spent = sum(len(payload) for payload in payloads) * 8 * 50 / len(payloads)
    assert least < spent < most
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize(("rate", "narrower"), [(8000, True), (12000, True), (16000, False), (44100, False)])
async def test_no_more_bandwidth_than_the_peer_plays(
    stations: Stations, phones: Phones, rate: int, narrower: bool
) -> None:
    station = stations(codecs=["opus"], clock_rate=16000)
    call, leg, codec = await asked(station, await phones("called"), f"maxplaybackrate={rate};stereo=0")
    payloads = await said(station, call, leg, codec, 60)
    # RFC 6716 section 3.1: four configurations each of SILK in narrow, medium and wide band; CELT's have 16 to 19.
    narrow = range(4) if rate == 8000 else range(8)
    assert ({payload[0] >> 3 for payload in payloads} <= {*narrow, 16, 17, 18, 19}) == narrower
    assert not any(payload[0] & 4 for payload in payloads), "one channel"
    assert call.remote_sdp is not None
    call.media.payloads(payloads)
    call.media.connect((call.remote_sdp.address, call.remote_sdp.port), codec=codec, sending=True)
    await tap_hears(station, leg, 440, 16000)
    station.engine.hangup(leg)
    await call.until_ended()
