"""RTP, telephone-event and RTCP packets as values (RFC 3550, RFC 4733)."""

import struct
from dataclasses import dataclass, field
from typing import TypeAlias

EVENT_DIGITS = "0123456789*#ABCD"
"""RFC 4733 §3.2: the index is the event number."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet; the payload is without padding and header extension."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def __bytes__(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        header = struct.pack(
            "!BBHII", 0x80, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc & 0xFFFFFFFF
        )
        return header + self.payload

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Raises: ValueError: not an RTP packet of version 2, or shorter than its own header says."""
        if len(data) < 12 or data[0] >> 6 != 2:
            raise ValueError(f"not RTP: {data[:12].hex()}")
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        start = 12 + 4 * (first & 0x0F)
        if first & 0x10:
            if len(data) < start + 4:
                raise ValueError("RTP header extension is cut off")
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
        end = len(data) - (data[-1] if first & 0x20 else 0)
        if start > end:
            raise ValueError("RTP header is longer than the packet")
        return cls(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """The payload of a digit. `duration` counts timestamp units since the event's beginning."""

    digit: str
    duration: int
    end: bool = False
    volume: int = 10

    def __bytes__(self) -> bytes:
        flags = (0x80 if self.end else 0) | self.volume
        return struct.pack("!BBH", EVENT_DIGITS.index(self.digit), flags, min(self.duration, 0xFFFF))

    @classmethod
    def parse(cls, payload: bytes) -> "TelephoneEvent":
        """Raises: ValueError: no telephone-event payload, or an event that is no digit."""
        if len(payload) < 4:
            raise ValueError(f"telephone-event of {len(payload)} bytes")
        event, flags, duration = struct.unpack_from("!BBH", payload)
        if event >= len(EVENT_DIGITS):
            raise ValueError(f"event {event} is no digit")
        return cls(EVENT_DIGITS[event], duration, bool(flags & 0x80), flags & 0x3F)


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver tells about one source (RFC 3550 §6.4.1): fraction lost in 1/256, jitter in timestamp units."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int = 0
    delay_since_sr: int = 0

    def __bytes__(self) -> bytes:
        lost = max(-0x800000, min(self.lost, 0x7FFFFF)) & 0xFFFFFF
        return struct.pack(
            "!IIIIII", self.ssrc, self.fraction_lost << 24 | lost, self.highest_sequence, self.jitter, self.last_sr,
            self.delay_since_sr,
        )  # fmt: skip

    @classmethod
    def parse(cls, data: bytes) -> "ReportBlock":
        """From its 24 bytes."""
        ssrc, loss, highest, jitter, last, delay = struct.unpack("!IIIIII", data)
        lost = loss & 0xFFFFFF
        return cls(ssrc, loss >> 24, lost - 0x1000000 if lost & 0x800000 else lost, highest, jitter, last, delay)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RTCP SR. `ntp` is the 64-bit NTP time stamp."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        head = struct.pack("!IQIII", self.ssrc, self.ntp, self.timestamp & 0xFFFFFFFF, self.packets, self.octets)
        return _rtcp(200, len(self.blocks), head + b"".join(map(bytes, self.blocks)))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RTCP RR."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        return _rtcp(201, len(self.blocks), struct.pack("!I", self.ssrc) + b"".join(map(bytes, self.blocks)))


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """RTCP SDES with a CNAME, which every compound packet carries (RFC 3550 §6.1)."""

    ssrc: int
    cname: str

    def __bytes__(self) -> bytes:
        name = self.cname.encode()
        chunk = struct.pack("!IBB", self.ssrc, 1, len(name)) + name
        return _rtcp(202, 1, chunk + bytes(4 - len(chunk) % 4))


@dataclass(frozen=True, slots=True)
class Goodbye:
    """RTCP BYE."""

    ssrcs: tuple[int, ...] = field(default_factory=tuple)

    def __bytes__(self) -> bytes:
        return _rtcp(203, len(self.ssrcs), struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs))


RtcpPacket: TypeAlias = SenderReport | ReceiverReport | SourceDescription | Goodbye


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def is_rtcp(data: bytes) -> bool:
    """Tells RTCP from RTP on one port (RFC 5761 §4)."""
    return len(data) >= 8 and 192 <= data[1] <= 223


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """The packets of a compound packet; kinds that are not of interest are left out.

    Raises:
        ValueError: lengths or version are wrong.
    """
    found: list[RtcpPacket] = []
    while data:
        if len(data) < 4 or data[0] >> 6 != 2:
            raise ValueError(f"not RTCP: {data[:8].hex()}")
        count, kind, size = data[0] & 0x1F, data[1], 4 * (int.from_bytes(data[2:4]) + 1)
        if size > len(data):
            raise ValueError(f"RTCP packet of {size} bytes in {len(data)}")
        body, data = data[4:size], data[size:]
        try:
            packet = _parse_one(kind, count, body)
        except struct.error as error:
            raise ValueError(f"RTCP packet {kind} is too short") from error
        if packet is not None:
            found.append(packet)
    return found


def _parse_one(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == 200:
        ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
        return SenderReport(ssrc, ntp, timestamp, packets, octets, _blocks(body[24:], count))
    if kind == 201:
        return ReceiverReport(struct.unpack_from("!I", body)[0], _blocks(body[4:], count))
    if kind == 202 and count:
        ssrc, item, length = struct.unpack_from("!IBB", body)
        return SourceDescription(ssrc, body[6 : 6 + length].decode(errors="replace")) if item == 1 else None
    if kind == 203:
        return Goodbye(struct.unpack_from(f"!{count}I", body))
    return None


def _blocks(data: bytes, count: int) -> tuple[ReportBlock, ...]:
    return tuple(ReportBlock.parse(data[24 * i : 24 * i + 24]) for i in range(count))
