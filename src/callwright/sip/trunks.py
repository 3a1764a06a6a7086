"""Trunks: which carrier an INVITE came from, and which carries a number out."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from callwright.config import TrunkSection
from callwright.sip.health import Patience
from callwright.sip.routes import Routes
from callwright.sip.uri import with_transport
from callwright.sip.weights import drawn

SOURCES_KNOWN = 4096
DEFAULT = Patience()
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Gateway:
    """A target of a trunk: a sip: URI; lower priority first, weight among equals."""

    uri: str
    priority: int = 10
    weight: int = 10


@dataclass(frozen=True, slots=True)
class Trunk:
    """One carrier interconnection.

    Attributes:
        networks: sources whose INVITEs are this trunk's.
        targets: its gateways.
        prefixes: numbers that it carries begin with one of these; "" carries all. A route comes before them.
        username: with `password` it answers the gateways' digest challenges, and only theirs.
        max_calls: live calls, both directions.
        codecs: by preference; empty for the engine's.
        srtp: "off", "optional" or "required"; srtp_keying, of our offers: "sdes" or "dtls".
        reliable: provisional responses that are acknowledged: "off", "supported" or "required".
        dtmf: how digits go to it: "auto", "rfc4733", "info" or "inband"; see `keypad.Keypad`.
        response: seconds for a gateway's first response to an INVITE; without one the next is tried.
        patience: when a gateway that fails is left alone.
    """

    name: str
    account_sid: str
    networks: Sequence[Network]
    targets: Sequence[Gateway]
    prefixes: Sequence[str]
    username: str = ""
    password: str = field(default="", repr=False)
    max_calls: int = 1000
    calls_per_second: float = 50.0
    codecs: Sequence[str] = ()
    srtp: str = "off"
    srtp_keying: str = "sdes"
    reliable: str = "supported"
    dtmf: str = "auto"
    response: float = 4.0
    patience: Patience = DEFAULT

    def gateways(self) -> list[str]:
        """Its gateways' URIs in the order in which a call tries them; equal ones by chance."""
        return [gateway.uri for gateway in drawn(self.targets)]


def declared(section: TrunkSection) -> Trunk:
    """A trunk as the configuration file declares it."""
    return Trunk(
        name=section.name,
        account_sid=section.account,
        networks=tuple(ipaddress.ip_network(prefix, strict=False) for prefix in section.allow),
        targets=tuple(
            Gateway(with_transport(one.uri, section.transport), one.priority, one.weight) for one in section.targets
        ),
        prefixes=section.prefixes,
        username=section.username,
        password=section.password.get_secret_value(),
        max_calls=section.max_calls,
        calls_per_second=section.calls_per_second,
        codecs=section.codecs,
        srtp=section.srtp,
        srtp_keying=section.srtp_keying,
        reliable=section.reliable,
        dtmf=section.dtmf,
        response=section.response_s,
        patience=Patience(section.quarantine_after, section.quarantine_s),
    )


class Trunks:
    """All trunks; the narrowest source prefix and the longest number prefix win.

    Args:
        routes: where they know a number, they alone say who carries it.
    """

    def __init__(self, trunks: Iterable[Trunk], routes: Routes | None = None) -> None:
        self._trunks = tuple(trunks)
        self._named = {trunk.name: trunk for trunk in self._trunks}
        self._routes = routes or Routes()
        self._of_source = lru_cache(maxsize=SOURCES_KNOWN)(self._find)

    def sources(self) -> list[str]:
        """Every prefix from which an INVITE is taken."""
        return sorted({str(network) for trunk in self._trunks for network in trunk.networks})

    def policies(self) -> list[tuple[str, Sequence[str], str, str]]:
        """(prefix, codecs, srtp, reliable) of every source, as the engine wants them."""
        return [
            (str(network), trunk.codecs, trunk.srtp, trunk.reliable)
            for trunk in self._trunks
            for network in trunk.networks
        ]

    def by_source(self, host: str) -> Trunk | None:
        """The trunk that an INVITE from this address belongs to."""
        return self._of_source(host)

    def _find(self, host: str) -> Trunk | None:
        address = ipaddress.ip_address(host)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        matches = [
            (network.prefixlen, trunk)
            for trunk in self._trunks
            for network in trunk.networks
            if network.version == address.version and address in network
        ]
        return max(matches, key=lambda match: match[0])[1] if matches else None

    def __iter__(self) -> Iterator[Trunk]:
        return iter(self._trunks)

    def target_uris(self) -> Iterator[str]:
        """The URIs of all gateways."""
        return (gateway.uri for trunk in self._trunks for gateway in trunk.targets)

    def carrying(self, number: str, *account_sids: str) -> list[Trunk]:
        """These accounts' trunks that carry a number out, in the order in which they are tried: those of its longest
        route, else by the longest of their prefixes."""
        for route in self._routes.of(number, account_sids):
            trunks = (self._named[way.trunk] for way in drawn(route.ways))
            if found := [trunk for trunk in trunks if trunk.account_sid in account_sids]:
                return list(dict.fromkeys(found))
        matches = [
            (len(prefix), trunk)
            for trunk in self._trunks
            if trunk.account_sid in account_sids and trunk.targets
            for prefix in trunk.prefixes
            if number.startswith(prefix)
        ]
        matches.sort(key=lambda match: -match[0])
        return list(dict.fromkeys(trunk for _, trunk in matches))
