"""SIP domains as the API keeps them: who may call one and register with it (call-control reference §3.11, §7.1)."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from callwright.sip.credentials import Credential
from callwright.sip.trunks import Network
from callwright.store.directory import Directory, Record


@dataclass(frozen=True, slots=True)
class Guard:
    """What a domain demands of a caller: of both when both are there, and nobody passes when neither is.

    Attributes:
        networks: sources that may call; None when no address list is mapped.
        credentials: users one of whom the caller must be; None when no credential list is mapped.
    """

    networks: tuple[Network, ...] | None
    credentials: tuple[Credential, ...] | None


class Domains:
    """What the directory says of SIP domains, each time that it is asked."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def find(self, host: str) -> Record | None:
        """The domain of a host name, in any case."""
        return self._directory.first("domains", "domain_name", host.lower())

    def guard(self, domain: Record) -> Guard:
        """What a domain demands of who calls it."""
        addresses = self._lists(domain, "ip_acl_mappings", "ip_access_control_list_sid")
        users = self._lists(domain, "credential_list_mappings", "credential_list_sid")
        return Guard(
            tuple(network for one in addresses for network in self._networks(one)) if addresses else None,
            tuple(user for one in users for user in self._credentials(one)) if users else None,
        )

    def registrars(self, domain: Record) -> tuple[Credential, ...]:
        """Who may register with a domain."""
        lists = self._lists(domain, "registration_mappings", "credential_list_sid")
        return tuple(user for one in lists for user in self._credentials(one)) if domain["sip_registration"] else ()

    def _lists(self, domain: Record, kind: str, key: str) -> list[Record]:
        sids = [mapping[key] for mapping in self._directory.of(kind, domain.account_sid, domain.sid)]
        wanted = "credential_lists" if key == "credential_list_sid" else "ip_access_control_lists"
        return [found for sid in sids if (found := self._directory.get(wanted, sid)) is not None]

    def _networks(self, one: Record) -> Iterator[Network]:
        for address in self._directory.of("ip_addresses", one.account_sid, one.sid):
            yield ipaddress.ip_network((address["ip_address"], address["cidr_prefix_length"]), strict=False)

    def _credentials(self, one: Record) -> Iterator[Credential]:
        for user in self._directory.of("credentials", one.account_sid, one.sid):
            yield Credential(user["username"], user["realm"], user["ha1_md5"], user["ha1_sha256"])
