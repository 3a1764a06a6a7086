import asyncio
from datetime import UTC, datetime

from twilio.rest import Client

from callwright.store.steps import Steps

from ..conftest import BASE, Site

AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


def log(site: Site) -> str:
    sid = site.switchboard.call(status="completed", end_time=AT)
    steps = [
        ("fetch", {"url": "https://app.example/1", "method": "POST", "status": 500, "ms": 12, "type": "text/xml"}),
        ("fallback", {"state": "secondary"}),
        ("fetch", {"url": "https://app.example/2", "method": "GET", "status": 200, "ms": 8, "type": "text/xml"}),
        ("verb", {"name": "Say"}),
    ]
    noted = Steps(site.store, sid)
    for kind, data in steps:
        noted.add(AT, kind, data)
    return sid


async def test_sdk_lists_requests(site: Site, client: Client) -> None:
    sid = log(site)
    events = await asyncio.to_thread(client.calls(sid).events.list, page_size=1)
    assert [event.request for event in events] == [
        {"method": "POST", "url": "https://app.example/1", "parameters": {}},
        {"method": "GET", "url": "https://app.example/2", "parameters": {}},
    ]
    assert events[0].response == {
        "response_code": 500,
        "request_duration": 12,
        "content_type": "text/xml",
        "response_body": None,
        "date_created": "Sat, 31 Jan 2026 10:00:00 +0000",
    }


async def test_every_step(site: Site) -> None:
    sid = log(site)
    _, page = await site.json("GET", f"{BASE}/Calls/{sid}/Events.json?Kind=all&PageSize=3")
    assert [event["kind"] for event in page["events"]] == ["fetch", "fallback", "fetch"]
    _, rest = await site.json("GET", page["next_page_uri"])
    assert [(event["kind"], event["data"]) for event in rest["events"]] == [("verb", {"name": "Say"})]
    assert (rest["next_page_uri"], rest["start"], rest["end"]) == (None, 3, 3)
