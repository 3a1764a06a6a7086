"""Comfort noise (RFC 3389): agreed on, heard, and relayed to who has agreed on it."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.test_codecs import NAMED, offer_of
from tests.engine.test_switching import until_fed
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.packet import RtpPacket
from tests.harness.sdp import DTMF, G722, L16_WIDE, PCMU, Codec, Sdp
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

NOISE = Codec(13, "CN", 8000)
WIDE_NOISE = Codec(100, "CN", 16000)


def falls_silent(call: PhoneCall, level: int, noise: Codec = NOISE) -> None:
    """The peer stops its sound, and says how loud its room is (dB below full scale)."""
    media = call.media
    media.pause()
    media.send_raw(bytes(RtpPacket(noise.payload_type, media.sequence, media.timestamp, media.ssrc, bytes([level]))))
    media.jump(sequence=1)


@pytest.mark.parametrize(
    ("name", "noise", "offered"),
    [
        ("PCMU", NOISE, True),
        ("G722", NOISE, True),
        ("G729", NOISE, True),
        ("L16/16000", WIDE_NOISE, True),
        ("L16/16000", NOISE, False),
        ("PCMU", WIDE_NOISE, False),
        ("opus", NOISE, False),
    ],
)
async def test_what_is_offered_is_answered(
    stations: Stations, phones: Phones, name: str, noise: Codec, offered: bool
) -> None:
    station = stations(codecs=[name], clock_rate=16000)
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=offer_of(phone, NAMED[name], noise, DTMF))
    station.engine.answer(event.id, 200)
    answer = Sdp.parse((await call.answered()).body)
    assert answer.codecs[0].name == NAMED[name].name
    found = [(codec.name, codec.rate, codec.payload_type) for codec in answer.codecs[1:-1]]
    assert found == ([("CN", noise.rate, noise.payload_type)] if offered else [])
    assert answer.codecs[-1].name == "telephone-event"
    await call.hangup()


@pytest.mark.parametrize("offers", [False, True])
async def test_it_is_offered_where_that_is_configured(stations: Stations, phones: Phones, offers: bool) -> None:
    station = stations(codecs=["PCMU", "opus", "L16/16000"], comfort_noise=offers, clock_rate=16000)
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    found = [(codec.rate, codec.payload_type) for codec in call.remote_sdp.codecs if codec.name == "CN"]
    assert found == ([(8000, 13), (16000, 105)] if offers else [])
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize("level", [40, 60])
@pytest.mark.parametrize(("codec", "noise"), [(PCMU, NOISE), (G722, NOISE), (L16_WIDE, WIDE_NOISE)])
async def test_silence_sounds_as_loud_as_it_says(
    stations: Stations, phones: Phones, codec: Codec, noise: Codec, level: int
) -> None:
    station = stations(codecs=["PCMU", "G722", "L16/16000"], clock_rate=16000)
    call, leg = await station.answered(await phones("caller"))
    assert call.local_sdp is not None
    offer = replace(call.local_sdp, codecs=(codec, noise, DTMF), version=9)
    answer = Sdp.parse((await call.reinvite(sdp=offer)).body)
    assert [each.name for each in answer.codecs][:2] == [codec.name, "CN"]
    # none of G.722's sound is needed
    call.media.connect((answer.address, answer.port), codec=codec, sending=codec.name != "G722")
    tap = station.engine.tap(capacity=2000, notify=100)
    station.engine.connect(leg, tap)
    await station.pause(0.3)
    falls_silent(call, level, noise)
    await station.pause(0.5)
    station.engine.read_tap(tap)
    sound = b""
    while len(sound) < 2 * 16000:
        await station.event(EventKind.TAPPED, tap)
        sound += station.engine.read_tap(tap)
    pcm = np.frombuffer(sound, dtype="<i2")[-8000:]
    assert tones.level_dbov(pcm) == pytest.approx(-level, abs=3)
    station.engine.stop(tap)
    await call.hangup()


async def bridged(station: Station, phones: Phones, *agreed: bool) -> list[tuple[PhoneCall, int]]:
    """Two relayed legs, each of which has agreed on comfort noise or has not."""
    pair = []
    for place, noisy in enumerate(agreed):
        phone = await phones(f"phone{place}")
        phone.codecs = (PCMU, NOISE, DTMF) if noisy else (PCMU, DTMF)
        pair.append(await station.answered(phone))
    (_, one), (_, other) = pair
    station.engine.connect(one, other)
    station.engine.connect(other, one)
    await until_fed(station, "relay", 2)
    return pair


async def test_it_is_relayed_to_who_has_agreed(station: Station, phones: Phones) -> None:
    (first, _), (second, _) = pair = await bridged(station, phones, True, True)
    first.media.tone(500)
    await second.media.heard_tone(500)
    while second.media.heard.arrivals[-1].packet.payload_type != NOISE.payload_type:
        falls_silent(first, 50)
        await station.pause(0.1)
    last, before = second.media.heard.arrivals[-1].packet, second.media.heard.arrivals[-2].packet
    assert last.payload == bytes([50])
    assert (last.sequence - before.sequence & 0xFFFF, last.ssrc) == (1, before.ssrc)
    first.media.jump(timestamp=8000)
    first.media.resume()
    await second.media.heard_tone(500)
    for call, _ in pair:
        await call.hangup()


async def test_it_is_kept_from_who_has_not(station: Station, phones: Phones) -> None:
    (first, _), (second, _) = pair = await bridged(station, phones, True, False)
    first.media.tone(500)
    await second.media.heard_tone(500)
    falls_silent(first, 50)
    await station.pause(0.3)
    first.media.resume()
    await second.media.heard_tone(500)
    assert second.media.heard.payload_types == {PCMU.payload_type}
    steps = {
        after.packet.sequence - before.packet.sequence & 0xFFFF
        for before, after in itertools.pairwise(second.media.heard.arrivals)
    }
    assert steps <= {1, 2}
    for call, _ in pair:
        await call.hangup()
