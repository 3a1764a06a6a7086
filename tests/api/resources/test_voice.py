import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids

from ..conftest import NUMBER, OTHER, Site, client_of


async def do(work: Any, **parameters: Any) -> Any:
    return await asyncio.to_thread(work, **parameters)


async def refusal(work: Any, **parameters: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work, **parameters)
    return refused.value.status, refused.value.code


async def test_byoc_trunks_and_policies(site: Site, client: Client) -> None:
    voice = client.voice.v1
    policy = await do(voice.connection_policies.create, friendly_name="p")
    targets = voice.connection_policies(policy.sid).targets
    target = await do(targets.create, target="sip:gw.example:5080", weight=20)
    assert (target.priority, target.weight, target.enabled) == (10, 20, True)
    assert target.connection_policy_sid == policy.sid
    assert await refusal(targets.create, target="http://gw.example") == (400, 20422)
    assert await refusal(targets.create, target="sip:gw.example", weight=0) == (400, 20422)
    changed = await do(targets(target.sid).update, enabled=False)
    assert (changed.enabled, changed.target) == (False, "sip:gw.example:5080")
    trunk = await do(voice.byoc_trunks.create, voice_url="http://a.example/", connection_policy_sid=policy.sid)
    assert ids.valid(trunk.sid, "BY") and trunk.connection_policy_sid == policy.sid
    assert trunk.date_created.tzinfo is not None, "the SDK has read the date"
    assert trunk.url == f"http://voice.example/v1/ByocTrunks/{trunk.sid}"
    assert await refusal(voice.connection_policies(policy.sid).delete) == (409, 20409)
    assert [one.sid for one in await do(voice.byoc_trunks.list)] == [trunk.sid]
    assert await do(voice.byoc_trunks(trunk.sid).delete)
    assert await do(voice.connection_policies(policy.sid).delete)
    assert site.services.directory.get("connection_policy_targets", target.sid) is None
    with client_of(site, OTHER.sid, OTHER.auth_token) as other:
        assert await do(other.voice.v1.byoc_trunks.list) == []


async def test_ip_records(client: Client) -> None:
    voice = client.voice.v1
    record = await do(voice.ip_records.create, ip_address="192.0.2.1", cidr_prefix_length=28, friendly_name="x")
    assert (record.ip_address, record.cidr_prefix_length) == ("192.0.2.1", 28)
    assert (await do(voice.ip_records(record.sid).update, friendly_name="y")).friendly_name == "y"
    domains = [await do(client.sip.domains.create, domain_name=f"{name}.example") for name in "ab"]
    mapping = await do(voice.source_ip_mappings.create, ip_record_sid=record.sid, sip_domain_sid=domains[0].sid)
    assert (mapping.ip_record_sid, mapping.sip_domain_sid) == (record.sid, domains[0].sid)
    changed = await do(voice.source_ip_mappings(mapping.sid).update, sip_domain_sid=domains[1].sid)
    assert (changed.ip_record_sid, changed.sip_domain_sid) == (record.sid, domains[1].sid)
    assert await refusal(voice.ip_records(record.sid).delete) == (409, 20409)
    assert await do(voice.source_ip_mappings(mapping.sid).delete)
    assert await do(voice.ip_records(record.sid).delete)


async def test_the_envelope_of_product_apis(site: Site, client: Client) -> None:
    sids = [(await do(client.voice.v1.byoc_trunks.create)).sid for _ in range(3)]
    assert [one.sid for one in await do(client.voice.v1.byoc_trunks.list, page_size=2)] == sids[::-1]
    _, page = await site.json("GET", "/v1/ByocTrunks?PageSize=2")
    assert page.keys() == {"byoc_trunks", "meta"}
    meta = page["meta"]
    assert (meta["page"], meta["page_size"], meta["key"], meta["previous_page_url"]) == (0, 2, "byoc_trunks", None)
    assert meta["first_page_url"] == "http://voice.example/v1/ByocTrunks?PageSize=2&Page=0"
    assert meta["next_page_url"].startswith("http://voice.example/v1/ByocTrunks?PageSize=2&Page=1&PageToken=PA")
    status, error = await site.json("GET", "/v1/ByocTrunks.json")
    assert (status, error["code"]) == (404, 20404), "product APIs have no extensions"
    status, error = await site.json("GET", "/v1/ByocTrunks", account=None)
    assert (status, error["code"]) == (401, 20003)
    status, _ = await site.json("GET", "/2010-04-01/v1/ByocTrunks.json")
    assert status == 404


async def test_a_call_over_a_trunk_of_ones_own(site: Site, client: Client) -> None:
    voice = client.voice.v1
    policy = await do(voice.connection_policies.create)
    trunk = await do(voice.byoc_trunks.create, connection_policy_sid=policy.sid)
    order = {"to": "+15550002000", "from_": NUMBER, "twiml": "<Response/>", "byoc": trunk.sid}
    assert await refusal(client.calls.create, **order) == (400, 32400)
    await do(voice.connection_policies(policy.sid).targets.create, target="sip:gw.example", priority=20)
    await do(voice.connection_policies(policy.sid).targets.create, target="sip:first.example")
    await do(client.calls.create, **order)
    assert site.switchboard.orders[-1].through == ("sip:first.example", "sip:gw.example")
    assert await refusal(client.calls.create, **{**order, "byoc": "BY" + "0" * 32}) == (400, 32400)
