"""Conferences and queues leave nothing behind, neither when they end nor when the daemon is killed (promise P1)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.baseline import baseline

from .site import Site
from .test_baseline_calls import KEPT, gauges
from .test_recovery import killed

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]

ROOM = (
    '<Conference statusCallback="/events" statusCallbackEvent="start end join leave speaker" '
    'record="record-from-start" {}>room</Conference>'
)


class Guests:
    """Callers of a site, each with a tone of its own."""

    def __init__(self, site: Site, phone: Phone) -> None:
        self.site, self.phone = site, phone
        site.application.on("/events", "")
        site.application.on("/done", "<Response/>")
        site.serve_tone("/news.wav", 1900, 20.0)

    async def call(self, verbs: str, hz: float, logged: str) -> tuple[PhoneCall, str]:
        """A caller whose document is this, once the daemon has logged that he is where he should be."""
        self.site.script("/voice", verbs)
        call = await self.phone.invite(self.site.daemon.sip_uri(self.site.number))
        await call.answered()
        sid = (await self.site.application.request("/voice")).form["CallSid"]
        call.media.tone(hz)
        await self.site.daemon.logged(rf"{sid} {logged} sid=")
        return call, sid

    async def guest(self, hz: float, attributes: str = "") -> tuple[PhoneCall, str]:
        """Somebody in the conference."""
        return await self.call(f"<Dial action='/done'>{ROOM.format(attributes)}</Dial>", hz, "conference")

    async def talk(self) -> None:
        """A conference with everything that plays in one, cut off in the middle of it."""
        first, _ = await self.guest(500)
        second, sid = await self.guest(700)
        await first.media.heard_tone(700)
        third, third_sid = await self.guest(1100, f'coach="{sid}"')
        url = self.site.url("/news.wav")
        room = (await self.site.do(lambda client: client.conferences("room").participants(sid).fetch())).conference_sid
        await self.site.do(lambda client: client.conferences(room).update(announce_url=url))
        await self.site.do(lambda client: client.conferences("room").participants(sid).update(hold=True))
        await first.media.heard_tone(1900)
        await self.site.do(lambda client: client.conferences("room").participants(third_sid).update(announce_url=url))
        await self.site.do(lambda client: client.conferences(room).update(status="completed"))
        for call in (first, second, third):
            await call.until_ended()

    async def queue(self) -> None:
        """A wait, a talk, and a wait that the caller gives up."""
        verbs = "<Enqueue action='/done'>desk</Enqueue>"
        waiting, _ = await self.call(verbs, 500, "queued")
        other, _ = await self.call(verbs, 600, "queued")
        self.site.script("/voice", "<Dial action='/done'><Queue>desk</Queue></Dial>")
        agent = await self.phone.invite(self.site.daemon.sip_uri(self.site.number))
        await agent.answered()
        await self.site.application.request("/voice")
        await agent.media.heard_tone(500)
        await agent.hangup()
        await waiting.until_ended()
        await other.hangup()


async def test_conferences_and_queues_leave_nothing_behind(sites: Sites, phones: Phones) -> None:
    site = await sites()
    guests = Guests(site, await phones("guests"))
    await guests.talk()
    await guests.queue()
    async with baseline(site.daemon.pid, settle=10, ignoring=KEPT, native=lambda: gauges(site.daemon)):
        for _ in range(3):
            await guests.talk()
            await guests.queue()


async def test_P1_kill_during_a_conference(sites: Sites, phones: Phones) -> None:
    """It is completed, its end is told with the next number, its recording is kept, and the name is free."""
    site = await sites()
    guests = Guests(site, await phones("guests"))
    first, _ = await guests.guest(500)
    second, _ = await guests.guest(700)
    await first.media.heard_tone(700)
    await first.media.received(60)
    events: list[Any] = [await site.application.request("/events") for _ in range(3)]
    assert [one.form["StatusCallbackEvent"] for one in events][-1] == "conference-start"
    sid = events[0].form["ConferenceSid"]
    await killed(site)
    while (ended := await site.application.request("/events")).form["StatusCallbackEvent"] != "conference-end":
        assert ended.form["StatusCallbackEvent"].startswith("participant-speech")
    assert (ended.form["ConferenceSid"], ended.form["ReasonConferenceEnded"]) == (sid, "last-participant-left")
    assert int(ended.form["SequenceNumber"]) >= 4
    shown = await site.do(lambda client: client.conferences(sid).fetch())
    assert (shown.status, shown.reason_conference_ended) == ("completed", "last-participant-left")
    recordings = await site.do(lambda client: client.conferences(sid).recordings.list())
    assert [(one.status, one.source) for one in recordings] == [("completed", "Conference")]
    for call in (first, second):
        assert (await call.hangup()).status == 481
    again, _ = await guests.guest(500)
    await again.hangup()


async def test_P1_queues_outlive_the_daemon_without_their_members(sites: Sites, phones: Phones) -> None:
    site = await sites()
    guests = Guests(site, await phones("guests"))
    caller, _ = await guests.call("<Enqueue maxQueueSize='7'>desk</Enqueue>", 500, "queued")
    (queue,) = await site.do(lambda client: client.queues.list())
    assert (queue.friendly_name, queue.current_size, queue.max_size) == ("desk", 1, 7)
    await killed(site)
    again = await site.do(lambda client: client.queues(queue.sid).fetch())
    assert (again.friendly_name, again.current_size, again.max_size) == ("desk", 0, 7)
    assert (await caller.hangup()).status == 481
    late, _ = await guests.call("<Enqueue>desk</Enqueue>", 500, "queued")
    assert len(await site.do(lambda client: client.queues.list())) == 1
    await late.hangup()
