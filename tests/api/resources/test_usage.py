import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import clock
from callwright.api.resources.usage import CATEGORIES, Period, periods

from ..conftest import BASE, NUMBER, NUMBER_SID, Site
from .test_recordings import record

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("kind", "first", "last", "spans"),
    [
        ("Today", None, None, [("2026-03-10", "2026-03-10")]),
        ("Yesterday", None, None, [("2026-03-09", "2026-03-09")]),
        ("ThisMonth", None, None, [("2026-03-01", "2026-03-10")]),
        ("LastMonth", None, None, [("2026-02-01", "2026-02-28")]),
        ("AllTime", None, None, [("2010-04-01", "2026-03-10")]),
        ("", "2026-01-01", "2026-01-31", [("2026-01-01", "2026-01-31")]),
        ("Daily", "2026-03-08", None, [(f"2026-03-{day}", f"2026-03-{day}") for day in ("10", "09", "08")]),
        ("Monthly", "2026-01-15", "2026-02-10", [("2026-02-01", "2026-02-10"), ("2026-01-15", "2026-01-31")]),
        ("Yearly", "2025-06-01", None, [("2026-01-01", "2026-03-10"), ("2025-06-01", "2025-12-31")]),
        ("Daily", "2026-03-11", None, []),
    ],
)
def test_periods(kind: str, first: str | None, last: str | None, spans: list[tuple[str, str]]) -> None:
    bounds = [date.fromisoformat(text) if text else None for text in (first, last)]
    expected = [Period(date.fromisoformat(one), date.fromisoformat(other)) for one, other in spans]
    assert periods(kind, bounds[0], bounds[1], TODAY) == expected


def test_periods_are_bounded() -> None:
    assert len(periods("Daily", date.min, None, TODAY)) == 366


async def test_sdk_lists_records(client: Client) -> None:
    every = await asyncio.to_thread(client.usage.records.list, page_size=10)
    assert [one.category for one in every] == list(CATEGORIES)
    (calls,) = await asyncio.to_thread(client.usage.records.today.list, category="calls")
    assert (calls.usage, calls.usage_unit, calls.count, calls.count_unit) == ("0", "minutes", "0", "calls")
    assert calls.start_date == calls.end_date
    daily = await asyncio.to_thread(
        client.usage.records.daily.list, category="calls", start_date=date(2026, 1, 1), end_date=date(2026, 1, 3)
    )
    assert [str(one.start_date) for one in daily] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    for part in ("all_time", "monthly", "yearly", "yesterday", "this_month", "last_month"):
        assert await asyncio.to_thread(getattr(client.usage.records, part).list, category="totalprice")


async def test_sdk_counts(site: Site, client: Client) -> None:
    """Calls, recordings and numbers of the account and of its subaccounts, unless these are left out."""
    sub = await asyncio.to_thread(client.api.v2010.accounts.create, friendly_name="sub")
    inbound = {"status": "completed", "direction": "inbound", "from": "+15557654321", "to": NUMBER}
    site.switchboard.call(**inbound, duration=61, phone_number_sid=NUMBER_SID)
    site.switchboard.call(**inbound, duration=5, account_sid=sub.sid)
    site.switchboard.call(status="completed", duration=30, date_created=clock.now() - timedelta(days=1))
    record(site, date_created=clock.now(), duration=90)
    today = client.usage.records.today

    async def used(category: str, **filters: object) -> tuple[str, str]:
        (one,) = await asyncio.to_thread(lambda: today.list(category=category, **filters))
        return one.count, one.usage

    assert await used("calls") == ("2", "3")
    assert await used("calls", include_subaccounts=False) == ("1", "2")
    assert await used("calls-inbound-local", include_subaccounts=False) == ("1", "2")
    assert await used("recordings") == ("1", "2")
    assert await used("phonenumbers") == await used("phonenumbers-local") == ("1", "1")
    assert await used("phonenumbers-tollfree") == await used("transcriptions") == ("0", "0")
    (yesterday,) = await asyncio.to_thread(client.usage.records.yesterday.list, category="calls-outbound")
    assert (yesterday.count, yesterday.usage) == ("1", "1")
    (ever,) = await asyncio.to_thread(client.usage.records.all_time.list, category="calls")
    assert ever.count == "3"
    days = await asyncio.to_thread(client.usage.records.daily.list, category="calls", start_date=yesterday.start_date)
    assert [one.count for one in days] == ["2", "1"]


@pytest.mark.parametrize("query", ["Category=x", "StartDate=yesterday", "EndDate=2026-13-01", "EndDate=99999days"])
async def test_refuses(site: Site, query: str) -> None:
    status, error = await site.json("GET", f"{BASE}/Usage/Records.json?{query}")
    assert (status, error["code"]) == (400, 20422)


async def test_sdk_keeps_triggers(client: Client) -> None:
    trigger: dict[str, Any] = {"callback_url": "http://a.example/", "trigger_value": "+30", "usage_category": "calls"}
    made = await asyncio.to_thread(client.usage.triggers.create, **trigger, recurring="daily")
    assert (made.trigger_by, made.trigger_value, made.recurring, made.current_value) == ("usage", "+30", "daily", "0")
    assert made.usage_record_uri.endswith("/Usage/Records.json?Category=calls")
    once = await asyncio.to_thread(client.usage.triggers.create, **trigger)
    assert (once.recurring, once.date_fired) == (None, None)
    changed = await asyncio.to_thread(client.usage.triggers(made.sid).update, friendly_name="x", callback_method="GET")
    assert (changed.friendly_name, changed.callback_method, changed.trigger_value) == ("x", "GET", "+30")
    assert [one.sid for one in await asyncio.to_thread(client.usage.triggers.list, recurring="daily")] == [made.sid]
    assert await asyncio.to_thread(client.usage.triggers(made.sid).delete)
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.usage.triggers.create, **{**trigger, "callback_url": "x"})
    assert refused.value.code == 21456
