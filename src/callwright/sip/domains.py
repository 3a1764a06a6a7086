"""SIP domains as the API keeps them: who may call one and register with it (call-control reference §3.11, §7.1).

A list's users have the realm that all domains share, so a name can be one user's only: where two lists disagree about
its password, that of the file goes before, then the one that was made first.
"""

import ipaddress
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from callwright.sip.credentials import Credential
from callwright.sip.trunks import Network, unmapped
from callwright.sip.users import User
from callwright.store.directory import Directory, Record

logger = logging.getLogger(__name__)

KINDS = (
    "domains",
    "credentials",
    "ip_addresses",
    "credential_list_mappings",
    "ip_acl_mappings",
    "registration_mappings",
)
"""Of the records that say who may call."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a domain demands of a caller: of both when both are there, and nobody passes when neither is.

    Attributes:
        networks: sources that may call; None when no address list is mapped.
        credentials: users one of whom the caller must be; None when no credential list is mapped.
    """

    networks: tuple[Network, ...] | None
    credentials: tuple[Credential, ...] | None

    @property
    def is_open(self) -> bool:
        """Whether nothing is demanded, so that nobody may call."""
        return self.networks is None and self.credentials is None

    def lets_in(self, host: str) -> bool:
        """Whether a source may call, as far as that is asked."""
        address = unmapped(ipaddress.ip_address(host))
        return self.networks is None or any(
            network.version == address.version and address in network for network in self.networks
        )


class Domains:
    """What the directory says of SIP domains: `find`, `guard` and `registrars` each time that they are asked, the rest
    as `refresh` has found it.

    Args:
        realm: of all lists' users; those that were made under another cannot prove anything.
        taken: names that the file has users of, in this realm.
    """

    def __init__(self, directory: Directory, realm: str = "", taken: Collection[str] = ()) -> None:
        self._directory, self._realm, self._taken = directory, realm, frozenset(taken)
        self._told: frozenset[str] = frozenset()
        self._guards: dict[str, tuple[Record, Guard]] = {}
        self.credentials: dict[tuple[str, str], Credential] = {}
        self.users: list[User] = []
        self.networks: frozenset[Network] = frozenset()

    @property
    def names(self) -> Collection[str]:
        """Of every domain, in lower case."""
        return self._guards.keys()

    def listen(self, changed: Callable[[], None]) -> None:
        """Has a listener told of every change of who may call or register."""
        for kind in KINDS:
            self._directory.listen(kind, lambda old, new: changed())

    def refresh(self) -> None:
        """Takes up what has changed: who is let in, by name and by address, and who may register."""
        addresses, users = self._parts("ip_addresses"), self._parts("credentials")
        admitted: set[Network] = set()
        self.credentials, self.users = {}, []
        self._settle(users)
        self._guards = {}
        for domain in self._directory.all("domains"):
            guard = self._guard(domain, addresses, users)
            self._guards[domain["domain_name"]] = domain, guard
            # what must prove itself as well is not admitted: it would never be asked
            if guard.credentials is None and guard.networks is not None:
                admitted.update(guard.networks)
            for user in self._credentials_of(domain, "registration_mappings", users) or ():
                if domain["sip_registration"] and self._in_force(user):
                    self.users.append(User(user.username, domain["domain_name"], domain.account_sid, user, hosted=True))
        self.networks = frozenset(admitted)

    def caller(self, domain: Record, username: str, realm: str) -> User | None:
        """The user of a domain's calls who has proven to be this one."""
        proven = self.credentials.get((username, realm))
        _, guard = self._guards.get(domain["domain_name"], (None, None))
        if proven is None or guard is None or proven not in (guard.credentials or ()):
            return None
        return User(username, domain["domain_name"], domain.account_sid, proven, hosted=True)

    def known(self, host: str) -> tuple[Record, Guard] | None:
        """The domain of a host name, in any case, and what it demands."""
        return self._guards.get(host.lower())

    def find(self, host: str) -> Record | None:
        """The domain of a host name, in any case."""
        return self._directory.first("domains", "domain_name", host.lower())

    def guard(self, domain: Record) -> Guard:
        """What a domain demands of who calls it."""
        return self._guard(domain, self._parts("ip_addresses"), self._parts("credentials"))

    def registrars(self, domain: Record) -> tuple[Credential, ...]:
        """Who may register with a domain."""
        found = self._credentials_of(domain, "registration_mappings", self._parts("credentials"))
        return found or () if domain["sip_registration"] else ()

    # lists and their parts

    def _parts(self, kind: str) -> dict[str, list[Record]]:
        """Records of a kind by the list that they are part of."""
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self._directory.all(kind):
            found[record.parent_sid].append(record)
        return found

    def _guard(self, domain: Record, addresses: dict[str, list[Record]], users: dict[str, list[Record]]) -> Guard:
        lists = self._mapped(domain, "ip_acl_mappings", "ip_access_control_list_sid")
        networks = tuple(_network(one) for sid in lists for one in addresses.get(sid, ())) if lists else None
        return Guard(networks, self._credentials_of(domain, "credential_list_mappings", users))

    def _credentials_of(
        self, domain: Record, kind: str, users: dict[str, list[Record]]
    ) -> tuple[Credential, ...] | None:
        lists = self._mapped(domain, kind, "credential_list_sid")
        return tuple(_credential(one) for sid in lists for one in users.get(sid, ())) if lists else None

    def _mapped(self, domain: Record, kind: str, key: str) -> Sequence[str]:
        return [mapping[key] for mapping in self._directory.of(kind, domain.account_sid, domain.sid)]

    def _settle(self, users: dict[str, list[Record]]) -> None:
        """Whose names count; of those that do not, the log is told once."""
        passed_over = set()
        for record in self._in_use(users):
            user = _credential(record)
            first = self.credentials.get((user.username, user.realm))
            if user.realm != self._realm:
                passed_over.add(f"{record.sid}: it was made when [sip] domain was {user.realm}; set its password again")
            elif user.username in self._taken:
                passed_over.add(f"{record.sid}: {user.username} is a user of the configuration file")
            elif first is None:
                self.credentials[user.username, user.realm] = user
            elif first != user:
                passed_over.add(f"{record.sid}: {user.username} is in another list with another password")
        for line in sorted(passed_over - self._told):
            logger.warning("a credential has no effect: %s", line)
        self._told = frozenset(passed_over)

    def _in_use(self, users: dict[str, list[Record]]) -> Iterator[Record]:
        """Credentials of lists that some domain has, in the order in which they were made."""
        kinds = ("credential_list_mappings", "registration_mappings")
        lists = {one["credential_list_sid"] for kind in kinds for one in self._directory.all(kind)}
        found = [record for sid in lists for record in users.get(sid, ())]
        return iter(sorted(found, key=lambda record: (record.date_created, record.sid)))

    def _in_force(self, user: Credential) -> bool:
        return self.credentials.get((user.username, user.realm)) == user


def _network(record: Record) -> Network:
    return ipaddress.ip_network((record["ip_address"], record["cidr_prefix_length"]), strict=False)


def _credential(record: Record) -> Credential:
    return Credential(record["username"], record["realm"], record["ha1_md5"], record["ha1_sha256"])
