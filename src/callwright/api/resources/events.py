"""Audit events of the monitor: who changed which resource of the account (call-control reference §3.16)."""

from typing import Any

from sqlalchemy import ColumnElement

from callwright.api.paging import Listing, within
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.routes import Routes
from callwright.api.stored.presentation import iso
from callwright.api.v1 import enveloped
from callwright.store.sqlite import Row
from callwright.store.traces import changes

PATH = "/v1/Events"
EQUAL = {
    "ActorSid": "actor_sid",
    "EventType": "event_type",
    "ResourceSid": "resource_sid",
    "SourceIpAddress": "source_ip_address",
}
LIST = Listing(changes, "Events", "events", "Event", (*EQUAL, "StartDate", "EndDate"))


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """An event's fields."""
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "actor_sid": row["actor_sid"],
        "actor_type": row["actor_type"],
        "description": None,
        "event_data": row["data"],
        "event_date": iso(row["date_created"]),
        "event_type": row["event_type"],
        "resource_sid": row["resource_sid"],
        "resource_type": row["resource_type"],
        "source": "api",
        "source_ip_address": row["source_ip_address"],
        "url": f"{request.services.public_url}{PATH}/{row['sid']}",
        "links": {},
    }


async def fetch(request: ApiRequest, event_sid: str) -> Answer:
    """One event."""
    row = await request.services.store.get(changes, event_sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    return Resource("Event", present(request, row))


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for."""
    query, at = request.query, changes.c.date_created
    found: list[ColumnElement[bool]] = [changes.c.account_sid == request.account.sid]
    found += [changes.c[column] == value for name, column in EQUAL.items() if (value := query.text(name))]
    return found + within(query, at)


async def listing(request: ApiRequest) -> Answer:
    """The account's events, newest first."""
    page = await LIST.page(request, PATH, conditions(request), lambda row: present(request, row))
    return enveloped(page, request.services.public_url)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", PATH, listing)
    routes.add("GET", f"{PATH}/{{event_sid}}", fetch)
