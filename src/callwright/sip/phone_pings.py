"""Asks registered phones whether they are there, by OPTIONS (RFC 3261 §11). Who says nothing three times in a row is
not; any answer, a refusal too, comes from one that is.

Pings keep the way through a NAT open. They go out one by one, over the whole period; a REGISTER begins a new one.
"""

import asyncio
import heapq
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from callwright.sip.binding import Binding, Key
from callwright.sip.registrar import FLOW_FAILED, Registrar
from callwright.sip.transaction import Response

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint

logger = logging.getLogger(__name__)

ANSWER_S = 4.0
FAILURES = 3
AGAIN_S = 5.0
"""After a ping that was not answered, when the period is longer."""
TICK_S = 0.05
AT_ONCE = 10
"""Pings of one tick: 200 a second, whatever the number of phones."""
MANY = 20
"""So many phones that are silent together, and more than every second one: the fault is between us and them."""
SPREAD = 0.1
SILENT = 408

Send = Callable[[Binding, Callable[[Response], None]], None]
"""Sends OPTIONS to a phone and has its end told; raises ValueError when it cannot be sent."""


@dataclass(slots=True, eq=False)
class _Phone:
    binding: Binding
    failures: int = 0


class PhonePings:
    """The pings of all phones.

    Args:
        period: seconds between two pings of a phone.
        time: a monotonic clock, in seconds.
        chance: a number from 0 to 1, so that pings do not go out all at once.
    """

    def __init__(
        self,
        registrar: Registrar,
        period: float,
        send: Send,
        *,
        time: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._registrar, self._period, self._send = registrar, period, send
        self._time, self._chance = time, chance
        self._phones: dict[Key, _Phone] = {}
        self._silent: set[Key] = set()
        self._due: list[tuple[float, int, _Phone]] = []
        self._count = 0
        self._warned = False
        self._wake = asyncio.Event()
        registrar.follow(self)

    def bound(self, binding: Binding) -> None:
        """A phone has registered."""
        phone = self._phones[binding.key] = _Phone(binding)
        self._schedule(phone, self._period * self._chance())

    def released(self, binding: Binding) -> None:
        """It is gone, or has registered again."""
        self._phones.pop(binding.key, None)
        self._silent.discard(binding.key)

    def _schedule(self, phone: _Phone, seconds: float) -> None:
        self._count += 1  # phones have no order
        heapq.heappush(self._due, (self._time() + seconds, self._count, phone))
        self._wake.set()

    async def serve(self) -> None:
        """Pings until cancelled."""
        while True:
            if not self._due:
                self._wake.clear()
                await self._wake.wait()
            self.ping()
            await asyncio.sleep(TICK_S if len(self._due) > AT_ONCE else 4 * TICK_S)

    def ping(self) -> None:
        """Asks those whose turn it is, as many as may be asked at once."""
        now, asked = self._time(), 0
        while self._due and self._due[0][0] <= now and asked < AT_ONCE:
            _, _, phone = heapq.heappop(self._due)
            if self._phones.get(phone.binding.key) is not phone:
                continue
            if phone.binding.key in self._registrar.stranded:  # it cannot be asked, and its time runs
                self._schedule(phone, self._period)
                continue
            asked += 1
            try:
                self._send(phone.binding, partial(self._on_answer, phone))
            except ValueError as error:
                logger.debug("x %s cannot be pinged: %s", phone.binding.aor, error)
                self._schedule(phone, self._period)

    def _on_answer(self, phone: _Phone, response: Response) -> None:
        key = phone.binding.key
        if self._phones.get(key) is not phone:
            return
        if response.code == FLOW_FAILED:
            self._registrar.unreached(phone.binding, response.code)
            return
        if response.code != SILENT:
            phone.failures = 0
            self._silent.discard(key)
            self._warned = self._warned and self._outage
            self._schedule(phone, self._period * (1 - SPREAD * self._chance()))
            return
        phone.failures += 1
        self._silent.add(key)
        if phone.failures < FAILURES or self._is_ours():
            self._schedule(phone, min(self._period, AGAIN_S))
        else:
            self._registrar.drop(phone.binding, "ping", f"{FAILURES} OPTIONS in a row were not answered")

    @property
    def _outage(self) -> bool:
        return len(self._silent) > max(MANY, len(self._phones) // 2)

    def _is_ours(self) -> bool:
        """Whether most phones are silent: dropped for that, none of them could be called when the network is back."""
        if self._outage and not self._warned:
            self._warned = True
            logger.warning(
                "%d of %d phones answer no OPTIONS: the network is at fault, and none of them is dropped",
                len(self._silent),
                len(self._phones),
            )
        return self._outage


def over(endpoint: "Endpoint") -> Send:
    """OPTIONS to where the REGISTER came from."""

    def send(binding: Binding, ended: Callable[[Response], None]) -> None:
        name, _, domain = binding.aor.rpartition("@")
        addresses = [("From", endpoint.local_uri("", domain)), ("To", endpoint.local_uri(name, domain))]
        endpoint.transactions.send(
            "OPTIONS",
            binding.target,
            ended,
            headers=[*addresses, *(("Route", value) for value in binding.route)],
            content_type="",
            body=b"",
            next_hop=binding.hop,
            timeout=ANSWER_S,
        )

    return send
