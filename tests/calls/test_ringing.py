"""One INVITE after the other: by routes, over addresses, targets and trunks, past what is full, silent or ill."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from callwright.calls import outbound
from callwright.calls.application import Application
from callwright.calls.call import Call
from callwright.calls.control import NumberTarget, SipTarget, Target
from callwright.calls.fences import Fences
from callwright.calls.ringing import MOST_REDIRECTS
from callwright.calls.status import CallStatus, Direction
from callwright.sip.health import HealthState
from tests.calls.fakes import ACCOUNT_SID, Room
from tests.calls.jumping import after, turns

FIRST = {"name": "first", "account": ACCOUNT_SID, "targets": ["sip:gw1.many", "sip:gw2.example"]}
SECOND = {"name": "second", "account": ACCOUNT_SID, "targets": ["sip:198.51.100.7:5070;transport=tcp"]}
NUMBER = NumberTarget("+15558880000")


@pytest.fixture
async def room(rooms: Callable[..., Room]) -> Room:
    """Two trunks that carry everything; the first target of the first has two addresses."""
    return rooms(trunk=[FIRST, SECOND])


def placed(room: Room, target: Target = NUMBER) -> "tuple[Call, asyncio.Task[bool]]":
    """A call on its way out."""
    call = Call(
        room.exchange, room.account, Application(), direction=Direction.OUTBOUND_API, from_="+15550001000", to="x"
    )
    return call, asyncio.create_task(call.ring_out(outbound.attempts(call, target), lambda leg, early: None))


def ways(room: Room) -> list[tuple[str, str]]:
    """(URI, next hop) of every INVITE so far."""
    return [(one.values["uri"].partition("@")[2], one.values["next_hop"]) for one in room.engine.of("originate")]


def story(room: Room, call: Call, *kinds: str) -> list[dict[str, Any]]:
    return [data for kind, data in room.rows.steps(call.sid) if kind in kinds]


ALL = [
    ("gw1.many", "sip:192.0.2.1"),
    ("gw1.many", "sip:192.0.2.2"),
    ("gw2.example", "sip:192.0.2.1"),
    ("198.51.100.7:5070;transport=tcp", ""),
]


@pytest.mark.parametrize(
    ("code", "passed_over"),
    [
        (503, []),  # the next address
        (408, []),
        (500, [1]),  # the next target
        (504, [1]),
        (401, [1, 2]),  # the next trunk
        (402, [1, 2]),
        (483, [1, 2]),
        (486, [1, 2, 3]),  # the callee's word
        (404, [1, 2, 3]),
        (403, [1, 2, 3]),
        (603, [1, 2, 3]),
    ],
)
async def test_where_a_refusal_leads(room: Room, code: int, passed_over: list[int]) -> None:
    call, task = placed(room)
    room.engine.end(await room.engine.called(), code)
    expected = [way for place, way in enumerate(ALL) if place not in passed_over][:2]
    if len(expected) == 2:
        room.engine.end(await room.engine.called(2), 486)
    assert not await task
    assert ways(room) == expected and call.sip_code == (486 if len(expected) == 2 else code)


async def test_every_way_fails_and_the_story_tells_each(room: Room) -> None:
    call, task = placed(room)
    for number, code in enumerate((503, 503, 500, 502), 1):
        room.engine.end(await room.engine.called(number), code, reason=f"no {number}")
    assert not await task
    assert ways(room) == ALL and (call.status, call.sip_code) == (CallStatus.FAILED, 502)
    (initiated,) = story(room, call, "initiated")
    assert (initiated["trunk"], initiated["via"]) == ("first", "sip:192.0.2.1")
    assert story(room, call, "failover") == [
        {"code": 503, "reason": "no 1", "at": "sip:192.0.2.1", "via": "sip:192.0.2.2"},
        {"code": 503, "reason": "no 2", "at": "sip:192.0.2.2", "via": "sip:192.0.2.1"},
        {"code": 500, "reason": "no 3", "at": "sip:192.0.2.1", "via": "sip:198.51.100.7:5070;transport=tcp"},
    ]
    assert call.trunk == "second"


class TestSilence:
    async def test_a_target_that_does_not_even_try(self, room: Room) -> None:
        """4 s without any response, and the next address has its turn."""
        loop = asyncio.get_running_loop()
        call, task = placed(room)
        began = loop.time()
        await room.engine.called(2)
        assert 4.0 <= loop.time() - began < 5.0
        assert len(room.engine.of("hangup")) == 1
        room.engine.end(await room.engine.called(2), 486)
        assert not await task
        (step,) = story(room, call, "failover")
        assert (step["code"], step["reason"]) == (408, "no response within 4 s")

    async def test_who_tries_is_waited_for(self, room: Room) -> None:
        call, task = placed(room)
        leg = await room.engine.called()
        room.engine.trying(leg)
        await after(30)
        assert len(ways(room)) == 1
        room.engine.answer_of(leg)
        assert await task
        call.hang_up()

    async def test_the_last_one_is_waited_for(self, rooms: Callable[..., Room]) -> None:
        """As long as SIP itself does (timer B, in the engine)."""
        room = rooms(trunk=[SECOND])
        call, task = placed(room)
        leg = await room.engine.called()
        await after(20)
        room.engine.answer_of(leg)
        assert await task
        call.hang_up()

    async def test_its_own_time(self, rooms: Callable[..., Room]) -> None:
        room = rooms(trunk=[FIRST | {"response_s": 1.5}])
        loop = asyncio.get_running_loop()
        _, task = placed(room)
        began = loop.time()
        room.engine.end(await room.engine.called(2), 486)
        assert not await task
        assert 1.5 <= loop.time() - began < 2.5

    async def test_canceled_meanwhile(self, room: Room) -> None:
        call, task = placed(room)
        await room.engine.called()
        call.cancel(CallStatus.CANCELED)
        assert not await task
        assert (call.status, call.sip_code, len(ways(room))) == (CallStatus.CANCELED, 487, 1)

    async def test_addresses_of_a_sip_party(self, room: Room) -> None:
        call, task = placed(room, SipTarget("sip:bob@pbx.many"))
        room.engine.end(await room.engine.called(2), 486)
        assert not await task
        assert ways(room) == [("pbx.many", "sip:192.0.2.1"), ("pbx.many", "sip:192.0.2.2")]
        assert story(room, call, "failover")[0]["code"] == 408


async def test_a_full_trunk_is_passed_over(rooms: Callable[..., Room]) -> None:
    room = rooms(trunk=[FIRST | {"max_calls": 1}, SECOND])
    one, first = placed(room)
    room.engine.answer_of(await room.engine.called())
    assert await first
    two, second = placed(room)
    room.engine.answer_of(await room.engine.called(2))
    assert await second
    assert (one.trunk, two.trunk) == ("first", "second")
    assert story(room, two, "passed over") == [{"trunk": "first", "why": "full"}]
    one.hang_up()
    two.hang_up()


async def test_a_trunk_that_has_no_start_free_is_passed_over(rooms: Callable[..., Room]) -> None:
    room = rooms(trunk=[FIRST | {"calls_per_second": 0.5}, SECOND])
    trunks = []
    for number in (1, 2):
        call, task = placed(room)
        room.engine.end(await room.engine.called(number), 486)
        assert not await task
        trunks.append(call.trunk)
    assert trunks == ["first", "second"]


async def test_a_route_decides(rooms: Callable[..., Room]) -> None:
    routes = [{"prefix": "+1555", "trunks": ["second", "first"]}, {"prefix": "+1", "trunks": ["first"]}]
    room = rooms(trunk=[FIRST, SECOND], route=routes)
    call, task = placed(room)
    room.engine.end(await room.engine.called(), 503)
    room.engine.end(await room.engine.called(2), 486)
    assert not await task
    assert ways(room) == [ALL[3], ALL[0]] and call.trunk == "first"


class TestRedirects:
    """3xx of a gateway: refused, or followed to hosts of the same trunk."""

    def contact(self, *uris: str) -> tuple[str, str]:
        return "Contact", ", ".join(uris)

    async def test_refused_unless_it_may_be_followed(self, room: Room) -> None:
        call, task = placed(room)
        room.engine.end(await room.engine.called(), 302, self.contact("<sip:+1555@gw2.example>"))
        assert not await task
        assert len(ways(room)) == 1 and call.sip_code == 302
        assert story(room, call, "redirect") == [{"to": "sip:+1555@gw2.example", "followed": False}]

    async def test_to_hosts_of_the_same_trunk_by_preference(self, rooms: Callable[..., Room]) -> None:
        room = rooms(trunk=[FIRST | {"redirects": "follow", "username": "u", "password": "p"}, SECOND])
        call, task = placed(room)
        elsewhere = ["<sip:+1555@evil.example>", "<sip:+1555@198.51.100.7:5070>", "<sip:bob@gw2.example>"]
        own = ["<sip:+15550001@GW2.example:5080>;q=0.1", "<sip:+15550002@gw1.many;transport=tcp>;q=0.5"]
        room.engine.end(await room.engine.called(), 302, self.contact(*elsewhere, *own))
        room.engine.end(await room.engine.called(2), 500)
        room.engine.end(await room.engine.called(3), 486)
        assert not await task
        assert [one.values["uri"] for one in room.engine.of("originate")[1:]] == [
            "sip:+15550002@gw1.many;transport=tcp",
            "sip:+15550001@GW2.example:5080",
        ]
        assert {one.values["username"] for one in room.engine.of("originate")} == {"u"}
        followed = [step["followed"] for step in story(room, call, "redirect")]
        assert followed == [False, False, False, True, True] and call.sip_code == 486

    async def test_no_number_that_the_account_may_not_call(self, rooms: Callable[..., Room]) -> None:
        room = rooms(trunk=[FIRST | {"redirects": "follow"}])
        exchange = replace(room.exchange, fences=Fences(permits=lambda account, number: not number.startswith("+44")))
        call = Call(exchange, room.account, Application(), direction=Direction.OUTBOUND_API, from_="x", to="y")
        task = asyncio.create_task(call.ring_out(outbound.attempts(call, NUMBER), lambda leg, early: None))
        room.engine.end(await room.engine.called(), 302, self.contact("<sip:+447700900000@gw2.example>"))
        assert not await task
        assert len(ways(room)) == 1

    async def test_not_for_ever(self, rooms: Callable[..., Room]) -> None:
        room = rooms(trunk=[FIRST | {"redirects": "follow"}])
        call, task = placed(room)
        for number in range(1, MOST_REDIRECTS + 2):
            room.engine.end(await room.engine.called(number), 302, self.contact("<sip:+1555@gw2.example>"))
        assert not await task
        assert len(ways(room)) == MOST_REDIRECTS + 1 and call.sip_code == 302

    @pytest.mark.parametrize("value", ["*", "nonsense", ""])
    async def test_what_leads_nowhere(self, rooms: Callable[..., Room], value: str) -> None:
        room = rooms(trunk=[FIRST | {"redirects": "follow"}])
        _, task = placed(room)
        room.engine.end(await room.engine.called(), 302, ("Contact", value))
        assert not await task
        assert len(ways(room)) == 1


class TestQuarantine:
    @pytest.fixture
    async def room(self, rooms: Callable[..., Room]) -> Room:
        first = FIRST | {"targets": ["sip:192.0.2.9"], "quarantine_after": 2, "quarantine_s": 60}
        return rooms(trunk=[first, SECOND])

    async def call(self, room: Room, *codes: int) -> Call:
        """A call whose INVITEs are answered so; 200 answers it."""
        sent = len(room.engine.of("originate"))
        call, task = placed(room)
        for number, code in enumerate(codes, sent + 1):
            leg = await room.engine.called(number)
            if code == 200:
                room.engine.answer_of(leg)
            else:
                room.engine.end(leg, code)
        assert await task == (codes[-1] == 200)
        call.hang_up()
        await call.ended
        return call

    async def ill(self, room: Room) -> None:
        """The first trunk's only target has failed often enough."""
        for _ in range(2):
            await self.call(room, 503, 486)

    async def test_after_failures_in_a_row(self, room: Room) -> None:
        await self.call(room, 503, 486)
        await self.call(room, 486)
        await self.ill(room)
        call = await self.call(room, 486)
        assert call.trunk == "second"
        assert story(room, call, "passed over") == [{"trunk": "first", "via": "sip:192.0.2.9", "why": "quarantined"}]

    async def test_one_call_tries_it_again(self, room: Room) -> None:
        await self.ill(room)
        await after(61)
        assert (await self.call(room, 200)).trunk == "first"
        assert room.exchange.health.state("first", "sip:192.0.2.9") is HealthState.UP

    async def test_and_fails(self, room: Room) -> None:
        await self.ill(room)
        await after(61)
        await self.call(room, 503, 486)
        await after(61)
        assert (await self.call(room, 486)).trunk == "second", "left alone twice as long"
        await after(60)
        assert (await self.call(room, 486)).trunk == "first"

    async def test_who_has_no_other_way_tries_it_all_the_same(self, room: Room) -> None:
        await self.ill(room)
        call = await self.call(room, 503, 200)
        assert call.trunk == "first" and [way[0] for way in ways(room)[-2:]] == [ALL[3][0], "192.0.2.9"]
        assert room.exchange.health.state("first", "sip:192.0.2.9") is HealthState.UP

    async def test_a_callee_who_rang_is_no_fault_of_the_gateway(self, room: Room) -> None:
        for number in (1, 2, 3):
            call, task = placed(room)
            leg = await room.engine.called(number)
            room.engine.progress(leg)
            await turns()
            room.engine.end(leg, 503)
            assert not await task and call.trunk == "first"

    async def test_nor_is_a_timeout_behind_it(self, room: Room) -> None:
        for number in (1, 3, 5):
            _, task = placed(room)
            leg = await room.engine.called(number)
            room.engine.trying(leg)
            room.engine.end(leg, 408)
            room.engine.end(await room.engine.called(number + 1), 486)
            assert not await task
        assert room.exchange.health.takes("first", "sip:192.0.2.9")

    async def test_our_own_cancel_says_nothing(self, room: Room) -> None:
        for number in (1, 2, 3):
            call, task = placed(room)
            await room.engine.called(number)
            call.cancel(CallStatus.CANCELED)
            assert not await task
        assert list(room.exchange.health) == []
