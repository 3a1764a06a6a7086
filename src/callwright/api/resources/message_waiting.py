"""Message waiting: how many voice messages a mailbox holds, which phones show (RFC 3842).

The reference has no such resource: the daemon keeps no mailboxes, applications record messages, and say here how many
there are. A user has a mailbox at his address of record; further ones, which all users of the account may watch, are
made by a POST to the list.
"""

import re
from typing import Any
from urllib.parse import quote

from callwright.api.errors import CONFLICT, INVALID_PARAMETER
from callwright.api.live_paging import live_page
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.routes import OWN, Routes
from callwright.errors import RestError
from callwright.sip.events.mailboxes import Mailbox
from callwright.sip.events.summary import MOST_MESSAGES, Counts, Summary, is_account

PATH = "SIP/MessageWaiting"
_ADDRESS = re.compile(r"[A-Za-z0-9+_.!~*'()-]{1,64}@[A-Za-z0-9.\[\]:-]{1,253}")


def present(request: ApiRequest, mailbox: Mailbox) -> dict[str, Any]:
    """A mailbox's fields."""
    told, shown = mailbox.told.voice, mailbox.shown.voice
    return {
        "mailbox": mailbox.address,
        "account_sid": request.account.sid,
        "messages_waiting": mailbox.shown.waiting,
        "new_messages": told.new,
        "old_messages": told.old,
        "new_urgent_messages": told.new_urgent,
        "old_urgent_messages": told.old_urgent,
        "message_account": mailbox.told.account or None,
        "total_new_messages": shown.new,
        "total_old_messages": shown.old,
        "uri": f"{request.base}/{PATH}/{quote(mailbox.address, safe='@')}{request.suffix}",
    }


def _address(request: ApiRequest, name: str) -> str:
    """NAME@DOMAIN of a name, which may lack the domain when it is that of [sip]."""
    return name if "@" in name else f"{name}@{request.services.config.sip.domain}"


def _find(request: ApiRequest, mailbox: str) -> Mailbox:
    """A mailbox of this account.

    Raises:
        RestError: 20404.
    """
    found = request.services.mailboxes.find(request.account.sid, _address(request, mailbox))
    if found is None:
        raise request.missing()
    return found


def _told(request: ApiRequest, before: Summary) -> Summary:
    """What a request says; what it does not say stays as it was.

    Raises:
        RestError: 20422.
    """
    form, old = request.form, before.voice

    def count(name: str, now: int) -> int:
        given = form.integer(name, 0, MOST_MESSAGES, code=INVALID_PARAMETER)
        return now if given is None else given

    try:
        counts = Counts(
            new=count("NewMessages", old.new),
            old=count("OldMessages", old.old),
            new_urgent=count("NewUrgentMessages", old.new_urgent),
            old_urgent=count("OldUrgentMessages", old.old_urgent),
        )
    except ValueError as fault:
        raise RestError(f"{fault}: NewUrgentMessages, OldUrgentMessages", code=INVALID_PARAMETER) from None
    account = form.text("MessageAccount") if "MessageAccount" in form else before.account
    if account and not is_account(account):
        raise RestError("MessageAccount must be a URI", code=INVALID_PARAMETER)
    return Summary.of_voice(counts, account)


async def create(request: ApiRequest) -> Answer:
    """Makes a mailbox that the account's users share."""
    request.representable()
    name = request.form.text("Mailbox").strip()
    address = _address(request, name)
    if not _ADDRESS.fullmatch(address):
        raise RestError("Mailbox must be NAME or NAME@DOMAIN, as a SIP URI has it", code=INVALID_PARAMETER)
    mailboxes = request.services.mailboxes
    if mailboxes.find(request.account.sid, address) is not None:
        raise RestError(f"The mailbox {address} is there already: POST to it", code=CONFLICT, status=409)
    try:
        made = mailboxes.open(request.account.sid, address, _told(request, Summary()))
    except ValueError as fault:
        raise RestError(f"Mailbox {address}: {fault}", code=INVALID_PARAMETER) from None
    await request.services.store.flushed()
    return Resource("Mailbox", present(request, made), 201)


async def fetch(request: ApiRequest, mailbox: str) -> Answer:
    """One mailbox."""
    request.representable()
    return Resource("Mailbox", present(request, _find(request, mailbox)))


async def update(request: ApiRequest, mailbox: str) -> Answer:
    """Says how many messages there are now: phones that watch are told at once."""
    request.representable()
    found = _find(request, mailbox)
    made = request.services.mailboxes.tell(found.resource, _told(request, found.told))
    await request.services.store.flushed()
    return Resource("Mailbox", present(request, made))


async def remove(request: ApiRequest, mailbox: str) -> Answer:
    """Forgets what was said of a user's mailbox; one that users share is gone."""
    request.services.mailboxes.forget(_find(request, mailbox).resource)
    await request.services.store.flushed()
    return Gone()


async def listing(request: ApiRequest) -> Answer:
    """The account's mailboxes of which anything is known."""
    request.representable()
    found = request.services.mailboxes.of(request.account.sid)
    names = ("Mailboxes", "mailboxes", "Mailbox")
    return live_page(request, f"{request.base}/{PATH}", names, found, lambda one: present(request, one))


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/{PATH}", listing)
    routes.add("POST", f"{OWN}/{PATH}", create)
    routes.add("GET", f"{OWN}/{PATH}/{{mailbox}}", fetch)
    routes.add("POST", f"{OWN}/{PATH}/{{mailbox}}", update)
    routes.add("DELETE", f"{OWN}/{PATH}/{{mailbox}}", remove)
