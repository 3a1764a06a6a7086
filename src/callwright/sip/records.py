"""DNS records, asked for on the loop and kept for as long as they hold.

An answer is served from memory until its TTL is over, and asked for anew in the background shortly before: a call waits
for DNS only when nobody has asked for the name before, or not for long. While no server answers, what was known last is
served on (RFC 8767).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

LEAST_S, MOST_S = 1.0, 86400.0
NEGATIVE_S = 300.0
"""The longest that the absence of records is believed (RFC 2308 §5 allows hours; a carrier that has just been set up
should not wait for them)."""
AHEAD_S = 15.0
"""So long before its end, at most, an answer that is used is asked for anew."""
GRACE_S = 30.0
"""So long after its end an answer is still served while a new one is fetched."""
STALE_S = 86400.0
"""So long after its end it is served when no server answers."""
RETRY_S = 5.0
"""After a failure no server is asked for the same again before this."""
MOST_ENTRIES = 4096

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What DNS says of a name and type.

    Attributes:
        records: rdata as dnspython has them; empty when there are none.
        ttl: seconds; of an absence, the one of RFC 2308.
    """

    records: Sequence[Any]
    ttl: float


Query = Callable[[str, str], Awaitable[Found]]
"""Asks the servers for (name, type). Raises OSError when none can tell."""


@dataclass(slots=True)
class _Entry:
    """One name and type: an answer, or why there is none. Times are the clock's.

    Attributes:
        fault: why there is none, or no newer one.
        ends: when its TTL is over.
        served: until when it is served without waiting for a new one.
        renewed: from when on a use of it asks the servers again.
    """

    found: Found | None
    fault: str
    ends: float
    served: float
    renewed: float


class Records:
    """A cache of DNS records.

    Args:
        query: asks the servers.
        time: a monotonic clock, in seconds; the loop's by default.
    """

    def __init__(self, query: Query, time: Callable[[], float] | None = None) -> None:
        self._query = query
        self._time = time or asyncio.get_running_loop().time
        self._entries: dict[Key, _Entry] = {}
        self._asking: dict[Key, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    async def find(self, name: str, kind: str) -> Found:
        """Records of a name, with the TTL that they have left.

        Args:
            kind: "A", "AAAA", "SRV" or "NAPTR".

        Raises:
            OSError: no server can tell, and nothing was known before.
        """
        key = name.rstrip(".").lower(), kind
        entry = self._entries.get(key)
        if entry is None or self._time() >= entry.served:
            await asyncio.shield(self._ask(key))
            entry = self._entries[key]
        elif self._time() >= entry.renewed:
            self._ask(key)
        if entry.found is None:
            raise OSError(entry.fault)
        return Found(entry.found.records, max(LEAST_S, entry.ends - self._time()))

    def _ask(self, key: Key) -> "asyncio.Task[None]":
        """Asks the servers, once for all who want to know."""
        if (task := self._asking.get(key)) is None:
            task = self._asking[key] = asyncio.create_task(self._learn(key), name=f"DNS {key[1]} {key[0]}")
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return task

    async def _learn(self, key: Key) -> None:
        try:
            found = await self._query(*key)
        except OSError as error:
            self._on_failure(key, str(error))
            return
        ttl = min(MOST_S if found.records else NEGATIVE_S, max(LEAST_S, found.ttl))
        ends = self._time() + ttl
        self._keep(key, _Entry(found, "", ends, ends + GRACE_S, ends - min(AHEAD_S, ttl / 4)))

    def _on_failure(self, key: Key, fault: str) -> None:
        """What was known goes on to be served; that nothing is known is remembered as well, for a while."""
        again = self._time() + RETRY_S
        known = self._entries.get(key)
        if known is None or known.found is None or self._time() >= known.ends + STALE_S:
            self._keep(key, _Entry(None, fault, again, again, again))
            return
        known.renewed = again
        known.served = max(known.served, again + GRACE_S)
        if self._time() >= known.ends and not known.fault:
            known.fault = fault  # told once, until a server answers again
            logger.warning("DNS: %s; what was known %.0f s ago is used", fault, self._time() - known.ends)

    def _keep(self, key: Key, entry: _Entry) -> None:
        self._entries.pop(key, None)
        self._entries[key] = entry
        if len(self._entries) > MOST_ENTRIES:
            self._entries.pop(next(iter(self._entries)))

    async def close(self) -> None:
        """Ends the queries that still run."""
        asking = tuple(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
