import asyncio

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import BASE, MINE, OTHER, Site


async def test_sdk_fetches_and_lists_its_own(client: Client) -> None:
    account = await asyncio.to_thread(client.api.v2010.accounts(MINE.sid).fetch)
    assert (account.sid, account.friendly_name, account.status, account.type) == (MINE.sid, "Main", "active", "Full")
    assert account.auth_token == MINE.auth_token
    assert account.owner_account_sid == MINE.sid
    assert [listed.sid for listed in await asyncio.to_thread(client.api.v2010.accounts.list)] == [MINE.sid]
    assert await asyncio.to_thread(client.api.v2010.accounts.list, status="closed") == []
    assert await asyncio.to_thread(client.api.v2010.accounts.list, friendly_name="Else") == []


async def test_a8_other_accounts_do_not_exist(client: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.api.v2010.accounts(OTHER.sid).fetch)
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_names_what_it_has(site: Site) -> None:
    _, account = await site.json("GET", f"{BASE}.json")
    assert account["uri"] == f"{BASE}.json"
    assert account["subresource_uris"]["calls"] == f"{BASE}/Calls.json"
