"""How one digit is sent as RFC 4733 events, well or badly."""

import asyncio
from collections.abc import Iterator

from .packet import TelephoneEvent


class DigitPlan:
    """Where the sending of one digit stands; its arguments are those of `RtpPeer.send_digits`, counted in frames."""

    def __init__(
        self, digit: str, frames: int, pause: int, volume: int, marker: bool, end_packets: int, lost: frozenset[int]
    ) -> None:
        self.digit, self.frames, self.pause, self.volume = digit, frames, pause, volume
        self.marker, self.end_packets, self.lost = marker, end_packets, lost
        self.frame = self.timestamp = 0
        self.done: asyncio.Future[None] | None = None
        """Set when the last digit's pause is over."""

    @property
    def sending(self) -> bool:
        """False in the pause after the digit."""
        return self.frame < self.frames

    def step(self) -> bool:
        """Goes one frame on; True when the digit and its pause are over."""
        self.frame += 1
        return self.frame >= self.frames + self.pause

    def packets(self, now: int, count: int) -> Iterator[tuple[TelephoneEvent, bool, bool]]:
        """The events of this frame: the event, its marker, and whether it is to be lost on the way.

        The last frame brings the end packets too (RFC 4733 §2.5.1.4). All have the timestamp of the first frame.

        Args:
            now: RTP timestamp of the frame.
            count: timestamp units of a frame.
        """
        if self.frame == 0:
            self.timestamp = now
        total = self.frames + self.end_packets
        events = [TelephoneEvent(self.digit, count * (self.frame + 1), volume=self.volume)]
        if self.frame == self.frames - 1:
            events += [TelephoneEvent(self.digit, count * self.frames, True, self.volume)] * self.end_packets
        for index, event in enumerate(events, self.frame):
            yield event, self.marker and index == 0, index in self.lost or index - total in self.lost
