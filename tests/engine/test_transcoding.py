"""Legs of different codecs hear each other, losses are concealed, relayed ones of every codec are switched unheard."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.test_codecs import NAMED, heard_of
from tests.engine.test_switching import recorded, until_fed
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sdp import Codec
from tests.harness.sip import Phone
from tests.harness.speech import decoded

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]


class Lossy:
    """A guard of a peer's packets that keeps every n-th from the wire."""

    def __init__(self, every: int) -> None:
        self._every, self._sent = every, 0

    def protect(self, packet: bytes) -> bytes:
        """All but every n-th."""
        self._sent += 1
        return b"" if self._sent % self._every == 0 else packet

    def protect_rtcp(self, packet: bytes) -> bytes:
        """All."""
        return packet

    def opened(self, data: bytes, source: tuple[str, int], *, rtcp: bool) -> bytes:
        """As it came."""
        return data


async def speaking(
    station: Station, phone: Phone, name: str, hz: int, packets: int = 60
) -> tuple[PhoneCall, int, Codec]:
    """A leg to a phone that says a tone in its codec: what the engine has encoded of it, over and over."""
    leg = station.engine.originate(phone.uri, local_uri=CALLER, codecs=[name])
    call = await phone.incoming()
    assert call.remote_sdp is not None
    offer, codec = call.remote_sdp, call.remote_sdp.codecs[0]
    call.negotiation.codecs = (NAMED[name],)
    await call.answer()
    await station.event(EventKind.MEDIA, leg)
    call.media.accept([codec])
    tone = station.engine.tone([(hz, 0, 20000, 0)], sink=leg, loop=0)
    since = call.media.mark()
    await call.media.received(10 + packets, since=since)
    call.media.payloads(heard_of(call, codec, since)[10 : 10 + packets])
    station.engine.stop(tone)
    call.media.connect((offer.address, offer.port), codec=codec, sending=True)
    return call, leg, codec


def hears(call: PhoneCall, codec: Codec, since: int, hz: int) -> bool:
    """Whether the last half second that a phone got is this tone."""
    pcm, rate = decoded(heard_of(call, codec, since), codec.name, codec.rate)
    return tones.contains(pcm[-rate // 2 :], hz, rate=rate)


PAIRS: Sequence[tuple[str, str]] = (
    ("opus", "G729"),
    ("GSM", "G722"),
    ("L16/16000", "opus"),
    ("G729", "GSM"),
    ("L16/8000", "PCMA"),
    ("G722", "PCMU"),
    ("PCMU", "PCMA"),
    ("L16/8000", "L16/16000"),
    ("opus", "PCMU"),
)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
async def test_legs_of_two_codecs_hear_each_other(stations: Stations, phones: Phones, pair: tuple[str, str]) -> None:
    station = stations(codecs=list(NAMED), clock_rate=16000)
    sides = [
        await speaking(station, await phones(f"phone{place}"), name, hz)
        for place, (name, hz) in enumerate(zip(pair, (700, 1100), strict=True))
    ]
    (_, one, _), (_, other, _) = sides
    station.engine.connect(one, other)
    station.engine.connect(other, one)
    await until_fed(station, "mix", 2)
    for (call, _, codec), hz in zip(sides, (1100, 700), strict=True):
        since = call.media.mark()
        await call.media.received(50, since=since)
        assert hears(call, codec, since, hz)
    for call, leg, _ in sides:
        station.engine.hangup(leg)
        await call.until_ended()


@pytest.mark.parametrize("name", NAMED)
async def test_losses_are_concealed(stations: Stations, phones: Phones, name: str) -> None:
    """Every eighth packet, 20 ms, is missing: nothing is silent for that long."""
    station = stations(codecs=[name], clock_rate=16000)
    call, leg, _ = await speaking(station, await phones("called"), name, 700)
    tap = station.engine.tap(capacity=6000, notify=100)
    station.engine.connect(leg, tap)
    await station.pause(0.6)
    call.media.guard = Lossy(8)
    station.engine.read_tap(tap)
    sound = b""
    while len(sound) < 2 * 2 * 16000:
        await station.event(EventKind.TAPPED, tap)
        sound += station.engine.read_tap(tap)
    pcm = np.frombuffer(sound, dtype="<i2")[4800:]
    assert tones.gaps(pcm, rate=16000, longer_than_ms=19, below_dbov=-40) == []
    frames = pcm[: len(pcm) // 160 * 160].reshape(-1, 160)
    levels = [tones.level_dbov(frame) for frame in frames]
    assert np.percentile(levels, 5) > np.percentile(levels, 50) - 12
    station.engine.stop(tap)
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize("name", ["opus", "L16/16000"])
async def test_no_gap_between_relay_and_mixer(stations: Stations, phones: Phones, tmp_path: Path, name: str) -> None:
    station = stations(codecs=[name], clock_rate=16000)
    sides = [
        await speaking(station, await phones(f"phone{place}"), name, hz, 100) for place, hz in enumerate((500, 700))
    ]
    (first, one, _), (_, other, _) = sides
    station.engine.connect(one, other)
    station.engine.connect(other, one)
    await until_fed(station, "relay", 2)
    marks = [call.media.mark() for call, _, _ in sides]
    await first.media.received(25)
    for visit in range(2):
        await recorded(station, first, (one, other), tmp_path / f"{visit}.wav")
    for (call, _, codec), since, hz in zip(sides, marks, (700, 500), strict=True):
        packets = [arrival.packet for arrival in call.media.heard.arrivals[since:]]
        steps = {
            (b.sequence - a.sequence & 0xFFFF, b.timestamp - a.timestamp & 0xFFFFFFFF)
            for a, b in itertools.pairwise(packets)
        }
        assert steps == {(1, codec.rate // 50)}
        assert len({packet.ssrc for packet in packets}) == 1
        pcm, rate = decoded(heard_of(call, codec, since), codec.name, codec.rate)
        # a decoder that begins in the middle has its own first moments
        assert tones.gaps(pcm[rate // 4 :], rate=rate, longer_than_ms=20, below_dbov=-30) == []
        assert hears(call, codec, since, hz)
    for call, leg, _ in sides:
        station.engine.hangup(leg)
        await call.until_ended()
