import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.calls.application import Hook
from callwright.calls.numbers import Numbers

from ..conftest import BASE, MINE, NUMBER, NUMBER_SID, OTHER, Site, client_of


async def buy(client: Client, **parameters: Any) -> Any:
    return await asyncio.to_thread(client.incoming_phone_numbers.create, **parameters)


async def refusal(work: Any, **parameters: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work, **parameters)
    return refused.value.status, refused.value.code


async def test_sdk_claims_updates_and_releases(site: Site, client: Client) -> None:
    """A claimed number is the account's at once, answers by what it says at each moment, and is free in the end."""
    numbers = Numbers(site.services.directory)
    made = await buy(client, phone_number="+15550003004", voice_url="http://a.example/1")
    assert (made.phone_number, made.friendly_name, made.type) == ("+15550003004", "(555) 000-3004", "local")
    assert made.capabilities == {"voice": True, "sms": False, "mms": False, "fax": False}
    assert site.services.owns(MINE.sid, "+15550003004") and not site.services.owns(OTHER.sid, "+15550003004")
    found = numbers.find("15550003004")
    assert found is not None and found.application.voice == Hook("http://a.example/1")
    await asyncio.to_thread(
        client.incoming_phone_numbers(made.sid).update,
        voice_url="http://a.example/2",
        voice_method="GET",
        status_callback="http://a.example/s",
    )
    found = numbers.find("+15550003004")
    assert found is not None and found.application.voice == Hook("http://a.example/2", "GET")
    assert found.application.status_callback == Hook("http://a.example/s")
    assert await refusal(client.incoming_phone_numbers.create, phone_number="+15550003004") == (400, 21422)
    assert await asyncio.to_thread(client.incoming_phone_numbers(made.sid).delete)
    assert numbers.find("+15550003004") is None
    assert (await buy(client, phone_number="+15550003004")).sid != made.sid


async def test_an_application_goes_before_the_numbers_own_urls(site: Site, client: Client) -> None:
    numbers = Numbers(site.services.directory)
    application = await asyncio.to_thread(client.applications.create, voice_url="http://a.example/app")
    made = await buy(
        client, phone_number="+15550003000", voice_url="http://a.example/n", voice_application_sid=application.sid
    )
    found = numbers.find(made.phone_number)
    assert found is not None
    assert (found.application.sid, found.application.voice) == (application.sid, Hook("http://a.example/app"))
    assert await asyncio.to_thread(client.applications(application.sid).delete)
    found = numbers.find(made.phone_number)
    assert found is not None and found.application.voice == Hook("http://a.example/n")
    update = client.incoming_phone_numbers(made.sid).update
    assert await refusal(update, voice_application_sid="AP" + "0" * 32) == (400, 21420)


async def test_area_codes_and_types(site: Site, client: Client) -> None:
    taken = [(await buy(client, area_code="555")).phone_number for _ in range(2)]
    assert taken == ["+15550003000", "+15550003001"]
    toll_free = await asyncio.to_thread(client.incoming_phone_numbers.toll_free.create, phone_number="+18005550001")
    assert toll_free.phone_number == "+18005550001"
    listed = await asyncio.to_thread(client.incoming_phone_numbers.local.list)
    assert [one.phone_number for one in listed] == [*taken[::-1], NUMBER]
    listed = await asyncio.to_thread(client.incoming_phone_numbers.toll_free.list)
    assert [one.phone_number for one in listed] == ["+18005550001"]
    assert await asyncio.to_thread(client.incoming_phone_numbers.mobile.list) == []
    local = client.incoming_phone_numbers.local.create
    assert await refusal(local, phone_number="+18005550000") == (400, 21422)
    create = client.incoming_phone_numbers.create
    assert await refusal(create, area_code="777") == (400, 21452)
    assert await refusal(create, phone_number="+447700900000") == (400, 21422), "the range is another account's"
    assert await refusal(create, phone_number="+19995550000") == (400, 21422)
    assert await refusal(create, phone_number="x") == (400, 21421)
    assert await refusal(create) == (400, 21421)


async def test_lists_and_filters(client: Client) -> None:
    made = await buy(client, phone_number="+15550003007", friendly_name="Desk")
    lists = client.incoming_phone_numbers.list
    assert [one.sid for one in await asyncio.to_thread(lists)] == [made.sid, NUMBER_SID]
    assert [one.sid for one in await asyncio.to_thread(lists, phone_number="+1555000****")] == [made.sid, NUMBER_SID]
    assert [one.sid for one in await asyncio.to_thread(lists, phone_number=NUMBER)] == [NUMBER_SID]
    assert [one.sid for one in await asyncio.to_thread(lists, friendly_name="Desk")] == [made.sid]
    assert await asyncio.to_thread(lists, beta=True) == []
    assert await asyncio.to_thread(client.incoming_phone_numbers(made.sid).assigned_add_ons.list) == []


async def test_what_the_file_declares_shows_and_stays(site: Site, client: Client) -> None:
    one = client.incoming_phone_numbers(NUMBER_SID)
    shown = await asyncio.to_thread(one.fetch)
    assert (shown.phone_number, shown.voice_url) == (NUMBER, "http://apps.example/voice")
    assert shown.date_created is None
    assert await refusal(one.update, voice_url="http://else.example/") == (403, 20010)
    assert await refusal(one.delete) == (403, 20010)
    status, error = await site.json("DELETE", f"{BASE}/IncomingPhoneNumbers/{NUMBER_SID}.json")
    assert status == 403 and "configuration file" in error["message"]


async def test_moves_to_a_subaccount(site: Site, client: Client) -> None:
    part = await asyncio.to_thread(client.api.v2010.accounts.create)
    made = await buy(client, phone_number="+15550003001")
    update = client.incoming_phone_numbers(made.sid).update
    assert await refusal(update, account_sid=OTHER.sid) == (400, 20404)
    moved = await asyncio.to_thread(update, account_sid=part.sid)
    assert moved.account_sid == part.sid and f"/Accounts/{part.sid}/" in moved.uri
    assert await refusal(client.incoming_phone_numbers(made.sid).fetch) == (404, 20404)
    assert site.services.owns(part.sid, "+15550003001") and not site.services.owns(MINE.sid, "+15550003001")
    with client_of(site, part.sid, part.auth_token) as own:
        assert [one.sid for one in await asyncio.to_thread(own.incoming_phone_numbers.list)] == [made.sid]
    await asyncio.to_thread(client.api.v2010.accounts(part.sid).update, status="closed")
    assert not site.services.owns(part.sid, "+15550003001"), "a closed account has no numbers"
