"""Asks the trunks' gateways whether they live, by OPTIONS (RFC 3261 §11), and tells `Health`."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from callwright.sip.health import Health
from callwright.sip.trunks import Trunk
from callwright.sip.uri import place_of

logger = logging.getLogger(__name__)

ANSWER_S = 4.0
SPREAD = 0.1
AT_ONCE = 16
ILL = frozenset({408, 500, 502, 503, 504})
"""What a gateway that cannot take calls says; any other answer, a refusal too, comes from one that lives."""


class Response(Protocol):
    """A final response."""

    @property
    def code(self) -> int: ...
    @property
    def reason(self) -> str: ...


Ask = Callable[[str, str], Awaitable[Response]]
"""Sends OPTIONS to (URI, next hop) and returns the final response; 408 when none came."""


class Pings:
    """The pings of all trunks that want some.

    Args:
        ask: sends one.
        locate: finds the hops of a URI; raises OSError when there are none.
        chance: a number from 0 to 1, so that pings do not go out all at once.
    """

    def __init__(
        self,
        trunks: Iterable[Trunk],
        health: Health,
        *,
        ask: Ask,
        locate: Callable[[str], Awaitable[Sequence[str]]],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._trunks = [trunk for trunk in trunks if trunk.ping and trunk.targets]
        self._health = health
        self._ask, self._locate, self._chance = ask, locate, chance
        self._free = asyncio.Semaphore(AT_ONCE)

    async def serve(self) -> None:
        """Pings until cancelled."""
        async with asyncio.TaskGroup() as group:
            for trunk in self._trunks:
                group.create_task(self._watch(trunk), name=f"pings of {trunk.name}")

    async def _watch(self, trunk: Trunk) -> None:
        while True:
            for gateway in trunk.targets:
                try:
                    hops = await self._locate(gateway.uri)
                except OSError as error:
                    logger.debug("x trunk=%s: %s", trunk.name, error)
                    continue
                await asyncio.gather(*(self._ping(trunk, gateway.uri, hop) for hop in hops))
            await asyncio.sleep(trunk.ping * (1 - SPREAD * self._chance()))

    async def _ping(self, trunk: Trunk, uri: str, hop: str) -> None:
        """One gateway; one that is left alone is not asked before its time is up."""
        place = place_of(uri, hop)
        if not self._health.takes(trunk.name, place):
            return
        async with self._free:
            try:
                response = await self._ask(uri, hop)
            except (OSError, ValueError) as error:
                self._health.failed(trunk.name, place, trunk.patience, str(error))
                return
        if response.code in ILL:
            self._health.failed(trunk.name, place, trunk.patience, f"OPTIONS: {response.code} {response.reason}")
        else:
            self._health.passed(trunk.name, place)
