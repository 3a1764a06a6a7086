import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import NUMBER_SID, Site


async def do(work: Any, **parameters: Any) -> Any:
    return await asyncio.to_thread(work, **parameters)


async def refusal(work: Any, **parameters: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work, **parameters)
    return refused.value.status, refused.value.code


async def test_trunks(client: Client) -> None:
    made = await do(client.trunking.v1.trunks.create, friendly_name="t", domain_name="t.pstn.twilio.com", secure=True)
    assert (made.friendly_name, made.domain_name, made.secure) == ("t", "t.pstn.twilio.com", True)
    assert (made.transfer_mode, made.auth_type, made.auth_type_set) == ("disable-all", "", [])
    assert made.recording == {"mode": "do-not-record", "trim": "do-not-trim"}
    of = client.trunking.v1.trunks(made.sid)
    assert (await do(of.update, transfer_mode="sip-only")).transfer_mode == "sip-only"
    recording = await do(of.recordings().update, mode="record-from-answer-dual", trim="trim-silence")
    assert (recording.mode, recording.trim) == ("record-from-answer-dual", "trim-silence")
    assert (await do(of.fetch)).recording == {"mode": "record-from-answer-dual", "trim": "trim-silence"}
    assert await refusal(of.recordings().update, mode="always") == (400, 20422)
    url = await do(
        of.origination_urls.create, sip_url="sip:gw.example", priority=1, weight=1, enabled=True, friendly_name="u"
    )
    assert (url.sip_url, url.trunk_sid) == ("sip:gw.example", made.sid)
    assert [one.sid for one in await do(of.origination_urls.list)] == [url.sid]
    assert await do(of.delete)
    assert await refusal(of.origination_urls(url.sid).fetch) == (404, 20404)


async def test_lists_guard_a_trunk(client: Client) -> None:
    users = await do(client.sip.credential_lists.create, friendly_name="users")
    acl = await do(client.sip.ip_access_control_lists.create, friendly_name="sources")
    trunk = await do(client.trunking.v1.trunks.create)
    of = client.trunking.v1.trunks(trunk.sid)
    mapped = await do(of.credentials_lists.create, credential_list_sid=users.sid)
    assert (mapped.sid, mapped.friendly_name, mapped.trunk_sid) == (users.sid, "users", trunk.sid)
    await do(of.ip_access_control_lists.create, ip_access_control_list_sid=acl.sid)
    assert (await do(of.fetch)).auth_type_set == ["CREDENTIAL_LIST", "IP_ACL"]
    assert await refusal(of.credentials_lists.create, credential_list_sid=users.sid) == (400, 20422)
    assert await refusal(client.sip.credential_lists(users.sid).delete) == (400, 21241)
    assert [one.sid for one in await do(of.ip_access_control_lists.list)] == [acl.sid]
    assert await do(of.credentials_lists(users.sid).delete)
    assert await do(client.sip.credential_lists(users.sid).delete)
    assert (await do(of.fetch)).auth_type == "IP_ACL"


async def test_numbers_of_a_trunk(site: Site, client: Client) -> None:
    number = await do(client.incoming_phone_numbers.create, phone_number="+15550003002")
    trunk = await do(client.trunking.v1.trunks.create)
    of = client.trunking.v1.trunks(trunk.sid)
    added = await do(of.phone_numbers.create, phone_number_sid=number.sid)
    assert (added.sid, added.phone_number, added.trunk_sid) == (number.sid, "+15550003002", trunk.sid)
    assert added.url == f"http://voice.example/v1/Trunks/{trunk.sid}/PhoneNumbers/{number.sid}"
    assert added.api_version == "2010-04-01"
    assert added.links["phone_number"].endswith(f"/IncomingPhoneNumbers/{number.sid}.json")
    assert [one.sid for one in await do(of.phone_numbers.list)] == [number.sid]
    assert (await do(client.incoming_phone_numbers(number.sid).fetch)).trunk_sid == trunk.sid
    assert await refusal(of.delete) == (409, 20409)
    assert await refusal(of.phone_numbers.create, phone_number_sid=NUMBER_SID) == (403, 20010)
    assert (await do(of.phone_numbers(number.sid).fetch)).sid == number.sid
    assert await do(of.phone_numbers(number.sid).delete)
    assert await refusal(of.phone_numbers(number.sid).fetch) == (404, 20404)
    assert (await do(client.incoming_phone_numbers(number.sid).fetch)).trunk_sid == ""
    assert await do(of.delete)


async def test_a_domain_is_one_trunks_or_domains_own(site: Site, client: Client) -> None:
    trunks = client.trunking.v1.trunks
    made = await do(trunks.create, domain_name="Acme.Example")
    assert made.domain_name == "acme.example"
    assert await refusal(trunks.create, domain_name="ACME.example") == (400, 21232)
    assert await refusal(client.sip.domains.create, domain_name="acme.example") == (400, 21232)
    await do(client.sip.domains.create, domain_name="office.example")
    assert await refusal(trunks(made.sid).update, domain_name="office.example") == (400, 21232)
    assert await refusal(trunks.create, domain_name=site.services.config.sip.domain.upper()) == (400, 21232)
    assert await refusal(trunks.create, domain_name="no_host") == (400, 21231)
    assert (await do(trunks(made.sid).update, friendly_name="x")).domain_name == "acme.example"
    assert (await do(trunks.create)).domain_name is (await do(trunks.create)).domain_name is None
