"""Transcriptions of recordings: list, fetch, delete, and their text alone (call-control reference §3.3)."""

from typing import Any

from sqlalchemy import ColumnElement
from starlette.responses import PlainTextResponse

from callwright.api.paging import Listing, dated
from callwright.api.representation import API_VERSION, date, number
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.resources import recordings
from callwright.api.routes import OWN, Routes
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.traces import transcriptions

FILTERS = ("DateCreated", "DateCreated<", "DateCreated>")
LIST = Listing(transcriptions, "Transcriptions", "transcriptions", "Transcription", FILTERS)
IN_PROGRESS = 20009
TEXT = "txt"


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A transcription's fields."""
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "recording_sid": row["recording_sid"],
        "api_version": API_VERSION,
        "date_created": date(row["date_created"]),
        "date_updated": date(row["date_updated"]),
        "duration": number(row["duration"]),
        "price": None,
        "price_unit": "USD",
        "status": row["status"],
        "transcription_text": row["text"],
        "type": "fast",
        "uri": f"{request.base}/Transcriptions/{row['sid']}{request.suffix}",
    }


async def find(request: ApiRequest, sid: str, recording_sid: str = "") -> Row:
    """The row of a transcription of this account, and of this recording when one is given.

    Raises:
        RestError: 20404.
    """
    row = await request.services.store.get(transcriptions, sid)
    if row is None or row["account_sid"] != request.account.sid:
        raise request.missing()
    if recording_sid and row["recording_sid"] != recording_sid:
        raise request.missing()
    return row


async def fetch(request: ApiRequest, transcription_sid: str, recording_sid: str = "") -> Answer:
    """A transcription's fields; as .txt its text alone."""
    if request.extension != TEXT:
        request.representable()
    row = await find(request, transcription_sid, recording_sid)
    if request.extension == TEXT:
        return PlainTextResponse(row["text"] or "")
    return Resource("Transcription", present(request, row))


async def remove(request: ApiRequest, transcription_sid: str, recording_sid: str = "") -> Answer:
    """Deletes one that has ended."""
    row = await find(request, transcription_sid, recording_sid)
    if row["status"] == "in-progress":
        raise RestError("The transcription has not ended: it cannot be deleted", code=IN_PROGRESS, status=409)
    store = request.services.store
    store.delete(transcriptions, row["sid"])
    await store.flushed()
    return Gone()


async def listing(request: ApiRequest, recording_sid: str = "") -> Answer:
    """Those of the account, or of one recording, newest first."""
    request.representable()
    conditions: list[ColumnElement[bool]] = [transcriptions.c.account_sid == request.account.sid]
    path = f"{request.base}/Transcriptions"
    if recording_sid:
        await recordings.find(request, recording_sid)
        conditions.append(transcriptions.c.recording_sid == recording_sid)
        path = f"{request.base}/Recordings/{recording_sid}/Transcriptions"
    conditions += dated(request.query, "DateCreated", transcriptions.c.date_created)
    return await LIST.page(request, path, conditions, lambda row: present(request, row))


def install(routes: Routes) -> None:
    """The paths."""
    for base in (f"{OWN}/Transcriptions", f"{OWN}/Recordings/{{recording_sid}}/Transcriptions"):
        routes.add("GET", base, listing)
        routes.add("GET", f"{base}/{{transcription_sid}}", fetch)
        routes.add("DELETE", f"{base}/{{transcription_sid}}", remove)
