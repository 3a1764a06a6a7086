"""Messages: kept; those to a SIP URI are sent (RFC 3428), no others: this is a server for voice (reference §3.13)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from callwright import clock
from callwright.account import Account
from callwright.api.request import ApiRequest
from callwright.api.stored.declaration import ALL, READ, UPDATE, Field, Filter, Stored
from callwright.api.stored.values import Text, Url
from callwright.calls.application import Hook
from callwright.calls.pager import QUEUE_OVERFLOW, Settled
from callwright.calls.pager import Text as Outgoing
from callwright.errors import RestError
from callwright.sip.uri import is_sip
from callwright.store.directory import Directory, Record

NO_TO, NO_FROM, NO_BODY, LONG_BODY, BAD_MEDIA = 21604, 21603, 21602, 21617, 21620
NOT_SENT = 30008


class Teller(Protocol):
    """Posts the status callback of a message that has ended."""

    def tell(self, text: Outgoing, outcome: Settled) -> None: ...


def _check(request: ApiRequest, new: Record, old: Record | None) -> Record:
    if not (new["from"] or new["messaging_service_sid"]):
        raise RestError("A 'From' phone number is required", code=NO_FROM)
    if not (new["body"] or new["media_url"]):
        raise RestError("Message body or media is required", code=NO_BODY)
    if is_sip(new["to"]) and new["body"] and new["from"]:
        new = replace(new, fields={**new.fields, "status": "queued", "error_code": None, "error_message": None})
    return new


async def _made(request: ApiRequest, record: Record) -> Record:
    """Sends it, when it is one that is sent."""
    if record["status"] != "queued":
        return record
    directory = request.services.directory
    if request.services.pager.send(_outgoing(record, request.account), partial(_settled, directory, record.sid)):
        return record
    why = "Too many messages are under way"
    failed = record.changed(status="failed", error_code=QUEUE_OVERFLOW, error_message=why)
    await directory.change(failed)
    return failed


def _outgoing(record: Record, account: Account) -> Outgoing:
    callback = Hook(record["status_callback"]) if record["status_callback"] else None
    return Outgoing(record.sid, account, record["to"], record["from"], record["body"], callback)


async def _settled(directory: Directory, sid: str, outcome: Settled) -> None:
    """The end of one, unless it has been deleted meanwhile."""
    if (record := directory.get("messages", sid)) is None:
        return
    sent = clock.rfc2822(clock.now()) if not outcome.error_code else None
    error = {"error_code": outcome.error_code or None, "error_message": outcome.reason if outcome.error_code else None}
    await directory.change(record.changed(status=outcome.status, date_sent=sent, **error))


async def settle_lost(directory: Directory, accounts: Mapping[str, Account], pager: Teller) -> None:
    """Ends what the daemon before this one had under way: whether it was delivered, nobody knows.

    Raises:
        StoreError: the ends cannot be written.
    """
    outcome = Settled("undelivered", NOT_SENT, "the server was restarted")
    for record in directory.all("messages"):
        account = accounts.get(record.account_sid)
        if record["status"] == "queued" and account is not None:
            await _settled(directory, record.sid, outcome)
            pager.tell(_outgoing(record, account), outcome)


MESSAGES = Stored(
    kind="messages",
    path="Messages",
    name="Message",
    prefix="SM",
    fields=(
        Field("To", Text(256), required=True, missing=NO_TO),
        Field("From", Text(256)),
        Field("MessagingServiceSid", Text(34)),
        Field("Body", Text(1600, LONG_BODY, lines=True), ""),
        Field("MediaUrl", Url(BAD_MEDIA), "", shown=False),
        Field("StatusCallback", Url(), "", shown=False),
        Field("Status", default="failed"),
        Field("ErrorCode", default=NOT_SENT),
        Field("ErrorMessage", default="This server sends no messages"),
        Field("Direction", default="outbound-api"),
        Field("NumSegments", default="1"),
        Field("NumMedia", default="0"),
        Field("Price"),
        Field("PriceUnit", default="USD"),
        Field("DateSent"),
    ),
    operations=ALL - {UPDATE},
    filters=(Filter("To"), Filter("From"), Filter("DateSent", "date")),
    subresources={"media": "Media"},
    api_version=True,
    check=_check,
    made=_made,
    notes="to a `sip:` URI: sent as SIP MESSAGE, with `StatusCallback`; others are kept with status `failed` (30008)",
    maturity="partly",
)
MEDIA = Stored(
    kind="media",
    key="media_list",
    path="Messages/{message_sid}/Media",
    name="Media",
    prefix="ME",
    fields=(),
    operations=READ,
    parent=MESSAGES,
    notes="none",
    maturity="not",
)
STORED = (MESSAGES, MEDIA)
