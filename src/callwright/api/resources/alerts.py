"""Alerts of the monitor: the notifications of an account in the form of monitor v1 (call-control reference §3.16)."""

from typing import Any

from sqlalchemy import ColumnElement

from callwright.api.paging import Listing, within
from callwright.api.representation import API_VERSION
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources.notifications import find
from callwright.api.routes import Routes
from callwright.api.stored.presentation import iso
from callwright.api.v1 import enveloped
from callwright.errors import MORE_INFO
from callwright.store.sqlite import Row
from callwright.store.tables import notifications

PATH = "/v1/Alerts"
LIST = Listing(notifications, "Alerts", "alerts", "Alert", ("LogLevel", "StartDate", "EndDate"))
EXCHANGE = ("request_variables", "request_headers", "response_headers", "response_body")


def present(request: ApiRequest, row: Row, *, whole: bool = False) -> dict[str, Any]:
    """An alert's fields; `whole`: with the exchange that it is about."""
    moment = iso(row["date_created"])
    fields = {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "alert_text": row["text"],
        "api_version": API_VERSION,
        "date_created": moment,
        "date_generated": moment,
        "date_updated": moment,
        "error_code": str(row["error_code"]),
        "log_level": row["level"],
        "more_info": MORE_INFO.format(code=row["error_code"]),
        "request_method": row["request_method"],
        "request_url": row["request_url"],
        "resource_sid": row["call_sid"],
        "service_sid": None,
        "url": f"{request.services.public_url}{PATH}/{row['sid']}",
    }
    return fields | {name: row[name] for name in EXCHANGE} if whole else fields


async def fetch(request: ApiRequest, alert_sid: str) -> Answer:
    """One alert."""
    return Resource("Alert", present(request, await find(request, alert_sid), whole=True))


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for."""
    query, at = request.query, notifications.c.date_created
    found: list[ColumnElement[bool]] = [notifications.c.account_sid == request.account.sid]
    if level := query.text("LogLevel"):
        found.append(notifications.c.level == level)
    return found + within(query, at)


async def listing(request: ApiRequest) -> Answer:
    """The account's alerts, newest first."""
    page = await LIST.page(request, PATH, conditions(request), lambda row: present(request, row))
    return enveloped(page, request.services.public_url)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", PATH, listing)
    routes.add("GET", f"{PATH}/{{alert_sid}}", fetch)
