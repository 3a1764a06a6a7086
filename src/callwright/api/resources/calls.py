"""Calls: create, list, fetch, update, delete (call-control reference §3.2)."""

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from callwright.api import errors
from callwright.api.forms import Form
from callwright.api.order import MAX_TIME_LIMIT, document, read
from callwright.api.paging import Listing, between, dated
from callwright.api.representation import API_VERSION, date, number
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.routes import OWN, Routes
from callwright.calls.status import FINAL, CallStatus
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.tables import call_events, calls

SUBRESOURCES = {
    "notifications": "Notifications",
    "recordings": "Recordings",
    "payments": "Payments",
    "events": "Events",
    "siprec": "Siprec",
    "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}
EQUAL = {"To": "to", "From": "from", "ParentCallSid": "parent_call_sid", "Status": "status"}
DATES = {"StartTime": calls.c.start_time, "EndTime": calls.c.end_time}
LIST = Listing(calls, "Calls", "calls", "Call", (*EQUAL, *(name + sign for name in DATES for sign in ("", "<", ">"))))

LONGEST_WAIT = timedelta(days=1)
"""No call waits or rings longer than this before it is answered."""

_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})\Z")
_FINAL = frozenset(str(status) for status in FINAL)


def formatted(address: str | None) -> str | None:
    """An address for display: North American numbers as (415) 555-1212, all else as it is."""
    if address and (match := _NORTH_AMERICAN.match(address)):
        return f"({match[1]}) {match[2]}-{match[3]}"
    return address


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A call's fields."""
    suffix, path = request.suffix, f"{request.base}/Calls/{row['sid']}"
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "parent_call_sid": row["parent_call_sid"],
        "date_created": date(row["date_created"]),
        "date_updated": date(row["date_updated"]),
        "to": row["to"],
        "to_formatted": formatted(row["to"]),
        "from": row["from"],
        "from_formatted": formatted(row["from"]),
        "phone_number_sid": row["phone_number_sid"],
        "status": row["status"],
        "start_time": date(row["start_time"]),
        "end_time": date(row["end_time"]),
        "duration": number(row["duration"]),
        "price": None,
        "price_unit": "USD",
        "direction": row["direction"],
        "answered_by": row["answered_by"],
        "api_version": API_VERSION,
        "forwarded_from": row["forwarded_from"],
        "group_sid": None,
        "caller_name": row["caller_name"],
        "queue_time": str(row["queue_time"] or 0),
        "trunk_sid": row["trunk_sid"],
        "uri": f"{path}{suffix}",
        "subresource_uris": {name: f"{path}/{part}{suffix}" for name, part in SUBRESOURCES.items()},
    }


async def find(request: ApiRequest, call_sid: str) -> Row:
    """The row of a call of this account.

    Raises:
        RestError: 20404.
    """
    row = await request.services.store.get(calls, call_sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    return row


async def fetch(request: ApiRequest, call_sid: str) -> Answer:
    """One call, live or ended."""
    request.representable()
    return Resource("Call", present(request, await find(request, call_sid)))


async def create(request: ApiRequest) -> Answer:
    """Places a call."""
    request.representable()
    services = request.services
    order = read(
        request.form,
        request.account,
        services.owns,
        services.applications,
        services.byoc,
        forwarded=services.switchboard.forwarded,
    )
    sid = await services.switchboard.place(order)
    return Resource("Call", present(request, await find(request, sid)), 201)


async def update(request: ApiRequest, call_sid: str) -> Answer:
    """Redirects, ends or changes a live call."""
    request.representable()
    form = request.form
    row = await find(request, call_sid)
    hook, twiml = document(form)
    fallback = form.hook("FallbackUrl", "FallbackMethod")
    status_callback = form.hook("StatusCallback", "StatusCallbackMethod")
    time_limit = form.integer("TimeLimit", 1, MAX_TIME_LIMIT, code=errors.INVALID_PARAMETER)
    ending = form.choice("Status", ("canceled", "completed"), code=errors.INVALID_PARAMETER)
    if row["status"] in _FINAL:
        raise RestError(f"Call is {row['status']}: it can no longer be changed", code=errors.WRONG_STATE)
    switchboard = request.services.switchboard
    if fallback or status_callback or time_limit:
        await switchboard.amend(call_sid, fallback=fallback, status_callback=status_callback, time_limit=time_limit)
    if ending:
        await switchboard.end(call_sid, canceled=ending == "canceled")
    elif hook or twiml:
        await switchboard.redirect(call_sid, hook=hook, twiml=twiml)
    return Resource("Call", present(request, await find(request, call_sid)))


async def remove(request: ApiRequest, call_sid: str) -> Answer:
    """Deletes the record of an ended call, and its steps. Its recordings stay."""
    row = await find(request, call_sid)
    if row["status"] not in _FINAL:
        raise RestError("The call has not ended: it cannot be deleted", code=errors.NOT_FINISHED, status=409)
    store = request.services.store
    for event in await store.fetch(select(call_events.c.number).where(call_events.c.call_sid == call_sid)):
        store.delete(call_events, (call_sid, event["number"]))
    store.delete(calls, call_sid)
    await store.flushed()
    return Gone()


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for."""
    query = request.query
    found: list[ColumnElement[bool]] = [calls.c.account_sid == request.account.sid]
    for name, column in EQUAL.items():
        if value := _address(query, name):
            found.append(calls.c[column] == value)
    if (status := query.text("Status")) and status in set(CallStatus) - FINAL:
        found.append(calls.c.end_time.is_(None))
    for name, moment in DATES.items():
        found += dated(query, name, moment)
    # The list is in the order of creation, which bounds its answer: what begins before a moment was created before it.
    began, _ = between(query, "StartTime")
    befores = [high for name in DATES if (high := between(query, name)[1])]
    if began:
        found.append(calls.c.date_created >= began - LONGEST_WAIT)
    if befores:
        found.append(calls.c.date_created < min(befores))
    return found


def _address(query: Form, name: str) -> str:
    """A filter's value. A plus sign that was not escaped has arrived as a space."""
    value = query.text(name)
    return "+" + value[1:] if value.startswith(" ") and value[1:].isdigit() else value


async def listing(request: ApiRequest) -> Answer:
    """The account's calls, newest first."""
    request.representable()
    path = f"{request.base}/Calls"
    return await LIST.page(request, path, conditions(request), lambda row: present(request, row))


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Calls", listing)
    routes.add("POST", f"{OWN}/Calls", create)
    routes.add("GET", f"{OWN}/Calls/{{call_sid}}", fetch)
    routes.add("POST", f"{OWN}/Calls/{{call_sid}}", update)
    routes.add("DELETE", f"{OWN}/Calls/{{call_sid}}", remove)
