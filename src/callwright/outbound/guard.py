"""Which addresses may be connected to, and the resolver that lets no other pass.

Whoever writes a document or calls the API chooses the URLs that we request. A name is resolved once, all its addresses
are checked, and the connection goes to one of those addresses: there is no second lookup that could answer otherwise.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

from aiohttp.abc import AbstractResolver, ResolveResult

from callwright.errors import ApplicationError
from callwright.outbound.failure import Attempt, ConnectError

LOOKUP_THREADS = 16
LOOKUP_CACHE_S = 10.0
LOOKUP_CACHE_SIZE = 1000

_PRIVATE_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_PRIVATE_6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")
"""The attempt that the running task makes; what happens below the HTTP client is written down in it."""


def private(address: str) -> bool:
    """Whether an IP address is not one of the public Internet: private, loopback, link-local, multicast, reserved.

    Source: the IANA special-purpose address registries; IPv4 inside IPv6 (mapped, NAT64) counts as the IPv4 address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed in _NAT64:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        else:
            return parsed not in _PUBLIC_6 or any(parsed in network for network in _PRIVATE_6)
    return any(parsed in network for network in _PRIVATE_4)


def open_socket(info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
    """A socket for a new connection; tells the attempt that it needed one."""
    current_attempt.get().opened = True
    return socket.socket(info[0], info[1], info[2])


class Guard(AbstractResolver):
    """Looks names up, once for all who ask at a time, and lets only addresses pass that may be connected to."""

    def __init__(
        self,
        allow_private: bool,
        trusted: frozenset[tuple[str, int]],
        lookup: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._look_up = lookup
        self._allow_private = allow_private
        self._trusted = trusted
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, "lookup")
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._lookups: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    def check(self, host: str, port: int, addresses: tuple[str, ...]) -> None:
        """Raises ApplicationError 11210 when one of a host's addresses may not be connected to."""
        if self._allow_private or (host, port) in self._trusted:
            return
        for address in addresses:
            if private(address):
                named = address if address == host else f"{host} ({address})"
                raise ApplicationError(
                    f"{named} is not a public address; set outbound_http.allow_private = true to allow it", code=11210
                )

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses to connect to, each checked.

        Raises:
            ApplicationError: 11210 the name cannot be resolved, or one of its addresses may not be connected to.
        """
        attempt = current_attempt.get()
        attempt.resolving = True
        addresses = await self._lookup(host.lower())
        attempt.resolving = False
        self.check(host.lower(), port, addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def _lookup(self, host: str) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        known = self._known.get(host)
        if known is not None and known[0] > loop.time():
            return known[1]
        lookup = self._lookups.get(host)
        if lookup is None:
            lookup = self._lookups[host] = asyncio.ensure_future(
                loop.run_in_executor(self._threads, self._look_up, host)
            )
            lookup.add_done_callback(lambda done: self._learn(host, loop.time() + LOOKUP_CACHE_S, done))
        try:
            return await asyncio.shield(lookup)
        except socket.gaierror as error:
            raise ConnectError(f"the name {host} cannot be resolved: {error.strerror}", code=11210) from error

    def _learn(self, host: str, until: float, lookup: "asyncio.Future[tuple[str, ...]]") -> None:
        del self._lookups[host]
        if lookup.cancelled() or lookup.exception() is not None:
            return
        if len(self._known) >= LOOKUP_CACHE_SIZE:
            self._known.clear()
        self._known[host] = (until, lookup.result())

    async def close(self) -> None:
        """Ends the threads; a lookup that hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def addresses(host: str) -> tuple[str, ...]:
    """Every address of a name, in the system's order of preference. Blocks: runs in a thread."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))
