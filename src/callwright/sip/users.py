"""Who may register: the users, and the domains that are ours (RFC 3261 §10.3, §19.1.4)."""

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from callwright.config import Config
from callwright.domains import DomainSection, UserSection, domain_of, realm_of
from callwright.sip.credentials import Credential
from callwright.sip.lookup import is_address
from callwright.sip.uri import user_and_host, without_port

UserPolicy = tuple[str, str, Sequence[str], str, str, Sequence[str]]
"""Of INVITEs of a user: (name, realm, codecs, srtp, reliable, quirks), as the engine's `trust` takes it."""
OPTIONAL, SDES = "optional", "sdes"


@dataclass(frozen=True, slots=True)
class User:
    """One SIP user.

    Attributes:
        domain: in lower case.
        caller_id: the number that those see whom he dials through a trunk; "" for his name.
        codecs: by preference; empty for the engine's.
        max_contacts: how many phones of his may be registered.
        srtp: of his phones' calls, both ways: "off", "optional" or "required"; srtp_keying, of our offers that require
            it: "sdes" or "dtls".
        hosted: he is of a domain of the API, not of the file.
        secure: that domain is: he calls over TLS with SRTP, and is called so.
        voice_url: what runs when he calls out, as the application that vouches for him says; "" for his domain's.
    """

    name: str
    domain: str
    account_sid: str
    credential: Credential = field(repr=False)
    caller_id: str = ""
    codecs: Sequence[str] = ()
    max_contacts: int = 10
    srtp: str = OPTIONAL
    srtp_keying: str = SDES
    hosted: bool = False
    secure: bool = False
    voice_url: str = field(default="", repr=False)

    @property
    def aor(self) -> str:
        """His address of record, without a scheme."""
        return f"{self.name}@{self.domain}"

    @property
    def policy(self) -> UserPolicy:
        """Of his INVITEs."""
        return self.name, self.credential.realm, self.codecs, self.srtp, "", ()

    @property
    def encrypted(self) -> bool:
        """Whether no call of his goes without SRTP."""
        return self.secure or self.srtp == "required"


def declared(section: UserSection, config: Config, shared: DomainSection | None = None) -> User:
    """A user as the configuration file declares him.

    Args:
        shared: what his domain says for all of its users.
    """
    domain = domain_of(section, config.sip.domain)
    return User(
        name=section.name,
        domain=domain,
        account_sid=section.account,
        credential=_credential(section, realm_of(domain, config.sip.domain)),
        caller_id=section.caller_id,
        codecs=section.codecs,
        max_contacts=section.max_contacts,
        srtp=section.srtp or (shared.srtp if shared else OPTIONAL),
        srtp_keying=section.srtp_keying or (shared.srtp_keying if shared else SDES),
    )


def _credential(section: UserSection, realm: str) -> Credential:
    if password := section.password.get_secret_value():
        return Credential.of(section.name, realm, password)
    # of an algorithm that is never asked for: what nobody knows
    md5 = section.ha1_md5.get_secret_value() or secrets.token_hex(16)
    sha256 = section.ha1_sha256.get_secret_value() or secrets.token_hex(32)
    return Credential(section.name, realm, md5, sha256)


class Hosted(Protocol):
    """Domains that accounts have made over the API, and who may register with them."""

    def __contains__(self, host: object) -> bool: ...
    def registrant(self, username: str, host: str) -> User | None: ...


class Vouched(Protocol):
    """Users whom applications vouch for."""

    def named(self, name: str, domain: str) -> User | None: ...
    def proven(self, name: str, realm: str) -> User | None: ...
    def presume(self, aor: str) -> User | None: ...


class Users:
    """All users.

    Args:
        domains: further names of ours, without users perhaps.
        ports: where we listen: a URI that names one of them is the same as one that names none.
    """

    def __init__(self, users: Iterable[User], domains: Iterable[str] = (), ports: Collection[int] = ()) -> None:
        self._users = {(user.name, user.domain): user for user in users}
        self._domains = {user.domain for user in self._users.values()} | {domain.lower() for domain in domains}
        self._ports = frozenset(ports)
        self._hosted: Hosted | None = None
        self._vouched: Vouched | None = None

    @classmethod
    def of(cls, config: Config) -> "Users":
        """Those that the configuration file declares."""
        ports = {entry.place[1] for entry in config.sip.listen}
        shared = {section.name.lower(): section for section in config.domain}
        known = ((section, shared.get(domain_of(section, config.sip.domain))) for section in config.user)
        users = (declared(section, config, domain) for section, domain in known)
        return cls(users, (section.name for section in config.domain), ports)

    def host(self, domains: "Hosted") -> None:
        """Takes the users and the domains of the API as ours too; those of the file go before."""
        self._hosted = domains

    def vouch(self, roster: Vouched) -> None:
        """Takes the users whom applications vouch for as ours too; all others go before."""
        self._vouched = roster

    def __iter__(self) -> Iterator[User]:
        """Those of the file."""
        return iter(self._users.values())

    def __len__(self) -> int:
        return len(self._users)

    def is_local(self, uri: str) -> bool:
        """Whether a URI is of a domain of ours."""
        host = user_and_host(uri)[1]
        domain = without_port(host)
        port = host[len(domain) + 1 :]
        return self._has(domain) and (not port or (port.isdecimal() and int(port) in self._ports))

    def serve(self, uri: str) -> bool:
        """Whether a REGISTER's Request-URI means this registrar: a domain of ours, whatever its port, or an address,
        as behind a router we do not know all that are ours."""
        host = without_port(user_and_host(uri)[1])
        return self._has(host) or is_address(host)

    def _has(self, domain: str) -> bool:
        name = domain.lower()
        return name in self._domains or (self._hosted is not None and name in self._hosted)

    def named(self, uri: str) -> User | None:
        """The user whose address of record a URI is."""
        if not self.is_local(uri):
            return None
        name, host = user_and_host(uri)
        return self._find(unquote(name), without_port(host).lower())

    def at(self, aor: str) -> User | None:
        """The user who has an address of record, without a scheme."""
        name, _, domain = aor.rpartition("@")
        return self._find(name, domain)

    def registered(self, aor: str) -> User | None:
        """The same, of somebody who has registered with the daemon before this one: an application that may vouch for
        him has not been asked yet."""
        known = self.at(aor)
        return known if known is not None or self._vouched is None else self._vouched.presume(aor)

    def _find(self, name: str, domain: str) -> User | None:
        found = self._users.get((name, domain))
        if found is None and self._hosted is not None:
            found = self._hosted.registrant(name, domain)
        return found if found is not None or self._vouched is None else self._vouched.named(name, domain)

    def proven(self, name: str, realm: str, from_uri: str = "") -> User | None:
        """The user whom the engine has authenticated.

        Args:
            from_uri: whom the request says that it is from: one realm has all users of the API, so that the From tells
                which domain's user it is; "" finds those of the file only.
        """
        if (own := self._users.get((name, realm.lower()))) is not None:
            return own
        claimed = self.named(from_uri) if from_uri else None
        fits = claimed is not None and claimed.hosted and claimed.credential.realm == realm and claimed.name == name
        if fits or self._vouched is None:
            return claimed if fits else None
        return self._vouched.proven(name, realm)
