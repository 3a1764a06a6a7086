"""Calls to the API's SIP domains (call-control reference §7.1)."""

from typing import Any

import pytest

from callwright.calls.application import Account, Hook
from callwright.calls.control import NumberTarget
from callwright.calls.decision import Admission, Refusal
from callwright.calls.hosted import HostedDomains
from callwright.calls.status import Direction
from callwright.sip.leg import Invite
from tests.sip.test_domains import ONE, REALM, Hosting

ACCOUNTS = {ONE: Account(ONE, "token")}
INSIDE, OUTSIDE = "192.0.2.9", "198.51.100.9"


def invite(
    uri: str,
    source: str = OUTSIDE,
    user: str = "",
    from_uri: str = "sip:alice@office.example",
    transport: str = "UDP",
    headers: tuple[tuple[str, str], ...] = (),
) -> Invite:
    realm = REALM if user else ""
    return Invite(uri, from_uri, "", uri, "", "", "c", source, 5060, transport, headers, user=user, realm=realm)


def hosted(**lists: Any) -> tuple[Hosting, HostedDomains]:
    one = Hosting()
    found: dict[str, str] = {}
    if "users" in lists:
        found["calls"] = one.credentials(*lists["users"])
    if "networks" in lists:
        found["acl"] = one.acl(*lists["networks"])
    one.domain("office.example", **found)
    return one, HostedDomains(one.domains, ACCOUNTS)


ALICE, NETWORK = [("alice", "a")], [("192.0.2.0", 24)]


def test_a_user_of_its_list_calls() -> None:
    one, domains = hosted(users=ALICE)
    decision = domains.inbound(invite("sip:600@OFFICE.example:5060;x=y", user="alice"))
    assert isinstance(decision, Admission) and decision.user is not None and decision.trunk is None
    record = one.domains.find("office.example")
    assert record is not None
    assert (decision.from_, decision.to) == ("sip:alice@office.example", "sip:600@OFFICE.example:5060;x=y")
    assert decision.extra == {"SipDomain": "office.example", "SipDomainSid": record.sid, "SipUsername": "alice"}
    assert decision.application.twiml is not None, "without a voice_url it is refused by its document"


def test_who_claims_to_be_another() -> None:
    _, domains = hosted(users=ALICE)
    decision = domains.inbound(
        invite("sip:600@office.example", user="alice", from_uri="sip:+15550001000@office.example")
    )
    assert isinstance(decision, Admission) and decision.from_ == "sip:alice@office.example"


def test_a_source_of_its_list_calls_as_whoever_it_says() -> None:
    _, domains = hosted(networks=NETWORK)
    decision = domains.inbound(invite("sip:600@office.example", INSIDE, from_uri="sip:+1555@pbx:5080"))
    assert isinstance(decision, Admission) and decision.user is None
    assert decision.from_ == "sip:+1555@pbx:5080" and "SipUsername" not in decision.extra


@pytest.mark.parametrize(
    ("lists", "source", "user", "header"),
    [
        ({}, INSIDE, "", ""),
        ({"networks": NETWORK}, OUTSIDE, "", "32201"),
        ({"networks": NETWORK}, OUTSIDE, "alice", "32201"),
        ({"users": ALICE}, INSIDE, "", ""),
        ({"users": ALICE}, INSIDE, "bob", ""),
        ({"users": ALICE, "networks": NETWORK}, OUTSIDE, "alice", "32201"),
        ({"users": ALICE, "networks": NETWORK}, INSIDE, "", ""),
        ({"users": [], "networks": NETWORK}, INSIDE, "alice", ""),
    ],
)
def test_refusals(lists: dict[str, Any], source: str, user: str, header: str) -> None:
    """Whoever lacks one of what is demanded; nobody when nothing is."""
    _, domains = hosted(**lists)
    decision = domains.inbound(invite("sip:600@office.example", source, user))
    assert isinstance(decision, Refusal) and decision.code == 403
    assert "".join(value[:5] for _, value in decision.headers) == header


def test_both_are_demanded_and_given() -> None:
    _, domains = hosted(users=ALICE, networks=NETWORK)
    assert isinstance(domains.inbound(invite("sip:600@office.example", INSIDE, "alice")), Admission)


def test_other_domains_are_not_its_business() -> None:
    _, domains = hosted(users=ALICE)
    assert domains.inbound(invite("sip:600@elsewhere.example", user="alice")) is None
    assert domains.inbound(invite("tel:+15550001000", user="alice")) is None


def test_an_account_that_is_not_active() -> None:
    one, _ = hosted(users=ALICE)
    closed = {ONE: Account(ONE, "token", status="suspended")}
    decision = HostedDomains(one.domains, closed).inbound(invite("sip:600@office.example", user="alice"))
    assert isinstance(decision, Refusal) and decision.code == 403


def test_its_application() -> None:
    one = Hosting()
    users = one.credentials(("alice", "a"))
    urls = {"voice_url": "http://a.example/v", "voice_method": "GET", "voice_status_callback_url": "http://a.example/s"}
    sid = one.put("domains", domain_name="office.example", **urls)
    one.put("credential_list_mappings", sid, credential_list_sid=users)
    one.domains.refresh()
    decision = HostedDomains(one.domains, ACCOUNTS).inbound(invite("sip:600@office.example", user="alice"))
    assert isinstance(decision, Admission)
    voice, told = decision.application.voice, decision.application.status_callback
    assert voice is not None and (voice.url, voice.method) == ("http://a.example/v", "GET")
    assert told is not None and (told.url, told.method) == ("http://a.example/s", "POST")


def test_a_carrier_that_the_account_brings_along() -> None:
    """A call from its source to its domain runs the trunk's URL."""
    one = Hosting()
    urls = {
        "voice_url": "http://app.example/byoc",
        "voice_method": "GET",
        "status_callback_url": "http://app.example/s",
    }
    trunk = one.put("byoc_trunks", **urls)
    domain = one.put("domains", domain_name="carrier.example", byoc_trunk_sid=trunk, voice_url="http://app.example/own")
    record = one.put("ip_records", ip_address=INSIDE, cidr_prefix_length=32)
    one.put("source_ip_mappings", ip_record_sid=record, sip_domain_sid=domain)
    one.domains.refresh()
    domains = HostedDomains(one.domains, ACCOUNTS)
    decision = domains.inbound(invite("sip:+15550001000@carrier.example", INSIDE, from_uri="sip:+1555@pbx"))
    assert isinstance(decision, Admission)
    assert decision.application.voice == Hook("http://app.example/byoc", "GET")
    assert decision.application.status_callback == Hook("http://app.example/s")
    assert isinstance(domains.inbound(invite("sip:+15550001000@carrier.example")), Refusal)


def trunk(**fields: Any) -> tuple[HostedDomains, str]:
    """An elastic trunk that the network inside may use, and its SID."""
    one = Hosting()
    sid = one.put("trunks", domain_name="acme.example", **fields)
    one.put("trunk_ip_acls", sid, ip_access_control_list_sid=one.acl(*NETWORK))
    one.domains.refresh()
    return HostedDomains(one.domains, ACCOUNTS), sid


def test_a_pbx_calls_a_number() -> None:
    domains, sid = trunk()
    decision = domains.inbound(invite("sip:+15558880000@ACME.example", INSIDE, from_uri="sip:+15550001000@pbx"))
    assert isinstance(decision, Admission)
    elastic = decision.application.elastic
    assert elastic is not None and (elastic.sid, elastic.direction) == (sid, Direction.TRUNKING_TERMINATING)
    assert elastic.targets == (NumberTarget("+15558880000"),)
    assert (decision.from_, decision.to, decision.secure) == ("+15550001000", "+15558880000", False)


def test_whom_a_pbx_asserts() -> None:
    """Behind a From of its own, and behind one that says nothing."""
    domains, _ = trunk()
    asserted = (("P-Asserted-Identity", "<sip:+15550001000@pbx>"),)
    decision = domains.inbound(invite("sip:+1555@acme.example", INSIDE, from_uri="sip:600@pbx", headers=asserted))
    assert isinstance(decision, Admission) and decision.from_ == "+15550001000"
    hidden = (*asserted, ("Privacy", "id"))
    decision = domains.inbound(invite("sip:+1555@acme.example", INSIDE, headers=hidden))
    assert isinstance(decision, Admission) and decision.from_ == "+266696687"


@pytest.mark.parametrize(
    ("uri", "source", "code"),
    [("sip:+1555@acme.example", OUTSIDE, 403), ("sip:acme.example", INSIDE, 404)],
)
def test_calls_that_a_trunk_does_not_take(uri: str, source: str, code: int) -> None:
    decision = trunk()[0].inbound(invite(uri, source))
    assert isinstance(decision, Refusal) and decision.code == code


def test_a_secure_trunk_is_called_over_tls() -> None:
    domains, _ = trunk(secure=True)
    plain = domains.inbound(invite("sip:+15558880000@acme.example", INSIDE))
    assert isinstance(plain, Refusal) and plain.code == 488
    sealed = domains.inbound(invite("sip:+15558880000@acme.example", INSIDE, transport="TLS"))
    assert isinstance(sealed, Admission) and sealed.secure


def test_a_secure_domain_is_called_over_tls() -> None:
    one = Hosting()
    sid = one.put("domains", domain_name="office.example", secure=True)
    one.put("credential_list_mappings", sid, credential_list_sid=one.credentials(*ALICE))
    one.domains.refresh()
    domains = HostedDomains(one.domains, ACCOUNTS)
    plain = domains.inbound(invite("sip:600@office.example", user="alice"))
    assert isinstance(plain, Refusal) and plain.code == 488
    sealed = domains.inbound(invite("sip:600@office.example", user="alice", transport="TLS"))
    assert isinstance(sealed, Admission) and sealed.secure
