"""Notifications: what went wrong, of an account and of a call (call-control reference §3.10)."""

from typing import Any

from sqlalchemy import ColumnElement

from callwright import ids
from callwright.api.paging import Listing, dated
from callwright.api.representation import API_VERSION, date
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources import calls
from callwright.api.routes import OWN, Routes
from callwright.errors import MORE_INFO
from callwright.store.sqlite import Row
from callwright.store.tables import notifications

LEVELS = {"0": "error", "1": "warning"}
LOGS = {level: log for log, level in LEVELS.items()}
LIST = Listing(
    notifications,
    "Notifications",
    "notifications",
    "Notification",
    ("Log", "MessageDate", "MessageDate<", "MessageDate>"),
)


def present(request: ApiRequest, row: Row, *, whole: bool = False) -> dict[str, Any]:
    """A notification's fields; `whole`: with the exchange that it is about."""
    moment = date(row["date_created"])
    fields = {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "call_sid": row["call_sid"] if ids.valid(row["call_sid"] or "", ids.CALL) else None,  # else a conference's
        "api_version": API_VERSION,
        "log": LOGS[row["level"]],
        "error_code": str(row["error_code"]),
        "more_info": MORE_INFO.format(code=row["error_code"]),
        "message_text": row["text"],
        "message_date": moment,
        "request_method": row["request_method"],
        "request_url": row["request_url"],
        "date_created": moment,
        "date_updated": moment,
        "uri": f"{request.base}/Notifications/{row['sid']}{request.suffix}",
    }
    if whole:
        fields |= {name: row[name] for name in ("request_variables", "response_headers", "response_body")}
    return fields


async def find(request: ApiRequest, sid: str) -> Row:
    """The row of a notification of this account.

    Raises:
        RestError: 20404.
    """
    row = await request.services.store.get(notifications, sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    return row


async def fetch(request: ApiRequest, notification_sid: str) -> Answer:
    """One notification."""
    request.representable()
    return Resource("Notification", present(request, await find(request, notification_sid), whole=True))


async def fetch_of_call(request: ApiRequest, call_sid: str, notification_sid: str) -> Answer:
    """One notification of a call."""
    request.representable()
    row = await find(request, notification_sid)
    if row["call_sid"] != call_sid:
        raise request.missing()
    return Resource("Notification", present(request, row, whole=True))


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for."""
    found: list[ColumnElement[bool]] = [notifications.c.account_sid == request.account.sid]
    if log := request.query.text("Log"):
        found.append(notifications.c.level == LEVELS.get(log, ""))
    return found + dated(request.query, "MessageDate", notifications.c.date_created)


async def listing(request: ApiRequest) -> Answer:
    """The account's notifications, newest first."""
    request.representable()
    path = f"{request.base}/Notifications"
    return await LIST.page(request, path, conditions(request), lambda row: present(request, row))


async def listing_of_call(request: ApiRequest, call_sid: str) -> Answer:
    """The notifications of one call, newest first."""
    request.representable()
    await calls.find(request, call_sid)
    path = f"{request.base}/Calls/{call_sid}/Notifications"
    of_call = [*conditions(request), notifications.c.call_sid == call_sid]
    return await LIST.page(request, path, of_call, lambda row: present(request, row))


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Notifications", listing)
    routes.add("GET", f"{OWN}/Notifications/{{notification_sid}}", fetch)
    of_call = f"{OWN}/Calls/{{call_sid}}/Notifications"
    routes.add("GET", of_call, listing_of_call)
    routes.add("GET", f"{of_call}/{{notification_sid}}", fetch_of_call)
