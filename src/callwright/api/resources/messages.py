"""Messages: kept, never sent: this is a server for voice (call-control reference §3.13)."""

from callwright.api.request import ApiRequest
from callwright.api.stored.declaration import ALL, READ, UPDATE, Field, Filter, Stored
from callwright.api.stored.values import Text, Url
from callwright.errors import RestError
from callwright.store.directory import Record

NO_TO, NO_FROM, NO_BODY, LONG_BODY, BAD_MEDIA = 21604, 21603, 21602, 21617, 21620
NOT_SENT = 30008


def _check(request: ApiRequest, new: Record, old: Record | None) -> Record:
    if not (new["from"] or new["messaging_service_sid"]):
        raise RestError("A 'From' phone number is required", code=NO_FROM)
    if not (new["body"] or new["media_url"]):
        raise RestError("Message body or media is required", code=NO_BODY)
    return new


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
    notes="kept with status `failed` (30008): nothing is sent",
    maturity="not",
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
