"""SIP domains as the API keeps them, and those of its elastic trunks: who may call one and register with it
(call-control reference §3.11, §3.15, §7.1).

A list's users have the realm that all domains share, so a name can be one user's only: where two lists disagree about
its password, that of the file goes before, then the one that was made first.
"""

import ipaddress
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from callwright.sip.credentials import Credential
from callwright.sip.prefixes import Prefixes
from callwright.sip.trunks import Network, SourcePolicy, unmapped
from callwright.sip.users import OPTIONAL, User
from callwright.store.directory import Directory, Record

logger = logging.getLogger(__name__)

KINDS = (
    "domains",
    "credentials",
    "ip_addresses",
    "credential_list_mappings",
    "ip_acl_mappings",
    "registration_mappings",
    "ip_records",
    "source_ip_mappings",
    "trunks",
    "trunk_credential_lists",
    "trunk_ip_acls",
)
"""Of the records that say who may call."""
TRUNKS = "trunks"
MAPPED = {
    "domains": ("ip_acl_mappings", "credential_list_mappings"),
    TRUNKS: ("trunk_ip_acls", "trunk_credential_lists"),
}
"""Where it stands which lists guard a record of a kind: of addresses, of users."""
ANYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Guard:
    """What a domain demands of a caller: of both when both are there, and nobody passes when neither is.

    Attributes:
        networks: sources that may call; None when neither an address list nor a carrier's source is mapped.
        credentials: users one of whom the caller must be; None when no credential list is mapped.
    """

    networks: tuple[Network, ...] | None
    credentials: tuple[Credential, ...] | None

    @property
    def is_open(self) -> bool:
        """Whether nothing is demanded, so that nobody may call."""
        return self.networks is None and self.credentials is None

    @property
    def is_anywhere(self) -> bool:
        """Whether who proves to be a user may call wherever he is."""
        return self.networks is None and self.credentials is not None

    def lets_in(self, host: str) -> bool:
        """Whether a source may call, as far as that is asked."""
        address = unmapped(ipaddress.ip_address(host))
        return self.networks is None or any(
            network.version == address.version and address in network for network in self.networks
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A domain as it is in force.

    Attributes:
        callers, registrants: the credential lists whose users may call and may register.
    """

    record: Record
    guard: Guard
    callers: tuple[str, ...]
    registrants: tuple[str, ...]


class Domains:
    """What the directory says of SIP domains: `find`, `guard` and `registrars` each time that they are asked, the rest
    as `refresh` has found it.

    Args:
        realm: of all lists' users; those that were made under another cannot prove anything.
        taken: names that the file has users of, in this realm.

    Attributes:
        credentials: who can prove to be somebody, by name and realm.
        networks: sources that may call some domain and need prove nothing.
    """

    def __init__(self, directory: Directory, realm: str = "", taken: Collection[str] = ()) -> None:
        self._directory, self._realm, self._taken = directory, realm, frozenset(taken)
        self._told: frozenset[str] = frozenset()
        self._standing: dict[str, Standing] = {}
        self._trunks: dict[str, Standing] = {}
        self._users: dict[str, dict[str, Credential]] = defaultdict(dict)  # by list and name
        self.credentials: dict[tuple[str, str], Credential] = {}
        self.networks: frozenset[Network] = frozenset()
        directory.listen("credentials", self._on_credential)

    def _on_credential(self, old: Record | None, new: Record | None) -> None:
        if old is not None:
            self._users[old.parent_sid].pop(old["username"], None)
        if new is not None:
            digests = new["realm"], new["ha1_md5"], new["ha1_sha256"]
            self._users[new.parent_sid][new["username"]] = Credential(new["username"], *digests)

    def __contains__(self, host: object) -> bool:
        """Whether a host name, in lower case, is that of a domain."""
        return host in self._standing

    def listen(self, changed: Callable[[], None]) -> None:
        """Has a listener told of every change of who may call or register."""
        for kind in KINDS:
            self._directory.listen(kind, lambda old, new: changed())

    def refresh(self) -> None:
        """Takes up what has changed: who is let in, by name and by address."""
        self._settle()
        addresses = self._addresses()
        self._standing, self._trunks = {}, {}
        for record in self._directory.all("domains"):
            self._standing[record["domain_name"]] = self._stands(record, addresses)
        for record in self._directory.all(TRUNKS):
            if name := str(record["domain_name"] or "").lower():
                self._trunks.setdefault(name, self._stands(record, addresses))
        self.networks = frozenset(
            network
            for one in self._all()
            # what must prove itself as well is not admitted: it would never be asked
            if one.guard.credentials is None
            for network in one.guard.networks or ()
        )

    def _stands(self, record: Record, addresses: dict[str, list[Record]]) -> Standing:
        callers = self._mapped(record, MAPPED[record.kind][1], "credential_list_sid")
        registrants = self._mapped(record, "registration_mappings", "credential_list_sid")
        allowed = registrants if record["sip_registration"] else ()
        return Standing(record, self._guard(record, addresses), callers, allowed)

    def _all(self) -> Iterator[Standing]:
        yield from self._standing.values()
        yield from self._trunks.values()

    def policies(self, others: Iterable[Network]) -> list[SourcePolicy]:
        """Of the sources whose calls must be encrypted, or may be, where plain ones come from there as well: those are
        told apart when their media begin. Users of the file have policies of their own.

        Args:
            others: sources whose calls are plain, of whatever is not ours.
        """
        secure = [one.guard for one in self._all() if one.record["secure"]]
        plain = [one.guard for one in self._all() if not one.record["secure"]]
        sources = Prefixes([*others, *(network for guard in plain for network in guard.networks or ())])
        strangers = any(guard.is_anywhere for guard in plain)
        found = [
            _policy(str(network), mixed=strangers or sources.overlap(network))
            for network in sorted({network for guard in secure for network in guard.networks or ()}, key=str)
        ]
        if any(guard.is_anywhere for guard in secure):
            mixed = strangers or any(guard.networks for guard in plain)
            found += [_policy(prefix, mixed=mixed) for prefix in ANYWHERE]
        return found

    def known(self, host: str) -> Standing | None:
        """The domain of a host name, in any case."""
        return self._standing.get(host.lower())

    def trunk(self, host: str) -> Standing | None:
        """The elastic trunk of a host name, in any case."""
        return self._trunks.get(host.lower())

    def caller(self, domain: Standing, username: str, realm: str) -> User | None:
        """The user of a domain's calls who has proven to be this one."""
        return self._user(domain, domain.callers, username) if realm == self._realm else None

    def registrant(self, username: str, host: str) -> User | None:
        """The user of a domain's registrations who has this name."""
        domain = self.known(host)
        return self._user(domain, domain.registrants, username) if domain else None

    def _user(self, domain: Standing, lists: Sequence[str], username: str) -> User | None:
        found = self.credentials.get((username, self._realm))
        if found is None or all(self._users[sid].get(username) != found for sid in lists):
            return None
        record = domain.record
        secure = bool(record["secure"])
        srtp = "required" if secure else OPTIONAL
        return User(username, record["domain_name"], record.account_sid, found, srtp=srtp, hosted=True, secure=secure)

    def find(self, host: str) -> Record | None:
        """The domain of a host name, in any case."""
        return self._directory.first("domains", "domain_name", host.lower())

    def guard(self, domain: Record) -> Guard:
        """What a domain demands of who calls it."""
        return self._guard(domain, self._addresses())

    def carried(self, domain: Record) -> Record | None:
        """The trunk that the domain's account brings along, whose carrier calls it; None for none (reference §7.7)."""
        trunk = self._directory.get("byoc_trunks", domain["byoc_trunk_sid"] or "")
        return trunk if trunk is not None and trunk.account_sid == domain.account_sid else None

    def registrars(self, domain: Record) -> tuple[Credential, ...]:
        """Who may register with a domain."""
        lists = self._mapped(domain, "registration_mappings", "credential_list_sid")
        return tuple(self._of(lists)) if domain["sip_registration"] else ()

    # lists and their parts

    def _addresses(self) -> dict[str, list[Record]]:
        """Addresses by the list that they are part of."""
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self._directory.all("ip_addresses"):
            found[record.parent_sid].append(record)
        return found

    def _guard(self, domain: Record, addresses: dict[str, list[Record]]) -> Guard:
        of_sources, of_users = MAPPED[domain.kind]
        sources = self._mapped(domain, of_sources, "ip_access_control_list_sid")
        users = self._mapped(domain, of_users, "credential_list_sid")
        networks = tuple(_network(one) for sid in sources for one in addresses.get(sid, ()))
        carriers = self._carriers(domain)
        guarded = bool(sources or carriers)
        return Guard((*networks, *carriers) if guarded else None, tuple(self._of(users)) if users else None)

    def _carriers(self, domain: Record) -> tuple[Network, ...]:
        """Sources of the carriers whose calls are mapped to a domain."""
        mapped = self._directory.of("source_ip_mappings", domain.account_sid)
        records = (
            self._directory.get("ip_records", one["ip_record_sid"])
            for one in mapped
            if one["sip_domain_sid"] == domain.sid
        )
        return tuple(_network(one) for one in records if one is not None and one.account_sid == domain.account_sid)

    def _of(self, lists: Iterable[str]) -> Iterator[Credential]:
        return (user for sid in lists for user in self._users[sid].values())

    def _mapped(self, domain: Record, kind: str, key: str) -> tuple[str, ...]:
        return tuple(mapping[key] for mapping in self._directory.of(kind, domain.account_sid, domain.sid))

    def _settle(self) -> None:
        """Whose names count; of those that do not, the log is told once."""
        kinds = ("registration_mappings", *(of_users for _, of_users in MAPPED.values()))
        used = {one["credential_list_sid"] for kind in kinds for one in self._directory.all(kind)}
        lists = [one.sid for one in self._directory.all("credential_lists") if one.sid in used]
        self.credentials, passed_over = {}, set()
        for sid in lists:
            for name, user in self._users[sid].items():
                first = self.credentials.setdefault((name, self._realm), user)
                if first is user and user.realm == self._realm and name not in self._taken:
                    continue
                if first is user:
                    del self.credentials[name, self._realm]
                if why := self._why_not(user, first):
                    passed_over.add(f"{name} of {sid}: {why}")
        for line in sorted(passed_over - self._told):
            logger.warning("a credential has no effect: %s", line)
        self._told = frozenset(passed_over)

    def _why_not(self, user: Credential, first: Credential) -> str:
        """Why a credential does not count; "" when it does, by another list."""
        if user.realm != self._realm:
            return f"it was made when [sip] domain was {user.realm}; set its password again"
        if user.username in self._taken:
            return "a user of the configuration file has that name"
        return "" if first == user else "an older list has the name with another password"


def _policy(prefix: str, *, mixed: bool) -> SourcePolicy:
    return prefix, (), "optional" if mixed else "required", "", ()


def _network(record: Record) -> Network:
    return ipaddress.ip_network((record["ip_address"], record["cidr_prefix_length"]), strict=False)
