"""Signers' certificates: fetched once, kept for a while, never waited for long (RFC 8224 §4.1, §6.2.3).

Every URL comes from a peer: it is requested under the rules of all requests to strangers (no private addresses, no
redirects, bounded), and a URL that has failed is left alone for a while.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from callwright.errors import ApplicationError
from callwright.outbound import Limits, Outbound, parse
from callwright.sip.certification import BadCertificate, read

LIMITS = Limits(connect=1.5, read=1.5, total=2.0)
MAX_BYTES = 65536
MOST = 1000
MOST_AT_ONCE = 20
KEPT_S = 3600.0
FAILED_S = 30.0


class Unavailable(Exception):
    """A certificate cannot be had now; says why."""


@dataclass(frozen=True, slots=True)
class _Kept:
    chain: tuple[x509.Certificate, ...]
    fault: str
    until: float


class Repository:
    """Certificate chains by their URL.

    Args:
        outbound: makes the requests.
        time: a monotonic clock, in seconds.

    Attributes:
        fetched, failed: requests so far.
    """

    def __init__(self, outbound: Outbound, time: Callable[[], float]) -> None:
        self.fetched = self.failed = 0
        self._outbound, self._time = outbound, time
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[_Kept]] = {}

    async def chain(self, url: str, within: float) -> tuple[x509.Certificate, ...]:
        """The certificates at a URL, the signer's first. What comes later than asked for is kept for the next call.

        Args:
            within: seconds.

        Raises:
            Unavailable: they cannot be had in time.
        """
        kept = self._kept.get(url)
        if kept is None or kept.until <= self._time():
            kept = await self._asked(url, within)
        if kept.fault:
            raise Unavailable(kept.fault)
        return kept.chain

    async def _asked(self, url: str, within: float) -> _Kept:
        """Calls that need the same certificate wait for one request."""
        task = self._fetching.get(url)
        if task is None:
            if len(self._fetching) >= MOST_AT_ONCE:
                raise Unavailable(f"{MOST_AT_ONCE} certificates are being fetched")
            task = self._fetching[url] = asyncio.create_task(self._fetch(url), name=f"certificate {url[:100]}")
            task.add_done_callback(lambda _: self._fetching.pop(url, None))
        done, _ = await asyncio.wait({task}, timeout=within)
        if not done:
            raise Unavailable(f"{url} has not answered within {within:g} s")
        return task.result()

    async def _fetch(self, url: str) -> _Kept:
        chain: tuple[x509.Certificate, ...] = ()
        fault = ""
        self.fetched += 1
        try:
            response = await self._outbound.request("GET", parse(url), limits=LIMITS, max_bytes=MAX_BYTES)
            if response.status == 200:
                chain = tuple(read(response.body))
            else:
                fault = f"{url} answers {response.status}"
        except (ApplicationError, BadCertificate) as error:
            fault = f"{url}: {error}"
        self.failed += bool(fault)
        kept = _Kept(chain, fault, self._time() + (FAILED_S if fault else KEPT_S))
        self._kept[url] = kept
        self._kept.move_to_end(url)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return kept

    async def close(self) -> None:
        """Ends the requests under way."""
        tasks = tuple(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
