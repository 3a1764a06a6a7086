"""Where a SIP URI's requests go: NAPTR, SRV, then A and AAAA (RFC 3263 §4)."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from callwright.sections import DnsSection
from callwright.sip.hosts import Hosts
from callwright.sip.lookup import is_address
from callwright.sip.nameserver import Nameserver
from callwright.sip.records import Query, Records
from callwright.sip.uri import transport_of, user_and_host, without_port
from callwright.sip.weights import drawn

logger = logging.getLogger(__name__)

MOST_HOPS = 16
FRESH_S = 10.0
"""How often names that are kept fresh are looked at: less than what an answer is renewed ahead of its end."""
_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """All that a name stands for; ttl in seconds."""

    addresses: Sequence[str]
    ttl: float


class Locator:
    """Finds the hops of SIP URIs.

    Args:
        transports: that we can send by, of "udp", "tcp" and "tls".
        ipv6: whether we can send over IPv6; its addresses come first then (RFC 6724).
        chance: a number from 0 to 1, for the choice among SRV records of equal priority.
    """

    def __init__(
        self,
        records: Records,
        hosts: Hosts | None = None,
        *,
        transports: Sequence[str] = ("udp", "tcp"),
        ipv6: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.records = records
        self._hosts = hosts or Hosts()
        self._transports = tuple(transports)
        self._kinds = ("AAAA", "A") if ipv6 else ("A",)
        self._chance = chance

    @classmethod
    def of(
        cls, section: DnsSection, addresses: Iterable[tuple[str, str, int]], query: Query | None = None
    ) -> "Locator":
        """With the servers of [dns], for who listens at these (transport, host, port).

        Args:
            query: asks in place of those servers.
        """
        listening = tuple(addresses)
        return cls(
            Records(query or Nameserver(section.servers, section.timeout_s).query),
            transports=tuple(dict.fromkeys(transport for transport, *_ in listening)),
            ipv6=any(":" in host for _, host, _ in listening),
        )

    async def hops(self, uri: str) -> Sequence[str]:
        """URIs of the addresses where requests to a URI go, in the order in which they are tried; "" alone when its
        host is an address already.

        Raises:
            OSError: there is none.
        """
        uri = uri.strip().removeprefix("<")  # of a Route
        host = user_and_host(uri)[1]
        name = without_port(host)
        if not name or is_address(name):
            return ("",)
        secure = uri.lower().startswith("sips:")
        transport = "tls" if secure else transport_of(uri)
        port = host[len(name) :]
        found: Sequence[str] = ()
        if not port and self._hosts.addresses(name) is None:
            found = await self._by_services(name, transport)
        if not found:
            port = port or (":5061" if secure else "")
            found = [hop_of(address, port, transport) for address in await self._addresses(name)]
        if not found:
            raise OSError(f"no address for {name}")
        return tuple(dict.fromkeys(found))[:MOST_HOPS]

    async def resolve_all(self, name: str) -> Addresses:
        """Every address that a name stands for: its own, and those of its SIP servers (SRV); IPv4 and IPv6.

        Raises:
            OSError: no server can tell, and nothing was known before. A name without any address raises nothing.
        """
        if is_address(name):
            return Addresses((name.strip("[]"),), float("inf"))
        if (known := self._hosts.addresses(name)) is not None:
            return Addresses(tuple(known), FRESH_S)
        servers = await asyncio.gather(*(self.records.find(f"{one}.{name}", "SRV") for one in _SRV.values()))
        names = {str(record.target).rstrip("."): None for found in servers for record in found.records}
        names.pop("", None)
        asked = [(one, kind) for one in (name, *list(names)[:MOST_HOPS]) for kind in ("A", "AAAA")]
        answers = await asyncio.gather(*(self.records.find(*one) for one in asked))
        addresses = {str(record.address): None for found in answers for record in found.records}
        return Addresses(tuple(addresses), min(found.ttl for found in (*servers, *answers)))

    async def keep_fresh(self, uris: Callable[[], Iterable[str]]) -> None:
        """Looks at URIs again and again, so that no call has to wait for their names; until cancelled."""
        lost: set[str] = set()
        while True:
            for uri in uris():
                try:
                    await self.hops(uri)
                    lost.discard(uri)
                except OSError as error:
                    if uri not in lost:
                        lost.add(uri)
                        logger.warning("target %s cannot be reached: %s", uri, error)
            await asyncio.sleep(FRESH_S)

    async def _by_services(self, name: str, transport: str) -> Sequence[str]:
        """Hops by the first service of a name that has any; none when it has no SRV records.

        Args:
            transport: the one that the URI names; "" for the name's own choice (NAPTR) or ours.
        """
        own = [transport] if transport in _SRV else [] if transport else self._transports
        # all at once: who asks for the first time waits for one round only
        asked = [
            *([] if transport else [("NAPTR", name)]),
            *(("SRV", f"{_SRV[one]}.{name}") for one in own),
            *((one, name) for one in self._kinds),
        ]
        await asyncio.gather(*(self.records.find(what, kind) for kind, what in asked), return_exceptions=True)
        services = [] if transport else await self._naptr(name)
        for one, service in services or [(one, f"{_SRV[one]}.{name}") for one in own]:
            if found := await self._served(service, "" if one == "udp" and not transport else one):
                return found
        return ()

    async def _naptr(self, name: str) -> list[tuple[str, str]]:
        """(transport, SRV name) of a name's SIP services that we can use, in its order (RFC 3263 §4.1)."""
        records = await self._find(name, "NAPTR")
        services = []
        for record in sorted(records, key=lambda one: (one.order, one.preference)):
            transport = _SERVICES.get(record.service.decode("latin-1").upper(), "")
            target = str(record.replacement).rstrip(".")
            if record.flags.lower() == b"s" and transport in self._transports and target:
                services.append((transport, target))
        return services

    async def _served(self, service: str, transport: str) -> list[str]:
        """Hops of a service's SRV records (RFC 2782); a target "." says that there is no such service."""
        records = drawn(await self._find(service, "SRV"), self._chance)[:MOST_HOPS]
        servers = [(str(record.target).rstrip("."), record.port) for record in records]
        servers = [(target, port) for target, port in servers if target]
        found = await asyncio.gather(*(self._addresses(target) for target, _ in servers), return_exceptions=True)
        return [
            hop_of(address, f":{port}", transport)
            for (_, port), addresses in zip(servers, found, strict=True)
            if not isinstance(addresses, BaseException)
            for address in addresses
        ]

    async def _find(self, name: str, kind: str) -> Sequence[Any]:
        """Records; none also when no server can tell: some never answer for types that they do not know."""
        try:
            return (await self.records.find(name, kind)).records
        except OSError as error:
            logger.debug("x DNS: %s", error)
            return ()

    async def _addresses(self, name: str) -> list[str]:
        """Addresses of a name that we can send to.

        Raises:
            OSError: no server can tell.
        """
        if (known := self._hosts.addresses(name)) is not None:
            return [one for one in known if ":" not in one or "AAAA" in self._kinds]
        found = await asyncio.gather(*(self.records.find(name, kind) for kind in self._kinds), return_exceptions=True)
        answers = [one for one in found if not isinstance(one, BaseException)]
        if not answers and isinstance(found[-1], BaseException):
            raise found[-1]
        return [str(record.address) for answer in answers for record in answer.records]


def hop_of(address: str, port: str, transport: str) -> str:
    """The URI of a place. port: with its colon, or ""; transport "": none is named, and large requests may go by
    another (RFC 3261 §18.1.1)."""
    where = f"[{address}]" if ":" in address else address
    return f"sip:{where}{port}{f';transport={transport}' if transport else ''}"
