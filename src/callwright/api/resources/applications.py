"""Applications: who answers calls, kept once and named by numbers, calls and clients (call-control reference §3.6)."""

from collections.abc import Iterable

from callwright.api.errors import NOT_FINISHED
from callwright.api.request import ApiRequest
from callwright.api.stored.declaration import Field, Filter, Stored
from callwright.api.stored.values import METHOD, Flag, Text, Url
from callwright.errors import RestError
from callwright.store.directory import Record

BAD_NAME = 20002

VOICE = (
    Field("VoiceUrl", Url(), ""),
    Field("VoiceMethod", METHOD, "POST"),
    Field("VoiceFallbackUrl", Url(), ""),
    Field("VoiceFallbackMethod", METHOD, "POST"),
    Field("StatusCallback", Url(), ""),
    Field("StatusCallbackMethod", METHOD, "POST"),
    Field("VoiceCallerIdLookup", Flag(), False),
)
"""What applications and numbers share."""

SMS = (
    Field("SmsUrl", Url(), ""),
    Field("SmsMethod", METHOD, "POST"),
    Field("SmsFallbackUrl", Url(), ""),
    Field("SmsFallbackMethod", METHOD, "POST"),
)
"""Kept for clients that set them; nothing is sent."""


def _unused(request: ApiRequest, record: Record) -> Iterable[Record]:
    if request.services.in_use(record.sid):
        raise RestError("Live calls run this application: it cannot be deleted", code=NOT_FINISHED, status=409)
    return ()


APPLICATIONS = Stored(
    kind="applications",
    path="Applications",
    name="Application",
    prefix="AP",
    fields=(
        Field("FriendlyName", Text(64, BAD_NAME), ""),
        *VOICE,
        *SMS,
        Field("SmsStatusCallback", Url(), ""),
        Field("MessageStatusCallback", Url(), ""),
        Field("PublicApplicationConnectEnabled", Flag(), False),
    ),
    filters=(Filter("FriendlyName"),),
    api_version=True,
    parts=_unused,
    notes="`SmsUrl`, else `SmsFallbackUrl`, is told of messages to numbers that name it; status callbacks are kept",
)

STORED = (APPLICATIONS,)
