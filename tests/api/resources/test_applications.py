import asyncio
from typing import Any

import pytest
from lxml import etree
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.calls.application import Hook

from ..conftest import BASE, NUMBER, OTHER, Site, client_of


async def create(client: Client, **parameters: Any) -> Any:
    return await asyncio.to_thread(client.applications.create, **parameters)


async def test_sdk_creates_fetches_updates_deletes(site: Site, client: Client) -> None:
    made = await create(client, friendly_name="Menu", voice_url="http://a.example/v", voice_method="get")
    assert ids.valid(made.sid, "AP")
    assert (made.friendly_name, made.voice_url, made.voice_method) == ("Menu", "http://a.example/v", "GET")
    assert (made.status_callback, made.public_application_connect_enabled) == ("", False)
    assert made.date_created is not None and made.uri == f"{BASE}/Applications/{made.sid}.json"
    changed = await asyncio.to_thread(
        client.applications(made.sid).update, friendly_name="Other", public_application_connect_enabled=True
    )
    assert (changed.friendly_name, changed.voice_url) == ("Other", "http://a.example/v")
    assert changed.public_application_connect_enabled is True
    cleared = await asyncio.to_thread(client.applications(made.sid).update, voice_url="")
    assert cleared.voice_url == ""
    assert (await asyncio.to_thread(client.applications(made.sid).fetch)).friendly_name == "Other"
    assert await asyncio.to_thread(client.applications(made.sid).delete)
    with pytest.raises(TwilioRestException) as gone:
        await asyncio.to_thread(client.applications(made.sid).fetch)
    assert gone.value.code == 20404


async def test_fields(site: Site) -> None:
    _, made = await site.json("POST", f"{BASE}/Applications.json")
    assert made.keys() == {
        *("sid", "account_sid", "friendly_name", "api_version", "date_created", "date_updated", "uri"),
        *("voice_url", "voice_method", "voice_fallback_url", "voice_fallback_method", "voice_caller_id_lookup"),
        *("status_callback", "status_callback_method", "sms_url", "sms_method", "sms_fallback_url"),
        *("sms_fallback_method", "sms_status_callback", "message_status_callback"),
        "public_application_connect_enabled",
    }
    response, body = await site.ask("GET", f"{BASE}/Applications/{made['sid']}")
    assert response.content_type == "application/xml"
    assert etree.fromstring(body).findtext("Application/Sid") == made["sid"]


async def test_pages_newest_first(client: Client) -> None:
    sids = [(await create(client, friendly_name=f"{n % 2}")).sid for n in range(5)]
    assert [one.sid for one in await asyncio.to_thread(client.applications.list, page_size=2)] == sids[::-1]
    odd = await asyncio.to_thread(client.applications.list, friendly_name="1", page_size=1)
    assert [one.sid for one in odd] == [sids[3], sids[1]]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"friendly_name": "x" * 65}, 20002),
        ({"voice_url": "ftp://a.example"}, 21205),
        ({"voice_url": "http://a_b.example"}, 21205),
        ({"voice_method": "PUT"}, 21209),
        ({"voice_caller_id_lookup": "maybe"}, 20422),
    ],
)
async def test_refuses(client: Client, parameters: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await create(client, **parameters)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert await asyncio.to_thread(client.applications.list) == []


async def test_a8_those_of_others_do_not_exist(site: Site, client: Client) -> None:
    made = await create(client)
    with client_of(site, OTHER.sid, OTHER.auth_token) as other:
        assert await asyncio.to_thread(other.applications.list) == []
        for work in (other.applications(made.sid).fetch, other.applications(made.sid).delete):
            with pytest.raises(TwilioRestException) as hidden:
                await asyncio.to_thread(work)
            assert hidden.value.code == 20404


async def test_a_call_that_an_application_runs(site: Site, client: Client) -> None:
    """The application goes before what the request itself says; it is not deleted while a live call runs it."""
    made = await create(client, voice_url="http://a.example/v", status_callback="http://a.example/s")
    await asyncio.to_thread(
        client.calls.create,
        to="+15550002000",
        from_=NUMBER,
        application_sid=made.sid,
        url="http://else.example/",
        status_callback_event=["initiated", "completed"],
    )
    run = site.switchboard.orders[-1].application
    assert (run.sid, run.voice) == (made.sid, Hook("http://a.example/v"))
    assert (run.status_callback, run.status_events) == (Hook("http://a.example/s"), {"initiated", "completed"})
    with pytest.raises(TwilioRestException) as busy:
        await asyncio.to_thread(client.applications(made.sid).delete)
    assert (busy.value.status, busy.value.code) == (409, 20009)
    with pytest.raises(TwilioRestException) as unknown:
        await asyncio.to_thread(client.calls.create, to="+15550002000", from_=NUMBER, application_sid="AP" + "0" * 32)
    assert unknown.value.code == 21218
