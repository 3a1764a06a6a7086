import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.api.resources.insights import edge_of, tags
from callwright.store.steps import Steps

from ..conftest import MINE, NUMBER, OTHER, Site

BEGUN = datetime(2026, 1, 31, 10, tzinfo=UTC)
STATISTICS: dict[str, Any] = {
    "codec": "PCMU",
    "rtt_ms": 12,
    "mos": {"rx": 4.4, "tx": 3.1},
    "rx": {"packets": 500, "bytes": 80000, "lost": 0, "jitter_ms": 2.0, "jitter_max_ms": 5.0},
    "tx": {"packets": 400, "bytes": 64000, "lost": 100, "jitter_ms": 40.0, "jitter_max_ms": 90.0},
}


def ended(site: Site, **columns: Any) -> str:
    row = {
        "status": "completed",
        "date_created": BEGUN,
        "start_time": BEGUN + timedelta(seconds=2),
        "end_time": BEGUN + timedelta(seconds=14),
        "duration": 10,
        "trunk": "carrier",
        "sip_code": 200,
        "statistics": STATISTICS,
    }
    return site.switchboard.call(**{**row, **columns})


async def test_sdk_fetches_a_summary(site: Site, client: Client) -> None:
    sid = ended(site, to="+4930123456")
    of = client.insights.v1.calls(sid)
    assert set((await asyncio.to_thread(of.fetch)).links) == {"events", "metrics", "summary", "annotation"}
    summary = await asyncio.to_thread(of.summary().fetch)
    assert (summary.call_sid, summary.account_sid) == (sid, MINE.sid)
    assert (summary.call_type, summary.call_state, summary.processing_state) == ("carrier", "completed", "complete")
    assert (summary.duration, summary.connect_duration) == (14, 10)
    assert (summary.created_time, summary.end_time) == (BEGUN, BEGUN + timedelta(seconds=14))
    assert summary.carrier_edge["metrics"]["outbound"]["packets_loss_percentage"] == 20.0
    assert summary.carrier_edge["properties"]["verdict"] is None
    assert summary.sip_edge is None and summary.properties["last_sip_response_num"] == 200
    assert summary.tags == ["high_jitter", "high_packet_loss", "low_mos"]
    assert summary._from == {"caller": NUMBER, "carrier": None, "country_code": None}, "the USA or Canada"
    assert summary.to == {"callee": "+4930123456", "carrier": "carrier", "country_code": "DE"}


async def test_a_call_of_an_elastic_trunk(site: Site, client: Client) -> None:
    sid = ended(site, direction="trunking-originating", **{"from": "+4930123456"})
    summary = await asyncio.to_thread(client.insights.v1.calls(sid).summary().fetch)
    assert (summary.call_type, summary._from["carrier"], summary.to["carrier"]) == ("trunking", "carrier", None)


@pytest.mark.parametrize(
    ("columns", "edge"),
    [
        ({"from": "+1", "to": "+2", "trunk": None}, "carrier_edge"),
        ({"from": "alice", "to": "sip:a@b", "trunk": None}, "sip_edge"),
        ({"from": "sip:a@b", "to": "+2", "trunk": "t"}, "carrier_edge"),
        ({"from": "client:alice", "to": "+2", "trunk": "t"}, "client_edge"),
    ],
)
def test_edges(columns: dict[str, Any], edge: str) -> None:
    assert edge_of(columns) == edge


def test_tags_of_silence() -> None:
    assert tags({"statistics": None}) == []
    quiet = {**STATISTICS, "rx": {"packets": 0}, "tx": STATISTICS["rx"], "mos": {"rx": 0, "tx": 4.4}}
    assert tags({"statistics": quiet}) == ["silent"]


async def test_sdk_lists_metrics_and_events(site: Site, client: Client) -> None:
    sid = ended(site)
    noted = Steps(site.store, sid)
    noted.add(BEGUN, "invite", {"from": "+1"})
    noted.add(BEGUN, "warning", {"code": 13254})
    noted.add(BEGUN, "completed", {})
    of = client.insights.v1.calls(sid)
    metrics = await asyncio.to_thread(of.metrics.list)
    assert [(one.direction, one.edge) for one in metrics] == [
        ("inbound", "carrier_edge"),
        ("outbound", "carrier_edge"),
    ]
    assert metrics[0].carrier_edge["cumulative"]["packets_received"] == 500
    (outbound,) = await asyncio.to_thread(of.metrics.list, direction="outbound")
    assert outbound.carrier_edge["cumulative"]["packets_sent"] == 400
    assert len(await asyncio.to_thread(of.metrics.list, edge="carrier_edge")) == 2
    assert await asyncio.to_thread(of.metrics.list, edge="sip_edge") == []
    assert await asyncio.to_thread(of.events.list, edge="client_edge") == []
    events = await asyncio.to_thread(of.events.list, page_size=2)
    assert [(one.name, one.level) for one in events] == [
        ("invite", "INFO"),
        ("warning", "WARNING"),
        ("completed", "INFO"),
    ]
    assert events[1].carrier_edge == {"metadata": {"code": 13254}}
    assert await asyncio.to_thread(client.insights.v1.calls(site.switchboard.call()).metrics.list) == []


async def test_sdk_annotates(site: Site, client: Client) -> None:
    of = client.insights.v1.calls(ended(site))
    annotation = of.annotation()
    assert (await asyncio.to_thread(annotation.fetch)).comment is None
    said = await asyncio.to_thread(annotation.update, call_score=4, spam=True, quality_issues="low_volume, echo")
    assert (said.call_score, said.spam, said.quality_issues) == (4, True, ["low_volume", "echo"])
    said = await asyncio.to_thread(annotation.update, comment="fine")
    assert (said.call_score, said.comment) == (4, "fine")
    assert (await asyncio.to_thread(of.summary().fetch)).annotation["comment"] == "fine"
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(annotation.update, call_score=6)
    assert refused.value.code == 20422


async def test_sdk_keeps_settings(client: Client) -> None:
    settings = client.insights.v1.settings()
    assert (await asyncio.to_thread(settings.fetch)).voice_trace is False
    assert (await asyncio.to_thread(settings.update, voice_trace=True)).voice_trace is True
    assert (await asyncio.to_thread(settings.fetch)).voice_trace is True


async def test_a8_calls_of_others_have_none(site: Site, client: Client) -> None:
    of = client.insights.v1.calls(ended(site, account_sid=OTHER.sid))
    for work in (of.fetch, of.summary().fetch, of.annotation().fetch):
        with pytest.raises(TwilioRestException) as hidden:
            await asyncio.to_thread(work)
        assert hidden.value.code == 20404


async def test_a_verdict_in_a_summary(site: Site, client: Client) -> None:
    sid = ended(site, statistics={**STATISTICS, "verdict": "no audio came: nothing arrived from anywhere"})
    summary = await asyncio.to_thread(client.insights.v1.calls(sid).summary().fetch)
    assert summary.carrier_edge["properties"]["verdict"] == "no audio came: nothing arrived from anywhere"
