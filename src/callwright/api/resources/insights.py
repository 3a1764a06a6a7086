"""Voice insights of a call, from what its record has: summary, metrics, events, annotation (reference §3.18)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_

from callwright import clock, ids
from callwright.api.paging import Listing, asked, between
from callwright.api.request import Answer, ApiRequest, Page, Resource
from callwright.api.resources import calls as call_resource
from callwright.api.routes import Routes
from callwright.api.stored.operations import given
from callwright.api.stored.presentation import iso
from callwright.api.stored.values import Choice, Flag, Text, Value, Whole
from callwright.store import steps
from callwright.store.directory import Record
from callwright.store.sqlite import Row
from callwright.store.tables import calls

EDGES = ("carrier_edge", "sip_edge", "sdk_edge", "client_edge")
STATES = {"failed": "fail", "no-answer": "noanswer", "in-progress": "answered", "queued": "undialed"}
STATES |= {"initiated": "undialed"}
LEVELS = {"warning": "WARNING", "failure": "ERROR", "fallback": "WARNING"}
HIGH_JITTER_MS, HIGH_LOSS, LOW_MOS = 30.0, 0.05, 3.5
FILTERS = (
    *("From", "To", "CallState", "Direction", "StartTime", "EndTime"),
    *("AnsweredBy", "CallType", "ProcessingState", "Subaccount"),
)
LIST = Listing(calls, "Summaries", "call_summaries", "Summary", FILTERS)
ANNOTATION: Mapping[str, Value] = {
    "AnsweredBy": Choice(("unknown_answered_by", "human", "machine")),
    "ConnectivityIssue": Choice(
        (
            *("unknown_connectivity_issue", "no_connectivity_issue", "invalid_number", "caller_id"),
            *("dropped_call", "number_reachability"),
        )
    ),
    "QualityIssues": Text(1024),
    "Spam": Flag(),
    "CallScore": Whole(1, 5),
    "Comment": Text(100),
    "Incident": Text(100),
}
SETTINGS: Mapping[str, Value] = {"AdvancedFeatures": Flag(), "VoiceTrace": Flag()}


def _at(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def edge_of(row: Row) -> str:
    """By which edge a call went: the carrier's when it has a trunk, else SIP or a client."""
    parties = (row["from"] or "", row["to"] or "")
    if any(party.startswith("client:") for party in parties):
        return "client_edge"
    return "carrier_edge" if row["trunk"] or not any(party.startswith("sip") for party in parties) else "sip_edge"


def figures(row: Row) -> Mapping[str, Any]:
    """The figures of a call's media by direction, in the names of the API; empty when no media ran."""
    told: Mapping[str, Any] = row["statistics"] or {}
    if not told:
        return {}
    found: dict[str, Any] = {}
    for direction, part in (("inbound", "rx"), ("outbound", "tx")):
        of, mos = told.get(part) or {}, (told.get("mos") or {}).get(part, 0)
        packets, lost = of.get("packets", 0), of.get("lost", 0)
        found[direction] = {
            "codec_name": told.get("codec", ""),
            "packets_received" if part == "rx" else "packets_sent": packets,
            "packets_lost": lost,
            "packets_loss_percentage": round(100 * lost / (packets + lost), 2) if packets + lost else 0.0,
            "bytes_received" if part == "rx" else "bytes_sent": of.get("bytes", 0),
            "jitter": {"avg": of.get("jitter_ms", 0), "max": of.get("jitter_max_ms", 0)},
            "mos": {"avg": mos} if mos else None,
        }
    return {**found, "rtt": {"avg": told.get("rtt_ms", 0)}}


def tags(row: Row) -> list[str]:
    """What was wrong with a call's sound."""
    found = set()
    measured = figures(row)
    for direction in ("inbound", "outbound"):
        if not (one := measured.get(direction)):
            continue
        packets = one.get("packets_received", one.get("packets_sent", 0))
        found |= {"silent"} if direction == "inbound" and not packets else set()
        found |= {"high_jitter"} if one["jitter"]["avg"] > HIGH_JITTER_MS else set()
        found |= {"high_packet_loss"} if one["packets_loss_percentage"] > 100 * HIGH_LOSS else set()
        found |= {"low_mos"} if one["mos"] and one["mos"]["avg"] < LOW_MOS else set()
    return sorted(found)


def _links(request: ApiRequest, call_sid: str) -> tuple[str, dict[str, str]]:
    url = f"{request.services.public_url}/v1/Voice/{call_sid}"
    return url, {name: f"{url}/{name.title()}" for name in ("events", "metrics", "summary", "annotation")}


def summary(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A call's summary."""
    edge, end = edge_of(row), row["end_time"]
    created: datetime = row["date_created"]
    measured = figures(row)
    own = {"metrics": measured, "properties": {"direction": row["direction"], "trunk": row["trunk"]}}
    status = str(row["status"])
    return {
        "account_sid": row["account_sid"],
        "call_sid": row["sid"],
        "call_type": edge.removesuffix("_edge"),
        "call_state": STATES.get(status, status),
        "answered_by": row["answered_by"],
        "processing_state": "complete" if end else "partial",
        "created_time": iso(created),
        "start_time": _at(row["start_time"]),
        "end_time": _at(end),
        "duration": round((end - created).total_seconds()) if end else None,
        "connect_duration": row["duration"],
        "from": {"caller": row["from"]},
        "to": {"callee": row["to"]},
        **{name: own if name == edge else None for name in EDGES},
        "tags": tags(row),
        "url": f"{_links(request, row['sid'])[0]}/Summary",
        "attributes": {"parent_call_sid": row["parent_call_sid"]},
        "properties": {"last_sip_response_num": row["sip_code"], "queue_time": row["queue_time"]},
        "trust": None,
        "annotation": _annotation(request, row["sid"]),
        "agent_session_summaries": [],
    }


async def call(request: ApiRequest, call_sid: str) -> Answer:
    """Where a call's insights are."""
    await call_resource.find(request, call_sid)
    url, links = _links(request, call_sid)
    return Resource("Voice", {"sid": call_sid, "url": url, "links": links})


async def one_summary(request: ApiRequest, call_sid: str) -> Answer:
    """The summary of a call, partial while it lives."""
    return Resource("Summary", summary(request, await call_resource.find(request, call_sid)))


async def summaries(request: ApiRequest) -> Answer:
    """Summaries of the account's calls, newest first."""
    query = request.query
    conditions: list[ColumnElement[bool]] = [calls.c.account_sid == _whose(request)]
    conditions += [calls.c[key] == value for key in ("from", "to") if (value := query.text(key.title()))]
    if direction := query.text("Direction"):
        conditions.append(calls.c.direction == direction.replace("_", "-"))
    if wanted := query.text("CallState"):
        spelled = {**{state: [state] for state in ("ringing", "completed", "busy", "canceled")}}
        for status, state in STATES.items():
            spelled.setdefault(state, []).append(status)
        conditions.append(calls.c.status.in_(spelled.get(wanted, [])))
    for name, column in (("StartTime", calls.c.start_time), ("EndTime", calls.c.end_time)):
        low, _ = between(query, name)
        if low:
            conditions.append(column >= low if name == "StartTime" else column <= low)
    conditions += _facts(request)
    found = await LIST.page(request, "/v1/Voice/Summaries", conditions, lambda row: summary(request, row))
    return Page(found.collection, found.key, found.name, found.items, {"meta": _product(request, found.meta)})


def _whose(request: ApiRequest) -> str:
    """The account whose calls are asked for: the caller's, or a subaccount of it.

    Raises:
        RestError: 20404, the subaccount is none of the caller's.
    """
    sid = request.query.text("Subaccount") or request.account.sid
    account = request.services.accounts.get(sid)
    if account is None or request.account.sid not in account.lineage:
        raise request.missing()
    return sid


def _facts(request: ApiRequest) -> list[ColumnElement[bool]]:
    """What the filters by who answered, by edge and by the state of the summary ask for."""
    query = request.query
    found: list[ColumnElement[bool]] = []
    if who := query.text("AnsweredBy"):
        found.append(calls.c.answered_by == who)
    if state := query.text("ProcessingState"):
        found.append(calls.c.end_time.is_not(None) if state == "complete" else calls.c.end_time.is_(None))
    parties = (calls.c["from"], calls.c.to)
    client = or_(*(party.like("client:%") for party in parties))
    carried = or_(calls.c.trunk.is_not(None), not_(or_(*(party.like("sip%") for party in parties))))
    edges = {"client": client, "carrier": and_(not_(client), carried), "sip": and_(not_(client), not_(carried))}
    if kind := query.text("CallType"):
        found.append(edges.get(kind, false()))
    return found


def _product(request: ApiRequest, meta: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of a product API for that of the 2010-04-01 one."""
    names = ("first_page", "previous_page", "next_page")
    urls = {f"{name}_url": meta[f"{name}_uri"] for name in names} | {"url": meta["uri"]}
    whole = {name: request.services.public_url + path if path else None for name, path in urls.items()}
    return {"page": meta["page"], "page_size": meta["page_size"], **whole, "key": LIST.key}


async def metrics(request: ApiRequest, call_sid: str) -> Answer:
    """The figures of an ended call's media, one for each direction."""
    row = await call_resource.find(request, call_sid)
    edge, measured = edge_of(row), figures(row)
    items = [
        {
            "timestamp": _at(row["end_time"]),
            "call_sid": call_sid,
            "account_sid": row["account_sid"],
            "edge": edge,
            "direction": direction,
            **{name: {"interval": None, "cumulative": figure} if name == edge else None for name in EDGES},
        }
        for direction in ("inbound", "outbound")
        if (figure := measured.get(direction)) and request.query.text("Direction", direction) in (direction, "both")
    ]
    return _page(request, f"/v1/Voice/{call_sid}/Metrics", "metrics", items)


async def events(request: ApiRequest, call_sid: str) -> Answer:
    """The steps of a call."""
    row = await call_resource.find(request, call_sid)
    edge = edge_of(row)
    items = [
        {
            "timestamp": iso(step.at),
            "call_sid": call_sid,
            "account_sid": row["account_sid"],
            "edge": edge,
            "group": "call",
            "level": LEVELS.get(step.kind, "INFO"),
            "name": step.kind,
            **{name: {"metadata": step.data} if name == edge else None for name in EDGES},
        }
        for step in await steps.read(request.services.store, call_sid)
    ]
    return _page(request, f"/v1/Voice/{call_sid}/Events", "events", items)


def _page(request: ApiRequest, path: str, key: str, every: list[dict[str, Any]]) -> Page:
    size, number, _ = asked(request.query)
    items = every[number * size : (number + 1) * size]

    def url(page: int) -> str:
        return f"{request.services.public_url}{path}?PageSize={size}&Page={page}"

    meta = {
        "page": number,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(number - 1) if number else None,
        "url": url(number),
        "next_page_url": url(number + 1) if (number + 1) * size < len(every) else None,
        "key": key,
    }
    return Page(key.title(), key, key.title().removesuffix("s"), items, {"meta": meta})


# what is said of a call, and of the account's insights


def _kept(request: ApiRequest, kind: str, of: str) -> Record:
    sid = ids.derived("VI", request.account.sid, kind, of)
    now = clock.now()
    found = request.services.directory.get(kind, sid)
    return found or Record(sid, kind, request.account.sid, {}, of, now, now)


def _annotation(request: ApiRequest, call_sid: str) -> dict[str, Any]:
    fields = _kept(request, "annotations", call_sid).fields
    names = ("answered_by", "connectivity_issue", "quality_issues", "spam", "call_score", "comment", "incident")
    return {name: fields.get(name) for name in names}


def _annotated(request: ApiRequest, call_sid: str) -> Resource:
    url = f"{_links(request, call_sid)[0]}/Annotation"
    own = {"account_sid": request.account.sid, "call_sid": call_sid, "url": url}
    return Resource("Annotation", {**own, **_annotation(request, call_sid)})


async def annotation(request: ApiRequest, call_sid: str) -> Answer:
    """What somebody has said of a call."""
    await call_resource.find(request, call_sid)
    return _annotated(request, call_sid)


async def annotate(request: ApiRequest, call_sid: str) -> Answer:
    """Says something of a call."""
    await call_resource.find(request, call_sid)
    changes: dict[str, Any] = given(request, ANNOTATION)
    if (issues := changes.get("quality_issues")) is not None:
        changes["quality_issues"] = [word for part in issues.split(",") if (word := part.strip())]
    await request.services.directory.change(_kept(request, "annotations", call_sid).changed(**changes))
    return _annotated(request, call_sid)


def _settings(request: ApiRequest) -> Resource:
    fields = _kept(request, "insights_settings", "").fields
    url = f"{request.services.public_url}/v1/Voice/Settings"
    flags = {name: fields.get(name, False) for name in ("advanced_features", "voice_trace")}
    return Resource("Settings", {"account_sid": request.account.sid, **flags, "url": url})


async def settings(request: ApiRequest) -> Answer:
    """What the account wants of insights; all of it is always there."""
    return _settings(request)


async def set_settings(request: ApiRequest) -> Answer:
    """Changes it."""
    new = _kept(request, "insights_settings", "").changed(**given(request, SETTINGS))
    await request.services.directory.change(new)
    return _settings(request)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", "/v1/Voice/Summaries", summaries)
    routes.add("GET", "/v1/Voice/Settings", settings)
    routes.add("POST", "/v1/Voice/Settings", set_settings)
    base = "/v1/Voice/{call_sid}"
    routes.add("GET", base, call)
    routes.add("GET", f"{base}/Summary", one_summary)
    routes.add("GET", f"{base}/Metrics", metrics)
    routes.add("GET", f"{base}/Events", events)
    routes.add("GET", f"{base}/Annotation", annotation)
    routes.add("POST", f"{base}/Annotation", annotate)
