"""Trunks: which carrier an INVITE came from, and which carries a number out."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from callwright.config import TrunkSection
from callwright.numbering import AS_IT_IS, Numbering, numbering
from callwright.sip.credentials import Credential
from callwright.sip.health import Patience
from callwright.sip.registrant import Line
from callwright.sip.routes import Routes
from callwright.sip.uri import user_and_host, with_transport, without_port
from callwright.sip.users import UserPolicy
from callwright.sip.weights import drawn
from callwright.values import is_name

SOURCES_KNOWN = 4096
DEFAULT = Patience()
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SourcePolicy = tuple[str, Sequence[str], str, str, Sequence[str]]
"""Of INVITEs from a prefix: (prefix, codecs, srtp, reliable, quirks), as the engine's `admit` takes it."""


def unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else the address itself (RFC 4291 §2.5.5.2)."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


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
        names: further ones, by name; `Trunks.resolved` tells which addresses they have.
        users: (name, password) of peers that prove to be this trunk by digest, from anywhere.
        targets: its gateways.
        prefixes: numbers that it carries begin with one of these; "" carries all. A route comes before them.
        username: with `password` it answers the gateways' digest challenges, and only theirs.
        realm: of those that it answers; "" for the first that asks.
        max_calls: live calls, both directions.
        codecs: by preference; empty for the engine's.
        srtp: "off", "optional" or "required"; srtp_keying, of our offers: "sdes" or "dtls".
        reliable: provisional responses that are acknowledged: "off", "supported" or "required".
        dtmf: how digits go to it: "auto", "rfc4733", "info" or "inband"; see `keypad.Keypad`.
        quirks: what it does not bear, or needs; see the engine's `originate`.
        response: seconds for a gateway's first response to an INVITE; without one the next is tried.
        patience: when a gateway that fails is left alone.
        trusted: what it asserts of callers is believed.
        identity: how it is told who calls: "from", "pai", "rpid" or "pai+rpid".
        from_user: what stands in From in place of the caller; "" for him.
        from_domain: host part of From and of identities; "" for that of [sip].
        diversion, history: it is told who has forwarded a call, by Diversion and by History-Info.
        caller_ids: "any" that the account may show, or "owned": its own only, also of calls that are passed on.
        inbound, outbound: the forms of its numbers.
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
    quirks: Sequence[str] = ()
    response: float = 4.0
    patience: Patience = DEFAULT
    trusted: bool = False
    identity: str = "from"
    from_user: str = ""
    from_domain: str = ""
    diversion: bool = False
    history: bool = False
    caller_ids: str = "any"
    names: Sequence[str] = ()
    users: Sequence[tuple[str, str]] = field(default=(), repr=False, compare=False)
    inbound: Numbering = AS_IT_IS
    outbound: Numbering = AS_IT_IS
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
        networks=tuple(ipaddress.ip_network(one, strict=False) for one in section.allow if not is_name(one)),
        names=tuple(one.lower() for one in section.allow if is_name(one)),
        users=tuple((user.username, user.password.get_secret_value()) for user in section.users),
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
        quirks=section.quirks,
        response=section.response_s,
        patience=Patience(section.quarantine_after, section.quarantine_s),
        trusted=section.trust_identity,
        identity=section.identity,
        from_user=section.username if section.from_user == "auth" else "",
        from_domain=section.from_domain,
        diversion=section.diversion,
        history=section.history_info,
        caller_ids=section.caller_ids,
        inbound=numbering(section.inbound_numbers, inbound=True),
        outbound=numbering(section.outbound_numbers, inbound=False),
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
        realm: of the users that prove to be a trunk.
    """

    def __init__(self, trunks: Iterable[Trunk], routes: Routes | None = None, *, realm: str = "") -> None:
        self._trunks, self._realm = tuple(trunks), realm
        self._named = {trunk.name: trunk for trunk in self._trunks}
        self._routes = routes or Routes()
        self._addresses: dict[str, tuple[Network, ...]] = {}
        self._lines: dict[tuple[str, str], Trunk] = {}
        self._of_source = lru_cache(maxsize=SOURCES_KNOWN)(self._find)

    @property
    def names(self) -> list[str]:
        """Every name among the sources."""
        return sorted({name for trunk in self._trunks for name in trunk.names})

    def resolved(self, name: str, addresses: Sequence[str]) -> bool:
        """Takes up the addresses that a name has now; whether they are others than before."""
        networks = tuple(ipaddress.ip_network(unmapped(ipaddress.ip_address(one))) for one in sorted(set(addresses)))
        changed = networks != self._addresses.get(name, ())
        self._addresses[name] = networks
        if changed:
            self._of_source.cache_clear()
        return changed

    def _networks(self, trunk: Trunk) -> Iterator[Network]:
        yield from trunk.networks
        for name in trunk.names:
            yield from self._addresses.get(name, ())

    def sources(self) -> list[str]:
        """Every prefix from which an INVITE is taken."""
        allowed = {str(network) for trunk in self._trunks for network in self._networks(trunk)}
        return sorted(allowed | {host_prefix(host) for host, _ in self._lines})

    def policies(self) -> list[SourcePolicy]:
        """Of every source, as the engine wants them."""
        sources = [(str(network), trunk) for trunk in self._trunks for network in self._networks(trunk)]
        sources += [(host_prefix(host), trunk) for (host, _), trunk in self._new_sources()]
        return [(prefix, one.codecs, one.srtp, one.reliable, one.quirks) for prefix, one in sources]

    def _new_sources(self) -> list[tuple[tuple[str, str], Trunk]]:
        """Lines whose registrar is no trunk's source by itself."""
        return [(key, trunk) for key, trunk in self._lines.items() if self.by_source(key[0]) is None]

    def user_policies(self) -> list[UserPolicy]:
        """Of every peer that proves to be a trunk by digest, as the engine wants them."""
        return [
            (name, self._realm, one.codecs, one.srtp, one.reliable, one.quirks)
            for one in self._trunks
            for name, _ in one.users
        ]

    def credentials(self) -> list[Credential]:
        """Of every peer that proves to be a trunk by digest."""
        return [Credential.of(name, self._realm, password) for trunk in self._trunks for name, password in trunk.users]

    def of_user(self, name: str, realm: str) -> tuple[Trunk, ...]:
        """The trunk that a peer which has authenticated is of, if it is of one."""
        if realm != self._realm:
            return ()
        return tuple(trunk for trunk in self._trunks if name in dict(trunk.users))

    def by_source(self, host: str) -> Trunk | None:
        """The trunk that an INVITE from this address belongs to; the first of several that share it."""
        return next(iter(self.sharing(host)), None)

    def sharing(self, host: str) -> tuple[Trunk, ...]:
        """The trunks that have the narrowest prefix of this address, in the order of the file."""
        return self._of_source(host)

    def registered(self, name: str, user: str, addresses: Iterable[str]) -> None:
        """From now on an INVITE for this user from these addresses is this trunk's, wherever else its calls come
        from; it replaces what was known of the trunk's line."""
        trunk = self._named[name]
        self._lines = {key: one for key, one in self._lines.items() if one is not trunk}
        self._lines |= {(str(ipaddress.ip_address(address)), user): trunk for address in addresses}

    def by_line(self, host: str, user: str) -> Trunk | None:
        """The trunk that an INVITE for a registered user belongs to, when it comes from its registrar."""
        return self._lines.get((str(unmapped(ipaddress.ip_address(host))), user)) if self._lines else None

    def _find(self, host: str) -> tuple[Trunk, ...]:
        address = unmapped(ipaddress.ip_address(host))
        matches = [
            (network.prefixlen, trunk)
            for trunk in self._trunks
            for network in self._networks(trunk)
            if network.version == address.version and address in network
        ]
        narrowest = max((length for length, _ in matches), default=0)
        return tuple(dict.fromkeys(trunk for length, trunk in matches if length == narrowest))

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


def host_prefix(host: str) -> str:
    """The prefix of one address."""
    return str(ipaddress.ip_network(host))
