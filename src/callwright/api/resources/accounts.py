"""Accounts: the caller's own and the subaccounts that he owns (call-control reference §3.9, §6.5).

A suspended account makes and takes no new calls and its credentials are refused; its live calls go on. A closed one is
closed for good: its live calls end and its numbers are released.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from callwright.api.errors import WRONG_STATE, unauthorized
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.routes import OWN, Routes
from callwright.api.stored.declaration import READ, UPDATE, Field, Filter, Stored
from callwright.api.stored.operations import changeable
from callwright.api.stored.pages import page
from callwright.api.stored.presentation import present
from callwright.api.stored.values import Choice, Text
from callwright.errors import RestError
from callwright.store.directory import Record
from callwright.store.tables import calls

BAD_NAME, BAD_STATUS, OWN_STATUS = 20002, 20422, 21477

SUBRESOURCES = {
    "available_phone_numbers": "AvailablePhoneNumbers",
    "calls": "Calls",
    "conferences": "Conferences",
    "incoming_phone_numbers": "IncomingPhoneNumbers",
    "notifications": "Notifications",
    "outgoing_caller_ids": "OutgoingCallerIds",
    "recordings": "Recordings",
    "transcriptions": "Transcriptions",
    "addresses": "Addresses",
    "signing_keys": "SigningKeys",
    "sip": "SIP",
    "usage": "Usage",
    "keys": "Keys",
    "applications": "Applications",
    "queues": "Queues",
    "messages": "Messages",
    "balance": "Balance",
    "connect_apps": "ConnectApps",
    "authorized_connect_apps": "AuthorizedConnectApps",
    "short_codes": "SMS/ShortCodes",
}


def _show(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    return {
        "owner_account_sid": record.account_sid,
        "type": "Full",
        "auth_token": None if request.caller.key else record["auth_token"],
    }


ACCOUNTS = Stored(
    kind="accounts",
    path="Accounts",
    name="Account",
    prefix="AC",
    fields=(
        Field("FriendlyName", Text(64, BAD_NAME)),
        Field("Status", Choice(("active", "suspended", "closed"), BAD_STATUS), on=frozenset({UPDATE})),
    ),
    operations=READ,
    filters=(Filter("FriendlyName"), Filter("Status")),
    subresources=SUBRESOURCES,
    root=True,
    show=_show,
)


async def listing(request: ApiRequest) -> Answer:
    """The caller's account and those that it owns, newest first."""
    request.representable()
    own = _record(request)
    owned = request.services.directory.of(ACCOUNTS.kind, own.sid)
    return await page(ACCOUNTS, request, {one.sid: one for one in (own, *owned)}.values(), "")


async def fetch(request: ApiRequest) -> Answer:
    """One account."""
    request.representable()
    return Resource("Account", present(ACCOUNTS, request, _record(request)))


async def create(request: ApiRequest) -> Answer:
    """A subaccount of the caller's account."""
    request.representable()
    if request.account.owner_sid:
        raise RestError("A subaccount cannot own accounts", code=unauthorized().code, status=403)
    made = Record.new("AC", "accounts", request.account.sid, {})
    name = request.form.text("FriendlyName") or f"SubAccount Created at {made.date_created:%Y-%m-%d %I:%M %p}"
    read = Text(64, BAD_NAME).read(name, "FriendlyName", request)
    made = made.changed(friendly_name=read, auth_token=secrets.token_hex(16), status="active")
    await request.services.directory.change(made)
    return Resource("Account", present(ACCOUNTS, request, made), 201)


async def update(request: ApiRequest) -> Answer:
    """Renames, suspends, resumes or closes an account."""
    request.representable()
    form, old = request.form, _record(request)
    changes = {
        field.key: field.value.read(form.text(field.name), field.name, request)
        for field in ACCOUNTS.fields
        if field.value and field.name in form
    }
    if "status" in changes and request.account.sid == request.caller.account.sid:
        raise RestError("An account cannot change its own status", code=OWN_STATUS)
    new = changeable(old).changed(**changes)
    directory = request.services.directory
    closed = new["status"] == "closed"
    await directory.change(new, delete=directory.of("incoming_phone_numbers", new.sid) if closed else ())
    if closed:
        await _hang_up(request)
    return Resource("Account", present(ACCOUNTS, request, new))


async def _hang_up(request: ApiRequest) -> None:
    """Ends every live call of the account."""
    live = select(calls.c.sid).where(calls.c.account_sid == request.account.sid, calls.c.end_time.is_(None))
    for row in await request.services.store.fetch(live):
        try:
            await request.services.switchboard.end(row["sid"], canceled=False)
        except RestError as error:
            if error.code != WRONG_STATE:  # it has ended meanwhile
                raise


def _record(request: ApiRequest) -> Record:
    record = request.services.directory.get("accounts", request.account.sid)
    assert record is not None, "the accounts are those of the directory"
    return record


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", "Accounts", listing)
    routes.add("POST", "Accounts", create)
    routes.add("GET", OWN, fetch)
    routes.add("POST", OWN, update)
