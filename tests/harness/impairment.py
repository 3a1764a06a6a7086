"""A UDP relay that treats packets badly, but the same way each time: loss, delay, jitter, reordering, duplication.

The fate of the n-th packet of each direction follows from the seed alone. Put it into a call's media with
`call.negotiation.relay = relay` before the offer or answer (or `Phone.invite(..., relay=relay)`), or between any two
addresses.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, cast

from .ports import next_address
from .waiting import within

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Impairment:
    """What one direction suffers. Probabilities are of 0..1, times are milliseconds.

    Attributes:
        loss: of each packet.
        delay_ms: mean delay.
        jitter_ms: the delay is within delay ± jitter, evenly; order is kept.
        reorder: of each packet, to be held back by `reorder_ms` more while later ones overtake it.
        duplicate: of each packet, to arrive twice.
        seed: of all decisions.
    """

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 50.0
    duplicate: float = 0.0
    seed: int = 1


class Fate(NamedTuple):
    """What happens to one packet. `delay` is in seconds; `late` packets may be overtaken."""

    lost: bool
    delay: float
    late: bool
    copies: int


def fates(impairment: Impairment) -> Iterator[Fate]:
    """The fate of the first, second, ... packet; endless, and the same for the same impairment."""
    dice = random.Random(impairment.seed)
    while True:
        lost, spread, late, twice = (dice.random() for _ in range(4))
        delay = max(0.0, impairment.delay_ms + (2 * spread - 1) * impairment.jitter_ms)
        held = late < impairment.reorder
        yield Fate(
            lost < impairment.loss,
            (delay + (impairment.reorder_ms if held else 0.0)) / 1000,
            held,
            2 if twice < impairment.duplicate else 1,
        )


@dataclass(slots=True)
class Tally:
    """What a direction has done so far."""

    received: int = 0
    lost: int = 0
    late: int = 0
    duplicated: int = 0
    forwarded: int = 0


class ImpairmentRelay:
    """Two sockets: what `a` sends to `near` comes to `b` from `far`, and the other way round.

    Attributes:
        near: the address that a sends to.
        far: the address that b sends to.
        a, b: where packets go; None: learnt from the first packet that comes from there.
        a_to_b, b_to_a: what has happened in each direction.
    """

    def __init__(self, a: Endpoint | None, b: Endpoint | None, a_to_b: Impairment, b_to_a: Impairment) -> None:
        self.a, self.b = a, b
        self.a_to_b, self.b_to_a = Tally(), Tally()
        self._fates = {"a": fates(a_to_b), "b": fates(b_to_a)}
        self._last = {"a": 0.0, "b": 0.0}
        self._pending: set[asyncio.TimerHandle] = set()
        self._sockets: dict[str, asyncio.DatagramTransport] = {}
        self._closed: list[asyncio.Future[None]] = []

    @classmethod
    async def start(
        cls,
        a_to_b: Impairment | None = None,
        b_to_a: Impairment | None = None,
        *,
        a: Endpoint | None = None,
        b: Endpoint | None = None,
        address: str | None = None,
    ) -> "ImpairmentRelay":
        """Opens both sockets. A direction without an impairment passes everything at once."""
        relay = cls(a, b, a_to_b or Impairment(), b_to_a or Impairment())
        loop = asyncio.get_running_loop()
        host = address or next_address()
        for side in ("a", "b"):
            closed: asyncio.Future[None] = loop.create_future()
            protocol = _Side(relay, side, closed)
            transport, _ = await loop.create_datagram_endpoint(partial(_same, protocol), local_addr=(host, 0))
            relay._sockets[side] = transport
            relay._closed.append(closed)
        return relay

    @property
    def near(self) -> Endpoint:
        """Where a sends to."""
        return cast(Endpoint, self._sockets["a"].get_extra_info("sockname"))

    @property
    def far(self) -> Endpoint:
        """Where b sends to."""
        return cast(Endpoint, self._sockets["b"].get_extra_info("sockname"))

    def received(self, side: str, data: bytes, source: Endpoint) -> None:
        """One packet from a or b."""
        if side == "a":
            self.a = self.a or source
        else:
            self.b = self.b or source
        tally = self.a_to_b if side == "a" else self.b_to_a
        tally.received += 1
        fate = next(self._fates[side])
        if fate.lost:
            tally.lost += 1
            return
        tally.late += fate.late
        tally.duplicated += fate.copies - 1
        loop = asyncio.get_running_loop()
        at = loop.time() + fate.delay
        if not fate.late:
            # a little later each: the loop's heap of timers does not keep the order of equal ones
            at = self._last[side] = max(at, self._last[side] + 1e-6)
        for _ in range(fate.copies):
            self._later(loop, at, side, data, tally)

    def _later(self, loop: asyncio.AbstractEventLoop, at: float, side: str, data: bytes, tally: Tally) -> None:
        def forward() -> None:
            self._pending.discard(handle)
            target, socket = (self.b, self._sockets["b"]) if side == "a" else (self.a, self._sockets["a"])
            if target is not None:
                tally.forwarded += 1
                socket.sendto(data, target)

        handle = loop.call_at(at, forward)
        self._pending.add(handle)

    async def close(self) -> None:
        """Drops what is under way and closes both sockets."""
        for handle in self._pending:
            handle.cancel()
        for transport in self._sockets.values():
            transport.close()
        await within(asyncio.gather(*self._closed), 5, "the relay's sockets are closed")


def _same(protocol: "_Side") -> "_Side":
    return protocol


class _Side(asyncio.DatagramProtocol):
    def __init__(self, relay: ImpairmentRelay, side: str, closed: asyncio.Future[None]) -> None:
        self._relay, self._side, self._closed = relay, side, closed

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        self._relay.received(self._side, data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set_result(None)
