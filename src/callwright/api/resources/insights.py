"""Voice insights of a call, from what its record has: summary, metrics, events, annotation (reference §3.18).

Lists of summaries: `summaries`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from callwright import clock, ids
from callwright.api.paging import asked
from callwright.api.request import Answer, ApiRequest, Page, Resource
from callwright.api.resources import calls as call_resource
from callwright.api.routes import Routes
from callwright.api.stored.operations import given
from callwright.api.stored.presentation import iso
from callwright.api.stored.values import Choice, Flag, Text, Value, Whole
from callwright.calls.attestation import PASSED
from callwright.calls.countries import countries_of
from callwright.calls.status import INWARD
from callwright.store import steps
from callwright.store.directory import Record
from callwright.store.sqlite import Row
from callwright.store.usage import TRUNKING

EDGES = ("carrier_edge", "sip_edge", "sdk_edge", "client_edge")
STATES = {"failed": "fail", "no-answer": "noanswer", "in-progress": "answered", "queued": "undialed"}
STATES |= {"initiated": "undialed"}
LEVELS = {"warning": "WARNING", "failure": "ERROR", "fallback": "WARNING"}
HIGH_JITTER_MS, HIGH_LOSS_PERCENT, LOW_MOS = 30.0, 5.0, 3.5
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


def kind_of(row: Row) -> str:
    """call_type: of an elastic trunk's call "trunking", else by its edge."""
    return "trunking" if row["direction"] in TRUNKING else edge_of(row).removesuffix("_edge")


def _party(name: str, address: str, trunk: str | None) -> dict[str, Any]:
    """What is known of who calls or is called.

    Args:
        trunk: by which it is reached; None for none.
    """
    found = countries_of(address) if address.startswith("+") else ()
    return {name: address, "carrier": trunk, "country_code": found[0].iso if len(found) == 1 else None}


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


def verdict(row: Row) -> str | None:
    """What was wrong with a call's sound, in words; None when nothing was, or no media ran."""
    told: Mapping[str, Any] = row["statistics"] or {}
    return told.get("verdict") or None


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
        found |= {"high_packet_loss"} if one["packets_loss_percentage"] > HIGH_LOSS_PERCENT else set()
        found |= {"low_mos"} if one["mos"] and one["mos"]["avg"] < LOW_MOS else set()
    return sorted(found)


def _links(request: ApiRequest, call_sid: str) -> tuple[str, dict[str, str]]:
    url = f"{request.services.public_url}/v1/Voice/{call_sid}"
    return url, {name: f"{url}/{name.title()}" for name in ("events", "metrics", "summary", "annotation")}


def summary(request: ApiRequest, row: Row) -> dict[str, Any]:
    """A call's summary."""
    edge, end, inward = edge_of(row), row["end_time"], row["direction"] in INWARD
    created: datetime = row["date_created"]
    measured = figures(row)
    own = {
        "metrics": measured,
        "properties": {"direction": row["direction"], "trunk": row["trunk"], "verdict": verdict(row)},
    }
    status = str(row["status"])
    return {
        "account_sid": row["account_sid"],
        "call_sid": row["sid"],
        "call_type": kind_of(row),
        "call_state": STATES.get(status, status),
        "answered_by": row["answered_by"],
        "processing_state": "complete" if end else "partial",
        "created_time": iso(created),
        "start_time": _at(row["start_time"]),
        "end_time": _at(end),
        "duration": round((end - created).total_seconds()) if end else None,
        "connect_duration": row["duration"],
        "from": _party("caller", row["from"] or "", row["trunk"] if inward else None),
        "to": _party("callee", row["to"] or "", None if inward else row["trunk"]),
        **{name: own if name == edge else None for name in EDGES},
        "tags": tags(row),
        "url": f"{_links(request, row['sid'])[0]}/Summary",
        "attributes": {"parent_call_sid": row["parent_call_sid"]},
        "properties": {"last_sip_response_num": row["sip_code"], "queue_time": row["queue_time"]},
        "trust": {"verified_caller": {"verified": str(row["verstat"] or "").startswith(PASSED)}},
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
        if request.query.text("Edge", edge) == edge
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
        if request.query.text("Edge", edge) == edge
    ]
    return _page(request, f"/v1/Voice/{call_sid}/Events", "events", items)


def _page(request: ApiRequest, path: str, key: str, every: list[dict[str, Any]]) -> Page:
    size, number, _ = asked(request.query)
    items = every[number * size : (number + 1) * size]
    kept = [(name, value) for name in ("Edge", "Direction") if (value := request.query.text(name))]

    def url(page: int) -> str:
        asked_for = urlencode([*kept, ("PageSize", size), ("Page", page)])
        return f"{request.services.public_url}{path}?{asked_for}"

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
    routes.add("GET", "/v1/Voice/Settings", settings)
    routes.add("POST", "/v1/Voice/Settings", set_settings)
    base = "/v1/Voice/{call_sid}"
    routes.add("GET", base, call)
    routes.add("GET", f"{base}/Summary", one_summary)
    routes.add("GET", f"{base}/Metrics", metrics)
    routes.add("GET", f"{base}/Events", events)
    routes.add("GET", f"{base}/Annotation", annotation)
    routes.add("POST", f"{base}/Annotation", annotate)
