"""Trunks: which carrier an INVITE came from, and which carries a number out."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from callwright.config import TrunkSection
from callwright.sip.health import Patience
from callwright.sip.registrant import Line
from callwright.sip.routes import Routes
from callwright.sip.uri import user_and_host, with_transport, without_port
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
        realm: of those that it answers; "" for the first that asks.
        max_calls: live calls, both directions.
        codecs: by preference; empty for the engine's.
        srtp: "off", "optional" or "required"; srtp_keying, of our offers: "sdes" or "dtls".
        reliable: provisional responses that are acknowledged: "off", "supported" or "required".
        dtmf: how digits go to it: "auto", "rfc4733", "info" or "inband"; see `keypad.Keypad`.
        response: seconds for a gateway's first response to an INVITE; without one the next is tried.
        patience: when a gateway that fails is left alone.
        ping: seconds between OPTIONS to its gateways; 0: none.
        line: that it registers with the carrier.
        follows: whether a 3xx of its gateways is followed to another of its hosts.
    """

    name: str
    account_sid: str
    networks: Sequence[Network]
    targets: Sequence[Gateway]
    prefixes: Sequence[str]
    username: str = ""
    password: str = field(default="", repr=False)
    realm: str = ""
    max_calls: int = 1000
    calls_per_second: float = 50.0
    codecs: Sequence[str] = ()
    srtp: str = "off"
    srtp_keying: str = "sdes"
    reliable: str = "supported"
    dtmf: str = "auto"
    response: float = 4.0
    patience: Patience = DEFAULT
    ping: float = 0.0
    line: Line | None = None
    follows: bool = False

    def is_at(self, uri: str) -> bool:
        """Whether a URI's host is that of one of its gateways, by name."""
        host = without_port(user_and_host(uri)[1]).lower()
        return any(host == without_port(user_and_host(one.uri)[1]).lower() for one in self.targets)

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
        realm=section.realm,
        max_calls=section.max_calls,
        calls_per_second=section.calls_per_second,
        codecs=section.codecs,
        srtp=section.srtp,
        srtp_keying=section.srtp_keying,
        reliable=section.reliable,
        dtmf=section.dtmf,
        response=section.response_s,
        patience=Patience(section.quarantine_after, section.quarantine_s),
        ping=section.ping_s,
        line=_line(section),
        follows=section.redirects == "follow",
    )


def _line(section: TrunkSection) -> Line | None:
    """With the trunk's own credentials where it has no others."""
    own = section.registration
    if not own.registrar:
        return None
    password = own.password if own.username else section.password
    return Line(
        with_transport(own.registrar, section.transport),
        own.username or section.username,
        password.get_secret_value(),
        own.realm or ("" if own.username else section.realm),
        own.expires,
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
        self._lines: dict[tuple[str, str], Trunk] = {}
        self._of_source = lru_cache(maxsize=SOURCES_KNOWN)(self._find)

    def sources(self) -> list[str]:
        """Every prefix from which an INVITE is taken."""
        allowed = {str(network) for trunk in self._trunks for network in trunk.networks}
        return sorted(allowed | {host_prefix(host) for host, _ in self._lines})

    def policies(self) -> list[tuple[str, Sequence[str], str, str]]:
        """(prefix, codecs, srtp, reliable) of every source, as the engine wants them."""
        return [
            (str(network), trunk.codecs, trunk.srtp, trunk.reliable)
            for trunk in self._trunks
            for network in trunk.networks
        ] + [(host_prefix(host), trunk.codecs, trunk.srtp, trunk.reliable) for (host, _), trunk in self._new_sources()]

    def _new_sources(self) -> list[tuple[tuple[str, str], Trunk]]:
        """Lines whose registrar is no trunk's source by itself."""
        return [(key, trunk) for key, trunk in self._lines.items() if self.by_source(key[0]) is None]

    def by_source(self, host: str) -> Trunk | None:
        """The trunk that an INVITE from this address belongs to."""
        return self._of_source(host)

    def registered(self, name: str, user: str, addresses: Iterable[str]) -> None:
        """From now on an INVITE for this user from these addresses is this trunk's, wherever else its calls come
        from; it replaces what was known of the trunk's line."""
        trunk = self._named[name]
        self._lines = {key: one for key, one in self._lines.items() if one is not trunk}
        self._lines |= {(str(ipaddress.ip_address(address)), user): trunk for address in addresses}

    def by_line(self, host: str, user: str) -> Trunk | None:
        """The trunk that an INVITE for a registered user belongs to, when it comes from its registrar."""
        return self._lines.get((_plain(host), user)) if self._lines else None

    def _find(self, host: str) -> Trunk | None:
        address = ipaddress.ip_address(_plain(host))
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


def _plain(host: str) -> str:
    """An address as it is written; an IPv4 one that is mapped into IPv6 as IPv4."""
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def host_prefix(host: str) -> str:
    """The prefix of one address."""
    return str(ipaddress.ip_network(host))
