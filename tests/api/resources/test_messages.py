"""Text messages (call-control reference §3.13)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import clock
from callwright.calls.application import Hook
from callwright.calls.messages import Messages
from callwright.calls.pager import Settled, Text
from callwright.store.tables import callbacks
from callwright.store.traces import messages

from ..conftest import BASE, MINE, NUMBER, Site

GATEWAY = "http://gateway.example/send"
TO = "+15550002000"


async def do(work: Any, *args: Any, **options: Any) -> Any:
    return await asyncio.to_thread(work, *args, **options)


@pytest.fixture
def gateway(site: Site) -> Messages:
    """The messages of a server that has a gateway."""
    sending = Messages(site.store, site.posts, GATEWAY, site.pager)
    object.__setattr__(site.services, "messages", sending)
    return sending


async def test_sdk_sends_by_the_gateway(site: Site, client: Client, gateway: Messages) -> None:
    made = await do(
        client.messages.create,
        to=TO,
        from_=NUMBER,
        body="Hello\nyou",
        status_callback="http://app.example/s",
        media_url=["http://app.example/a.png", "http://app.example/b.png"],
    )
    assert (made.status, made.error_code, made.direction, made.date_sent) == ("queued", None, "outbound-api", None)
    assert (made.body, made.num_segments, made.num_media, made.price) == ("Hello\nyou", "1", "2", None)
    (posted,) = site.posts.posted
    assert (posted["hook"].url, posted["kind"], posted["subject"]) == (GATEWAY, "message", made.sid)
    assert posted["params"] == {
        "MessageSid": made.sid,
        "SmsSid": made.sid,
        "AccountSid": made.account_sid,
        "ApiVersion": "2010-04-01",
        "From": NUMBER,
        "To": TO,
        "Body": "Hello\nyou",
        "StatusCallback": "http://app.example/s",
        "NumMedia": "2",
        "MediaUrl0": "http://app.example/a.png",
        "MediaUrl1": "http://app.example/b.png",
    }
    gateway.delivered(made.sid)
    sent = await do(client.messages(made.sid).fetch)
    assert sent.status == "sent" and sent.date_sent is not None
    gateway.lost(made.sid, "the gateway is gone")
    lost = await do(client.messages(made.sid).fetch)
    assert (lost.status, lost.error_code, lost.error_message) == ("failed", 30008, "the gateway is gone")


async def test_without_a_gateway_it_has_failed(site: Site, client: Client) -> None:
    made = await do(client.messages.create, to=TO, from_=NUMBER, body="x")
    assert (made.status, made.error_code) == ("failed", 30008)
    assert site.posts.posted == [] and await site.store.fetch(callbacks.select()) == []


async def test_lists_and_filters(site: Site, client: Client, gateway: Messages) -> None:
    sids = [(await do(client.messages.create, to=TO, from_=NUMBER, body=str(n))).sid for n in range(3)]
    assert [one.sid for one in await do(client.messages.list, page_size=1)] == sids[::-1]
    assert [one.sid for one in await do(client.messages.list, to=TO, from_=NUMBER)] == sids[::-1]
    assert await do(client.messages.list, to="+15550002001") == []
    gateway.delivered(sids[1])
    (sent,) = await do(client.messages.list, date_sent_after=clock.now() - timedelta(days=1))
    assert sent.sid == sids[1]
    assert await do(client.messages.list, date_sent_before=clock.now() - timedelta(days=2)) == []
    assert await do(client.messages(sids[0]).media.list) == []


async def test_forgets_and_deletes(site: Site, client: Client, gateway: Messages) -> None:
    made = await do(client.messages.create, to=TO, from_=NUMBER, body="secret")
    assert (await do(client.messages(made.sid).update, body="")).body == ""
    row = await site.store.get(messages, made.sid)
    assert row is not None and (row["body"], row["status"]) == ("", "queued")
    status, error = await site.json("POST", f"{BASE}/Messages/{made.sid}.json", data={"Body": "other"})
    assert (status, error["code"]) == (400, 20422)
    assert await do(client.messages(made.sid).delete) is True
    with pytest.raises(TwilioRestException) as gone:
        await do(client.messages(made.sid).fetch)
    assert gone.value.status == 404


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"to": "+1", "body": "x"}, 21603),
        ({"to": "+1", "from_": NUMBER}, 21602),
        ({"to": "", "from_": NUMBER, "body": "x"}, 21604),
        ({"to": "+1", "from_": "+15550009999", "body": "x"}, 21606),
        ({"to": "+1", "from_": NUMBER, "body": "x" * 1601}, 21617),
        ({"to": "+1", "from_": NUMBER, "media_url": ["ftp://x"]}, 21620),
        ({"to": "+1", "from_": NUMBER, "media_url": ["http://a.example/x"] * 11}, 21620),
    ],
)
async def test_refuses(site: Site, client: Client, gateway: Messages, parameters: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await do(client.messages.create, **parameters)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert site.posts.posted == []


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
    assert (made.status, made.error_code) == ("failed", 30001)
    assert "too many" in made.error_message


async def test_what_was_under_way_before_a_restart(site: Site, client: Client) -> None:
    """Ends, and is told; what has ended already is left alone."""
    lost, ended = await sent(client, status_callback="http://app.example/s"), await sent(client)
    await site.pager.taken[1][1](Settled("delivered"))
    await site.services.messages.settle_lost(site.services.accounts)
    kept = await asyncio.to_thread(client.messages(lost.sid).fetch)
    assert (kept.status, kept.error_code) == ("undelivered", 30008)
    assert (await asyncio.to_thread(client.messages(ended.sid).fetch)).status == "delivered"
    assert [(text.sid, outcome.status) for text, outcome in site.pager.told] == [(lost.sid, "undelivered")]
