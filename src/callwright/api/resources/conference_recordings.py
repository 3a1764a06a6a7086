"""Recordings of a conference: list, fetch, pause, stop, delete (call-control reference §3.4)."""

from typing import Any

from callwright.api import errors
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources import conferences, recordings
from callwright.api.routes import OWN, Routes
from callwright.calls.conference.recorder import ConferenceRecorder
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.tables import recordings as table


def present(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A recording's fields as a resource of its conference."""
    path = f"{request.base}/Conferences/{row['conference_sid']}/Recordings/{row['sid']}"
    return recordings.present(request, row, of_call=True) | {"uri": f"{path}{request.suffix}"}


async def _find(request: ApiRequest, conference_sid: str, recording_sid: str) -> Row:
    """A recording of a conference; `Twilio.CURRENT` is the one that goes on.

    Raises:
        RestError: 20404.
    """
    if recording_sid == recordings.CURRENT:
        await conferences.find(request, conference_sid)
        recorder = _recorder(request, conference_sid)
        recording_sid = recorder.sid if recorder is not None else ""
    row = await recordings.find(request, recording_sid)
    if row["conference_sid"] != conference_sid:
        raise request.missing()
    return row


def _recorder(request: ApiRequest, conference_sid: str) -> ConferenceRecorder | None:
    conference = conferences.live(request, conference_sid)
    return conference.recorder if conference is not None else None


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


async def update(request: ApiRequest, conference_sid: str, recording_sid: str) -> Answer:
    """Pauses, continues or stops a recording."""
    request.representable()
    row = await _find(request, conference_sid, recording_sid)
    form = request.form
    status = form.choice("Status", ("paused", "in-progress", "stopped"), code=errors.INVALID_PARAMETER)
    if not status:
        raise RestError("Status is missing: paused, in-progress or stopped", code=errors.INVALID_PARAMETER)
    behavior = form.choice("PauseBehavior", ("skip", "silence"), default="silence", code=errors.INVALID_PARAMETER)
    recorder = _recorder(request, conference_sid)
    if recorder is None or recorder.sid != row["sid"]:
        raise RestError("Recording is not in progress", code=errors.WRONG_STATE)
    recorder.steer(status, silence=behavior == "silence")
    await request.services.store.flushed()
    return Resource("Recording", present(request, row | {"status": status}))


async def remove(request: ApiRequest, conference_sid: str, recording_sid: str) -> Answer:
    """Deletes one recording of a conference."""
    row = await _find(request, conference_sid, recording_sid)
    return await recordings.remove(request, row["sid"])


def install(routes: Routes) -> None:
    """The paths."""
    of_conference = f"{OWN}/Conferences/{{conference_sid}}/Recordings"
    routes.add("GET", of_conference, listing)
    routes.add("GET", f"{of_conference}/{{recording_sid}}", fetch)
    routes.add("POST", f"{of_conference}/{{recording_sid}}", update)
    routes.add("DELETE", f"{of_conference}/{{recording_sid}}", remove)
