"""Figures of the media plane: legs by what feeds them, packets by their fate, and what it runs on."""

from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace

import pytest

from callwright.engine import EventKind, Sound
from tests.engine.station import CALLER, Station
from tests.harness import tones
from tests.harness.packet import RtpPacket
from tests.harness.rtp import RtpPeer
from tests.harness.sdp import Sdp
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


def feeding(station: Station) -> dict[str, int]:
    """How many legs are fed in which way, none left out."""
    counts = station.engine.media_counts()
    return {mode: counts[mode] for mode in ("idle", "play", "relay", "mix") if counts[mode]}


@pytest.mark.parametrize("io", ["epoll", "auto"])
async def test_what_it_runs_on(stations: Callable[..., Station], io: str) -> None:
    facts = stations(rtp_io=io).engine.media_facts()
    assert facts["io"] == "epoll" or (io, facts["io"]) == ("auto", "io_uring")
    assert bool(facts["why_not_io_uring"]) == (io == "auto" and facts["io"] == "epoll")
    assert facts["priority"] in ("nice -10", "normal", "inherited")


async def test_legs_by_what_feeds_them(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.received(5)
    assert feeding(station) == {"idle": 1}
    player = station.engine.player([Sound(tones.tone(440, 1).astype("<i2").tobytes(), 8000)], sink=leg, loop=0)
    await call.media.heard_tone(440)
    assert feeding(station) == {"play": 1}
    tone = station.engine.tone([(700, 0, 1000, 0)], sink=leg, loop=0)
    await call.media.heard_tone(700)
    assert feeding(station) == {"mix": 1}
    for port in (player, tone):
        station.engine.stop(port)
        await station.event(EventKind.PLAYED, port)
    before = station.engine.media_counters()["relayed"]
    station.engine.connect(leg, leg)
    call.media.tone(600)
    await call.media.heard_tone(600)
    await call.media.received(25)
    assert feeding(station) == {"relay": 1}
    assert station.engine.media_counters()["relayed"] >= before + 20
    assert station.engine.media_counts()["rtp_pairs_taken"] == 1
    await call.hold()
    await call.resume()
    await call.media.heard_tone(600)
    assert feeding(station) == {"relay": 1}
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert feeding(station) == {}
    counts = station.engine.media_counts()
    assert (counts["rtp_pairs"], counts["rtp_pairs_taken"]) == (20, 0)


async def test_packets_by_their_fate(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.received(10)
    tap = station.engine.tap()
    station.engine.connect(leg, tap)  # or nothing is decoded, and nothing can be missing
    await call.media.received(25)
    before = station.engine.media_counters()
    assert call.remote_sdp is not None
    place = call.remote_sdp.address, call.remote_sdp.port
    for _ in range(5):
        call.media.send_raw(b"\x80")
        call.media.send_raw(bytes(RtpPacket(77, call.media.sequence, call.media.timestamp, call.media.ssrc, b"x")))
    with closing(RtpPeer()) as stranger:
        stranger.connect(place)
        await call.media.received(25)
    call.media.pause()
    await call.media.received(75)  # longer than any jitter buffer
    call.media.resume()
    more: dict[str, int] = {}
    for _ in range(30):  # the jitter buffer's figures are looked at every few seconds
        await call.media.received(25)
        more = {name: count - before[name] for name, count in station.engine.media_counters().items()}
        if more["jitter_lost"] + more["jitter_empty"] >= 5:
            break
    assert (more["malformed"], more["unexpected"], more["forged"], more["early"]) == (5, 5, 0, 0)
    assert more["foreign"] >= 15
    assert more["received"] >= 40 and more["sent"] >= 125 and more["system_calls"] > 0
    assert more["jitter_lost"] + more["jitter_empty"] >= 5
    assert (more["failed_jobs"], more["rtp_pairs_unrested"]) == (0, 0)
    station.engine.stop(tap)
    await call.hangup()


async def test_pairs_that_have_not_rested(stations: Callable[..., Station], phones: Phones) -> None:
    """The longest rested is taken first, and one that has not rested is counted."""
    station = stations()
    phone = await phones("caller")
    places = []
    for _ in range(21):
        call, leg = await station.answered(phone)
        assert call.remote_sdp is not None
        places.append(call.remote_sdp.port)
        await call.media.received(6)  # until the sockets of the one before are closed
        await call.hangup()
        await station.event(EventKind.ENDED, leg)
    assert len(set(places[:20])) == 20 and places[20] == places[0]
    assert station.engine.media_counters()["rtp_pairs_unrested"] == 1


@pytest.mark.parametrize("offered", [True, False])
async def test_a_call_with_text_takes_one_pair_of_ports(station: Station, phones: Phones, offered: bool) -> None:
    """Real-time text (RFC 4103) is refused, at once or later; a description of ours does not offer it."""
    phone = await phones("caller")
    text = ("m=text 6000 RTP/AVP 98", "a=rtpmap:98 t140/1000")
    sdp = replace(Sdp.offer(phone.address, 6002), further=text)
    call, leg = await station.answered(phone, offer=sdp if offered else False)
    assert station.engine.media_counts()["rtp_pairs_taken"] == 1
    answer = call.phone.trace.messages(200)[0].body.decode()
    assert [line for line in answer.splitlines() if line.startswith("m=text")] == (
        ["m=text 0 RTP/AVP 98"] if offered else []
    )
    assert (await call.reinvite(sdp=sdp)).status == 200
    assert "m=text 0 " in call.phone.trace.messages(200)[-1].body.decode()
    assert station.engine.media_counts()["rtp_pairs_taken"] == 1
    await call.hangup()
    await station.event(EventKind.ENDED, leg)


async def test_a_call_of_ours_takes_one_pair_of_ports(station: Station, phones: Phones) -> None:
    phone = await phones("callee")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert station.engine.media_counts()["rtp_pairs_taken"] == 1
    await call.refuse(486)
    await station.event(EventKind.ENDED, leg)
    assert station.engine.media_counts()["rtp_pairs_taken"] == 0
