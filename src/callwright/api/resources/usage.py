"""Usage records, counted from what calls have left; triggers in their shape (call-control reference §3.12, §6.1, §6.2).

Categories that nobody counts have records of zero, and no trigger fires.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from callwright import clock
from callwright.api.errors import invalid
from callwright.api.paging import asked
from callwright.api.representation import API_VERSION
from callwright.api.request import Answer, ApiRequest, Page
from callwright.api.resources.applications import BAD_NAME
from callwright.api.routes import OWN, Routes
from callwright.api.stored.declaration import CREATE, Field, Filter, Stored
from callwright.api.stored.values import METHOD, Choice, Text, Url
from callwright.store.directory import UNDATED, Record
from callwright.store.usage import Ledger, Used, total, used

BAD_CALLBACK = 21456
MINUTES, CALLS, NUMBERS = ("minutes", "calls"), ("calls", "calls"), ("numbers", "numbers")
CATEGORIES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            *("calls", "calls-inbound", "calls-inbound-local", "calls-inbound-mobile", "calls-inbound-tollfree"),
            *("calls-outbound", "calls-client", "calls-sip", "calls-sip-inbound", "calls-sip-outbound"),
            *("calls-globalconference", "calls-recordings", "calls-media-stream-minutes", "recordings"),
            *("transcriptions", "speech-recognition", "agent-conference", "trunking-originating"),
            *("trunking-termination", "trunking-recordings"),
        ),
        MINUTES,
    ),
    **dict.fromkeys(
        ("calls-transfers", "answering-machine-detection", "call-progess-events", "calleridlookups"), CALLS
    ),
    **dict.fromkeys(("calls-text-to-speech", "amazon-polly"), ("characters", "characters")),
    **dict.fromkeys(("recordingstorage", "mediastorage"), ("mb", "mb")),
    **dict.fromkeys(("phonenumbers", "phonenumbers-local", "phonenumbers-mobile", "phonenumbers-tollfree"), NUMBERS),
    "pv-sip-endpoint-registrations": ("registrations", "registrations"),
    "turnmegabytes": ("megabytes", "megabytes"),
    "totalprice": ("usd", ""),
}
"""What is counted, by category: the unit of usage, and that of count."""

NUMBERS_KIND = "incoming_phone_numbers"
LISTS = ("", "Daily", "Monthly", "Yearly", "AllTime", "Today", "Yesterday", "ThisMonth", "LastMonth")
SUBRESOURCES = ("all_time", "daily", "last_month", "monthly", "this_month", "today", "yearly", "yesterday")
MOST_PERIODS = 366
FIRST_DAY = date(2010, 4, 1)
_OFFSET = re.compile(r"([+-])(\d{1,5})days?\Z")


@dataclass(frozen=True, slots=True)
class Period:
    """From a day to a day, both counted."""

    first: date
    last: date


def day(text: str, name: str, today: date) -> date:
    """A date or an offset in days: `2026-01-31`, `-30days`.

    Raises:
        RestError: 20422.
    """
    try:
        if match := _OFFSET.match(text):
            return today + timedelta(days=int(match[1] + match[2]))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise invalid(name, text[:32]) from None


def periods(kind: str, first: date | None, last: date | None, today: date) -> list[Period]:
    """What the records of a list are about, newest first; at most 366."""
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    fixed = {
        "Today": Period(today, today),
        "Yesterday": Period(today - timedelta(days=1), today - timedelta(days=1)),
        "ThisMonth": Period(month, today),
        "LastMonth": Period(before, month - timedelta(days=1)),
    }
    if kind in fixed:
        return [fixed[kind]]
    spans = {"Daily": today - timedelta(days=30), "Monthly": before, "Yearly": today.replace(month=1, day=1)}
    begin, end = first or spans.get(kind, FIRST_DAY), min(last or today, today)
    if kind in ("", "AllTime"):
        return [Period(begin, end)]
    found: list[Period] = []
    while end >= begin and len(found) < MOST_PERIODS:
        start = end if kind == "Daily" else end.replace(day=1) if kind == "Monthly" else end.replace(month=1, day=1)
        found.append(Period(max(start, begin), end))
        end = start - timedelta(days=1)
    return found


async def records(request: ApiRequest, *, kind: str) -> Answer:
    """One record for each category, and for each day, month or year in the lists of these."""
    request.representable()
    query, today = request.query, clock.now().date()
    bounds = {name: day(text, name, today) for name in ("StartDate", "EndDate") if (text := query.text(name))}
    category = query.text("Category")
    if category and category not in CATEGORIES:
        raise invalid("Category", category[:64])
    names = [category] if category else list(CATEGORIES)
    spans = periods(kind, bounds.get("StartDate"), bounds.get("EndDate"), today)
    size, number, _ = asked(query)
    every = len(spans) * len(names)
    shown = range(min(number * size, every), min((number + 1) * size, every))
    asked_for = [(names[n % len(names)], spans[n // len(names)]) for n in shown]
    whose = accounts(request)
    ledger = await _ledger(request, whose, [one for _, one in asked_for])
    items = [_present(request, name, one, _used(request, whose, ledger, name, one)) for name, one in asked_for]
    path = f"{request.base}/Usage/Records{'/' if kind else ''}{kind}{request.suffix}"
    filters = ("Category", "StartDate", "EndDate", "IncludeSubaccounts")
    kept = [(name, query.text(name)) for name in filters if query.text(name)]

    def uri(page: int) -> str:
        return f"{path}?" + urlencode([*kept, ("PageSize", size), ("Page", page)])

    meta = {
        "end": shown[-1] if shown else 0,
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if shown.stop < every else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1) if number else None,
        "start": shown[0] if shown else 0,
        "uri": uri(number),
    }
    return Page("UsageRecords", "usage_records", "UsageRecord", items, meta)


def accounts(request: ApiRequest) -> list[str]:
    """Whose usage is asked for: the account's, and that of its subaccounts unless it is left out."""
    own = request.account.sid
    if request.query.text("IncludeSubaccounts", "true").lower() == "false":
        return [own]
    return [own, *(one.sid for one in request.services.directory.of("accounts", own) if one.sid != own)]


async def _ledger(request: ApiRequest, whose: list[str], spans: list[Period]) -> Ledger:
    if not spans:
        return {}
    numbers = [one for sid in whose for one in request.services.directory.of(NUMBERS_KIND, sid)]
    types = {one.sid: str(one["type"]) for one in numbers}
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    return await used(request.services.store, whose, types, first, last)


def _used(request: ApiRequest, whose: list[str], ledger: Ledger, category: str, span: Period) -> Used:
    if not category.startswith("phonenumbers"):
        return total(ledger, category, span.first, span.last)
    _, _, kind = category.partition("-")
    held = [one for sid in whose for one in request.services.directory.of(NUMBERS_KIND, sid) if _held(one, span)]
    count = sum(not kind or str(one["type"]).replace("-", "") == kind for one in held)
    return Used(count, count)


def _held(number: Record, span: Period) -> bool:
    """Whether a number that an account has now was its own in a span of days; what is given back is not counted."""
    return number.date_created == UNDATED or number.date_created.date() <= span.last


def _present(request: ApiRequest, category: str, span: Period, spent: Used) -> dict[str, Any]:
    base, suffix = f"{request.base}/Usage/Records", request.suffix
    usage_unit, count_unit = CATEGORIES[category]
    named = {name: "".join(part.title() for part in name.split("_")) for name in SUBRESOURCES}
    dates = urlencode({"Category": category, "StartDate": span.first, "EndDate": span.last})
    return {
        "account_sid": request.account.sid,
        "api_version": API_VERSION,
        "as_of": clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "category": category,
        "description": category.replace("-", " ").capitalize(),
        "start_date": str(span.first),
        "end_date": str(span.last),
        "count": str(spent.count) if count_unit else None,
        "count_unit": count_unit,
        "usage": str(spent.minutes if usage_unit in ("minutes", "numbers") else spent.count),
        "usage_unit": usage_unit,
        "price": "0",
        "price_unit": "usd",
        "uri": f"{base}{suffix}?{dates}",
        "subresource_uris": {name: f"{base}/{part}{suffix}?Category={category}" for name, part in named.items()},
    }


def _show(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    category = record["usage_category"]
    uri = f"{request.base}/Usage/Records{request.suffix}?Category={category}"
    return {"usage_record_uri": uri, "recurring": record["recurring"] or None}


NEW = frozenset({CREATE})
TRIGGERS = Stored(
    kind="usage_triggers",
    path="Usage/Triggers",
    name="UsageTrigger",
    prefix="UT",
    fields=(
        Field("CallbackUrl", Url(BAD_CALLBACK), required=True, missing=BAD_CALLBACK),
        Field("CallbackMethod", METHOD, "POST"),
        Field("FriendlyName", Text(64, BAD_NAME), ""),
        Field("TriggerValue", Text(32, pattern=r"[+-]?[0-9]+(\.[0-9]+)?"), required=True, on=NEW),
        Field("UsageCategory", Choice(tuple(CATEGORIES)), required=True, on=NEW),
        Field("Recurring", Choice(("daily", "monthly", "yearly", "alltime")), "", on=NEW),
        Field("TriggerBy", Choice(("count", "usage", "price")), "usage", on=NEW),
        Field("CurrentValue", default="0"),
        Field("DateFired"),
    ),
    filters=(Filter("Recurring"), Filter("TriggerBy"), Filter("UsageCategory")),
    api_version=True,
    show=_show,
    notes="kept; none fires yet",
    maturity="partly",
)
STORED = (TRIGGERS,)


def install(routes: Routes) -> None:
    """The paths of the records."""
    for kind in LISTS:
        routes.add("GET", f"{OWN}/Usage/Records{'/' if kind else ''}{kind}", partial(records, kind=kind))
