import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.account import Account
from callwright.store.tables import calls

from ..conftest import BASE, MINE, NUMBER, OTHER, Site, client_of


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


async def subaccount(client: Client, **parameters: Any) -> Any:
    return await asyncio.to_thread(client.api.v2010.accounts.create, **parameters)


async def refusal(work: Any, **parameters: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work, **parameters)
    return refused.value.status, refused.value.code


async def test_sdk_creates_a_subaccount_that_is_an_account_of_its_own(site: Site, client: Client) -> None:
    made = await subaccount(client, friendly_name="Part")
    assert ids.valid(made.sid, "AC") and len(made.auth_token) == 32
    assert (made.friendly_name, made.status, made.owner_account_sid) == ("Part", "active", MINE.sid)
    assert {one.sid for one in await asyncio.to_thread(client.api.v2010.accounts.list)} == {MINE.sid, made.sid}
    assert site.services.accounts[made.sid].lineage == (made.sid, MINE.sid)
    assert site.services.accounts[made.sid].concurrent_calls == MINE.concurrent_calls

    with client_of(site, made.sid, made.auth_token) as own:
        assert [one.sid for one in await asyncio.to_thread(own.api.v2010.accounts.list)] == [made.sid]
        assert await refusal(own.api.v2010.accounts(MINE.sid).fetch) == (404, 20404)
        assert await refusal(own.api.v2010.accounts.create) == (403, 20003)
        application = await asyncio.to_thread(own.applications.create, friendly_name="of the part")
    of_owner = client.api.v2010.accounts(made.sid).applications
    assert [one.sid for one in await asyncio.to_thread(of_owner.list)] == [application.sid]
    assert await asyncio.to_thread(client.applications.list) == []
    unnamed = await subaccount(client)
    assert unnamed.friendly_name.startswith("SubAccount Created at ")


async def test_sdk_renames_suspends_and_resumes(site: Site, client: Client) -> None:
    made = await subaccount(client)
    of = client.api.v2010.accounts(made.sid)
    assert (await asyncio.to_thread(of.update, friendly_name="Else")).friendly_name == "Else"
    suspended = await asyncio.to_thread(of.update, status="suspended")
    assert suspended.status == "suspended"
    with client_of(site, made.sid, made.auth_token) as own:
        assert await refusal(own.calls("CA" + "0" * 32).fetch) == (403, 20005)
        assert [one.sid for one in await asyncio.to_thread(client.api.accounts.list, status="suspended")] == [made.sid]
        await asyncio.to_thread(of.update, status="active")
        assert await asyncio.to_thread(own.calls.list) == []


async def test_a_closed_account_is_closed_for_good(site: Site, client: Client) -> None:
    """Its live calls end, its numbers are free, and nothing can be changed; it can still be looked at."""
    made = await subaccount(client)
    account = Account(made.sid, made.auth_token)
    live = site.switchboard.call(account, status="in-progress")
    over = site.switchboard.call(account, status="completed", end_time=made.date_created)
    mine = site.switchboard.call(status="in-progress")
    of = client.api.v2010.accounts(made.sid)
    assert (await asyncio.to_thread(of.update, status="closed")).status == "closed"
    assert [command for command in site.switchboard.commands if command[0] == "end"] == [("end", live, False)]
    states = {sid: (await site.store.get(calls, sid) or {})["status"] for sid in (live, over, mine)}
    assert states == {live: "completed", over: "completed", mine: "in-progress"}
    assert await refusal(of.update, status="active") == (403, 20005)
    assert await refusal(of.applications.create) == (403, 20005)
    assert (await asyncio.to_thread(of.fetch)).status == "closed"
    assert len(await asyncio.to_thread(of.calls.list)) == 2


async def test_what_the_file_declares_stays(client: Client) -> None:
    of = client.api.v2010.accounts(MINE.sid)
    assert await refusal(of.update, status="closed") == (400, 21477)
    assert await refusal(of.update, friendly_name="Else") == (403, 20010)
    made = await subaccount(client)
    assert await refusal(client.api.v2010.accounts(made.sid).update, status="sleepy") == (400, 20422)
    assert await refusal(client.api.v2010.accounts.create, friendly_name="x" * 65) == (400, 20002)


async def test_a_subaccount_places_calls_under_its_own_name(site: Site, client: Client) -> None:
    made = await subaccount(client)
    of = client.api.v2010.accounts(made.sid).calls
    order = {"to": "+15550002000", "from_": NUMBER, "twiml": "<Response/>"}
    assert await refusal(of.create, **order) == (400, 21210), "the number is its owner's"
    await asyncio.to_thread(of.create, **{**order, "to": "sip:a@b.example", "from_": "alice"})
    assert site.switchboard.orders[-1].account.sid == made.sid
