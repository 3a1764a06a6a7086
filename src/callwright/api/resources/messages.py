"""Text messages: sent over SIP or by a gateway, received, and kept (call-control reference §3.13)."""

from typing import Any

from callwright import clock
from callwright.api.errors import invalid
from callwright.api.live_paging import live_page
from callwright.api.paging import Listing, dated
from callwright.api.representation import API_VERSION, date
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.routes import OWN, Routes
from callwright.api.stored.pages import plus
from callwright.api.stored.values import Text, Url
from callwright.calls.control import MessagePlan
from callwright.calls.segments import segments
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.traces import messages

NO_TO, NO_FROM, NOT_OWNED, NO_BODY, LONG_BODY, BAD_MEDIA = 21604, 21603, 21606, 21602, 21617, 21620
MOST_MEDIA = 10
PARTY, BODY, MEDIA_URL = Text(256), Text(1600, LONG_BODY, lines=True), Url(BAD_MEDIA)
EQUAL = {"To": "to", "From": "from"}
LIST = Listing(messages, "Messages", "messages", "Message", (*EQUAL, *("DateSent" + sign for sign in ("", "<", ">"))))


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A message's fields."""
    path = f"{request.base}/Messages/{row['sid']}"
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "api_version": API_VERSION,
        "body": row["body"],
        "from": row["from"],
        "to": row["to"],
        "status": row["status"],
        "direction": row["direction"],
        "num_segments": str(segments(row["body"] or "")),
        "num_media": str(len(row["media"] or ())),
        "error_code": row["error_code"],
        "error_message": row["error_message"],
        "messaging_service_sid": None,
        "price": None,
        "price_unit": "USD",
        "date_created": date(row["date_created"]),
        "date_updated": date(row["date_updated"]),
        "date_sent": date(row["date_sent"]),
        "uri": f"{path}{request.suffix}",
        "subresource_uris": {"media": f"{path}/Media{request.suffix}"},
    }


async def find(request: ApiRequest, sid: str) -> Row:
    """The row of a message of this account.

    Raises:
        RestError: 20404.
    """
    request.representable()
    row = await request.services.store.get(messages, sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    return row


async def create(request: ApiRequest) -> Answer:
    """Sends a message; what becomes of it shows in its status."""
    request.representable()
    row = request.services.messages.send(request.account, _plan(request))
    await request.services.store.flushed()
    return Resource("Message", present(request, row), 201)


def _plan(request: ApiRequest) -> MessagePlan:
    form = request.form
    to, from_, body = form.text("To"), form.text("From"), form.text("Body")
    media = form.words("MediaUrl")
    if not to:
        raise RestError("A 'To' phone number is required", code=NO_TO)
    if not from_:
        raise RestError("A 'From' phone number is required", code=NO_FROM)
    if not body and not media:
        raise RestError("Message body or media is required", code=NO_BODY)
    if from_.startswith("+") and not request.services.owns(request.account.sid, from_):
        raise RestError("The 'From' phone number is none of this account", code=NOT_OWNED)
    if len(media) > MOST_MEDIA:
        raise RestError(f"More than {MOST_MEDIA} MediaUrl", code=BAD_MEDIA)
    return MessagePlan(
        to=PARTY.read(to, "To", request),
        from_=PARTY.read(from_, "From", request),
        body=BODY.read(body, "Body", request) if body else "",
        callback=form.hook("StatusCallback", "StatusCallbackMethod"),
        media=tuple(MEDIA_URL.read(url, "MediaUrl", request) for url in media),
    )


async def listing(request: ApiRequest) -> Answer:
    """The account's messages, newest first."""
    request.representable()
    conditions = [messages.c.account_sid == request.account.sid]
    for name, column in EQUAL.items():
        if value := plus(request.query.text(name)):
            conditions.append(messages.c[column] == value)
    conditions += dated(request.query, "DateSent", messages.c.date_sent)
    return await LIST.page(request, f"{request.base}/Messages", conditions, lambda row: present(request, row))


async def fetch(request: ApiRequest, message_sid: str) -> Answer:
    """One message."""
    return Resource("Message", present(request, await find(request, message_sid)))


async def update(request: ApiRequest, message_sid: str) -> Answer:
    """Forgets what a message said: `Body` is empty."""
    row = await find(request, message_sid)
    if "Body" not in request.form or request.form.text("Body"):
        raise invalid("Body", request.form.text("Body", "nothing")[:32])
    change = {"body": "", "media": [], "date_updated": clock.now()}
    request.services.store.put(messages, {"sid": row["sid"], **change})
    await request.services.store.flushed()
    return Resource("Message", present(request, row | change))


async def remove(request: ApiRequest, message_sid: str) -> Answer:
    """Deletes the record of one."""
    row = await find(request, message_sid)
    request.services.store.delete(messages, row["sid"])
    await request.services.store.flushed()
    return Gone()


async def media(request: ApiRequest, message_sid: str) -> Answer:
    """None are kept: the gateway fetches them."""
    row = await find(request, message_sid)
    nothing: list[dict[str, Any]] = []
    path = f"{request.base}/Messages/{row['sid']}/Media"
    return live_page(request, path, ("MediaList", "media_list", "Media"), nothing, dict)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Messages", listing)
    routes.add("POST", f"{OWN}/Messages", create)
    one = f"{OWN}/Messages/{{message_sid}}"
    routes.add("GET", one, fetch)
    routes.add("POST", one, update)
    routes.add("DELETE", one, remove)
    routes.add("GET", f"{one}/Media", media)
