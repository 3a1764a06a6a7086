"""What an RTP peer has received: packets with their arrival times, and the sound, digits and statistics in them."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from . import tones
from .packet import ReportBlock, RtpPacket, TelephoneEvent
from .sdp import Codec
from .tones import Pcm

MAX_SILENT_FILL = 10.0
"""Seconds: a longer jump of the timestamp begins a new segment instead of being filled with silence."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One received packet. `time` is on `time.monotonic`; `pcm` is empty for digits and unknown payload types."""

    time: float
    source: tuple[str, int]
    packet: RtpPacket
    pcm: Pcm
    dbov: float


@dataclass(slots=True)
class Digit:
    """One received telephone event (RFC 4733): all packets of one timestamp."""

    digit: str
    timestamp: int
    arrived: float
    duration_ms: int = 0
    packets: int = 0
    end_packets: int = 0
    marker: bool = False

    @property
    def ended(self) -> bool:
        """True when at least one end packet came."""
        return self.end_packets > 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """Continuity of what was received, over all sources."""

    packets: int
    lost: int
    duplicates: int
    reordered: int
    max_gap_ms: float
    """Longest time between two packets one after the other."""
    timestamp_faults: int
    """Audio packets whose timestamp does not follow from the sequence number."""


class Hearing:
    """Collects packets. Positions in `arrivals` are marks: `len(hearing.arrivals)` now is where the future begins."""

    def __init__(self, rate: int = tones.RATE) -> None:
        self.rate = rate
        self.codecs: dict[int, Codec] = {}
        self.arrivals: list[Arrival] = []
        self.digits: list[Digit] = []
        self.faults: list[str] = []
        """Why packets were dropped as malformed."""
        self.sources: dict[int, SourceStatistics] = {}
        self.last_sound = float("-inf")
        """Arrival time of the last packet above `sound_dbov`."""
        self.sound_dbov = -60.0

    def add(self, data: bytes, source: tuple[str, int], now: float) -> None:
        """Takes one datagram that arrived at `now`."""
        try:
            packet = RtpPacket.parse(data)
            codec = self.codecs.get(packet.payload_type)
            pcm = np.zeros(0, dtype=np.int16)
            if codec is not None and codec.name == "telephone-event":
                self._add_digit(packet, TelephoneEvent.parse(packet.payload), codec, now)
            elif codec is not None and codec.name in ("PCMU", "PCMA", "L16"):
                pcm = tones.decode(packet.payload, codec.name)
        except ValueError as error:
            self.faults.append(str(error))
            return
        dbov = tones.level_dbov(pcm)
        if dbov > self.sound_dbov:
            self.last_sound = now
        self.arrivals.append(Arrival(now, source, packet, pcm, dbov))
        self.sources.setdefault(packet.ssrc, SourceStatistics(packet.ssrc, self.rate)).add(packet, now)

    def _add_digit(self, packet: RtpPacket, event: TelephoneEvent, codec: Codec, now: float) -> None:
        key = (packet.timestamp, event.digit)
        found = next((known for known in reversed(self.digits) if (known.timestamp, known.digit) == key), None)
        if found is None:
            found = Digit(event.digit, packet.timestamp, now)
            self.digits.append(found)
        found.packets += 1
        found.end_packets += event.end
        found.marker |= packet.marker
        found.duration_ms = max(found.duration_ms, round(event.duration * 1000 / codec.rate))

    @property
    def digit_string(self) -> str:
        """The received digits in order."""
        return "".join(digit.digit for digit in self.digits)

    @property
    def payload_types(self) -> set[int]:
        """Payload types received."""
        return {arrival.packet.payload_type for arrival in self.arrivals}

    def pcm(self, *, since: int = 0, last: float | None = None) -> Pcm:
        """The received sound on its own time line: packets in timestamp order, what is missing as silence.

        Args:
            since: mark from which on packets count.
            last: only so many seconds at the end.
        """
        arrivals = self.arrivals[since:] if last is None else self._tail(last, since)
        pieces: list[Pcm] = []
        for ssrc in dict.fromkeys(arrival.packet.ssrc for arrival in arrivals):
            pieces += self._segments([a for a in arrivals if a.packet.ssrc == ssrc and len(a.pcm)])
        whole = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)
        return whole if last is None else whole[-round(last * self.rate) :]

    def _tail(self, seconds: float, since: int) -> list[Arrival]:
        wanted, found = round(seconds * self.rate), 0
        for at in range(len(self.arrivals) - 1, since - 1, -1):
            found += len(self.arrivals[at].pcm)
            if found >= wanted:
                return self.arrivals[at:]
        return self.arrivals[since:]

    def _segments(self, arrivals: list[Arrival]) -> Iterable[Pcm]:
        """Sound of one source, cut where the timestamp jumps."""
        if not arrivals:
            return []
        base, limit, highest = arrivals[0].packet.timestamp, MAX_SILENT_FILL * self.rate, 0
        segment: list[tuple[int, Pcm]] = []
        placed = [segment]
        for arrival in arrivals:
            offset = signed32(arrival.packet.timestamp - base)
            if segment and abs(offset - highest) > limit:
                segment, base, offset = [], arrival.packet.timestamp, 0
                placed.append(segment)
            highest = offset
            segment.append((offset, arrival.pcm))
        segments: list[Pcm] = []
        for one in placed:
            start = min(offset for offset, _ in one)
            line = np.zeros(max(offset + len(pcm) for offset, pcm in one) - start, dtype=np.int16)
            for offset, pcm in one:
                line[offset - start : offset - start + len(pcm)] = pcm
            segments.append(line)
        return segments

    def statistics(self, since: int = 0) -> Statistics:
        """Continuity from a mark on; loss and order are of the sources as a whole."""
        times = [arrival.time for arrival in self.arrivals[since:]]
        gap = max((after - before for before, after in itertools.pairwise(times)), default=0.0)
        totals = self.sources.values()
        return Statistics(
            packets=len(times),
            lost=sum(source.lost for source in totals),
            duplicates=sum(source.duplicates for source in totals),
            reordered=sum(source.reordered for source in totals),
            max_gap_ms=gap * 1000,
            timestamp_faults=sum(source.timestamp_faults for source in totals),
        )


class SourceStatistics:
    """Counters of one SSRC and its report block (RFC 3550 §6.4.1, appendix A.3 and A.8)."""

    def __init__(self, ssrc: int, rate: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.duplicates = 0
        self.reordered = 0
        self.timestamp_faults = 0
        self.jitter = 0.0
        self._rate = rate
        self._seen: set[int] = set()
        self._base = self._highest = -1
        self._transit: float | None = None
        self._reported = (0, 0)
        self._line: tuple[int, int, int] | None = None
        self._last_sr = (0, 0.0)

    def add(self, packet: RtpPacket, now: float) -> None:
        """Counts one packet."""
        if self._base < 0:
            self._base = self._highest = packet.sequence
        extended = self._highest + signed16(packet.sequence - self._highest)
        self.received += 1
        if extended in self._seen:
            self.duplicates += 1
            return
        self._seen.add(extended)
        self.reordered += extended < self._highest
        self._highest = max(self._highest, extended)
        self._check_line(packet, extended)
        transit = now * self._rate - packet.timestamp
        if self._transit is not None and abs(transit - self._transit) < self._rate:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit

    def _check_line(self, packet: RtpPacket, extended: int) -> None:
        """Audio of a constant packet size lies on one line of sequence against timestamp; a marker may restart it."""
        if len(packet.payload) < 20:
            self._line = None  # a digit or comfort noise: more packets than time, so a new line begins
            return
        size = len(packet.payload)
        if self._line is not None and size == self._line[2] and not packet.marker:
            steps = extended - self._line[0]
            self.timestamp_faults += signed32(packet.timestamp - self._line[1]) != steps * size
        self._line = (extended, packet.timestamp, size)

    @property
    def lost(self) -> int:
        """Packets expected but not received, each counted once."""
        return self._highest - self._base + 1 - len(self._seen) if self._seen else 0

    def sender_report(self, ntp: int, now: float) -> None:
        """Notes the source's own report, to answer with LSR and DLSR."""
        self._last_sr = (ntp >> 16 & 0xFFFFFFFF, now)

    def block(self, now: float) -> ReportBlock:
        """The report about this source since the last one."""
        expected, received = self._highest - self._base + 1, self.received
        before = self._reported
        self._reported = (expected, received)
        wanted, got = expected - before[0], received - before[1]
        fraction = max(0, 256 * (wanted - got) // wanted) if wanted > 0 else 0
        last, at = self._last_sr
        delay = round((now - at) * 65536) if last else 0
        highest = self._highest & 0xFFFFFFFF
        return ReportBlock(self.ssrc, min(fraction, 255), expected - received, highest, round(self.jitter), last, delay)


def signed16(difference: int) -> int:
    """A difference of sequence numbers, modulo 2^16, as the nearest signed number."""
    return (difference + 0x8000 & 0xFFFF) - 0x8000


def signed32(difference: int) -> int:
    """A difference of timestamps, modulo 2^32, as the nearest signed number."""
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000
