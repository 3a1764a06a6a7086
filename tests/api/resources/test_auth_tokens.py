import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import Site, client_of


async def refusal(work: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(work)
    return refused.value.status, refused.value.code


async def test_a_token_is_changed_without_a_gap(site: Site, client: Client) -> None:
    part = await asyncio.to_thread(client.api.v2010.accounts.create)
    with client_of(site, part.sid, part.auth_token) as first:
        tokens = first.accounts.v1
        assert await refusal(tokens.auth_token_promotion().update) == (404, 20404)
        second = await asyncio.to_thread(tokens.secondary_auth_token().create)
        assert second.secondary_auth_token != part.auth_token and second.account_sid == part.sid
        with client_of(site, part.sid, second.secondary_auth_token) as next_:
            for each in (first, next_):
                assert await asyncio.to_thread(each.applications.list) == []
            assert site.services.accounts[part.sid].auth_token == part.auth_token, "which signs as yet"
            promoted = await asyncio.to_thread(next_.accounts.v1.auth_token_promotion().update)
            assert promoted.auth_token == second.secondary_auth_token
            assert site.services.accounts[part.sid].auth_token == promoted.auth_token
            assert await asyncio.to_thread(next_.applications.list) == []
            assert await refusal(first.applications.create) == (401, 20003)


async def test_a_second_token_is_taken_back(site: Site, client: Client) -> None:
    part = await asyncio.to_thread(client.api.v2010.accounts.create)
    with client_of(site, part.sid, part.auth_token) as first:
        second = await asyncio.to_thread(first.accounts.v1.secondary_auth_token().create)
        assert await asyncio.to_thread(first.accounts.v1.secondary_auth_token().delete)
        with client_of(site, part.sid, second.secondary_auth_token) as next_:
            assert await refusal(next_.applications.create) == (401, 20003)
        assert await refusal(first.accounts.v1.secondary_auth_token().delete) == (404, 20404)


async def test_not_of_a_declared_account_and_not_by_a_key(site: Site, client: Client) -> None:
    assert await refusal(client.accounts.v1.secondary_auth_token().create) == (403, 20010)
    part = await asyncio.to_thread(client.api.v2010.accounts.create)
    key = await asyncio.to_thread(client.api.v2010.accounts(part.sid).new_keys.create)
    with client_of(site, key.sid, key.secret, part.sid) as by_key:
        assert await refusal(by_key.accounts.v1.secondary_auth_token().create) == (403, 20003)
