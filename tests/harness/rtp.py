"""`RtpPeer`: one end of an RTP session over real sockets, with 20 ms pacing, digits, RTCP and a memory of all it heard.

It sends silence, like a phone in a quiet room, as soon as it is connected; `tone` and `play` replace it.
"""

import asyncio
import random
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import numpy as np

from . import pacing, tones
from .digitplan import DigitPlan
from .hearing import Digit, Hearing
from .packet import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    RtpPacket,
    SenderReport,
    SourceDescription,
    is_rtcp,
    parse_rtcp,
)
from .ports import SO_TIMESTAMPNS, next_address, rtp_socket_pair
from .sdp import DTMF, PCMU, Codec
from .tones import Pcm
from .waiting import SCALE, Changes, NotInTime

NTP_EPOCH = 2208988800
_NEVER = float("inf")


class PacketGuard(Protocol):
    """What stands between a peer's sockets and its packets; called on the pacing thread."""

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet as it goes out; empty for none."""

    def protect_rtcp(self, packet: bytes) -> bytes:
        """An RTCP packet as it goes out; empty for none."""

    def opened(self, data: bytes, source: tuple[str, int], *, rtcp: bool) -> bytes | None:
        """The packet in a datagram that came in; None when there is none for the peer."""


class RtpPeer:
    """One RTP and RTCP socket pair. Belongs to the event loop in which it is made; `close()` gives everything back.

    Args:
        address: local address; default: the next free one of this worker.
        codec: how sound is sent: PCMU, PCMA or L16.
        dtmf: payload type of digits.
        ptime_ms: length of a frame.
        rtcp_interval: seconds between own reports; 0 sends none.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        codec: Codec = PCMU,
        dtmf: Codec | None = DTMF,
        ptime_ms: int = 20,
        rtcp_interval: float = 2.0,
    ) -> None:
        self._rtp, self._rtcp = rtp_socket_pair(address or next_address())
        self._loop = asyncio.get_running_loop()
        self._changes = Changes()
        self._notifying = False
        self.codec, self.dtmf, self.ptime_ms = codec, dtmf, ptime_ms
        self.heard = Hearing(codec.rate)
        self.accept([codec, *([dtmf] if dtmf else [])])
        self.reports: list[tuple[float, RtcpPacket]] = []
        """Received RTCP packets with their arrival times."""
        self.ssrc, self.sequence, self.timestamp = (random.getrandbits(bits) for bits in (32, 16, 32))
        self.packets_sent = self.octets_sent = 0
        self.late_ms = 0.0
        """How late a frame went out at worst: what this machine's load, not the peer, adds to a gap at the receiver."""
        self.remote: tuple[str, int] | None = None
        self._remote_rtcp: tuple[str, int] | None = None
        self._rtcp_interval, self._rtcp_due = rtcp_interval, _NEVER
        self._frame_due = _NEVER
        self._sending = True
        self._marker = True
        self._tone: Callable[[int], Pcm] = _quiet
        self._queue: deque[tuple[Pcm, asyncio.Future[None] | None]] = deque()
        self._digits: deque[DigitPlan] = deque()
        self._payloads: deque[bytes] = deque()
        self.guard: PacketGuard | None = None
        """What stands between the sockets and the packets: SRTP."""
        self._closed = False
        pacing.join(self)

    # where and how

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The RTP and the RTCP socket."""
        return self._rtp, self._rtcp

    @property
    def address(self) -> str:
        """Local address."""
        return str(self._rtp.getsockname()[0])

    @property
    def port(self) -> int:
        """Local RTP port (even); RTCP is on the next one."""
        return int(self._rtp.getsockname()[1])

    def accept(self, codecs: Sequence[Codec]) -> None:
        """Payload types that are understood when they arrive."""
        with pacing.LOCK:
            self.heard.codecs.update({codec.payload_type: codec for codec in codecs})

    def connect(
        self,
        remote: tuple[str, int],
        *,
        codec: Codec | None = None,
        dtmf: Codec | None = None,
        rtcp_port: int = 0,
        sending: bool = True,
    ) -> None:
        """Sets or changes where and what is sent, and begins to send. `sending` False only listens (hold)."""
        with pacing.LOCK:
            self.codec, self.dtmf = codec or self.codec, dtmf or self.dtmf
            self.heard.rate = self.codec.rate
            self.heard.codecs.update({c.payload_type: c for c in (self.codec, self.dtmf) if c})
            self.remote, self._remote_rtcp = remote, (remote[0], rtcp_port or remote[1] + 1)
            self._marker |= sending and not self._sending
            self._sending = sending
            now = time.monotonic()
            self._frame_due = min(self._frame_due, now)
            if self._rtcp_interval:
                self._rtcp_due = min(self._rtcp_due, now + self._rtcp_interval)
        pacing.wake()

    def close(self) -> None:
        """Ends sending and receiving and closes the sockets. Idempotent."""
        if self._closed:
            return
        self._closed = True
        pacing.leave(self)
        self._rtp.close()
        self._rtcp.close()
        for _, sent in self._queue:
            if sent is not None:
                sent.cancel()

    # what is sent

    def tone(self, hz: float | Sequence[float], *, dbov: float = -13.0) -> None:
        """From now on sends a steady tone, phase-continuous, whenever nothing is played."""
        each = [hz] if isinstance(hz, int | float) else list(hz)
        rate, sent = self.codec.rate, 0

        def next_frame(count: int) -> Pcm:
            nonlocal sent
            moments = np.arange(sent, sent + count) / rate
            sent += count
            total = sum((np.sin(2 * np.pi * f * moments) for f in each), np.zeros(count))
            amplitude = tones.FULL_SCALE * 10 ** (dbov / 20) * np.sqrt(2)
            return tones.to_pcm(amplitude * total)

        with pacing.LOCK:
            self._tone = next_frame

    def payloads(self, payloads: Sequence[bytes]) -> None:
        """From now on sends these, one a frame and over and over: sound in a codec that it cannot encode."""
        with pacing.LOCK:
            self._payloads = deque(payloads)

    def silence(self) -> None:
        """From now on sends digital silence, and forgets what is queued for playing."""
        with pacing.LOCK:
            self._tone = _quiet
            self._queue.clear()

    def pause(self) -> None:
        """Sends no packet any more, as if the network had gone."""
        with pacing.LOCK:
            self._sending = False

    def resume(self) -> None:
        """Sends again, with a marker on the first packet."""
        with pacing.LOCK:
            self._sending = self._marker = True

    def queue(self, pcm: Pcm, sent: asyncio.Future[None] | None = None) -> None:
        """Appends samples (at the codec's rate) to what is played."""
        with pacing.LOCK:
            self._queue.append((pcm, sent))

    async def play(self, pcm: Pcm) -> None:
        """Plays samples (at the codec's rate) after what is queued already; returns when the last one has been sent."""
        sent: asyncio.Future[None] = self._loop.create_future()
        self.queue(pcm, sent)
        queued = sum(len(piece) for piece, _ in self._queue) / self.codec.rate
        await self._changes.until(sent.done, queued + 5, lambda: f"{queued:.1f} s of sound are sent (paused?)")

    async def send_digits(
        self,
        digits: str,
        duration: float = 0.1,
        gap: float = 0.1,
        *,
        volume: int = 10,
        marker: bool = True,
        end_packets: int = 3,
        lost: Collection[int] = (),
    ) -> None:
        """Sends RFC 4733 digits; returns when the last gap is over.

        Args:
            digits: of 0-9 * # A-D.
            duration: seconds of each, at least one frame.
            gap: seconds of ordinary sound after each.
            volume: power in -dBm0.
            marker: whether the first packet of each digit has the marker bit.
            end_packets: how many end packets; 0 is a sender whose ends never come.
            lost: indexes of packets of each digit (0 the first, -1 the last end packet) that are not put on the wire.
        """
        if self.dtmf is None:
            raise ValueError("telephone-event was not negotiated")
        done: asyncio.Future[None] = self._loop.create_future()
        frames = max(1, round(duration * 1000 / self.ptime_ms))
        pause = round(gap * 1000 / self.ptime_ms)
        plans = [DigitPlan(digit, frames, pause, volume, marker, end_packets, frozenset(lost)) for digit in digits]
        plans[-1].done = done
        with pacing.LOCK:
            self._digits.extend(plans)
        seconds = len(digits) * (duration + gap)
        await self._changes.until(done.done, seconds + 5, lambda: f"the digits {digits!r} are sent (paused?)")

    def jump(self, *, ssrc: int | None = None, sequence: int = 0, timestamp: int = 0) -> None:
        """Changes the SSRC, or adds to the next packet's sequence number or timestamp."""
        with pacing.LOCK:
            self.ssrc = self.ssrc if ssrc is None else ssrc
            self.sequence = self.sequence + sequence & 0xFFFF
            self.timestamp = self.timestamp + timestamp & 0xFFFFFFFF

    def send_raw(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        """Sends any bytes from the RTP socket."""
        target = to or self.remote
        if target is None:
            raise ValueError("the peer is not connected")
        self._rtp.sendto(data, target)

    def send_beside(self, data: bytes, to: tuple[str, int], *, rtcp: bool) -> None:
        """Sends bytes that are no media from the socket of the one or the other."""
        _send(self._rtcp if rtcp else self._rtp, data, to)

    def send_report(self) -> None:
        """Sends an RTCP report now, beside the regular ones."""
        with pacing.LOCK:
            self._send_rtcp(time.monotonic())

    # what is heard

    def mark(self) -> int:
        """The present as a position for `pcm(since=...)`."""
        return len(self.heard.arrivals)

    def pcm(self, *, since: int = 0, last: float | None = None) -> Pcm:
        """Received sound; see `Hearing.pcm`."""
        return self.heard.pcm(since=since, last=last)

    def level_dbov(self, last: float = 0.5) -> float:
        """Level of the last seconds of received sound."""
        return tones.level_dbov(self.pcm(last=last))

    async def received(self, packets: int = 1, timeout: float = 5.0, *, since: int | None = None) -> None:
        """Waits until so many packets have come since the mark (default: now)."""
        start = self.mark() if since is None else since
        await self._changes.until(
            lambda: self.mark() >= start + packets, timeout,
            lambda: f"{packets} RTP packets at {self.address}:{self.port}; {self.mark() - start} came",
        )  # fmt: skip

    async def heard_tone(
        self, hz: float, duration: float = 0.3, timeout: float = 5.0, *, at_least_dbov: float = -45.0
    ) -> float:
        """Waits until the last `duration` seconds of sound, still arriving, contain the tone; returns its level."""

        def probe() -> float | None:
            if not self.heard.arrivals or time.monotonic() - self.heard.arrivals[-1].time > 0.15:
                return None
            pcm, rate = self.pcm(last=duration), self.heard.rate
            whole = len(pcm) >= round(duration * rate)
            if not whole or not tones.contains(pcm, hz, rate=rate, at_least_dbov=at_least_dbov):
                return None
            return tones.tone_dbov(pcm, hz, rate=rate)

        return await self._changes.until(probe, timeout, lambda: f"{hz:g} Hz for {duration:g} s; {self.describe()}")

    async def silence_heard(self, duration: float = 0.5, timeout: float = 5.0) -> None:
        """Waits until nothing above -60 dBov has come for `duration` seconds: silence, or no packet at all."""
        deadline = time.monotonic() + timeout * SCALE
        started = time.monotonic()
        while True:
            now = time.monotonic()
            quiet_at = max(self.heard.last_sound, started) + duration
            if now >= quiet_at:
                return
            if now >= deadline:
                raise NotInTime(f"not within {timeout:g} s: {duration:g} s of silence; {self.describe()}")
            try:
                async with asyncio.timeout(min(quiet_at, deadline) - now):
                    await self._changes.changed()
            except TimeoutError:
                continue  # the time to look has come

    async def heard_digits(self, digits: str, timeout: float = 5.0) -> list[Digit]:
        """Waits until the RFC 4733 digits received so far are these, each ended; returns them with their details."""

        def probe() -> list[Digit] | None:
            found = self.heard.digits
            return found if self.heard.digit_string == digits and all(digit.ended for digit in found) else None

        return await self._changes.until(
            probe, timeout, lambda: f"digits {digits!r}; heard {self.heard.digit_string!r}"
        )

    async def heard_report(self, kind: type[RtcpPacket] = SenderReport, timeout: float = 8.0) -> RtcpPacket:
        """Waits for the first RTCP packet of a kind."""

        def probe() -> RtcpPacket | None:
            return next((packet for _, packet in self.reports if isinstance(packet, kind)), None)

        return await self._changes.until(
            probe, timeout, lambda: f"an RTCP {kind.__name__}; {len(self.reports)} others came"
        )

    def describe(self) -> str:
        """One line on what is heard now, for failure messages."""
        peaks = tones.frequencies(self.pcm(last=0.5), self.heard.rate)[:4]
        lines = ", ".join(f"{peak.hz:.0f} Hz {peak.dbov:.0f} dBov" for peak in peaks) or "no tone"
        packets = len(self.heard.arrivals)
        age = f", the last {time.monotonic() - self.heard.arrivals[-1].time:.2f} s ago" if packets else ""
        return f"heard {packets} packets{age}: {lines}, {self.level_dbov():.0f} dBov in all"

    # the pacing thread's side

    def due(self) -> float:
        """See `pacing.Paced`."""
        return min(self._frame_due, self._rtcp_due)

    def tick(self, now: float) -> None:
        """See `pacing.Paced`."""
        if now > self._frame_due:
            self.late_ms = max(self.late_ms, (now - self._frame_due) * 1000)
        if now - self._frame_due > 0.5:
            self._frame_due = now  # the machine stood still: no burst of old frames
        while self._frame_due <= now:
            self._send_frame()
            self._frame_due += self.ptime_ms / 1000
        if self._rtcp_due <= now:
            self._send_rtcp(now)
            self._rtcp_due = now + self._rtcp_interval

    def readable(self, sock: socket.socket) -> None:
        """See `pacing.Paced`."""
        while True:
            try:
                data, notes, _, source = sock.recvmsg(65536, 64)
            except BlockingIOError:
                break
            except ConnectionError:
                continue  # an ICMP error of an earlier send: the peer's port is closed
            if self.guard is not None:
                plain = self.guard.opened(data, source, rtcp=sock is self._rtcp)
                if plain is None:
                    continue
                data = plain
            if is_rtcp(data):
                self._add_reports(data)
            elif sock is self._rtp:
                self.heard.add(data, source, _arrival(notes))
        self._notify()

    def _add_reports(self, data: bytes) -> None:
        now = time.monotonic()
        try:
            packets = parse_rtcp(data)
        except ValueError as error:
            self.heard.faults.append(str(error))
            return
        for packet in packets:
            self.reports.append((now, packet))
            if isinstance(packet, SenderReport) and packet.ssrc in self.heard.sources:
                self.heard.sources[packet.ssrc].sender_report(packet.ntp, now)

    def _notify(self, done: asyncio.Future[None] | None = None) -> None:
        def in_loop() -> None:
            self._notifying = False
            if done is not None and not done.done():
                done.set_result(None)
            self._changes.notify()

        if (done is not None or not self._notifying) and not self._loop.is_closed():
            self._notifying = True
            self._loop.call_soon_threadsafe(in_loop)

    def _send_frame(self) -> None:
        count = self.codec.rate * self.ptime_ms // 1000
        pcm = self._next_sound(count)
        plan = self._digits[0] if self._digits else None
        if self._sending and plan is not None and plan.sending:
            self._send_digit(plan, count)
        elif self._sending:
            payload = self._payloads[0] if self._payloads else tones.encode(pcm, self.codec.name)
            self._payloads.rotate(-1)
            self._transmit(self.codec.payload_type, payload, self.timestamp, self._marker)
            self._marker = False
        if plan is not None and self._sending and plan.step():
            self._digits.popleft()
            if plan.done is not None:
                self._notify(plan.done)
        self.timestamp = self.timestamp + count & 0xFFFFFFFF

    def _next_sound(self, count: int) -> Pcm:
        if not self._queue or not self._sending:
            return self._tone(count)
        if self._digits and self._digits[0].sending:
            return np.zeros(count, dtype=np.int16)  # what is played waits for the digit
        pcm, sent = self._queue.popleft()
        frame, rest = pcm[:count], pcm[count:]
        if len(rest):
            self._queue.appendleft((rest, sent))
        elif sent is not None:
            self._notify(sent)
        return np.concatenate([frame, np.zeros(count - len(frame), dtype=np.int16)])

    def _send_digit(self, plan: DigitPlan, count: int) -> None:
        assert self.dtmf is not None
        for event, marker, lost in plan.packets(self.timestamp, count):
            if lost:
                self.sequence = self.sequence + 1 & 0xFFFF
            else:
                self._transmit(self.dtmf.payload_type, bytes(event), plan.timestamp, marker)

    def _transmit(self, payload_type: int, payload: bytes, timestamp: int, marker: bool) -> None:
        packet = RtpPacket(payload_type, self.sequence, timestamp, self.ssrc, payload, marker)
        self.sequence = self.sequence + 1 & 0xFFFF
        self.packets_sent += 1
        self.octets_sent += len(payload)
        data = bytes(packet)
        _send(self._rtp, self.guard.protect(data) if self.guard else data, self.remote)

    def _send_rtcp(self, now: float) -> None:
        blocks: tuple[ReportBlock, ...] = tuple(source.block(now) for source in list(self.heard.sources.values())[-31:])
        ntp = int((time.time() + NTP_EPOCH) * 2**32)
        report: SenderReport | ReceiverReport = ReceiverReport(self.ssrc, blocks)
        if self._sending and self.packets_sent:
            report = SenderReport(self.ssrc, ntp, self.timestamp, self.packets_sent, self.octets_sent, blocks)
        cname = SourceDescription(self.ssrc, f"peer@{self.address}")
        data = bytes(report) + bytes(cname)
        _send(self._rtcp, self.guard.protect_rtcp(data) if self.guard else data, self._remote_rtcp)


def _quiet(count: int) -> Pcm:
    return np.zeros(count, dtype=np.int16)


def _arrival(notes: list[tuple[int, int, bytes]]) -> float:
    """When the kernel took a datagram in, on `time.monotonic`, however late this process reads it."""
    for _, kind, data in notes:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data)
            age: float = time.time() - seconds - nanoseconds / 1e9
            return time.monotonic() - age
    return time.monotonic()


def _send(sock: socket.socket, data: bytes, target: tuple[str, int] | None) -> None:
    if target is None or not data:
        return
    try:
        sock.sendto(data, target)
    except (ConnectionError, BlockingIOError):
        return  # a closed port or a full buffer is a lost packet, as on any network
