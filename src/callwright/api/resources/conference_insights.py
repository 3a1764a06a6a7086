"""Insights of conferences: a summary of each, and who took part in it (call-control reference §3.18)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, false, or_, select

from callwright.api.paging import Listing, span
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources import conferences as conference_resource
from callwright.api.resources.call_summaries import tagged, whose
from callwright.api.resources.insights import STATES, figures, kind_of, tags
from callwright.api.routes import Routes
from callwright.api.stored.presentation import iso
from callwright.api.v1 import enveloped
from callwright.calls.conference.plan import MOST_PARTICIPANTS
from callwright.calls.countries import countries_of
from callwright.calls.status import INWARD
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.store import Store
from callwright.store.tables import calls, conferences
from callwright.store.traces import participations

PATH = "/v1/Conferences"
STATUSES = {"init": "not_started", "in-progress": "in_progress", "completed": "completed"}
FILTERS = (
    *("ConferenceSid", "FriendlyName", "Status", "CreatedAfter", "CreatedBefore", "MixerRegion", "EndReason"),
    *("Tags", "DetectedIssues", "Subaccount"),
)
TAGS = {"detected_silence": "silent"}
"""Spellings of the filter that differ from those of the summaries."""
LIST = Listing(conferences, "Conferences", "conferences", "Conference", FILTERS)
PARTICIPANTS = Listing(participations, "Participants", "participants", "Participant", ("Label", "ParticipantSid"))
INVALID = 20422


def _at(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _seconds(begin: datetime | None, end: datetime | None) -> int | None:
    return round((end - begin).total_seconds()) if begin and end else None


def ended(row: Row) -> datetime | None:
    """When a conference ended; one that a crash ended has the moment in which that was found."""
    if row["status"] != "completed":
        return None
    moment: datetime | None = row["end_time"] or row["date_updated"]
    return moment


def most_at_once(there: Iterable[Row], end: datetime | None) -> int:
    """The most participants that were in a conference at the same time."""
    steps = []
    for one in there:
        steps.append((one["date_created"], 1))
        if (left := one["leave_time"] or end) is not None:
            steps.append((left, -1))
    now = most = 0
    for _, step in sorted(steps):  # who leaves in the moment in which another comes goes first
        now += step
        most = max(most, now)
    return most


def summary(request: ApiRequest, row: Row, there: Sequence[Row], of: Mapping[str, Row]) -> dict[str, Any]:
    """A conference's summary.

    Args:
        there: its participations.
        of: the rows of their calls, by CallSid.
    """
    end, settings = ended(row), row["settings"] or {}
    reason = row["reason_conference_ended"]
    told = Counter(tag for one in there if one["call_sid"] in of for tag in tags(of[one["call_sid"]]))
    url = f"{request.services.public_url}{PATH}/{row['sid']}"
    return {
        "conference_sid": row["sid"],
        "account_sid": row["account_sid"],
        "friendly_name": row["friendly_name"],
        "create_time": _at(row["date_created"]),
        "start_time": _at(row["start_time"]),
        "end_time": _at(end),
        "duration_seconds": _seconds(row["date_created"], end),
        "connect_duration_seconds": _seconds(row["start_time"], end),
        "status": STATUSES[row["status"]],
        "max_participants": settings.get("max_participants", MOST_PARTICIPANTS),
        "max_concurrent_participants": most_at_once(there, end),
        "unique_participants": len({one["call_sid"] for one in there}),
        "end_reason": reason.replace("-", "_") if reason else None,
        "ended_by": row["call_sid_ending_conference"],
        "mixer_region": row["region"],
        "mixer_region_requested": row["region"],
        "recording_enabled": bool(settings.get("record")),
        "detected_issues": {
            "quality_warnings": sum(told.values()),
            "participant_behavior": 0,
            "region_configuration": 0,
        },
        "tags": sorted(told),
        "tag_info": dict(sorted(told.items())),
        "processing_state": "complete" if end else "in_progress",
        "url": url,
        "links": {"participants": f"{url}/Participants"},
    }


def participant(request: ApiRequest, one: Row, conference: Row, call: Row | None) -> dict[str, Any]:
    """A participation's fields; those of its call are null when the call's record is gone."""
    leave = one["leave_time"] or ended(conference)
    party = None if call is None else call["from"] if call["direction"] in INWARD else call["to"]
    countries = countries_of(party) if party and party.startswith("+") else ()
    events: dict[str, list[int]] = defaultdict(list)
    for name, moment in one["events"] or ():
        events[name].append(round(moment))
    return {
        "participant_sid": one["sid"],
        "conference_sid": conference["sid"],
        "call_sid": one["call_sid"],
        "account_sid": one["account_sid"],
        "label": one["label"],
        **_of_call(call),
        "country_code": countries[0].iso if countries else None,
        "is_moderator": one["moderator"],
        "join_time": _at(one["date_created"]),
        "leave_time": _at(leave),
        "duration_seconds": one["duration"] or _seconds(one["date_created"], leave),
        "outbound_queue_length": None,
        "outbound_time_in_queue": round(call["queue_time"] / 1000) if call and call["queue_time"] else None,
        "jitter_buffer_size": None,
        "is_coach": bool(one["coached"]),
        "coached_participants": one["coached"] or [],
        "participant_region": conference["region"],
        "conference_region": conference["region"],
        "properties": one["properties"],
        "events": events,
        "processing_state": "complete" if leave else "in_progress",
        "url": f"{request.services.public_url}{PATH}/{conference['sid']}/Participants/{one['sid']}",
    }


def _of_call(call: Row | None) -> dict[str, Any]:
    if call is None:
        return dict.fromkeys(("call_direction", "call_status", "from", "to", "call_type", "metrics"))
    status = str(call["status"])
    return {
        "call_direction": "inbound" if call["direction"] in INWARD else "outbound",
        "call_status": STATES.get(status, status),
        "from": call["from"],
        "to": call["to"],
        "call_type": kind_of(call),
        "metrics": figures(call) or None,
    }


async def _calls_of(store: Store, there: Iterable[Row]) -> dict[str, Row]:
    sids = {one["call_sid"] for one in there}
    found = await store.fetch(select(calls).where(calls.c.sid.in_(sids))) if sids else []
    return {row["sid"]: row for row in found}


async def _summaries(request: ApiRequest, rows: Sequence[Row]) -> list[dict[str, Any]]:
    store = request.services.store
    sids = [row["sid"] for row in rows]
    there: dict[str, list[Row]] = {sid: [] for sid in sids}
    every = await store.fetch(select(participations).where(participations.c.conference_sid.in_(sids)))
    for one in every:
        there[one["conference_sid"]].append(one)
    of = await _calls_of(store, every)
    return [summary(request, row, there[row["sid"]], of) for row in rows]


def conditions(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters of a list ask for.

    Raises:
        RestError: 20422, a status that there is not.
    """
    query, at = request.query, conferences.c.date_created
    found: list[ColumnElement[bool]] = [conferences.c.account_sid == whose(request), *_troubled(request)]
    for name, column in (("ConferenceSid", "sid"), ("FriendlyName", "friendly_name"), ("MixerRegion", "region")):
        if value := query.text(name):
            found.append(conferences.c[column] == value)
    if status := query.text("Status"):
        spelled = {told: kept for kept, told in STATUSES.items()}
        if status not in spelled and status != "summary_timeout":
            raise RestError(f"Status {status[:32]!r} is none of a conference's", code=INVALID)
        found.append(conferences.c.status == spelled.get(status, status))
    if reason := query.text("EndReason"):
        found.append(conferences.c.reason_conference_ended == reason.replace("_", "-"))
    if after := query.text("CreatedAfter"):
        found.append(at >= span(after, "CreatedAfter")[0])
    if before := query.text("CreatedBefore"):
        found.append(at < span(before, "CreatedBefore")[1])
    return found


def _troubled(request: ApiRequest) -> Iterator[ColumnElement[bool]]:
    """What was wrong in a conference: tags, any of which a participant's call has; issues, of which we see those of the
    sound."""
    faults = tagged()
    if wanted := request.query.text("Tags"):
        names = {TAGS.get(name.strip(), name.strip()) for name in wanted.lower().split(",")}
        yield _heard([fault for name, fault in faults.items() if name in names])
    if issues := request.query.text("DetectedIssues"):
        yield _heard(list(faults.values()) if "quality_warnings" in issues.lower().split(",") else [])


def _heard(faults: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """That a participant's call had one of these faults."""
    there = participations.c.conference_sid == conferences.c.sid
    return exists().where(there, participations.c.call_sid == calls.c.sid, or_(*faults)) if faults else false()


async def listing(request: ApiRequest) -> Answer:
    """Summaries of the account's conferences, newest first."""
    page = await LIST.page(request, PATH, conditions(request), dict)
    items = await _summaries(request, page.items)
    return enveloped(replace(page, items=items), request.services.public_url)


async def fetch(request: ApiRequest, conference_sid: str) -> Answer:
    """One summary, incomplete while the conference lives."""
    row = await conference_resource.find(request, conference_sid)
    return Resource("Conference", (await _summaries(request, [row]))[0])


async def participants(request: ApiRequest, conference_sid: str) -> Answer:
    """Who took part in a conference, those who came last first."""
    row = await conference_resource.find(request, conference_sid)
    wanted: list[ColumnElement[bool]] = [participations.c.conference_sid == row["sid"]]
    if label := request.query.text("Label"):
        wanted.append(participations.c.label == label)
    if sid := request.query.text("ParticipantSid"):
        wanted.append(participations.c.sid == sid)
    page = await PARTICIPANTS.page(request, f"{PATH}/{row['sid']}/Participants", wanted, dict)
    of = await _calls_of(request.services.store, page.items)
    items = [participant(request, dict(one), row, of.get(one["call_sid"])) for one in page.items]
    return enveloped(replace(page, items=items), request.services.public_url)


async def fetch_participant(request: ApiRequest, conference_sid: str, participant_sid: str) -> Answer:
    """One of them, by the SID of the participation or of the call."""
    row = await conference_resource.find(request, conference_sid)
    column = participations.c.call_sid if participant_sid.startswith("CA") else participations.c.sid
    query = select(participations).where(participations.c.conference_sid == row["sid"], column == participant_sid)
    one = await request.services.store.fetch_one(query.order_by(participations.c.date_created.desc()).limit(1))
    if one is None:
        raise request.missing()
    of = await _calls_of(request.services.store, [one])
    return Resource("Participant", participant(request, one, row, of.get(one["call_sid"])))


def install(routes: Routes) -> None:
    """The paths."""
    one = f"{PATH}/{{conference_sid}}"
    routes.add("GET", PATH, listing)
    routes.add("GET", one, fetch)
    routes.add("GET", f"{one}/Participants", participants)
    routes.add("GET", f"{one}/Participants/{{participant_sid}}", fetch_participant)
