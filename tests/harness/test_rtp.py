"""Two RTP peers: pacing, digits with their faults, continuity, RTCP."""

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from . import tones
from .packet import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    RtpPacket,
    SenderReport,
    SourceDescription,
    TelephoneEvent,
    parse_rtcp,
)
from .rtp import RtpPeer
from .sdp import DTMF, PCMA, Codec
from .waiting import NotInTime

Peers = Callable[..., RtpPeer]


def pair(peers: Peers, **options: object) -> tuple[RtpPeer, RtpPeer]:
    one, other = peers(**options), peers(**options)
    one.connect((other.address, other.port))
    other.connect((one.address, one.port))
    return one, other


async def test_pacing_is_twenty_milliseconds_without_drift(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers)
    await other.received(1)
    mark = other.mark()
    await other.received(50)
    offsets = [arrival.time - 0.02 * n for n, arrival in enumerate(other.heard.arrivals[mark : mark + 50])]
    assert np.median(offsets[25:]) - np.median(offsets[:25]) == pytest.approx(0, abs=0.005)
    statistics = other.heard.statistics()
    assert (statistics.lost, statistics.reordered, statistics.timestamp_faults) == (0, 0, 0)
    assert 20 <= statistics.max_gap_ms <= 20 + one.late_ms + 1
    assert one.heard.payload_types == {0} and one.level_dbov() == tones.SILENCE_DBOV


async def test_what_is_played_arrives_sample_by_sample(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers, codec=Codec(96, "L16", 16000))
    sound = tones.tone([440, 700], 0.5, rate=16000)
    await one.play(sound)
    await other.received(2)
    heard = other.pcm()
    start = int(np.flatnonzero(heard)[0]) - int(np.flatnonzero(sound)[0])
    assert np.array_equal(heard[start : start + len(sound)], sound)


async def test_a_tone_has_no_seams(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers)
    one.tone(441.3)
    await other.heard_tone(441.3, duration=0.5)
    assert tones.gaps(other.pcm()) == []
    one.silence()
    await other.silence_heard(0.2)


async def test_pause_is_a_gap_and_resume_has_a_marker(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers)
    one.tone(440)
    await other.heard_tone(440)
    one.pause()
    await other.silence_heard(0.3)
    mark = other.mark()
    one.resume()
    await other.received(20)
    assert other.heard.arrivals[mark].packet.marker
    assert other.heard.statistics().max_gap_ms > 250
    lengths = [gap.length for gap in tones.gaps(other.pcm())]
    assert len(lengths) == 1 and lengths[0] > 0.25, "the timestamps tell of the pause"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (7, 3, True)),
        ({"marker": False}, (7, 3, False)),
        ({"end_packets": 1}, (5, 1, True)),
        ({"lost": {-1, -2}}, (5, 1, True)),
        ({"lost": {0}}, (6, 3, False)),
    ],
)
async def test_digits_and_their_faults(
    rtp_peers: Peers, options: dict[str, bool | int | set[int]], expected: tuple[int, int, bool]
) -> None:
    one, other = pair(rtp_peers)
    await other.received(1)
    await one.send_digits("0*D", duration=0.08, gap=0.04, **options)  # type: ignore[arg-type]  # a table of options
    digits = await other.heard_digits("0*D")
    assert [(d.packets, d.end_packets, d.marker) for d in digits] == [expected] * 3
    assert other.heard.statistics().lost == len(options.get("lost", set())) * 3  # type: ignore[arg-type]  # a table


async def test_a_digit_whose_end_is_lost_never_ends(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers)
    await one.send_digits("5", duration=0.06, gap=0.02, lost={-1, -2, -3})
    with pytest.raises(NotInTime, match="'5'"):
        await other.heard_digits("5", timeout=0.2)
    assert [(d.digit, d.ended) for d in other.heard.digits] == [("5", False)]


async def test_faults_of_the_stream_are_counted(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers)
    await other.received(3)
    one.jump(sequence=2)  # lost without time passing: a loss and a timestamp off the line
    await other.received(3)
    one.jump(timestamp=5000)
    await other.received(3)
    one.jump(ssrc=7)
    await other.received(3)
    last = other.heard.arrivals[-1].packet
    one.send_raw(bytes(last))
    one.send_raw(b"not rtp at all")
    await other.received(2)
    statistics = other.heard.statistics()
    assert (statistics.lost, statistics.duplicates, statistics.timestamp_faults) == (2, 1, 2)
    assert len(other.heard.sources) == 2 and len(other.heard.faults) == 1


async def test_reports_tell_of_loss_and_round_trip(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers, rtcp_interval=0.0)
    await other.received(5)
    one.jump(sequence=5)
    await other.received(5)
    one.send_report()
    report = await other.heard_report()
    assert isinstance(report, SenderReport) and report.ssrc == one.ssrc and report.packets >= 10
    other.send_report()
    answer = await one.heard_report()
    assert isinstance(answer, SenderReport)
    block = answer.blocks[0]
    assert (block.ssrc, block.lost, block.last_sr) == (one.ssrc, 5, report.ntp >> 16 & 0xFFFFFFFF)
    assert 0 < block.fraction_lost < 128


async def test_the_thread_ends_with_its_last_peer(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers)
    await other.received(1)
    one.close()
    assert "rtp-clock" in [thread.name for thread in threading.enumerate()]
    other.close()
    assert "rtp-clock" not in [thread.name for thread in threading.enumerate()]


async def test_waits_say_what_was_heard_instead(rtp_peers: Peers) -> None:
    one, other = pair(rtp_peers, codec=PCMA)
    one.tone(440)
    await other.heard_tone(440)
    with pytest.raises(NotInTime, match=r"1000 Hz for 0.3 s; heard \d+ packets.*440 Hz -13 dBov"):
        await other.heard_tone(1000, timeout=0.1)
    with pytest.raises(NotInTime, match="silence"):
        await other.silence_heard(0.2, timeout=0.4)
    one.pause()
    with pytest.raises(NotInTime, match="1 RTP packets"):
        await asyncio.gather(other.received(1, timeout=0.1), other.received(1, timeout=0.1))


def test_rtp_packets_with_everything_optional() -> None:
    packet = RtpPacket(8, 65535, 2**32 - 1, 5, b"abc", True)
    assert RtpPacket.parse(bytes(packet)) == packet
    dressed = b"\xb2" + bytes(packet)[1:12] + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + b"abc" + b"\x00\x00\x03"
    assert RtpPacket.parse(dressed) == packet
    for broken in (b"", bytes(11), b"\x40" + bytes(20), b"\x8f" + bytes(15), b"\xa0" + bytes(11) + b"\xff"):
        with pytest.raises(ValueError):
            RtpPacket.parse(broken)


def test_telephone_events() -> None:
    event = TelephoneEvent("#", 1600, True, 13)
    assert bytes(event).hex() == "0b8d0640" and TelephoneEvent.parse(bytes(event)) == event
    for broken in (b"\x01\x02\x03", b"\x10\x00\x00\x00"):
        with pytest.raises(ValueError):
            TelephoneEvent.parse(broken)
    assert DTMF.payload_type == 101


def test_compound_rtcp() -> None:
    block = ReportBlock(9, 12, -3, 70000, 44, 5, 6)
    packets: list[RtcpPacket] = [
        SenderReport(1, 2**40, 3, 4, 5, (block,)),
        ReceiverReport(2, (block, block)),
        Goodbye((1, 2)),
    ]
    data = b"".join(bytes(packet) for packet in packets) + bytes(SourceDescription(1, "peer@host"))
    assert parse_rtcp(data) == [*packets, SourceDescription(1, "peer@host")]
    assert len(data) % 4 == 0
    for broken in (data[:-4], b"\x80\xc8\x00\x00", b"\x00" * 8):
        with pytest.raises(ValueError):
            parse_rtcp(broken)
