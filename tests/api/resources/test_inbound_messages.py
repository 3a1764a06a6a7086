"""Text messages that a gateway delivers."""

import asyncio
from typing import Any

import pytest
from twilio.rest import Client

from callwright.store.directory import Record

from ..conftest import BASE, MINE, NUMBER, NUMBER_SID, OTHER, Site

FORM = {"From": "+15557654321", "To": NUMBER, "Body": "Grüße\nund mehr"}
PATH = f"{BASE}/InboundMessages.json"
HOOK = "http://apps.example/text"


@pytest.fixture
def told(site: Site) -> None:
    """The number has an application for messages."""
    fields = {"phone_number": NUMBER, "sms_url": HOOK, "sms_method": "GET"}
    site.services.directory.declare([Record(NUMBER_SID, "incoming_phone_numbers", MINE.sid, fields)])


@pytest.mark.usefixtures("told")
async def test_it_is_a_message_and_its_application_is_told(site: Site, client: Client) -> None:
    media = {
        "MediaUrl0": "http://gateway.example/1",
        "MediaContentType0": "image/png",
        "MediaUrl1": "http://g.example/2",
    }
    status, made = await site.json("POST", PATH, data={**FORM, **media})
    assert (status, made["direction"], made["status"], made["num_media"]) == (201, "inbound", "received", "2")
    (posted,) = site.posts.posted
    assert (posted["hook"].url, posted["hook"].method, posted["kind"]) == (HOOK, "GET", "incoming-message")
    told = posted["params"]
    assert (told["MessageSid"], told["Body"], told["NumMedia"]) == (made["sid"], FORM["Body"], "2")
    assert (told["MediaUrl0"], told["MediaContentType0"]) == ("http://gateway.example/1", "image/png")
    kept = await asyncio.to_thread(client.messages(made["sid"]).fetch)
    assert (kept.direction, kept.status, kept.from_, kept.to) == ("inbound", "received", FORM["From"], NUMBER)
    assert (kept.body, kept.date_sent, kept.error_code) == (FORM["Body"], kept.date_created, None)
    (listed,) = await asyncio.to_thread(client.messages.list, to=NUMBER, date_sent_after=kept.date_sent)
    assert listed.sid == made["sid"]
    assert await asyncio.to_thread(client.messages.list, from_=NUMBER) == []
    assert (await asyncio.to_thread(client.messages(made["sid"]).update, body="")).body == ""
    assert await asyncio.to_thread(client.messages(made["sid"]).delete)
    assert await asyncio.to_thread(client.messages.list) == []


async def test_a_number_without_an_application_keeps_it(site: Site) -> None:
    status, made = await site.json("POST", PATH, data=FORM)
    assert (status, made["status"], site.posts.posted) == (201, "received", [])


@pytest.mark.usefixtures("told")
async def test_a_repetition_is_taken_once(site: Site) -> None:
    headers = {"Idempotency-Key": "gateway-7"}
    first = await site.json("POST", PATH, data=FORM, headers=headers)
    assert await site.json("POST", PATH, data=FORM, headers=headers) == first
    assert len(site.posts.posted) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "+15559990000"}, 21211),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"MediaUrl0": "ftp://x"}, 21620),
        ({f"MediaUrl{place}": "http://a.example/x" for place in range(11)}, 21620),
    ],
)
async def test_refuses(site: Site, change: dict[str, Any], code: int) -> None:
    status, error = await site.json("POST", PATH, data={**FORM, **change})
    assert (status, error["code"], site.posts.posted) == (400, code, [])


async def test_another_accounts_number(site: Site) -> None:
    path = f"/2010-04-01/Accounts/{OTHER.sid}/InboundMessages.json"
    status, error = await site.json("POST", path, data=FORM, account=OTHER)
    assert (status, error["code"]) == (400, 21211)
