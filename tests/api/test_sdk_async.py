"""The asynchronous half of the vendor's client: every list that it knows of what is here (reference §3)."""

from typing import Any

import pytest
from twilio.rest import Client

from tests.harness.rest import RedirectedAsyncHttp

from .conftest import MINE, NUMBER, Site

OF_ACCOUNT = (
    *("addresses", "applications", "authorized_connect_apps", "available_phone_numbers", "calls", "conferences"),
    *("connect_apps", "incoming_phone_numbers", "keys", "messages", "notifications", "outgoing_caller_ids", "queues"),
    *("recordings", "short_codes", "signing_keys", "transcriptions"),
    *("sip.credential_lists", "sip.domains", "sip.ip_access_control_lists", "usage.records", "usage.triggers"),
    *("usage.records.today", "usage.records.daily", "incoming_phone_numbers.local"),
)
OF_PRODUCTS = (
    *("insights.v1.conferences", "insights.v1.call_summaries", "monitor.v1.alerts", "monitor.v1.events"),
    *("trunking.v1.trunks", "voice.v1.byoc_trunks", "voice.v1.connection_policies", "voice.v1.ip_records"),
    *("voice.v1.source_ip_mappings", "voice.v1.dialing_permissions.countries"),
)


def found(root: Any, path: str) -> Any:
    """What stands at the end of a chain of names."""
    for name in path.split("."):
        root = getattr(root, name)
    return root


@pytest.mark.parametrize("path", [*OF_ACCOUNT, *OF_PRODUCTS])
async def test_lists(site: Site, path: str) -> None:
    async with RedirectedAsyncHttp(site.url) as http:
        client = Client(MINE.sid, MINE.auth_token, http_client=http)
        listed = await found(client, path).list_async(limit=5)
    assert isinstance(listed, list)


async def test_one_from_its_creation_to_its_end(site: Site) -> None:
    async with RedirectedAsyncHttp(site.url) as http:
        client = Client(MINE.sid, MINE.auth_token, http_client=http)
        made = await client.applications.create_async(friendly_name="one")
        changed = await client.applications(made.sid).update_async(voice_url="http://app.example/voice")
        assert changed.voice_url == (await client.applications(made.sid).fetch_async()).voice_url
        assert [one.sid async for one in await client.applications.stream_async()] == [made.sid]
        assert await client.applications(made.sid).delete_async() is True
        call = await client.calls.create_async(to="+15550002000", from_=NUMBER, twiml="<Response/>")
        assert (await client.calls(call.sid).fetch_async()).status == "queued"
