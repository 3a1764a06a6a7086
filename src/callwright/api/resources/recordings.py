"""Recordings: list, fetch, delete, and their sound (call-control reference §3.3)."""

import asyncio
from typing import Any

from sqlalchemy import ColumnElement
from starlette.responses import FileResponse

from callwright import clock
from callwright.api import errors, media, order
from callwright.api.paging import Listing, dated
from callwright.api.representation import API_VERSION, date, number
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.resources import calls
from callwright.api.routes import OWN, Routes
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.tables import recordings

EQUAL = {"CallSid": "call_sid", "ConferenceSid": "conference_sid"}
LIST = Listing(
    recordings,
    "Recordings",
    "recordings",
    "Recording",
    (*EQUAL, "DateCreated", "DateCreated<", "DateCreated>", "IncludeSoftDeleted"),
)
CONTENT_TYPES = {"wav": "audio/x-wav", "mp3": "audio/mpeg"}
MONO_ONLY = 16113
_OPEN = frozenset({"in-progress", "paused", "stopped", "processing"})
CURRENT = "Twilio.CURRENT"


def present(request: ApiRequest, row: Row, *, of_call: bool = False) -> dict[str, Any]:
    """A recording's fields; `of_call`: as a resource of its call, which tells the track too."""
    suffix, path = request.suffix, f"{request.base}/Recordings/{row['sid']}"
    media_url = None if row["deleted"] else f"{request.services.public_url}{path}"
    fields = {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "call_sid": row["call_sid"],
        "conference_sid": row["conference_sid"],
        "api_version": API_VERSION,
        "date_created": date(row["date_created"]),
        "date_updated": date(row["date_updated"]),
        "start_time": date(row["start_time"]),
        "duration": number(row["duration"]),
        "channels": row["channels"],
        "source": row["source"],
        "status": row["status"],
        "error_code": row["error_code"],
        "price": None,
        "price_unit": "USD",
        "encryption_details": None,
    }
    if of_call:
        uri = f"{request.base}/Calls/{row['call_sid']}/Recordings/{row['sid']}{suffix}"
        return fields | {"track": row["track"], "uri": uri}
    return fields | {
        "uri": f"{path}{suffix}",
        "media_url": media_url,
        "subresource_uris": {
            "add_on_results": f"{path}/AddOnResults{suffix}",
            "transcriptions": f"{path}/Transcriptions{suffix}",
        },
    }


async def find(request: ApiRequest, sid: str) -> Row:
    """The row of a recording of this account; a deleted one only with IncludeSoftDeleted.

    Raises:
        RestError: 20404.
    """
    row = await request.services.store.get(recordings, sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    if row["deleted"] and not request.query.boolean("IncludeSoftDeleted"):
        raise request.missing()
    return row


async def _find_of_call(request: ApiRequest, call_sid: str, sid: str) -> Row:
    if sid == CURRENT:
        await calls.find(request, call_sid)
        try:
            sid = request.services.switchboard.recording(call_sid, sid)
        except RestError:
            raise request.missing() from None
    row = await find(request, sid)
    if row["call_sid"] != call_sid:
        raise request.missing()
    return row


async def fetch(request: ApiRequest, recording_sid: str) -> Answer:
    """A recording's fields as .json or .xml; its sound as .wav, .mp3, or without an extension."""
    row = await find(request, recording_sid)
    if request.extension in ("", *CONTENT_TYPES):
        return await _sound(request, row)
    request.representable()
    return Resource("Recording", present(request, row))


async def _sound(request: ApiRequest, row: Row) -> Answer:
    if row["deleted"] or row["status"] != "completed" or not row["path"]:
        raise request.missing()
    recorded = row["channels"] or 1
    channels = request.query.integer("RequestedChannels", 1, 2, code=errors.INVALID_PARAMETER) or recorded
    if channels > recorded:
        raise RestError("The recording has one channel: two were requested", code=MONO_ONLY)
    kind = request.extension or "wav"
    wav = request.services.recordings / row["path"]
    if not await asyncio.to_thread(wav.is_file):
        raise request.missing()
    file = await media.sound(wav, kind=kind, channels=channels, recorded=recorded, mp3=request.services.mp3)
    name = f"{row['sid']}.{kind}" if request.query.boolean("Download") else None
    return FileResponse(file, media_type=CONTENT_TYPES[kind], filename=name)


async def remove(request: ApiRequest, recording_sid: str) -> Answer:
    """Deletes the sound; the fields stay as those of a deleted recording."""
    row = await find(request, recording_sid)
    if row["deleted"]:
        raise request.missing()
    if row["status"] in _OPEN:
        raise RestError("The recording has not ended: it cannot be deleted", code=errors.NOT_FINISHED, status=409)
    if row["path"]:
        await asyncio.to_thread(media.remove, request.services.recordings / row["path"])
    store = request.services.store
    change = {"status": "deleted", "deleted": True, "path": None, "date_updated": clock.now()}
    store.put(recordings, {"sid": row["sid"], **change})
    await store.flushed()
    return Gone()


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for."""
    query = request.query
    found: list[ColumnElement[bool]] = [recordings.c.account_sid == request.account.sid]
    for name, column in EQUAL.items():
        if value := query.text(name):
            found.append(recordings.c[column] == value)
    if not query.boolean("IncludeSoftDeleted"):
        found.append(recordings.c.deleted.is_not(True))
    return found + dated(query, "DateCreated", recordings.c.date_created)


async def listing(request: ApiRequest) -> Answer:
    """The account's recordings, newest first."""
    request.representable()
    path = f"{request.base}/Recordings"
    return await LIST.page(request, path, conditions(request), lambda row: present(request, row))


async def listing_of_call(request: ApiRequest, call_sid: str) -> Answer:
    """The recordings of one call, newest first."""
    request.representable()
    await calls.find(request, call_sid)
    path = f"{request.base}/Calls/{call_sid}/Recordings"
    of_call = [*conditions(request), recordings.c.call_sid == call_sid]
    return await LIST.page(request, path, of_call, lambda row: present(request, row, of_call=True))


async def fetch_of_call(request: ApiRequest, call_sid: str, recording_sid: str) -> Answer:
    """One recording of a call."""
    request.representable()
    row = await _find_of_call(request, call_sid, recording_sid)
    return Resource("Recording", present(request, row, of_call=True))


async def create_of_call(request: ApiRequest, call_sid: str) -> Answer:
    """Begins to record a live call."""
    request.representable()
    await calls.find(request, call_sid)
    sid = await request.services.switchboard.record(call_sid, order.background(request.form))
    return Resource("Recording", present(request, await find(request, sid), of_call=True), 201)


async def update_of_call(request: ApiRequest, call_sid: str, recording_sid: str) -> Answer:
    """Pauses, continues or stops a recording."""
    request.representable()
    row = await _find_of_call(request, call_sid, recording_sid)
    form = request.form
    status = form.choice("Status", ("paused", "in-progress", "stopped"), code=errors.INVALID_PARAMETER)
    if not status:
        raise RestError("Status is missing: paused, in-progress or stopped", code=errors.INVALID_PARAMETER)
    behavior = form.choice("PauseBehavior", ("skip", "silence"), default="silence", code=errors.INVALID_PARAMETER)
    await request.services.switchboard.steer(call_sid, row["sid"], status, silence=behavior == "silence")
    return Resource("Recording", present(request, row | {"status": status}, of_call=True))


async def remove_of_call(request: ApiRequest, call_sid: str, recording_sid: str) -> Answer:
    """Deletes one recording of a call."""
    row = await _find_of_call(request, call_sid, recording_sid)
    return await remove(request, row["sid"])


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Recordings", listing)
    routes.add("GET", f"{OWN}/Recordings/{{recording_sid}}", fetch)
    routes.add("DELETE", f"{OWN}/Recordings/{{recording_sid}}", remove)
    of_call = f"{OWN}/Calls/{{call_sid}}/Recordings"
    routes.add("GET", of_call, listing_of_call)
    routes.add("POST", of_call, create_of_call)
    routes.add("GET", f"{of_call}/{{recording_sid}}", fetch_of_call)
    routes.add("POST", f"{of_call}/{{recording_sid}}", update_of_call)
    routes.add("DELETE", f"{of_call}/{{recording_sid}}", remove_of_call)
