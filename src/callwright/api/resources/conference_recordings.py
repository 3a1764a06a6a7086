"""Recordings of a conference: list, fetch, delete (call-control reference §3.4)."""

from typing import Any

from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources import conferences, recordings
from callwright.api.routes import OWN, Routes
from callwright.store.sqlite import Row
from callwright.store.tables import recordings as table


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A recording's fields as a resource of its conference."""
    path = f"{request.base}/Conferences/{row['conference_sid']}/Recordings/{row['sid']}"
    return recordings.present(request, row, of_call=True) | {"uri": f"{path}{request.suffix}"}


async def _find(request: ApiRequest, conference_sid: str, recording_sid: str) -> Row:
    row = await recordings.find(request, recording_sid)
    if row["conference_sid"] != conference_sid:
        raise request.missing()
    return row


async def listing(request: ApiRequest, conference_sid: str) -> Answer:
    """The recordings of one conference, newest first."""
    request.representable()
    await conferences.find(request, conference_sid)
    path = f"{request.base}/Conferences/{conference_sid}/Recordings"
    wanted = [*recordings.conditions(request), table.c.conference_sid == conference_sid]
    return await recordings.LIST.page(request, path, wanted, lambda row: present(request, row))


async def fetch(request: ApiRequest, conference_sid: str, recording_sid: str) -> Answer:
    """One recording of a conference."""
    request.representable()
    return Resource("Recording", present(request, await _find(request, conference_sid, recording_sid)))


async def remove(request: ApiRequest, conference_sid: str, recording_sid: str) -> Answer:
    """Deletes one recording of a conference."""
    await _find(request, conference_sid, recording_sid)
    return await recordings.remove(request, recording_sid)


def install(routes: Routes) -> None:
    """The paths."""
    of_conference = f"{OWN}/Conferences/{{conference_sid}}/Recordings"
    routes.add("GET", of_conference, listing)
    routes.add("GET", f"{of_conference}/{{recording_sid}}", fetch)
    routes.add("DELETE", f"{of_conference}/{{recording_sid}}", remove)
