"""The API's SIP domains, as they are in force: one name, one user, whatever lists there are."""

import ipaddress
import logging
import time
from typing import Any, cast

import pytest

from callwright.sip.credentials import Credential
from callwright.sip.domains import Domains, Standing
from callwright.store.directory import Directory, Record
from callwright.store.store import Store

REALM, ONE, TWO = "pbx.example", "AC" + "1" * 32, "AC" + "2" * 32


class Hosting:
    """A directory with domains in it."""

    def __init__(self, directory: Directory | None = None, **options: Any) -> None:
        self.directory = directory or Directory(cast(Store, None))
        self.domains = Domains(self.directory, REALM, **options)
        self._made = 0

    def put(self, kind: str, parent: str = "", account: str = ONE, **fields: Any) -> str:
        """A record; its SID tells in which order it was made."""
        self._made += 1
        sid = f"XX{self._made:032d}"
        self.directory.declare([Record(sid, kind, account, fields, parent)])
        return sid

    def credentials(self, *users: tuple[str, str], account: str = ONE, realm: str = REALM) -> str:
        """A credential list of these names and passwords."""
        sid = self.put("credential_lists", account=account)
        for name, password in users:
            one = Credential.of(name, realm, password)
            digests = {"realm": one.realm, "ha1_md5": one.ha1_md5, "ha1_sha256": one.ha1_sha256}
            self.put("credentials", sid, account, username=name, **digests)
        return sid

    def domain(self, name: str, *, account: str = ONE, calls: str = "", registers: str = "", acl: str = "") -> Standing:
        """A domain with these lists mapped to it, as it is in force."""
        sid = self.put("domains", account=account, domain_name=name, sip_registration=bool(registers))
        if calls:
            self.put("credential_list_mappings", sid, account, credential_list_sid=calls)
        if registers:
            self.put("registration_mappings", sid, account, credential_list_sid=registers)
        if acl:
            self.put("ip_acl_mappings", sid, account, ip_access_control_list_sid=acl)
        self.domains.refresh()
        found = self.domains.known(name)
        assert found is not None
        return found

    def acl(self, *networks: tuple[str, int]) -> str:
        """An address list."""
        sid = self.put("ip_access_control_lists")
        for address, length in networks:
            self.put("ip_addresses", sid, ip_address=address, cidr_prefix_length=length)
        return sid


def test_who_may_call_and_who_may_register() -> None:
    one = Hosting()
    callers, phones = one.credentials(("alice", "a")), one.credentials(("bob", "b"))
    domain = one.domain("office.example", calls=callers, registers=phones)
    caller = one.domains.caller(domain, "alice", REALM)
    assert caller is not None and (caller.aor, caller.hosted) == ("alice@office.example", True)
    assert one.domains.caller(domain, "bob", REALM) is None
    assert one.domains.caller(domain, "alice", "other.example") is None
    phone = one.domains.registrant("bob", "Office.example")
    assert phone is not None and phone.aor == "bob@office.example"
    assert one.domains.registrant("alice", "office.example") is one.domains.registrant("bob", "x.example") is None
    assert set(one.domains.credentials) == {("alice", REALM), ("bob", REALM)}
    assert "office.example" in one.domains and "x.example" not in one.domains
    assert one.domains.known("OFFICE.example") is domain


def test_a_list_that_no_domain_has_lets_nobody_in() -> None:
    one = Hosting()
    one.credentials(("alice", "a"))
    one.domain("office.example")
    assert one.domains.credentials == {}


def test_sources_that_must_prove_nothing_more_are_admitted() -> None:
    """Those of a domain that has users as well are asked: the engine would not ask an admitted source."""
    one = Hosting()
    one.domain("open.example", acl=one.acl(("192.0.2.7", 24), ("2001:db8::1", 128)))
    one.domain("both.example", acl=one.acl(("198.51.100.0", 24)), calls=one.credentials(("alice", "a")))
    assert {str(network) for network in one.domains.networks} == {"192.0.2.0/24", "2001:db8::1/128"}
    known = one.domains.known("both.example")
    assert known is not None
    assert [known.guard.lets_in(host) for host in ("198.51.100.9", "::ffff:198.51.100.9", "192.0.2.7", "::1")] == [
        *(True, True, False, False)
    ]


def test_two_users_of_one_name(caplog: pytest.LogCaptureFixture) -> None:
    """The first keeps it: the other's password is not taken, and does not open the first one's domain."""
    one = Hosting()
    first = one.domain("a.example", calls=one.credentials(("alice", "a")))
    with caplog.at_level(logging.WARNING):
        second = one.domain("b.example", account=TWO, calls=one.credentials(("alice", "other"), account=TWO))
    assert "an older list has the name with another password" in caplog.text
    assert one.domains.credentials["alice", REALM] == Credential.of("alice", REALM, "a")
    assert one.domains.caller(first, "alice", REALM) is not None
    assert one.domains.caller(second, "alice", REALM) is None
    caplog.clear()
    one.domains.refresh()
    assert caplog.text == "", "told once"


def test_the_files_users_go_before() -> None:
    one = Hosting(taken={"alice"})
    domain = one.domain("a.example", calls=one.credentials(("alice", "a"), ("bob", "b")))
    assert one.domains.caller(domain, "alice", REALM) is None
    assert set(one.domains.credentials) == {("bob", REALM)}


def test_digests_of_another_realm_prove_nothing(caplog: pytest.LogCaptureFixture) -> None:
    one = Hosting()
    with caplog.at_level(logging.WARNING):
        one.domain("a.example", calls=one.credentials(("alice", "a"), realm="before.example"))
    assert one.domains.credentials == {} and "set its password again" in caplog.text


def test_one_user_in_two_lists(caplog: pytest.LogCaptureFixture) -> None:
    """With one password he is one: each list's domain takes him, and nothing is to be told."""
    one = Hosting()
    first = one.domain("a.example", calls=one.credentials(("alice", "a")))
    second = one.domain("b.example", calls=one.credentials(("alice", "a")))
    found = [one.domains.caller(domain, "alice", REALM) for domain in (first, second)]
    assert [user.aor for user in found if user] == ["alice@a.example", "alice@b.example"] and not caplog.records


def test_thousands_of_users_are_found_at_once() -> None:
    """Calls and registrations ask for one; a change looks at each once."""
    one = Hosting()
    users = one.credentials(*((f"user{number}", "x") for number in range(3000)))
    domain = one.domain("a.example", calls=users, registers=users)
    began = time.perf_counter()
    for _ in range(1000):
        assert one.domains.caller(domain, "user2999", REALM) and one.domains.registrant("user2999", "a.example")
    assert time.perf_counter() - began < 0.5


def test_the_sources_of_carriers_are_admitted() -> None:
    """By the records that are mapped to the domain; another account's record lets nobody in."""
    one = Hosting()
    record = one.put("ip_records", ip_address="192.0.2.7", cidr_prefix_length=32)
    other = one.put("ip_records", account=TWO, ip_address="198.51.100.7", cidr_prefix_length=32)
    domain = one.domain("carrier.example")
    assert domain.guard.is_open
    for sid in (record, other):
        one.put("source_ip_mappings", ip_record_sid=sid, sip_domain_sid=domain.record.sid)
    one.domains.refresh()
    found = one.domains.known("carrier.example")
    assert found is not None and not found.guard.is_open
    assert found.guard.lets_in("192.0.2.7") and not found.guard.lets_in("198.51.100.7")
    assert [str(network) for network in one.domains.networks] == ["192.0.2.7/32"]


class Trunks(Hosting):
    """A directory with elastic trunks in it, too."""

    def trunk(self, name: str, *, users: str = "", acl: str = "", secure: bool = False) -> None:
        """A trunk with these lists mapped to it, in force."""
        sid = self.put("trunks", domain_name=name, secure=secure)
        if users:
            self.put("trunk_credential_lists", sid, credential_list_sid=users)
        if acl:
            self.put("trunk_ip_acls", sid, ip_access_control_list_sid=acl)
        self.domains.refresh()

    def policies(self, *others: str) -> list[tuple[str, str]]:
        """Which sources may, or must, have encrypted media."""
        networks = [ipaddress.ip_network(one) for one in others]
        return [(prefix, srtp) for prefix, _, srtp, _, _ in self.domains.policies(networks)]


def test_a_trunks_lists_let_its_pbx_in() -> None:
    one = Trunks()
    one.trunk("Acme.example", users=one.credentials(("switch", "s")))
    one.trunk("other.example", acl=one.acl(("192.0.2.0", 24)))
    one.trunk("")
    trunk = one.domains.trunk("ACME.example")
    assert trunk is not None and one.domains.known("acme.example") is None
    assert "acme.example" not in one.domains, "no user has his address there"
    caller = one.domains.caller(trunk, "switch", REALM)
    assert caller is not None and caller.account_sid == ONE
    assert {str(network) for network in one.domains.networks} == {"192.0.2.0/24"}
    assert one.domains.trunk("") is None and one.domains.trunk("x.example") is None


def test_sources_whose_media_must_be_encrypted() -> None:
    one = Trunks()
    one.trunk("a.example", acl=one.acl(("192.0.2.0", 24)))
    assert one.policies() == []
    one.trunk("b.example", acl=one.acl(("198.51.100.0", 24)), secure=True)
    assert one.policies() == [("198.51.100.0/24", "required")]
    assert one.policies("198.51.100.7/32") == [("198.51.100.0/24", "optional")], "a carrier calls from there, too"
    one.trunk("c.example", users=one.credentials(("switch", "s")), secure=True)
    anywhere = [("0.0.0.0/0", "optional"), ("::/0", "optional")]
    assert one.policies() == [("198.51.100.0/24", "required"), *anywhere], "plain calls come from 192.0.2.0/24"


def test_users_whose_media_must_be_encrypted() -> None:
    one = Trunks()
    one.trunk("a.example", users=one.credentials(("switch", "s")), secure=True)
    assert one.policies() == [("0.0.0.0/0", "required"), ("::/0", "required")]
    one.domain("office.example", calls=one.credentials(("alice", "a")))
    assert one.policies() == [("0.0.0.0/0", "optional"), ("::/0", "optional")]
    assert Trunks(taken={"bob"}).policies() == []


def test_users_of_the_file_are_not_mistaken_for_those_of_a_secure_domain() -> None:
    """They have policies of their own."""
    one = Trunks(taken={"bob"})
    one.trunk("a.example", users=one.credentials(("switch", "s")), secure=True)
    assert one.policies() == [("0.0.0.0/0", "required"), ("::/0", "required")]
