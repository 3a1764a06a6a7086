"""Promise M7: what is no frame of the codec that was agreed does no harm, and the next good frame is heard."""

import random
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.test_codecs import NAMED, heard_of, tap_hears
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]


def no_frames(good: list[bytes], seed: int = 11) -> list[bytes]:
    """Random bytes of any length, frames that are cut off, doubled, or have some bits turned."""
    dice = random.Random(seed)
    found = []
    for _ in range(60):
        frame = bytearray(dice.choice(good))
        for _ in range(8):
            frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
        whole = bytes(frame)
        length = dice.choice([1, 2, 7, 33, 159, 161, 400, 1200])
        found += [dice.randbytes(length), whole[: dice.randrange(1, len(whole) + 1)], whole, whole * 3]
    return found


@pytest.mark.parametrize("name", NAMED)
async def test_M7_hostile_payloads(stations: Stations, phones: Phones, name: str) -> None:
    station = stations(codecs=[name], clock_rate=16000)
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    offer = call.remote_sdp
    call.negotiation.codecs = (NAMED[name],)
    await call.answer()
    await station.event(EventKind.MEDIA, leg)
    call.media.accept([offer.codecs[0]])
    tone = station.engine.tone([(700, 0, 5000, 0)], sink=leg, loop=0)
    since = call.media.mark()
    await call.media.received(60, since=since)
    good = heard_of(call, offer.codecs[0], since)[10:40]
    station.engine.stop(tone)
    tap = station.engine.tap(capacity=2000, notify=100)
    station.engine.connect(leg, tap)  # what comes is decoded
    call.media.payloads(no_frames(good))
    call.media.connect((offer.address, offer.port), codec=offer.codecs[0], sending=True)
    for _ in range(20):
        await station.event(EventKind.TAPPED, tap)
        station.engine.read_tap(tap)
    station.engine.stop(tap)
    call.media.payloads(good)
    began = station.now()
    await tap_hears(station, leg, 700, 16000)
    assert station.now() - began < 3, "the stream did not come back"
    station.engine.hangup(leg)
    await call.until_ended()
