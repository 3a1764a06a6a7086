import asyncio

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import OTHER, Site, client_of


async def test_sdk_finds_countries(site: Site, client: Client) -> None:
    found = await asyncio.to_thread(client.available_phone_numbers.list)
    assert [one.country_code for one in found] == ["US"]
    assert set(found[0].subresource_uris) == {"local", "toll_free"}
    assert (await asyncio.to_thread(client.available_phone_numbers("US").fetch)).country_code == "US"
    with pytest.raises(TwilioRestException) as missing:
        await asyncio.to_thread(client.available_phone_numbers("GB").fetch)
    assert missing.value.code == 20404
    with client_of(site, OTHER.sid, OTHER.auth_token) as other:
        theirs = await asyncio.to_thread(other.available_phone_numbers("GB").mobile.list)
        assert [one.phone_number for one in theirs] == ["+447700900000", "+447700900001"]


async def test_sdk_finds_numbers(client: Client) -> None:
    local = client.available_phone_numbers("US").local
    found = await asyncio.to_thread(local.list)
    assert [one.phone_number for one in found] == [f"+1555000300{n}" for n in range(10)]
    first = found[0]
    assert (first.friendly_name, first.region, first.locality, first.iso_country) == (
        "(555) 000-3000",
        "CA",
        "Springfield",
        "US",
    )
    assert first.capabilities == {"voice": True, "sms": False, "mms": False}
    await asyncio.to_thread(client.incoming_phone_numbers.create, phone_number=first.phone_number)
    assert len(await asyncio.to_thread(local.list)) == 9
    assert len(await asyncio.to_thread(local.list, limit=3, page_size=3)) == 3
    assert [one.phone_number for one in await asyncio.to_thread(local.list, contains="*007")] == ["+15550003007"]
    assert len(await asyncio.to_thread(local.list, area_code=555)) == 9
    assert await asyncio.to_thread(local.list, area_code=777) == []
    assert await asyncio.to_thread(local.list, in_region="NY") == []
    assert await asyncio.to_thread(local.list, sms_enabled=True) == []
    toll_free = await asyncio.to_thread(client.available_phone_numbers("US").toll_free.list)
    assert [one.phone_number for one in toll_free] == ["+18005550000", "+18005550001"]
