"""Conferences: list, fetch, end, announce (call-control reference §3.4)."""

from typing import Any

from sqlalchemy import ColumnElement

from callwright.api import errors
from callwright.api.paging import Listing, dated
from callwright.api.representation import API_VERSION, date
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.routes import OWN, Routes
from callwright.calls.conference.conference import Conference, ConferenceStatus, EndReason
from callwright.calls.conference.plan import GONE
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.tables import conferences

EQUAL = {"FriendlyName": "friendly_name", "Status": "status"}
DATES = {"DateCreated": conferences.c.date_created, "DateUpdated": conferences.c.date_updated}
LIST = Listing(
    conferences,
    "Conferences",
    "conferences",
    "Conference",
    (*EQUAL, *(name + sign for name in DATES for sign in ("", "<", ">"))),
)


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A conference's fields."""
    suffix, path = request.suffix, f"{request.base}/Conferences/{row['sid']}"
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "friendly_name": row["friendly_name"],
        "api_version": API_VERSION,
        "date_created": date(row["date_created"]),
        "date_updated": date(row["date_updated"]),
        "region": row["region"],
        "status": row["status"],
        "reason_conference_ended": row["reason_conference_ended"],
        "call_sid_ending_conference": row["call_sid_ending_conference"],
        "uri": f"{path}{suffix}",
        "subresource_uris": {
            "participants": f"{path}/Participants{suffix}",
            "recordings": f"{path}/Recordings{suffix}",
        },
    }


async def find(request: ApiRequest, conference_sid: str) -> Row:
    """The row of a conference of this account.

    Raises:
        RestError: 20404.
    """
    row = await request.services.store.get(conferences, conference_sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    return row


def live(request: ApiRequest, reference: str) -> Conference | None:
    """The live conference with this SID or name."""
    return request.services.rooms.conferences.find(request.account.sid, reference)


async def fetch(request: ApiRequest, conference_sid: str) -> Answer:
    """One conference, live or over."""
    request.representable()
    return Resource("Conference", present(request, await find(request, conference_sid)))


async def update(request: ApiRequest, conference_sid: str) -> Answer:
    """Ends a conference, or plays something to it."""
    request.representable()
    form = request.form
    await find(request, conference_sid)
    ending = form.choice("Status", (ConferenceStatus.COMPLETED,), code=errors.INVALID_PARAMETER)
    announcement = form.hook("AnnounceUrl", "AnnounceMethod")
    conference = live(request, conference_sid)
    if conference is None:
        raise RestError("The conference is completed: it can no longer be changed", code=GONE)
    if ending:
        conference.end(EndReason.BY_REQUEST)
    elif announcement:
        conference.announce(announcement)
    return Resource("Conference", present(request, await find(request, conference_sid)))


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for."""
    query = request.query
    found: list[ColumnElement[bool]] = [conferences.c.account_sid == request.account.sid]
    for name, column in EQUAL.items():
        if value := query.text(name):
            found.append(conferences.c[column] == value)
    for name, moment in DATES.items():
        found += dated(query, name, moment)
    return found


async def listing(request: ApiRequest) -> Answer:
    """The account's conferences, newest first."""
    request.representable()
    path = f"{request.base}/Conferences"
    return await LIST.page(request, path, conditions(request), lambda row: present(request, row))


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Conferences", listing)
    routes.add("GET", f"{OWN}/Conferences/{{conference_sid}}", fetch)
    routes.add("POST", f"{OWN}/Conferences/{{conference_sid}}", update)
