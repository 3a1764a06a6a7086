import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import clock
from callwright.account import Account
from callwright.calls.alerts import Alert, Alerts, Exchanged, Level
from callwright.store.tables import notifications

from ..conftest import BASE, MINE, OTHER, Site

BEGUN = datetime(2026, 1, 31, 10, tzinfo=UTC)
CALL = "CA" + "a" * 32
ASKED = Exchanged(
    url="http://app.example/voice?x=1",
    method="POST",
    variables={"CallSid": CALL, "From": "+1555"},
    headers={"Accept": "*/*"},
    response_headers=(("Content-Type", "text/html"),),
    response_body=b"<h1>oops</h1>",
)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[datetime]]:
    """The time of the next alert, and a minute more for each."""
    times = [BEGUN]

    def now() -> datetime:
        times.append(times[-1] + timedelta(minutes=1))
        return times[-2]

    monkeypatch.setattr(clock, "now", now)
    yield times


async def told(site: Site, *alerts: Alert, account: Account = MINE, call_sid: str = CALL) -> list[str]:
    """Alerts that are written; the SIDs of the account's, oldest first."""
    writer = Alerts(site.store, 30)
    for alert in alerts:
        writer.add(account.sid, call_sid, alert)
    rows = await site.store.fetch(notifications.select().order_by(notifications.c.date_created))
    return [row["sid"] for row in rows if row["account_sid"] == account.sid]


FAILED = Alert(Level.ERROR, 11200, "app.example answered 500", ASKED)
WARNED = Alert(Level.WARNING, 12200, "<Say>: unknown attribute")


async def test_sdk_lists_and_fetches(site: Site, client: Client, moment: list[datetime]) -> None:
    first, second, third = await told(site, FAILED, WARNED, FAILED)
    await told(site, FAILED, account=OTHER)
    listed = await asyncio.to_thread(client.api.v2010.account.notifications.list, page_size=2)
    assert [one.sid for one in listed] == [third, second, first]
    errors = await asyncio.to_thread(client.api.v2010.account.notifications.list, log=0)
    assert [one.sid for one in errors] == [third, first]
    for days, found in ((-1, 0), (0, 3), (1, 3)):
        before = BEGUN.date() + timedelta(days=days)
        some = await asyncio.to_thread(client.api.v2010.account.notifications.list, message_date_before=before)
        assert len(some) == found
    _, late = await site.json("GET", f"{BASE}/Notifications.json?MessageDate%3E=2026-01-31T10:01:00Z")
    assert [one["sid"] for one in late["notifications"]] == [third, second]
    fetched = await asyncio.to_thread(client.api.v2010.account.notifications(first).fetch)
    assert (fetched.log, fetched.error_code, fetched.call_sid) == ("0", "11200", CALL)
    assert (fetched.request_method, fetched.request_url) == ("POST", ASKED.url)
    assert fetched.message_date == fetched.date_created == BEGUN
    assert fetched.message_text == (
        "url=http%3A%2F%2Fapp.example%2Fvoice%3Fx%3D1&ErrorCode=11200&LogLevel=ERROR&Msg=app.example+answered+500"
    )
    assert fetched.more_info.endswith("/11200") and fetched.uri == f"{BASE}/Notifications/{first}.json"
    assert fetched.request_variables == f"CallSid={CALL}&From=%2B1555"
    assert (fetched.response_headers, fetched.response_body) == ("Content-Type=text%2Fhtml", "<h1>oops</h1>")


async def test_the_exchange_is_in_the_instance_only(site: Site) -> None:
    [sid] = await told(site, FAILED)
    _, page = await site.json("GET", f"{BASE}/Notifications.json")
    assert "request_variables" not in page["notifications"][0]
    _, one = await site.json("GET", f"{BASE}/Notifications/{sid}.json")
    assert one["request_variables"] and "request_headers" not in one


async def test_of_a_call(site: Site, client: Client, moment: list[datetime]) -> None:
    call_sid, other = site.switchboard.call(), site.switchboard.call()
    [mine] = await told(site, FAILED, call_sid=call_sid)
    await told(site, WARNED, call_sid=other)
    listed = await asyncio.to_thread(client.calls(call_sid).notifications.list)
    assert [one.sid for one in listed] == [mine]
    fetched = await asyncio.to_thread(client.calls(call_sid).notifications(mine).fetch)
    assert fetched.call_sid == call_sid and fetched.response_body == "<h1>oops</h1>"
    assert await asyncio.to_thread(client.calls(call_sid).notifications.list, log=1) == []
    with pytest.raises(TwilioRestException) as caught:
        await asyncio.to_thread(client.calls(other).notifications(mine).fetch)
    assert (caught.value.status, caught.value.code) == (404, 20404)


async def test_xml(site: Site) -> None:
    [sid] = await told(site, WARNED)
    _, body = await site.ask("GET", f"{BASE}/Notifications/{sid}")
    element = etree.fromstring(body).find("Notification")
    assert element is not None and (element.findtext("Log"), element.findtext("ErrorCode")) == ("1", "12200")


async def test_somebody_elses_do_not_exist(site: Site) -> None:
    [sid] = await told(site, FAILED, account=OTHER)
    for path in (f"{BASE}/Notifications/{sid}.json", f"{BASE}/Calls/{CALL}/Notifications.json", f"/v1/Alerts/{sid}"):
        status, body = await site.json("GET", path)
        assert (status, body["code"]) == (404, 20404)
    _, page = await site.json("GET", "/v1/Alerts")
    assert page["alerts"] == []


async def test_an_unknown_log_is_an_empty_list(site: Site) -> None:
    await told(site, FAILED)
    _, page = await site.json("GET", f"{BASE}/Notifications.json?Log=7")
    assert page["notifications"] == []


async def test_sdk_lists_and_fetches_alerts(site: Site, client: Client, moment: list[datetime]) -> None:
    """One source, two views: the same SIDs, in the form of monitor v1."""
    first, second, third = await told(site, FAILED, WARNED, FAILED)
    await told(site, FAILED, account=OTHER)
    alerts = client.monitor.v1.alerts
    listed = await asyncio.to_thread(alerts.list, page_size=2)
    assert [one.sid for one in listed] == [third, second, first]
    assert [one.sid for one in await asyncio.to_thread(alerts.list, log_level="warning")] == [second]
    minute = timedelta(minutes=1)
    between = await asyncio.to_thread(alerts.list, start_date=BEGUN + minute, end_date=BEGUN + minute)
    assert [one.sid for one in between] == [second]
    fetched = await asyncio.to_thread(alerts(first).fetch)
    assert (fetched.log_level, fetched.error_code, fetched.resource_sid) == ("error", "11200", CALL)
    assert fetched.date_created == fetched.date_generated == fetched.date_updated == BEGUN
    assert fetched.alert_text.endswith("Msg=app.example+answered+500")
    assert (fetched.request_method, fetched.request_url) == ("POST", ASKED.url)
    assert fetched.url == f"http://voice.example/v1/Alerts/{first}"
    assert fetched.request_variables == f"CallSid={CALL}&From=%2B1555" and fetched.request_headers == "Accept=%2A%2F%2A"
    assert (fetched.response_headers, fetched.response_body) == ("Content-Type=text%2Fhtml", "<h1>oops</h1>")
    assert fetched.service_sid is None


async def test_the_envelope_of_v1(site: Site, moment: list[datetime]) -> None:
    await told(site, FAILED, WARNED, FAILED)
    status, page = await site.json("GET", "/v1/Alerts?PageSize=2&LogLevel=error")
    assert status == 200 and set(page) == {"meta", "alerts"}
    first = "http://voice.example/v1/Alerts?LogLevel=error&PageSize=2&Page=0"
    assert page["meta"] == {
        "page": 0, "page_size": 2, "first_page_url": first, "previous_page_url": None, "next_page_url": None,
        "url": first, "key": "alerts",
    }  # fmt: skip
    assert "response_body" not in page["alerts"][0] and page["alerts"][0]["date_created"] == "2026-01-31T10:02:00Z"


async def test_errors_of_v1_are_json(site: Site) -> None:
    status, body = await site.json("GET", "/v1/Nothing")
    assert (status, body["code"]) == (404, 20404)
    status, body = await site.json("POST", "/v1/Alerts")
    assert (status, body["code"]) == (405, 20004)
    status, body = await site.json("GET", "/v1/Alerts", account=None)
    assert (status, body["code"]) == (401, 20003)
    status, body = await site.json("GET", "/v1/Alerts?StartDate=yesterday")
    assert status == 400
