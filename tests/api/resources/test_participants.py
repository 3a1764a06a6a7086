"""Participants in the API (call-control reference §3.4)."""

import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop

from ..conftest import BASE, MINE, NUMBER, OTHER, Site
from .attending import Attending


@pytest.fixture
async def attending(site: Site) -> Attending:
    return Attending(site)


async def test_sdk_lists_and_fetches(attending: Attending, client: Client) -> None:
    conference, first = attending.participant(label="boss", muted=True)
    _, second = attending.participant(coach=first.sid)
    attending.participant("other")
    for reference in (conference.sid, "room"):
        participants = client.conferences(reference).participants
        assert [one.call_sid for one in await asyncio.to_thread(participants.list)] == [second.sid, first.sid]
        assert [one.call_sid for one in await asyncio.to_thread(participants.list, page_size=1)] == [
            second.sid,
            first.sid,
        ]
        muted = await asyncio.to_thread(lambda them=participants: them.list(muted=True))
        assert [one.call_sid for one in muted] == [first.sid]
        coaching = await asyncio.to_thread(lambda them=participants: them.list(coaching=True, hold=False))
        assert [(one.call_sid, one.call_sid_to_coach) for one in coaching] == [(second.sid, first.sid)]
    boss = await asyncio.to_thread(client.conferences("room").participants("boss").fetch)
    assert (boss.call_sid, boss.status, boss.label) == (first.sid, "connected", "boss")


async def test_fields(attending: Attending) -> None:
    conference, call = attending.participant()
    path = f"{BASE}/Conferences/{conference.sid}/Participants/{call.sid}.json"
    _, item = await attending.site.json("GET", path)
    assert item.keys() == {
        *("account_sid", "call_sid", "label", "conference_sid", "call_sid_to_coach", "coaching", "date_created"),
        *("date_updated", "end_conference_on_exit", "muted", "hold", "start_conference_on_enter", "status"),
        *("queue_time", "uri"),
    }
    assert (item["label"], item["queue_time"], item["uri"]) == (None, "0", path)
    assert item["date_created"].endswith("+0000")


async def test_updates(attending: Attending, client: Client) -> None:
    conference, first = attending.participant()
    _, second = attending.participant()
    one = conference.participants[first.sid]

    async def update(**changes: Any) -> Any:
        return await asyncio.to_thread(lambda: client.conferences("room").participants(first.sid).update(**changes))

    assert (await update(muted=True)).muted is True
    assert (await update(muted="no")).muted is False
    held = await update(hold=True, hold_url="", beep_on_exit=False, end_conference_on_exit=True)
    assert (held.hold, held.end_conference_on_exit, one.hold_sound, one.beep_on_exit) == (
        True,
        True,
        Backdrop.SILENCE,
        False,
    )
    assert (await update(hold=False)).hold is False
    coaching = await update(call_sid_to_coach=second.sid)
    assert (coaching.coaching, coaching.call_sid_to_coach) == (True, second.sid)
    assert (await update(coaching=False)).coaching is False
    await update(wait_url="https://app.example/w", wait_method="GET")
    assert one.wait == Hook("https://app.example/w", "GET")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"announce_url": "x"}, 21205),
        ({"hold_url": "x", "hold": True}, 21205),
        ({"wait_url": "x"}, 21205),
        ({"coaching": True}, 13240),
        ({"coaching": True, "call_sid_to_coach": "CA" + "0" * 32}, 16028),
    ],
)
async def test_refused_updates_change_nothing(
    attending: Attending, client: Client, changes: dict[str, Any], code: int
) -> None:
    conference, call = attending.participant()
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(lambda: client.conferences("room").participants(call.sid).update(muted=True, **changes))
    assert (refused.value.status, refused.value.code) == (400, code)
    one = conference.participants[call.sid]
    assert (one.muted, one.hold, one.coach) == (False, False, "")


async def test_removed(attending: Attending, client: Client) -> None:
    conference, first = attending.participant()
    attending.participant()
    assert await asyncio.to_thread(client.conferences("room").participants(first.sid).delete) is True
    assert first.sid not in conference.participants
    with pytest.raises(TwilioRestException) as gone:
        await asyncio.to_thread(client.conferences("room").participants(first.sid).delete)
    assert gone.value.status == 404


async def test_another_accounts(attending: Attending, client: Client) -> None:
    conference, call = attending.participant(account=OTHER)
    for reference in (conference.sid, "room"):
        with pytest.raises(TwilioException, match="404"):
            await asyncio.to_thread(client.conferences(reference).participants.list)
        status, _ = await attending.site.json(
            "POST", f"{BASE}/Conferences/{reference}/Participants/{call.sid}.json", data={"Muted": "true"}
        )
        assert status == 404


async def test_created(attending: Attending, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that is placed, and the participant who is on the way."""
    orders = []

    async def place(order: Any) -> str:
        orders.append(order)
        call = attending.call()
        order.on_call(call)
        return str(call.sid)

    monkeypatch.setattr(attending.site.switchboard, "place", place)
    made = await asyncio.to_thread(
        lambda: client.conferences("a & b").participants.create(
            from_=NUMBER,
            to="+15550002000",
            label="customer",
            timeout=20,
            status_callback="https://app.example/s",
            status_callback_event=["initiated", "completed"],
            record=True,
            caller_id=NUMBER,
        )
    )
    assert (made.label, made.status, made.conference_sid[:2]) == ("customer", "connected", "CF")
    (order,) = orders
    assert (order.to, order.timeout, order.caller_id, order.account) == ("+15550002000", 20.0, NUMBER, MINE)
    assert order.record is not None and order.time_limit is None
    assert order.application.twiml == "<Response><Dial><Conference>a &amp; b</Conference></Dial></Response>"
    assert order.application.status_callback == Hook("https://app.example/s")
    assert order.application.status_events == {"initiated", "completed"}
    conference = attending.site.services.rooms.conferences.find(MINE.sid, "a & b")
    assert conference is not None and not conference.participants[made.call_sid].joined
    leg: Any = conference.participants[made.call_sid].call.leg
    order.on_progress(leg, False)
    assert conference.participants[made.call_sid].early == 0
    order.on_progress(leg, True)
    assert conference.participants[made.call_sid].early == leg.node


async def test_without_early_media(attending: Attending, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []

    async def place(order: Any) -> str:
        orders.append(order)
        call = attending.call()
        order.on_call(call)
        return str(call.sid)

    monkeypatch.setattr(attending.site.switchboard, "place", place)
    made = await asyncio.to_thread(
        lambda: client.conferences("room").participants.create(from_=NUMBER, to="+15550002000", early_media=False)
    )
    conference = attending.site.services.rooms.conferences.find(MINE.sid, "room")
    assert conference is not None
    one = conference.participants[made.call_sid]
    orders[0].on_progress(one.call.leg, True)
    assert one.early == 0


@pytest.mark.parametrize(
    ("name", "changes", "status", "code"),
    [
        ("room", {"label": "boss"}, 400, 16025),
        ("room", {"to": "x"}, 400, 21211),
        ("room", {"from_": "+15559999999"}, 400, 21210),
        ("CF" + "0" * 32, {}, 404, 20404),
        ("x" * 129, {}, 400, 16003),
    ],
)
async def test_refused(
    attending: Attending, client: Client, name: str, changes: dict[str, Any], status: int, code: int
) -> None:
    attending.participant(label="boss")
    asked = {"from_": NUMBER, "to": "+15550002000", **changes}
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(lambda: client.conferences(name).participants.create(**asked))
    assert (refused.value.status, refused.value.code) == (status, code)
    assert attending.site.switchboard.orders == []
    assert len(attending.site.services.rooms.conferences) == 1


async def test_announced(attending: Attending, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    conference, call = attending.participant()
    told = []
    monkeypatch.setattr(conference, "announce", lambda *what: told.append(what))
    url = "https://app.example/news"
    await asyncio.to_thread(lambda: client.conferences("room").participants(call.sid).update(announce_url=url))
    await asyncio.to_thread(lambda: client.conferences(conference.sid).update(announce_url=url, announce_method="GET"))
    assert told == [(Hook(url), conference.participants[call.sid]), (Hook(url, "GET"),)]


async def test_a_conference_is_ended(attending: Attending, client: Client) -> None:
    conference, _ = attending.participant()
    ended = await asyncio.to_thread(lambda: client.conferences(conference.sid).update(status="completed"))
    assert (ended.status, ended.reason_conference_ended) == ("completed", "conference-ended-via-api")
    assert len(attending.site.services.rooms.conferences) == 0
