"""AuthTokens: a subaccount's token is changed without a gap (call-control reference §3.9).

A second token opens the API beside the first; promoted, it is the token, which signs webhooks, and the first is void.
The token of an account of the configuration file is changed there.
"""

import secrets
from typing import Any

from callwright.api.errors import forbidden
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.routes import Routes
from callwright.api.stored.operations import changeable
from callwright.api.stored.presentation import iso
from callwright.store.directory import Record

PROMOTE, SECONDARY = "/v1/AuthTokens/Promote", "/v1/AuthTokens/Secondary"
KEY = "secondary_auth_token"


def _own(request: ApiRequest) -> Record:
    """The account's record, which may be changed.

    Raises:
        RestError: 20003 for an API key, 20010 for what the file declares.
    """
    if request.caller.key:
        raise forbidden("tokens")
    record = request.services.directory.get("accounts", request.account.sid)
    assert record is not None, "the accounts are those of the directory"
    return changeable(record)


def _answer(request: ApiRequest, name: str, record: Record, path: str, status: int) -> Resource:
    moment = iso(record.date_updated)
    body: dict[str, Any] = {"account_sid": record.sid, name: record[name], "date_created": moment}
    return Resource("AuthToken", {**body, "date_updated": moment, "url": request.services.public_url + path}, status)


async def create(request: ApiRequest) -> Answer:
    """A second token, in place of another second one."""
    new = _own(request).changed(**{KEY: secrets.token_hex(16)})
    await request.services.directory.change(new)
    return _answer(request, KEY, new, SECONDARY, 201)


async def remove(request: ApiRequest) -> Answer:
    """Takes the second token back."""
    old = _own(request)
    if not old[KEY]:
        raise request.missing()
    await request.services.directory.change(old.changed(**{KEY: ""}))
    return Gone()


async def promote(request: ApiRequest) -> Answer:
    """Makes the second token the token."""
    old = _own(request)
    if not old[KEY]:
        raise request.missing()
    new = old.changed(**{"auth_token": old[KEY], KEY: ""})
    await request.services.directory.change(new)
    return _answer(request, "auth_token", new, PROMOTE, 200)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("POST", SECONDARY, create)
    routes.add("DELETE", SECONDARY, remove)
    routes.add("POST", PROMOTE, promote)
