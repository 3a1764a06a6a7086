"""Where the URIs of trunks go, found by [dns] as the daemon finds it, and told record by record (RFC 3263 §4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callwright.cli.checks.finding import Finding, bad, doubtful, good
from callwright.cli.checks.question import Hop
from callwright.config import Config
from callwright.sip.locating import Locator
from callwright.sip.lookup import is_address
from callwright.sip.nameserver import Nameserver
from callwright.sip.records import Found
from callwright.sip.uri import user_and_host, without_port

SENDING = ("udp", "tcp", "tls")
MOST_SHOWN = 8
LONGEST = 200
_PREFIXES = {"udp": ["_sip", "_udp"], "tcp": ["_sip", "_tcp"], "tls": ["_sips", "_tcp"]}


@dataclass(frozen=True, slots=True)
class Way:
    """Where a URI's requests go.

    Attributes:
        hops: in the order in which they are tried; none: nowhere.
        findings: how they were found; none for a URI that has an address already.
    """

    uri: str
    hops: Sequence[Hop]
    findings: Sequence[Finding]

    @property
    def name(self) -> str:
        """The host of the URI: the name that a certificate must have (RFC 5922 §4)."""
        return without_port(user_and_host(self.uri)[1]).strip("[]")


class Ways:
    """Finds them. Every name is asked for once."""

    def __init__(self, config: Config) -> None:
        self._servers = config.dns.servers
        self._query = Nameserver(config.dns.servers, config.dns.timeout_s).query
        self._answers: dict[tuple[str, str], Found | str] = {}
        listening = [(entry.transport, *entry.place) for entry in config.sip.listen if entry.transport in SENDING]
        self.transports = tuple(dict.fromkeys(transport for transport, *_ in listening))
        self._locator = Locator.of(config.dns, listening, self._ask)

    async def find(self, what: str, uri: str) -> Way:
        """The way of a URI. what: it is of, for the findings."""
        try:
            found = await self._locator.hops(uri)
        except OSError as error:
            return Way(uri, (), [self._lost(what, uri, str(error))])
        hops = [Hop.of(hop or uri) for hop in found]
        told = [] if found == ("",) else list(self._told(what, uri, hops))
        return Way(uri, hops, told + list(self._unsendable(what, uri, hops)))

    def _unsendable(self, what: str, uri: str, hops: Sequence[Hop]) -> Iterator[Finding]:
        """Requests leave by listeners: without one for a transport the daemon cannot use it."""
        for transport in dict.fromkeys(hop.transport for hop in hops):
            if transport not in self.transports:
                why = f"goes over {transport.upper()}, and the daemon has no listener for it"
                yield bad(f"{what} {uri}", why, f'Add "{transport}:ADDRESS:PORT" to sip.listen')

    async def _ask(self, name: str, kind: str) -> Found:
        try:
            found = await self._query(name, kind)
        except OSError as error:
            self._answers[name, kind] = str(error)
            raise
        self._answers[name, kind] = found
        return found

    def _records(self, name: str, kind: str) -> Sequence[Any]:
        found = self._answers.get((name.rstrip(".").lower(), kind))
        return found.records if isinstance(found, Found) else ()

    def _addresses(self, name: str) -> list[str]:
        return [str(record.address) for kind in ("AAAA", "A") for record in self._records(name, kind)]

    def _told(self, what: str, uri: str, hops: Sequence[Hop]) -> Iterator[Finding]:
        """By which records each hop was found; and what of them leads nowhere."""
        name = without_port(user_and_host(uri)[1])
        services = [self._service(uri, hop) for hop in hops]
        if any(service for service, _ in services):
            used = dict.fromkeys(service for service, _ in services if service)
            by = ", ".join(f"SRV {service}" for service in used)
            if used.keys() & {str(one.replacement).rstrip(".").lower() for one in self._records(name, "NAPTR")}:
                by = f"NAPTR, {by}"
        else:
            used = {}
            by = " and ".join(kind for kind in ("AAAA", "A") if self._records(name, kind)) or "the hosts file"
        shown = [f"{hop} ({target})" if target else str(hop) for hop, (_, target) in zip(hops, services, strict=True)]
        order = ", then ".join(shown[:MOST_SHOWN]) + (
            f" and {len(shown) - MOST_SHOWN} more" * (len(shown) > MOST_SHOWN)
        )
        yield good(f"{what} {uri}", f"by {by}: {order}")
        for service in used:
            targets = (str(record.target).rstrip(".") for record in self._records(service, "SRV"))
            for target in dict.fromkeys(one for one in targets if one and not is_address(one)):
                if not self._addresses(target):
                    why = f"SRV {service} names {target}, which has no address"
                    yield doubtful(f"{what} {uri}", why, f"Who keeps that zone must mend it: {self._dig(target, 'A')}")

    def _service(self, uri: str, hop: Hop) -> tuple[str, str]:
        """(SRV name, target) by which a hop was found; that of its own transport where several name it."""
        host = user_and_host(uri)[1].lower()
        if ":" in host:
            return "", ""  # a port is named: RFC 3263 §4.2 looks for no services
        replaced = {str(record.replacement).rstrip(".").lower() for record in self._records(host, "NAPTR")}
        found = [
            (service, str(record.target).rstrip("."))
            for service, kind in self._answers
            if kind == "SRV" and (service in replaced or service.split(".", 2)[-1] == host)
            for record in self._records(service, "SRV")
            if record.port == hop.port and hop.host in self._addresses(str(record.target))
        ]
        found.sort(key=lambda one: one[0].split(".", 2)[:2] != _PREFIXES[hop.transport])
        return found[0] if found else ("", "")

    def _lost(self, what: str, uri: str, fault: str) -> Finding:
        """No hop at all: what was asked, and what was said."""
        name = without_port(user_and_host(uri)[1])
        faults = {answer for answer in self._answers.values() if isinstance(answer, str)}
        asked = [f"{kind} {owner}" for (owner, kind), answer in self._answers.items() if owner.endswith(name.lower())]
        if any(fault in one for one in faults):
            server = ", ".join(self._servers) or "of /etc/resolv.conf"
            remedy = f"Does the name server {server} answer? {self._dig(name, 'A')}"
            return bad(f"{what} {uri}", fault[:LONGEST].rstrip("."), remedy)
        why = f"{fault}: none of {', '.join(asked)}" if asked else fault
        kind, owner = ("A", name) if ":" in user_and_host(uri)[1] else ("SRV", f"_sip._udp.{name}")
        return bad(f"{what} {uri}", why, f"Is the name right? {self._dig(owner, kind)}")

    def _dig(self, name: str, kind: str) -> str:
        """The command that asks the same server the same."""
        if not self._servers:
            return f"dig {kind} {name}"
        host, _, port = self._servers[0].rpartition(":")
        return f"dig @{host.strip('[]')} -p {port} {kind} {name}"
