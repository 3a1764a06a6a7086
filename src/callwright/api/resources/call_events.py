"""Events of a call: what was asked of application servers and what they answered (call-control reference §3.2).

`Kind=all` lists every step of the call's log beside: verbs run, fallbacks, warnings, states.
"""

import re
from typing import Any

from callwright.api.errors import BAD_PAGE_TOKEN, INVALID_PARAMETER
from callwright.api.paging import DEFAULT_SIZE, MAX_PAGE, MAX_SIZE
from callwright.api.representation import date
from callwright.api.request import Answer, ApiRequest, Page
from callwright.api.resources.calls import find
from callwright.api.routes import OWN, Routes
from callwright.store import steps
from callwright.store.steps import Step

FETCH = "fetch"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def present(step: Step) -> dict[str, Any]:
    """A step's fields; `request` and `response` are null when it is not a request to an application server."""
    data, at = step.data, date(step.at)
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    if step.kind == FETCH:
        parameters = {_snake(name): value for name, value in (data.get("params") or {}).items()}
        request = {"method": data.get("method"), "url": data.get("url"), "parameters": parameters}
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
        "kind": step.kind,
        "number": step.number,
        "date_created": at,
        "data": data,
    }


def _snake(name: str) -> str:
    """CallSid -> call_sid."""
    return _HUMP.sub("_", name).lower()


async def listing(request: ApiRequest, call_sid: str) -> Answer:
    """The call's steps, in order; a page token is the number of the step before the page."""
    request.representable()
    await find(request, call_sid)
    query = request.query
    size = min(query.integer("PageSize", 1, 999_999_999, code=INVALID_PARAMETER) or DEFAULT_SIZE, MAX_SIZE)
    page = query.integer("Page", 0, MAX_PAGE, code=INVALID_PARAMETER) or 0
    last = query.integer("PageToken", 0, 999_999_999, code=BAD_PAGE_TOKEN)
    kinds = query.text("Kind", FETCH)
    after = -1 if last is None else last
    noted = await steps.read(request.services.store, call_sid)
    wanted = [step for step in noted if step.number > after and kinds in ("all", step.kind)]
    more, shown = len(wanted) > size, wanted[:size]
    base = f"{request.base}/Calls/{call_sid}/Events{request.suffix}?"
    base += (f"Kind={kinds}&" if kinds in ("all", FETCH) and "Kind" in query else "") + f"PageSize={size}&Page="
    meta = {
        "end": page * size + len(shown) - 1 if shown else 0,
        "first_page_uri": f"{base}0",
        "next_page_uri": f"{base}{page + 1}&PageToken={shown[-1].number}" if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": None,
        "start": page * size if shown else 0,
        "uri": f"{base}{page}" + (f"&PageToken={last}" if last is not None else ""),
    }
    return Page("Events", "events", "Event", [present(step) for step in shown], meta)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Calls/{{call_sid}}/Events", listing)
