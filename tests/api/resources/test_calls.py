import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids
from callwright.api.resources.calls import formatted
from callwright.calls.application import Hook
from callwright.store.tables import call_events, calls

from ..conftest import BASE, MINE, NUMBER, OTHER, Site

HELLO = "<Response><Say>Hello</Say></Response>"
FIELDS = {
    "sid",
    "account_sid",
    "parent_call_sid",
    "date_created",
    "date_updated",
    "to",
    "to_formatted",
    "from",
    "from_formatted",
    "phone_number_sid",
    "status",
    "start_time",
    "end_time",
    "duration",
    "price",
    "price_unit",
    "direction",
    "answered_by",
    "api_version",
    "forwarded_from",
    "group_sid",
    "caller_name",
    "queue_time",
    "trunk_sid",
    "uri",
    "subresource_uris",
}


def at(minute: int) -> datetime:
    return datetime(2026, 1, 31, 10, tzinfo=UTC) + timedelta(minutes=minute)


async def test_sdk_creates(site: Site, client: Client) -> None:
    created = await asyncio.to_thread(
        client.calls.create,
        to="+15550002000",
        from_=NUMBER,
        url="https://app.example/voice",
        status_callback="https://app.example/status",
        status_callback_event=["initiated", "answered"],
        timeout=30,
    )
    assert (created.status, created.direction, created.to, created._from) == (
        "queued",
        "outbound-api",
        "+15550002000",
        NUMBER,
    )
    assert created.date_created is not None
    assert created.date_created.tzinfo is not None
    (order,) = site.switchboard.orders
    assert order.application.voice == Hook("https://app.example/voice")
    assert order.application.status_callback == Hook("https://app.example/status")
    assert order.application.status_events == {"initiated", "answered"}
    assert order.timeout == 30
    assert await site.store.get(calls, created.sid or "") is not None


async def test_sdk_shows_the_caller_of_a_call_token(site: Site, client: Client) -> None:
    """And nobody else, and not by a token of no live call."""

    def place(**changes: str) -> Any:
        facts = {"to": "+15550002000", "from_": "+15557654321", "call_token": "token-of-a-call", "twiml": "<Response/>"}
        return client.calls.create(**{**facts, **changes})

    await asyncio.to_thread(place)
    (order,) = site.switchboard.orders
    assert order.forwards is not None and order.from_ == order.forwards.from_ == "+15557654321"
    for changes, code in (({"call_token": "other"}, 20422), ({"from_": "+15553334444"}, 21210)):
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(place, **changes)
        assert refused.value.code == code


async def test_sdk_fetches_the_live_state(site: Site, client: Client) -> None:
    sid = site.switchboard.call()
    site.store.put(calls, {"sid": sid, "status": "in-progress", "start_time": at(0)})
    call = await asyncio.to_thread(client.calls(sid).fetch)
    assert (call.status, call.start_time, call.end_time, call.duration) == ("in-progress", at(0), None, None)
    site.store.put(calls, {"sid": sid, "status": "completed", "end_time": at(1), "duration": 60})
    call = await asyncio.to_thread(client.calls(sid).fetch)
    assert (call.status, call.end_time, call.duration) == ("completed", at(1), "60")


async def test_s16_sdk_walks_all_pages_while_calls_arrive(site: Site, client: Client) -> None:
    sids = [site.switchboard.call(date_created=at(n), queue_time=n) for n in range(120)]
    listed = await asyncio.to_thread(client.calls.list, page_size=50)
    assert [call.sid for call in listed] == sids[::-1]

    def walk() -> list[str | None]:
        seen = []
        for number, call in enumerate(client.calls.stream(page_size=50)):
            seen.append(call.sid)
            if number in (10, 60):
                asyncio.run_coroutine_threadsafe(arrive(), loop).result()
        return seen

    async def arrive() -> None:
        site.switchboard.call(date_created=at(500))
        await site.store.flushed()

    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(walk) == sids[::-1]


async def test_sdk_walks_back(site: Site, client: Client) -> None:
    sids = [site.switchboard.call(date_created=at(n)) for n in range(5)][::-1]
    first = await asyncio.to_thread(client.calls.page, page_size=2)
    second = await asyncio.to_thread(first.next_page)
    assert second is not None
    assert [call.sid for call in second] == sids[2:4]
    back = await asyncio.to_thread(second.previous_page)
    assert back is not None
    assert [call.sid for call in back] == sids[:2]
    again = await asyncio.to_thread(back.next_page)
    assert again is not None
    assert [call.sid for call in again] == sids[2:4]


async def test_pages_have_exactly_these_keys(site: Site) -> None:
    sids = [site.switchboard.call(date_created=at(n)) for n in range(3)]
    status, page = await site.json("GET", f"{BASE}/Calls.json?PageSize=2&To=%2B15550002000")
    assert status == 200
    assert [call["sid"] for call in page.pop("calls")] == [sids[2], sids[1]]
    following = page.pop("next_page_uri")
    assert following.startswith(f"{BASE}/Calls.json?To=%2B15550002000&PageSize=2&Page=1&PageToken=PA{sids[1]}")
    first = f"{BASE}/Calls.json?To=%2B15550002000&PageSize=2&Page=0"
    assert page == {
        "end": 1,
        "first_page_uri": first,
        "page": 0,
        "page_size": 2,
        "previous_page_uri": None,
        "start": 0,
        "uri": first,
    }
    _, last = await site.json("GET", following)
    assert [call["sid"] for call in last["calls"]] == [sids[0]]
    assert (last["next_page_uri"], last["start"], last["end"], last["page"]) == (None, 2, 2, 1)
    _, empty = await site.json("GET", f"{BASE}/Calls.json?To=nobody")
    assert (empty["calls"], empty["start"], empty["end"], empty["next_page_uri"]) == ([], 0, 0, None)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("To=%2B15550003000", "b"),
        ("To=+15550003000", "b"),
        ("From=sip:alice@x", "c"),
        ("Status=busy", "b"),
        ("Status=ringing", "d"),
        ("Status=canceled", ""),
        ("ParentCallSid=CA" + "a" * 32, "c"),
        ("StartTime=2026-01-31", "bca"),
        ("StartTime%3E=2026-01-31T10:01:00Z", "bc"),
        ("StartTime>=2026-01-31T11:01:00%2B01:00", "bc"),
        ("StartTime%3C=2026-01-31T10:01:00Z", "ca"),
        ("StartTime=2026-01-31T10:01:00Z", "c"),
        ("StartTime%3E=2026-02-01", ""),
        ("StartTime%3C=2026-01-30", ""),
        ("EndTime%3C=2026-01-31T10:05:00Z", "a"),
        ("StartTime%3E=2026-01-31T10:00:30Z&StartTime%3C=2026-01-31T10:01:30Z", "c"),
        ("Unknown=1", "dbca"),
    ],
)
async def test_filters(site: Site, filters: str, expected: str) -> None:
    ring = site.switchboard.call
    named = {
        "a": ring(status="completed", date_created=at(0), start_time=at(0), end_time=at(5)),
        "c": ring(
            status="completed",
            date_created=at(1),
            start_time=at(1),
            end_time=at(6),
            parent_call_sid="CA" + "a" * 32,
            **{"from": "sip:alice@x"},
        ),
        "b": ring(status="busy", to="+15550003000", date_created=at(2), start_time=at(2), end_time=at(7)),
        "d": ring(status="ringing", date_created=at(3)),
    }
    ring(OTHER, status="busy", to="+15550003000", date_created=at(2), start_time=at(1), end_time=at(5))
    status, page = await site.json("GET", f"{BASE}/Calls.json?{filters}")
    assert status == 200
    names = {sid: name for name, sid in named.items()}
    assert "".join(names[call["sid"]] for call in page["calls"]) == expected


async def test_sdk_filters_by_time(site: Site, client: Client) -> None:
    sids = [site.switchboard.call(date_created=at(n), start_time=at(n)) for n in range(4)]
    found = await asyncio.to_thread(client.calls.list, start_time_after=at(1), start_time_before=at(2))
    assert [call.sid for call in found] == [sids[2], sids[1]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("PageSize=0", 20422),
        ("PageSize=many", 20422),
        ("Page=-1", 20422),
        ("PageToken=PA" + "x" * 40, 21481),
        ("PageToken=PACA" + "0" * 32 + "f" * 16, 21481),
        ("StartTime=yesterday", 20422),
        ("EndTime%3C=2026-13-01", 20422),
    ],
)
async def test_refuses_lists(site: Site, query: str, code: int) -> None:
    status, error = await site.json("GET", f"{BASE}/Calls.json?{query}")
    assert (status, error["code"], error["status"]) == (400, code, 400)


async def test_clamps_the_page_size(site: Site) -> None:
    _, page = await site.json("GET", f"{BASE}/Calls.json?PageSize=5000")
    assert page["page_size"] == 1000


async def test_a_long_page_is_made_beside_the_loop(site: Site) -> None:
    sids = [site.switchboard.call(date_created=at(n)) for n in range(150)]
    for extension in ("json", "csv"):
        _, body = await site.ask("GET", f"{BASE}/Calls.{extension}?PageSize=1000")
        found = re.findall(rb"CA[0-9a-f]{32}(?=[\",])", body)
        assert list(dict.fromkeys(sid.decode() for sid in found)) == sids[::-1]


async def test_json_fields(site: Site) -> None:
    sid = site.switchboard.call(to="+14155551212", date_created=at(0), date_updated=at(1), queue_time=1500)
    status, call = await site.json("GET", f"{BASE}/Calls/{sid}.json")
    assert (status, call.keys()) == (200, FIELDS)
    path = f"{BASE}/Calls/{sid}"
    assert call["subresource_uris"] == {
        "notifications": f"{path}/Notifications.json",
        "recordings": f"{path}/Recordings.json",
        "payments": f"{path}/Payments.json",
        "events": f"{path}/Events.json",
        "siprec": f"{path}/Siprec.json",
        "streams": f"{path}/Streams.json",
        "transcriptions": f"{path}/Transcriptions.json",
        "user_defined_message_subscriptions": f"{path}/UserDefinedMessageSubscriptions.json",
        "user_defined_messages": f"{path}/UserDefinedMessages.json",
    }
    assert {key: call[key] for key in ("to_formatted", "queue_time", "price", "price_unit", "duration", "uri")} == {
        "to_formatted": "(415) 555-1212",
        "queue_time": "1500",
        "price": None,
        "price_unit": "USD",
        "duration": None,
        "uri": f"{path}.json",
    }
    assert call["date_created"] == "Sat, 31 Jan 2026 10:00:00 +0000"
    assert call["api_version"] == "2010-04-01"


@pytest.mark.parametrize("extension", ["", ".xml"])
async def test_xml(site: Site, extension: str) -> None:
    sid = site.switchboard.call(caller_name="A & B <c>\x00", date_created=at(0))
    response, body = await site.ask("GET", f"{BASE}/Calls/{sid}{extension}")
    assert (response.status, response.content_type) == (200, "application/xml")
    root = etree.fromstring(body)
    assert root.tag == "TwilioResponse"
    call = root.find("Call")
    assert call is not None
    assert {child.tag for child in call} >= {"Sid", "AccountSid", "ToFormatted", "SubresourceUris", "ApiVersion"}
    assert call.findtext("Sid") == sid
    assert call.findtext("CallerName") == "A & B <c>\ufffd"
    assert call.findtext("DateCreated") == "Sat, 31 Jan 2026 10:00:00 +0000"
    assert call.findtext("Uri") == f"{BASE}/Calls/{sid}"
    assert call.findtext("SubresourceUris/Recordings") == f"{BASE}/Calls/{sid}/Recordings"
    assert call.findtext("Duration") == ""


async def test_xml_list_and_csv(site: Site) -> None:
    sids = [site.switchboard.call(date_created=at(n)) for n in range(3)]
    response, body = await site.ask("GET", f"{BASE}/Calls?PageSize=2")
    assert response.status == 200
    listed = etree.fromstring(body).find("Calls")
    assert listed is not None
    assert [call.findtext("Sid") for call in listed] == [sids[2], sids[1]]
    assert (listed.get("page"), listed.get("pagesize"), listed.get("start"), listed.get("end")) == ("0", "2", "0", "1")
    assert (listed.get("nextpageuri") or "").startswith(f"{BASE}/Calls?PageSize=2&Page=1&PageToken=PA")
    assert listed.get("previouspageuri") == ""
    response, body = await site.ask("GET", f"{BASE}/Calls.csv")
    lines = body.decode().splitlines()
    assert response.content_type == "text/csv"
    assert lines[0].startswith("Sid,AccountSid,")
    assert [line.split(",")[0] for line in lines[1:]] == sids[::-1]


async def test_sdk_updates(site: Site, client: Client) -> None:
    sid = site.switchboard.call(status="in-progress")
    update = client.calls(sid).update
    await asyncio.to_thread(update, url="https://app.example/new", method="GET")
    await asyncio.to_thread(update, twiml=HELLO)
    await asyncio.to_thread(
        update,
        fallback_url="https://app.example/fallback",
        status_callback="https://app.example/status",
        status_callback_method="GET",
        time_limit=60,
    )
    call = await asyncio.to_thread(update, status="completed")
    assert (call.status, call.duration) == ("completed", "7")
    assert site.switchboard.commands == [
        ("redirect", sid, Hook("https://app.example/new", "GET"), None),
        ("redirect", sid, None, HELLO),
        (
            "amend",
            sid,
            {
                "fallback": Hook("https://app.example/fallback"),
                "status_callback": Hook("https://app.example/status", "GET"),
                "time_limit": 60,
            },
        ),
        ("end", sid, False),
    ]
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(update, twiml=HELLO)
    assert (refused.value.status, refused.value.code) == (400, 21220)
    assert len(site.switchboard.commands) == 4


async def test_s4_sdk_cancels_only_what_is_not_answered(site: Site, client: Client) -> None:
    ringing, answered = site.switchboard.call(status="ringing"), site.switchboard.call(status="in-progress")
    call = await asyncio.to_thread(client.calls(ringing).update, status="canceled")
    assert call.status == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.calls(answered).update, status="canceled")
    assert (refused.value.status, refused.value.code) == (400, 21220)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Status": "paused"}, 20422),
        ({"Url": "ftp://x"}, 21205),
        ({"Url": "http://a_b.example"}, 21205),
        ({"Url": "http://x", "Method": "PUT"}, 21209),
        ({"Twiml": "x" * 4001}, 32018),
        ({"TimeLimit": "0"}, 20422),
        ({"FallbackUrl": "nowhere"}, 21205),
    ],
)
async def test_refuses_updates(site: Site, form: dict[str, str], code: int) -> None:
    sid = site.switchboard.call(status="in-progress")
    status, error = await site.json("POST", f"{BASE}/Calls/{sid}.json", data=form)
    assert (status, error["code"]) == (400, code)
    assert site.switchboard.commands == []


async def test_sdk_deletes_ended_calls(site: Site, client: Client) -> None:
    live, ended = site.switchboard.call(status="ringing"), site.switchboard.call(status="busy", end_time=at(1))
    site.store.put(call_events, {"call_sid": ended, "number": 0, "steps": []})
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.calls(live).delete)
    assert refused.value.code == 20009
    assert await asyncio.to_thread(client.calls(ended).delete)
    assert await site.store.get(calls, ended) is None
    assert await site.store.get(call_events, (ended, 0)) is None
    with pytest.raises(TwilioRestException) as gone:
        await asyncio.to_thread(client.calls(ended).fetch)
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_a8_calls_of_others_do_not_exist(site: Site) -> None:
    sid = site.switchboard.call(OTHER, status="in-progress")
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"{BASE}/Calls/{sid}.json", {}),
        ("POST", f"{BASE}/Calls/{sid}.json", {"data": {"Status": "completed"}}),
        ("DELETE", f"{BASE}/Calls/{sid}.json", {}),
        ("GET", f"{BASE}/Calls/{sid}/Recordings.json", {}),
        ("GET", f"{BASE}/Calls/{sid}/Events.json", {}),
        ("GET", f"/2010-04-01/Accounts/{OTHER.sid}/Calls/{sid}.json", {}),
        ("GET", f"/2010-04-01/Accounts/{OTHER.sid}/Calls.json", {}),
        ("POST", f"/2010-04-01/Accounts/{OTHER.sid}/Calls.json", {"data": {"To": "+15550002000"}}),
        ("GET", f"{BASE}/Calls/{ids.new(ids.CALL)}.json", {}),
    ]
    for method, path, options in attempts:
        status, error = await site.json(method, path, **options)
        assert status == 404, path
        assert error == {
            "code": 20404,
            "message": f"The requested resource {path} was not found",
            "more_info": "https://www.twilio.com/docs/errors/20404",
            "status": 404,
        }
    assert site.switchboard.commands == []
    assert site.switchboard.orders == []
    assert MINE.sid != OTHER.sid


async def test_the_switchboards_refusal_reaches_the_caller(site: Site, client: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.calls.create, to="+15550009999", from_=NUMBER, twiml=HELLO)
    assert (refused.value.status, refused.value.code) == (429, 10004)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+14155551212", "(415) 555-1212"),
        ("+442071838750", "+442071838750"),
        ("sip:alice@example.com", "sip:alice@example.com"),
        (None, None),
    ],
)
def test_formatted_addresses(address: str | None, shown: str | None) -> None:
    assert formatted(address) == shown
