"""Accounts: the caller's own (call-control reference §3.9)."""

from typing import Any

from callwright.account import Account
from callwright.api.paging import DEFAULT_SIZE
from callwright.api.request import Answer, ApiRequest, Page, Resource
from callwright.api.routes import OWN, Routes

SUBRESOURCES = {
    "calls": "Calls",
    "recordings": "Recordings",
}


def present(request: ApiRequest, account: Account) -> dict[str, Any]:
    """An account's fields."""
    suffix = request.suffix
    return {
        "sid": account.sid,
        "owner_account_sid": account.sid,
        "friendly_name": account.friendly_name,
        "status": "active",
        "type": "Full",
        "auth_token": account.auth_token,
        "date_created": None,
        "date_updated": None,
        "uri": f"{request.base}{suffix}",
        "subresource_uris": {name: f"{request.base}/{path}{suffix}" for name, path in SUBRESOURCES.items()},
    }


async def fetch(request: ApiRequest) -> Answer:
    """One account."""
    request.representable()
    return Resource("Account", present(request, request.account))


async def listing(request: ApiRequest) -> Answer:
    """The accounts that the caller may act on."""
    request.representable()
    account, query = request.account, request.query
    named = query.text("FriendlyName", account.friendly_name) == account.friendly_name
    found = [present(request, account)] if named and query.text("Status", "active") == "active" else []
    uri = f"/2010-04-01/Accounts{request.suffix}?PageSize={DEFAULT_SIZE}&Page=0"
    meta = {
        "end": 0,
        "first_page_uri": uri,
        "next_page_uri": None,
        "page": 0,
        "page_size": DEFAULT_SIZE,
        "previous_page_uri": None,
        "start": 0,
        "uri": uri,
    }
    return Page("Accounts", "accounts", "Account", found, meta)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", "Accounts", listing)
    routes.add("GET", OWN, fetch)
