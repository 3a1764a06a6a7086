import asyncio
import hashlib
import ipaddress
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.sip.domains import Domains, Guard
from callwright.store.tables import metadata

from ..conftest import BASE, OTHER, Site, client_of

GOOD = "Abcdefgh1234"


async def do(work: Any, **parameters: Any) -> Any:
    return await asyncio.to_thread(work, **parameters)


async def refusal(work: Any, **parameters: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work, **parameters)
    return refused.value.status, refused.value.code


async def test_domains(client: Client) -> None:
    made = await do(client.sip.domains.create, domain_name="Office.sip.twilio.com", voice_url="http://a.example/v")
    assert (made.domain_name, made.auth_type, made.voice_method) == ("office.sip.twilio.com", "", "POST")
    assert (made.sip_registration, made.secure) == (False, False)
    assert await refusal(client.sip.domains.create, domain_name="office.sip.twilio.com") == (400, 21232)
    assert await refusal(client.sip.domains.create, domain_name="no_host") == (400, 21231)
    changed = await do(client.sip.domains(made.sid).update, sip_registration=True, voice_status_callback_method="GET")
    assert (changed.sip_registration, changed.voice_status_callback_method) == (True, "GET")
    assert [one.sid for one in await do(client.sip.domains.list)] == [made.sid]
    assert await do(client.sip.domains(made.sid).delete)
    assert await do(client.sip.domains.list) == []


async def test_credentials_are_kept_as_digests(site: Site, client: Client) -> None:
    users = await do(client.sip.credential_lists.create, friendly_name="desk phones")
    credentials = client.sip.credential_lists(users.sid).credentials
    made = await do(credentials.create, username="alice", password=GOOD)
    assert (made.username, made.credential_list_sid) == ("alice", users.sid)
    record = site.services.directory.get("credentials", made.sid)
    assert record is not None
    secret = f"alice:127.0.0.1:{GOOD}".encode()
    assert record["ha1_sha256"] == hashlib.sha256(secret).hexdigest()
    assert record["ha1_md5"] == hashlib.md5(secret).hexdigest()
    rows = await site.store.fetch(metadata.tables["resources"].select())
    assert GOOD not in str(rows) and any(row["sid"] == made.sid for row in rows)
    _, shown = await site.json("GET", f"{BASE}/SIP/CredentialLists/{users.sid}/Credentials/{made.sid}.json")
    assert GOOD not in str(shown) and "ha1" not in str(shown)
    await do(credentials(made.sid).update, password=GOOD + "5")
    changed = site.services.directory.get("credentials", made.sid)
    assert changed is not None
    assert changed["ha1_sha256"] == hashlib.sha256(f"alice:127.0.0.1:{GOOD}5".encode()).hexdigest()
    assert changed["username"] == "alice"
    assert await refusal(credentials.create, username="alice", password=GOOD) == (400, 20422)
    assert await do(client.sip.credential_lists(users.sid).delete)
    assert site.services.directory.get("credentials", made.sid) is None, "they go with their list"


@pytest.mark.parametrize("password", ["Abc1", "abcdefgh1234", "ABCDEFGH1234", "Abcdefghijkl"])
async def test_passwords_must_be_good(client: Client, password: str) -> None:
    users = await do(client.sip.credential_lists.create, friendly_name="x")
    create = client.sip.credential_lists(users.sid).credentials.create
    with pytest.raises(TwilioRestException) as refused:
        await do(create, username="alice", password=password)
    assert refused.value.status == 400 and password not in refused.value.msg


async def test_addresses(client: Client) -> None:
    acl = await do(client.sip.ip_access_control_lists.create, friendly_name="office")
    addresses = client.sip.ip_access_control_lists(acl.sid).ip_addresses
    made = await do(addresses.create, friendly_name="net", ip_address="192.0.2.7", cidr_prefix_length=24)
    assert (made.ip_address, made.cidr_prefix_length, made.ip_access_control_list_sid) == ("192.0.2.7", 24, acl.sid)
    changed = await do(addresses(made.sid).update, cidr_prefix_length=32)
    assert changed.cidr_prefix_length == 32
    assert await refusal(addresses.create, friendly_name="x", ip_address="192.0.2.300") == (400, 20422)
    assert await refusal(addresses.create, friendly_name="x", ip_address="192.0.2.3", cidr_prefix_length=64) == (
        400,
        20422,
    )
    assert [one.sid for one in await do(addresses.list)] == [made.sid]
    assert await do(addresses(made.sid).delete)
    assert await refusal(client.sip.ip_access_control_lists.create, friendly_name="") == (400, 20002)


async def test_mappings_guard_a_domain(site: Site, client: Client) -> None:
    """Two paths show one store for calls; registrations have their own; what is mapped is not deleted."""
    domains = Domains(site.services.directory)
    domain = await do(client.sip.domains.create, domain_name="a.example")
    users = await do(client.sip.credential_lists.create, friendly_name="users")
    acl = await do(client.sip.ip_access_control_lists.create, friendly_name="sources")
    await do(client.sip.credential_lists(users.sid).credentials.create, username="alice", password=GOOD)
    sources = client.sip.ip_access_control_lists(acl.sid).ip_addresses
    await do(sources.create, friendly_name="x", ip_address="192.0.2.7", cidr_prefix_length=24)
    of = client.sip.domains(domain.sid)
    record = domains.find("A.Example")
    assert record is not None and domains.guard(record) == Guard(None, None)

    mapped = await do(of.ip_access_control_list_mappings.create, ip_access_control_list_sid=acl.sid)
    assert (mapped.sid, mapped.friendly_name, mapped.domain_sid) == (acl.sid, "sources", domain.sid)
    assert (await do(of.fetch)).auth_type == "IP_ACL"
    guard = domains.guard(record)
    assert guard.networks == (ipaddress.ip_network("192.0.2.0/24"),) and guard.credentials is None
    await do(of.auth.calls.credential_list_mappings.create, credential_list_sid=users.sid)
    assert (await do(of.fetch)).auth_type == "CREDENTIAL_LIST,IP_ACL"
    guard = domains.guard(record)
    assert guard.credentials is not None and [user.username for user in guard.credentials] == ["alice"]

    assert [one.sid for one in await do(of.credential_list_mappings.list)] == [users.sid]
    assert [one.sid for one in await do(of.auth.calls.ip_access_control_list_mappings.list)] == [acl.sid]
    assert (await do(of.credential_list_mappings(users.sid).fetch)).friendly_name == "users"
    create = of.credential_list_mappings.create
    assert await refusal(create, credential_list_sid=users.sid) == (400, 21231)
    assert await refusal(create, credential_list_sid="CL" + "0" * 32) == (400, 20422)
    assert await do(of.auth.registrations.credential_list_mappings.list) == []
    await do(of.auth.registrations.credential_list_mappings.create, credential_list_sid=users.sid)
    assert domains.registrars(record) == ()
    await do(of.update, sip_registration=True)
    record = domains.find("a.example")
    assert record is not None and [user.username for user in domains.registrars(record)] == ["alice"]

    assert await refusal(client.sip.credential_lists(users.sid).delete) == (400, 21241)
    assert await refusal(client.sip.ip_access_control_lists(acl.sid).delete) == (400, 21236)
    assert await do(of.auth.calls.credential_list_mappings(users.sid).delete)
    assert await do(of.credential_list_mappings.list) == []
    assert await do(of.delete)
    assert await do(client.sip.credential_lists(users.sid).delete), "the domain's mappings went with it"
    assert await do(client.sip.ip_access_control_lists(acl.sid).delete)


async def test_a8_those_of_others_do_not_exist(site: Site, client: Client) -> None:
    users = await do(client.sip.credential_lists.create, friendly_name="users")
    with client_of(site, OTHER.sid, OTHER.auth_token) as other:
        domain = await do(other.sip.domains.create, domain_name="b.example")
        theirs = other.sip.domains(domain.sid).credential_list_mappings.create
        assert await refusal(theirs, credential_list_sid=users.sid) == (400, 20422)
        credentials = other.sip.credential_lists(users.sid).credentials
        assert await refusal(credentials.create, username="eve", password=GOOD) == (404, 20404)
    assert await refusal(client.sip.domains(domain.sid).fetch) == (404, 20404)
