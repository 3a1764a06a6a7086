"""Offer/answer of one call (RFC 3264): which description is out, which came, and what the media makes of both."""

from typing import Protocol

from .impairment import ImpairmentRelay
from .message import MessageError
from .rtp import RtpPeer
from .sdp import DTMF, PCMA, PCMU, REVERSED, Codec, Sdp, narrowed

PLAYABLE = ("PCMU", "PCMA", "L16")
"""Codecs that an `RtpPeer` can send."""


class Security(Protocol):
    """How a side protects its media: its lines in descriptions, and its packets once both are known."""

    def offer(self, sdp: Sdp) -> Sdp:
        """A description that offers it."""

    def answer(self, sdp: Sdp, offer: Sdp) -> Sdp:
        """An answer that takes what is offered."""

    def apply(self, local: Sdp, remote: Sdp, media: RtpPeer) -> None:
        """Both are known: packets are protected from now on."""


class Negotiation:
    """The session descriptions of a call. `direction` is what this side wants when it answers."""

    def __init__(self, media: RtpPeer) -> None:
        self.media = media
        self.codecs: tuple[Codec, ...] = (PCMU, PCMA, DTMF)
        self.direction = "sendrecv"
        self.local: Sdp | None = None
        self.remote: Sdp | None = None
        self.offered = False
        """An offer of this side waits for its answer."""
        self.relay: ImpairmentRelay | None = None
        """A relay that stands between this side's media and the peer's, when set before the first description."""
        self.security: Security | None = None
        self._received = False

    def _first(self) -> Sdp:
        host, port = self.relay.far if self.relay else (self.media.address, self.media.port)
        return Sdp.offer(host, port, self.codecs, self.direction)

    def offer(self, sdp: Sdp | None = None) -> bytes:
        """A description to offer: the given one, the last one with the wanted direction, or a first one."""
        if sdp is None and self.local is not None:
            sdp = self.local.again(self.direction)
        if sdp is None:
            sdp = self._first()
            sdp = self.security.offer(sdp) if self.security else sdp
        self.local = sdp
        self.media.accept(self.local.codecs)
        self.offered = True
        return bytes(self.local)

    def received(self, body: bytes) -> None:
        """An offer of the peer; `answer` makes the answer.

        Raises:
            MessageError: the description is malformed.
        """
        self.remote = Sdp.parse(body)
        self._received = True

    def answer(self, sdp: Sdp | None = None) -> bytes:
        """The answer to the last offer of the peer; an offer, when the peer left that to this side.

        An answer that went out in a provisional response is repeated as it was (RFC 3261 §13.3.1).
        """
        if not self._received and self.local is not None and self.remote is not None and sdp is None:
            return bytes(self.local)
        if not self._received or self.remote is None:
            return self.offer(sdp)
        mine = self.local or self._first()
        if sdp is None:
            sdp = mine.answer_to(self.remote, direction=self.direction)
            sdp = self.security.answer(sdp, self.remote) if self.security else sdp
        self.local = sdp
        self._received = False
        self._apply()
        return bytes(self.local)

    def answered(self, remote: Sdp) -> None:
        """The peer's answer to this side's offer."""
        self.remote, self.offered = remote, False
        if self.local is not None:
            self._check_answer(self.local, remote)
        self._apply()

    def on_success(self, body: bytes) -> bytes:
        """A 2xx to an INVITE of this side: takes its answer, or answers its offer with what the ACK carries."""
        if not body:
            return b""
        if self.offered:
            self.answered(Sdp.parse(body))
        elif self.local is None or self.remote is None or Sdp.parse(body).version != self.remote.version:
            self.received(body)
            return self.answer()
        return b""

    @staticmethod
    def _check_answer(local: Sdp, remote: Sdp) -> None:
        """An answer names only what was offered (RFC 3264 §6.1)."""
        offered = {(codec.name.lower(), codec.rate) for codec in local.codecs}
        foreign = [codec for codec in remote.codecs if (codec.name.lower(), codec.rate) not in offered]
        if foreign and remote.port:
            raise MessageError(f"the answer has codecs that were not offered: {foreign}")

    def _apply(self) -> None:
        local, remote = self.local, self.remote
        if local is None or remote is None or not remote.port:
            self.media.pause()
            return
        direction = narrowed(local.direction, REVERSED[remote.direction])
        self.media.accept(local.codecs)
        if self.security is not None:
            self.security.apply(local, remote, self.media)
        playable = remote.audio.name in PLAYABLE
        sending = "send" in direction and remote.address != "0.0.0.0" and playable
        target = (remote.address, remote.port)
        if self.relay:
            self.relay.a, self.relay.b = (self.media.address, self.media.port), target
            target = self.relay.near
        self.media.connect(
            target,
            codec=remote.audio if playable else None,
            dtmf=remote.dtmf,
            rtcp_port=remote.rtcp_port,
            sending=sending,
        )
