"""Members of queues in the API (call-control reference §3.5)."""

import asyncio

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.calls.application import Hook

from ..conftest import BASE, Site
from .attending import Attending

URL = "https://app.example/next"


@pytest.fixture
async def attending(site: Site) -> Attending:
    return Attending(site)


async def test_in_the_order_in_which_they_came(attending: Attending, client: Client) -> None:
    members = [attending.member() for _ in range(3)]
    queue = members[0].queue
    listed = await asyncio.to_thread(client.queues(queue.sid).members.list, page_size=2)
    assert [(one.call_sid, one.position) for one in listed] == [
        (member.call.sid, place + 1) for place, member in enumerate(members)
    ]
    front = await asyncio.to_thread(client.queues(queue.sid).members("Front").fetch)
    assert (front.call_sid, front.wait_time, front.date_enqueued) == (
        members[0].call.sid,
        0,
        members[0].entered.replace(microsecond=0),
    )
    last = await asyncio.to_thread(client.queues(queue.sid).members(members[2].call.sid).fetch)
    assert last.position == 3
    shown = await asyncio.to_thread(client.queues(queue.sid).fetch)
    assert shown.current_size == 3


async def test_fields(attending: Attending) -> None:
    member = attending.member()
    path = f"{BASE}/Queues/{member.queue.sid}/Members/{member.call.sid}.json"
    _, item = await attending.site.json("GET", path)
    assert item.keys() == {"call_sid", "queue_sid", "date_enqueued", "position", "wait_time", "uri"}
    assert (item["uri"], item["queue_sid"]) == (path, member.queue.sid)


async def test_taken_out(attending: Attending, client: Client) -> None:
    first, second = attending.member(), attending.member()
    queue = first.queue
    taken = await asyncio.to_thread(lambda: client.queues(queue.sid).members("Front").update(url=URL, method="GET"))
    assert (taken.call_sid, taken.position) == (first.call.sid, 1)
    await asyncio.to_thread(lambda: client.queues(queue.sid).members(second.call.sid).update(url=URL))
    assert attending.site.switchboard.commands == [
        ("redirect", first.call.sid, Hook(URL, "GET"), None),
        ("redirect", second.call.sid, Hook(URL), None),
    ]


@pytest.mark.parametrize("form", [{}, {"Url": "x"}, {"Url": "ftp://a/"}])
async def test_refused(attending: Attending, form: dict[str, str]) -> None:
    member = attending.member()
    path = f"{BASE}/Queues/{member.queue.sid}/Members/Front.json"
    status, refused = await attending.site.json("POST", path, data=form)
    assert (status, refused["code"]) == (400, 21205)
    assert attending.site.switchboard.commands == []


async def test_a_queue_with_members_stays(attending: Attending, client: Client) -> None:
    queue = attending.member().queue
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.queues(queue.sid).delete)
    assert (refused.value.status, refused.value.code) == (400, 22003)
