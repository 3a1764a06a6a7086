"""Events of a call: what was asked of application servers and what they answered (call-control reference §3.2).

`Kind=all` lists every step of the call's log beside: verbs run, fallbacks, warnings, states.
"""

from typing import Any

from sqlalchemy import select

from callwright.api.errors import BAD_PAGE_TOKEN, INVALID_PARAMETER
from callwright.api.paging import DEFAULT_SIZE, MAX_PAGE, MAX_SIZE
from callwright.api.representation import date
from callwright.api.request import Answer, ApiRequest, Page
from callwright.api.resources.calls import find
from callwright.api.routes import OWN, Routes
from callwright.store.sqlite import Row
from callwright.store.tables import call_events

FETCH = "fetch"


def present(row: Row) -> dict[str, Any]:
    """A step's fields; `request` and `response` are null when it is not a request to an application server."""
    data = row["data"] or {}
    at = date(row["at"])
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    if row["kind"] == FETCH:
        request = {"method": data.get("method"), "url": data.get("url"), "parameters": data.get("params") or {}}
        response = {
            "response_code": data.get("status") or None,
            "request_duration": data.get("ms"),
            "content_type": data.get("type"),
            "response_body": data.get("body"),
            "date_created": at,
        }
    return {
        "request": request,
        "response": response,
        "kind": row["kind"],
        "number": row["number"],
        "date_created": at,
        "data": data,
    }


async def listing(request: ApiRequest, call_sid: str) -> Answer:
    """The call's steps, in order; a page token is the number of the step before the page."""
    request.representable()
    await find(request, call_sid)
    query = request.query
    size = min(query.integer("PageSize", 1, 999_999_999, code=INVALID_PARAMETER) or DEFAULT_SIZE, MAX_SIZE)
    page = query.integer("Page", 0, MAX_PAGE, code=INVALID_PARAMETER) or 0
    last = query.integer("PageToken", 0, 999_999_999, code=BAD_PAGE_TOKEN)
    kinds = query.text("Kind", FETCH)
    wanted = select(call_events).where(call_events.c.call_sid == call_sid)
    if kinds != "all":
        wanted = wanted.where(call_events.c.kind == kinds)
    if last is not None:
        wanted = wanted.where(call_events.c.number > last)
    rows = await request.services.store.fetch(wanted.order_by(call_events.c.number).limit(size + 1))
    more, rows = len(rows) > size, rows[:size]
    base = f"{request.base}/Calls/{call_sid}/Events{request.suffix}?"
    base += (f"Kind={kinds}&" if kinds in ("all", FETCH) and "Kind" in query else "") + f"PageSize={size}&Page="
    meta = {
        "end": page * size + len(rows) - 1 if rows else 0,
        "first_page_uri": f"{base}0",
        "next_page_uri": f"{base}{page + 1}&PageToken={rows[-1]['number']}" if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": None,
        "start": page * size if rows else 0,
        "uri": f"{base}{page}" + (f"&PageToken={last}" if last is not None else ""),
    }
    return Page("Events", "events", "Event", [present(row) for row in rows], meta)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Calls/{{call_sid}}/Events", listing)
