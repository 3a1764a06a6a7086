"""Messages: kept; those to SIP URIs are sent (call-control reference §3.13)."""

import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.api.resources.messages import settle_lost
from callwright.calls.application import Hook
from callwright.calls.pager import Settled, Text

from ..conftest import MINE, NUMBER, Site


async def test_sdk_keeps_messages_that_are_not_sent(client: Client) -> None:
    made = await asyncio.to_thread(client.messages.create, to="+15550002000", from_=NUMBER, body="Hello\nyou")
    assert (made.status, made.error_code, made.direction) == ("failed", 30008, "outbound-api")
    assert (made.body, made.num_segments, made.num_media, made.price) == ("Hello\nyou", "1", "0", None)
    assert [one.sid for one in await asyncio.to_thread(client.messages.list, to="+15550002000")] == [made.sid]
    assert await asyncio.to_thread(client.messages.list, to="+15550002001") == []
    assert await asyncio.to_thread(client.messages(made.sid).media.list) == []
    assert await asyncio.to_thread(client.messages(made.sid).delete)
    for parameters, code in (
        ({"to": "+1", "body": "x"}, 21603),
        ({"to": "+1", "from_": NUMBER}, 21602),
        ({"to": "", "from_": NUMBER, "body": "x"}, 21604),
    ):
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(client.messages.create, **parameters)
        assert refused.value.code == code


async def sent(client: Client, **more: Any) -> Any:
    """A message to a SIP URI, as the API has answered."""
    return await asyncio.to_thread(client.messages.create, to="sip:bob@pbx.example", from_=NUMBER, body="Hello", **more)


async def test_to_a_sip_uri_it_is_sent(site: Site, client: Client) -> None:
    """Queued, until its end is told."""
    made = await sent(client, status_callback="http://app.example/s")
    assert (made.status, made.error_code, made.error_message, made.date_sent) == ("queued", None, None, None)
    (text, settled) = site.pager.taken[0]
    assert text == Text(made.sid, text.account, "sip:bob@pbx.example", NUMBER, "Hello", Hook("http://app.example/s"))
    assert text.account.sid == MINE.sid
    await settled(Settled("delivered", 0, "200 OK"))
    kept = await asyncio.to_thread(client.messages(made.sid).fetch)
    assert (kept.status, kept.error_code, kept.error_message) == ("delivered", None, None)
    assert kept.date_sent is not None and kept.body == "Hello"


async def test_it_is_not_delivered(site: Site, client: Client) -> None:
    made = await sent(client)
    text, settled = site.pager.taken[0]
    assert text.callback is None
    await settled(Settled("undelivered", 30005, "404 no such user"))
    kept = await asyncio.to_thread(client.messages(made.sid).fetch)
    assert (kept.status, kept.error_code, kept.error_message) == ("undelivered", 30005, "404 no such user")
    assert kept.date_sent is None
    assert await asyncio.to_thread(client.messages(made.sid).delete)
    await settled(Settled("delivered"))  # what comes after its deletion makes no new one
    assert await asyncio.to_thread(client.messages.list) == []


async def test_too_many_are_under_way(site: Site, client: Client) -> None:
    site.pager.full = True
    made = await sent(client)
    assert (made.status, made.error_code, made.error_message) == ("failed", 30001, "Too many messages are under way")


async def test_what_was_under_way_before_a_restart(site: Site, client: Client) -> None:
    """Ends, and is told; what has ended already is left alone."""
    lost, ended = await sent(client, status_callback="http://app.example/s"), await sent(client)
    await site.pager.taken[1][1](Settled("delivered"))
    services = site.services
    await settle_lost(services.directory, services.accounts, site.pager)
    kept = await asyncio.to_thread(client.messages(lost.sid).fetch)
    assert (kept.status, kept.error_code) == ("undelivered", 30008)
    assert (await asyncio.to_thread(client.messages(ended.sid).fetch)).status == "delivered"
    assert [(text.sid, outcome.status) for text, outcome in site.pager.told] == [(lost.sid, "undelivered")]
