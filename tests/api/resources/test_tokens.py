import asyncio
import base64
import hashlib
import hmac

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import clock

from ..conftest import MINE


async def test_sdk_gets_credentials_for_the_turn_server(client: Client) -> None:
    """As coturn checks them with `use-auth-secret`."""
    before = int(clock.now().timestamp())
    token = await asyncio.to_thread(client.tokens.create, ttl=60)
    until, _, user = token.username.partition(":")
    assert before + 60 <= int(until) <= before + 70 and user == MINE.sid
    digest = hmac.new(b"turn-secret", token.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(token.password) == digest
    assert token.ttl == "60"
    stun, turn = token.ice_servers
    assert (stun["url"], stun["urls"]) == ("stun:turn.example:3478", "stun:turn.example:3478")
    assert turn["urls"] == "turn:turn.example:3478?transport=udp"
    assert (turn["username"], turn["credential"]) == (token.username, token.password)
    assert (await asyncio.to_thread(client.tokens.create)).ttl == "86400"
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.tokens.create, ttl=86401)
    assert refused.value.code == 20422


async def test_nothing_is_charged(client: Client) -> None:
    balance = await asyncio.to_thread(client.balance.fetch)
    assert (balance.account_sid, balance.balance, balance.currency) == (MINE.sid, "0.00", "USD")
