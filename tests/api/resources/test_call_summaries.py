"""Lists of summaries with the vendor's client: what chooses and what sorts them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from twilio.rest import Client

from callwright import clock
from callwright.api.resources.insights import tags

from ..conftest import MINE, OTHER, Site
from .test_insights import BEGUN, STATISTICS, ended

FINE = {**STATISTICS, "mos": {"rx": 4.4, "tx": 4.3}, "tx": STATISTICS["rx"]}


async def listed(client: Client, **filters: Any) -> list[str]:
    """SIDs of the calls that are found."""
    return [one.call_sid for one in await asyncio.to_thread(client.insights.v1.call_summaries.list, **filters)]


async def test_sdk_lists_summaries(site: Site, client: Client) -> None:
    sids = [ended(site, date_created=BEGUN + timedelta(minutes=n), status=s) for n, s in enumerate(("failed", "busy"))]
    live = site.switchboard.call(status="in-progress")
    ended(site, account_sid=OTHER.sid)
    lists = client.insights.v1.call_summaries.list
    assert [one.call_sid for one in await asyncio.to_thread(lists, page_size=2)] == [live, *sids[::-1]]
    assert [one.call_sid for one in await asyncio.to_thread(lists, call_state="fail")] == [sids[0]]
    assert [one.call_sid for one in await asyncio.to_thread(lists, call_state="busy")] == [sids[1]]
    answered = await asyncio.to_thread(lists, call_state="answered")
    assert [(one.call_sid, one.processing_state) for one in answered] == [(live, "partial")]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"answered_by": "human"}, ["human"]),
        ({"processing_state": "complete"}, ["trunking", "client", "sip", "human"]),
        ({"processing_state": "partial"}, ["live"]),
        ({"call_type": "carrier"}, ["live", "human"]),
        ({"call_type": "sip"}, ["sip"]),
        ({"call_type": "client"}, ["client"]),
        ({"call_type": "trunking"}, ["trunking"]),
        ({"call_type": "whatsapp"}, []),
        ({"processing_state": "completed"}, ["trunking", "client", "sip", "human"]),
        ({"processing_state": "all"}, ["live", "trunking", "client", "sip", "human"]),
        ({"direction": "trunking_originating"}, ["trunking"]),
        ({"subaccount": MINE.sid, "answered_by": "human"}, ["human"]),
    ],
)
async def test_summaries_by_facts(site: Site, client: Client, filters: dict[str, str], found: list[str]) -> None:
    """As `kind_of` tells the calls apart, in the database."""
    sip = {"to": "sip:bob@pbx.example", "trunk": None}
    sids = {
        ended(site, answered_by="human"): "human",
        ended(site, **sip, date_created=BEGUN + timedelta(minutes=1)): "sip",
        ended(site, to="client:bob", date_created=BEGUN + timedelta(minutes=2)): "client",
        ended(site, direction="trunking-originating", date_created=BEGUN + timedelta(minutes=3)): "trunking",
        site.switchboard.call(status="in-progress"): "live",
    }
    listed = await asyncio.to_thread(lambda: client.insights.v1.call_summaries.list(**filters))
    assert [sids[one.call_sid] for one in listed] == found


async def test_summaries_of_nobodys_subaccount(site: Site) -> None:
    status, error = await site.json("GET", f"/v1/Voice/Summaries?Subaccount={OTHER.sid}")
    assert (status, error["code"]) == (404, 20404)


async def test_summaries_by_parties(site: Site, client: Client) -> None:
    """A country's calling code is the longest that fits; a trunk is the carrier of the party behind it."""
    us = ended(site, to="+15551230000")
    jamaica = ended(site, to="+18761230000", trunk="islands")
    germany = ended(site, direction="inbound", **{"from": "+4930123456"})
    assert await listed(client, to="+15551230000") == [us]
    assert await listed(client, to_country_code="US", from_country_code="US") == [us]
    assert await listed(client, to_country_code="jm") == [jamaica]
    assert await listed(client, from_country_code="DE") == [germany]
    assert await listed(client, from_country_code="XX") == []
    assert await listed(client, to_carrier="islands") == [jamaica]
    assert await listed(client, from_carrier="carrier") == [germany]


@pytest.mark.parametrize(
    "statistics",
    [
        None,
        FINE,
        STATISTICS,
        {**FINE, "rx": {"packets": 0}},
        {**FINE, "tx": {"packets": 90, "lost": 10}},
        {**FINE, "tx": {"packets": 95, "lost": 5}},
        {**FINE, "rx": {"packets": 500, "jitter_ms": 30.5}},
        {**FINE, "mos": {"rx": 3.4, "tx": 4.4}},
        {**FINE, "mos": {"rx": 0, "tx": 0}},
        {"codec": "PCMU"},
    ],
)
async def test_what_is_tagged(site: Site, client: Client, statistics: Any) -> None:
    """The database finds what a summary says."""
    sid = ended(site, statistics=statistics)
    bad = bool(tags({"statistics": statistics}))
    assert await listed(client, has_tag=bad) == [sid] and await listed(client, has_tag=not bad) == []


async def test_summaries_by_their_end(site: Site, client: Client) -> None:
    fine, busy = ended(site), ended(site, sip_code=486)
    live = site.switchboard.call(status="in-progress")
    assert await listed(client, abnormal_session=True) == [busy]
    assert await listed(client, abnormal_session=False) == [fine]
    assert live in await listed(client)


async def test_summaries_by_the_callers_signature(site: Site, client: Client) -> None:
    passed, failed = ended(site, verstat="TN-Validation-Passed-B"), ended(site, verstat="TN-Validation-Failed")
    unsigned = ended(site)
    assert await listed(client, verified_caller=True) == [passed]
    assert sorted(await listed(client, verified_caller=False)) == sorted([failed, unsigned])
    trust = [(await asyncio.to_thread(client.insights.v1.calls(sid).summary().fetch)).trust for sid in (passed, failed)]
    assert trust == [{"verified_caller": {"verified": True}}, {"verified_caller": {"verified": False}}]


async def test_summaries_by_time(site: Site, client: Client) -> None:
    old, new = ended(site), ended(site, start_time=clock.now(), end_time=clock.now())
    assert await listed(client, start_time="4h") == [new]
    assert await listed(client, end_time="1d") == [old]
    assert await listed(client, end_time=(BEGUN + timedelta(minutes=1)).isoformat()) == [old]


async def test_summaries_by_what_was_said(site: Site, client: Client) -> None:
    one, other = ended(site), ended(site)
    of = client.insights.v1.calls
    await asyncio.to_thread(of(one).annotation().update, spam=True, call_score=2, quality_issues="echo,latency")
    await asyncio.to_thread(of(other).annotation().update, spam=False, answered_by="human", call_score=2)
    assert await listed(client, spam_annotation=True) == [one]
    assert await listed(client, quality_issue_annotation="latency") == [one]
    assert await listed(client, answered_by_annotation="human", call_score_annotation="2") == [other]
    assert sorted(await listed(client, call_score_annotation="2")) == sorted([one, other])
    assert await listed(client, connectivity_issue_annotation="caller_id") == []


async def test_sorted_by_the_end(site: Site, client: Client) -> None:
    """The last that has ended comes first, before it those that have not; page by page."""
    ends = (30, 10, 20)
    sids = {
        minutes: ended(
            site,
            date_created=BEGUN + timedelta(minutes=number),
            end_time=BEGUN + timedelta(minutes=minutes),
        )
        for number, minutes in enumerate(ends)
    }
    live = site.switchboard.call(status="in-progress", date_created=BEGUN - timedelta(minutes=1))
    order = [live, sids[30], sids[20], sids[10]]
    assert await listed(client, sort_by="end_time", page_size=1) == order
    assert await listed(client, sort_by="start_time", page_size=1) == [sids[20], sids[10], sids[30], live]


@pytest.mark.parametrize(
    "query", ["SortBy=duration", "HasTag=maybe", "ProcessingState=x", "StartTime=4y", "AbnormalSession=1"]
)
async def test_filters_that_cannot_be_read(site: Site, query: str) -> None:
    status, error = await site.json("GET", f"/v1/Voice/Summaries?{query}")
    assert status == 400, error
