import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids

from ..conftest import BASE, MINE, Site, client_of


async def refusal(work: Any, **parameters: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work, **parameters)
    return refused.value.status, refused.value.code


async def test_a_secret_is_shown_once(site: Site, client: Client) -> None:
    made = await asyncio.to_thread(client.new_keys.create, friendly_name="deploy")
    assert ids.valid(made.sid, "SK") and len(made.secret) >= 32 and made.friendly_name == "deploy"
    for path in (f"{BASE}/Keys/{made.sid}.json", f"{BASE}/Keys.json", f"{BASE}/SigningKeys/{made.sid}.json"):
        status, body = await site.json("GET", path)
        assert status == 200 and made.secret not in str(body)
    status, changed = await site.json("POST", f"{BASE}/Keys/{made.sid}.json", data={"FriendlyName": "else"})
    assert (status, changed["friendly_name"]) == (200, "else") and "secret" not in changed
    record = site.services.directory.get("keys", made.sid)
    assert record is not None and record["secret"] == made.secret and made.secret not in repr(record)


async def test_sdk_lists_and_deletes_by_both_names(client: Client) -> None:
    key = await asyncio.to_thread(client.new_signing_keys.create, friendly_name="jwt")
    assert [one.sid for one in await asyncio.to_thread(client.keys.list)] == [key.sid]
    assert [one.sid for one in await asyncio.to_thread(client.signing_keys.list)] == [key.sid]
    assert await asyncio.to_thread(client.signing_keys(key.sid).delete)
    assert await asyncio.to_thread(client.keys.list) == []


async def test_a_key_opens_the_api(site: Site, client: Client) -> None:
    """All but accounts and keys, and nothing of the owner's subaccounts; from its deletion on nothing."""
    key = await asyncio.to_thread(client.new_keys.create)
    part = await asyncio.to_thread(client.api.v2010.accounts.create)
    with client_of(site, key.sid, key.secret, MINE.sid) as by_key:
        made = await asyncio.to_thread(by_key.applications.create, friendly_name="by key")
        assert made.account_sid == MINE.sid
        shown = await asyncio.to_thread(by_key.api.v2010.accounts(MINE.sid).fetch)
        assert (shown.sid, shown.auth_token) == (MINE.sid, None)
        assert await refusal(by_key.new_keys.create) == (403, 20003)
        assert await refusal(by_key.keys(key.sid).fetch) == (403, 20003)
        assert await refusal(by_key.signing_keys(key.sid).delete) == (403, 20003)
        assert await refusal(by_key.api.v2010.accounts.create) == (403, 20003)
        assert await refusal(by_key.api.v2010.accounts(MINE.sid).update, friendly_name="x") == (403, 20003)
        assert await refusal(by_key.api.v2010.accounts(part.sid).fetch) == (404, 20404)
        assert await asyncio.to_thread(client.keys(key.sid).delete)
        assert await refusal(by_key.applications.create) == (401, 20003)
