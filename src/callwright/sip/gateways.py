"""Where the trunks' gateways are, whatever a URI calls them: by name, by address, by another name of the same address.

A URI of a document's or of a request's that leads to a gateway leads to the telephone network (promise S8). Its text
does not always say so: anybody's name may have the carrier's address. So the places that calls are about to be sent to
are compared with those that the trunks' own targets and registrars have been found at.
"""

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, Self

from callwright.config import Config
from callwright.sip.locating import Addresses
from callwright.sip.lookup import is_address
from callwright.sip.trunks import Address, unmapped
from callwright.sip.uri import transport_of, user_and_host, without_port
from callwright.values import is_name

logger = logging.getLogger(__name__)

REFRESH_S = 10.0
"""How often the names are looked at; answers are kept for as long as they hold, so that this asks nobody most times."""
KEPT_S = 86400.0
"""So long a place counts after a name has been found there last: carriers take theirs in turns."""
PORT, SECURE_PORT = 5060, 5061
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # IPv4 by NAT64 (RFC 6052)
_EMBEDDED = ipaddress.IPv6Network("::/96")  # IPv4-compatible (RFC 4291 §2.5.5.1), but for :: and ::1
_MADDR = re.compile(r";\s*maddr\s*=\s*([^;?>\s]+)", re.IGNORECASE)


class Locates(Protocol):
    """Who looks names up: a `Locator`."""

    async def hops(self, uri: str) -> Sequence[str]: ...
    async def resolve_all(self, name: str) -> Addresses: ...


class Match(NamedTuple):
    """A gateway.

    Attributes:
        trunk: whose it is.
        sure: False for another port of this machine, where anything else may listen as well, and for a source.
        source: calls of the trunk come from there, and are not sent there by its targets: a gateway perhaps, or a PBX
            that calls in.
    """

    trunk: str
    sure: bool
    source: bool = False


class Place(NamedTuple):
    """An address, in the one way in which it is written here, and a port."""

    address: Address
    port: int

    @classmethod
    def of(cls, uri: str) -> Self | None:
        """The place that a URI of an address names; None when its host is a name."""
        return cls.at(host_of(uri), uri)

    @classmethod
    def at(cls, host: str, uri: str) -> Self | None:
        """An address, with the port of a URI."""
        return cls(canonical(host), port_of(uri)) if is_address(host) else None

    @property
    def is_ours(self) -> bool:
        """Whether a packet to it stays on this machine: what can be bound here is here."""
        if self.address.is_multicast:
            return False
        return self.address.is_loopback or _can_bind(str(self.address), 0)


class Gateways:
    """Those of all trunks.

    Args:
        targets: (URI, name of its trunk), of gateways and registrars.
        sources: (address or name, trunk), of single hosts that its calls come from.
        time: a monotonic clock, in seconds.
        everywhere: whether somebody listens at a port of all addresses of this machine.
    """

    def __init__(
        self,
        targets: Iterable[tuple[str, str]] = (),
        sources: Iterable[tuple[str, str]] = (),
        *,
        time: Callable[[], float] | None = None,
        everywhere: Callable[[int], bool] | None = None,
    ) -> None:
        self._targets, self._sources = tuple(targets), tuple((_plain(host), trunk) for host, trunk in sources)
        self._time = time or (lambda: asyncio.get_running_loop().time())
        self._everywhere = everywhere or _listens_everywhere
        self._hosts = {host_of(uri): (port_of(uri), trunk) for uri, trunk in reversed(self._targets)}
        self._known: dict[Place, tuple[str, float]] = {}  # with their trunks, and when they were found last
        self._trunks: dict[Address, dict[int, str]] = {}
        self._of_source: dict[Address, tuple[str, float]] = {}
        self._first: asyncio.Event | None = None
        for host, trunk in self._sources:
            if is_address(host):
                self._keep_source(host, trunk, float("inf"))
        for uri, trunk in self._targets:
            if (place := Place.of(uri)) is not None:
                self._keep(place, trunk, float("inf"))
        self._index()

    @classmethod
    def of(cls, config: Config) -> "Gateways":
        """Those that the configuration file declares."""
        targets = [(target.uri, trunk.name) for trunk in config.trunk for target in trunk.targets]
        registrars = [(one.registration.registrar, one.name) for one in config.trunk if one.registration.registrar]
        sources = [(host, trunk.name) for trunk in config.trunk for host in single_hosts(trunk.allow)]
        return cls([*targets, *registrars], sources)

    # who is there

    def named(self, uri: str) -> Match | None:
        """The gateway that a URI names by itself: by its host, or by the address that its `maddr` asks to send to."""
        for host in hosts_of(uri):
            if is_address(host):
                if (found := self.at(Place(canonical(host), port_of(uri)))) is not None:
                    return found
            elif host in self._hosts:
                port, trunk = self._hosts[host]
                return Match(trunk, not _is_local_name(host) or port == port_of(uri))
            elif (trunk := dict(self._sources).get(host, "")) != "":
                return Match(trunk, sure=False, source=True)
        return None

    def at(self, place: Place | None) -> Match | None:
        """The gateway at a place; None when there is none."""
        if place is None:
            return None
        ports = self._trunks.get(place.address, {})
        ours = bool(ports) and place.is_ours
        if place.port in ports:
            return Match(ports[place.port], True)
        if ports:
            return Match(next(iter(ports.values())), not ours)
        trunk, _ = self._of_source.get(place.address, ("", 0.0))
        return self._beside(place) or (Match(trunk, sure=False, source=True) if trunk else None)

    def _beside(self, place: Place) -> Match | None:
        """The gateway that listens at a port of all addresses of this machine, of which a target names another one."""
        found = [(address, one[place.port]) for address, one in self._trunks.items() if place.port in one]
        if not found or not place.is_ours or not self._everywhere(place.port):
            return None
        trunk = next((trunk for address, trunk in found if Place(address, place.port).is_ours), "")
        return Match(trunk, True) if trunk else None

    # where they are

    def watch(self, locator: Locates) -> Coroutine[None, None, None]:
        """Looks the names up again and again, until cancelled; from this call on `ready` waits for the first time."""
        self._first = asyncio.Event()
        return self._watch(locator, self._first)

    async def ready(self) -> None:
        """Returns when all names have been looked up for the first time since the start."""
        if self._first is not None:
            await self._first.wait()

    async def _watch(self, locator: Locates, first: asyncio.Event) -> None:
        while True:
            await self.locate(locator)
            first.set()
            await asyncio.sleep(REFRESH_S)

    async def locate(self, locator: Locates) -> None:
        """Looks every name up once. What cannot be found stays where it was found last."""
        named = [(uri, trunk) for uri, trunk in self._targets if Place.of(uri) is None]
        sources = [(f"sip:{host}", trunk) for host, trunk in self._sources if not is_address(host)]
        await asyncio.gather(
            *(self._locate(locator, uri, trunk) for uri, trunk in named),
            *(self._locate_source(locator, uri, trunk) for uri, trunk in sources),
        )
        now = self._time()
        self._known = {place: one for place, one in self._known.items() if now - one[1] < KEPT_S}
        self._of_source = {address: one for address, one in self._of_source.items() if now - one[1] < KEPT_S}
        self._index()

    async def _locate_source(self, locator: Locates, uri: str, trunk: str) -> None:
        try:
            for place in await _every_place(locator, uri):
                if place is not None:
                    self._keep_source(str(place.address), trunk, self._time())
        except OSError as error:  # who lets calls in from there tells the operator
            logger.debug("x the source %s is not found: %s", uri, error)

    def _keep_source(self, host: str, trunk: str, now: float) -> None:
        """But for this machine itself, from which anybody's calls come."""
        if not (address := canonical(host)).is_loopback:
            self._of_source[address] = (trunk, now)

    async def _locate(self, locator: Locates, uri: str, trunk: str) -> None:
        """All addresses of its name, and of its servers, also those that calls do not take today."""
        for look_up in (_places, _every_place):
            try:
                found = await look_up(locator, uri)
            except OSError as error:  # whoever calls it, or keeps its name fresh, tells the operator
                logger.debug("x the gateways at %s are not found: %s", uri, error)
                continue
            for place in found:
                if place is not None:
                    self._keep(place, trunk, self._time())

    def _keep(self, place: Place, trunk: str, now: float) -> None:
        known = self._known.get(place)
        self._known[place] = (known[0] if known else trunk, max(now, known[1] if known else now))

    def _index(self) -> None:
        trunks: dict[Address, dict[int, str]] = {}
        for place, (trunk, _) in self._known.items():
            trunks.setdefault(place.address, {})[place.port] = trunk
        self._trunks = trunks


def single_hosts(allow: Iterable[str]) -> Iterator[str]:
    """Of what a trunk's calls are allowed from: names and single addresses, no networks."""
    for source in allow:
        if is_name(source):
            yield source
        elif (network := ipaddress.ip_network(source, strict=False)).num_addresses == 1:
            yield str(network.network_address)


async def _places(locator: Locates, uri: str) -> list[Place | None]:
    """Where calls to a URI go, with their ports."""
    return [Place.of(hop) for hop in await locator.hops(uri)]


async def _every_place(locator: Locates, uri: str) -> list[Place | None]:
    """Where they might go."""
    return [Place.at(address, uri) for address in (await locator.resolve_all(host_of(uri))).addresses]


def host_of(uri: str) -> str:
    """The host of a URI as it is compared: an address without brackets, a name in lower case, without its last dot."""
    return _plain(user_and_host(uri)[1])


def hosts_of(uri: str) -> Iterator[str]:
    """All hosts that a URI may be sent to: its own, and its `maddr` (RFC 3261 §19.1.1)."""
    yield host_of(uri)
    yield from (_plain(one) for one in _MADDR.findall(uri))


def port_of(uri: str) -> int:
    """The port of a URI, or that of its transport."""
    host = user_and_host(uri)[1]
    port = host[len(without_port(host)) + 1 :]
    if port.isdecimal():
        return int(port)
    return SECURE_PORT if uri.lower().startswith("sips:") or transport_of(uri) == "tls" else PORT


def has_maddr(uri: str) -> bool:
    """Whether a URI asks to be sent elsewhere than to its host."""
    return _MADDR.search(uri) is not None


def canonical(host: str) -> Address:
    """An address in the one way in which it is written here: IPv4 in whatever IPv6 it is wrapped, no zone, and what
    stands for no address at all as what the system makes of it when it is sent to."""
    address = unmapped(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
    if isinstance(address, ipaddress.IPv6Address) and _holds_ipv4(address):
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.is_unspecified:
        return ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    return address


def _holds_ipv4(address: ipaddress.IPv6Address) -> bool:
    return address in _TRANSLATED or (address in _EMBEDDED and int(address) > 1)


def _plain(host: str) -> str:
    return without_port(host).strip("[]").lower().rstrip(".")


def _is_local_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _can_bind(host: str, port: int, kind: int = socket.SOCK_DGRAM) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _listens_everywhere(port: int) -> bool:
    """Whether a port is taken at a loopback address that nobody means: then it is taken at all of them."""
    nobodys = "127.255.255.254"
    return not all(_can_bind(nobodys, port, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM))
