"""A leg: its states, and everything that waits on it."""

import asyncio
import gc
import itertools

import pytest

from callwright.errors import LegGone
from callwright.sip.leg import _FLOW, Digit, Invite, Leg, LegState
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

INVITE = Invite("sip:a@b", "sip:c@d", "", "", "", "", "call-9", "127.0.0.1", 5060, "UDP")


def inbound(room: Room) -> Leg:
    return Leg(room.endpoint, 900, INVITE)


def outbound(room: Room) -> Leg:
    return Leg(room.endpoint, 901)


def over(leg: Leg, code: int = 200, statistics: str = "") -> None:
    leg.on_ended(code, "why", {"by": "remote", "headers": [("X-A", "1")], "call_id": "c", "statistics": statistics})


def test_every_state_ends() -> None:
    assert set(_FLOW) == set(LegState)
    for state in set(LegState) - {LegState.DISCONNECTED}:
        assert LegState.DISCONNECTED in _FLOW[state]
    assert not _FLOW[LegState.DISCONNECTED]


async def test_no_other_transition_is_made(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    for before, then in itertools.product(LegState, LegState):
        leg = outbound(room)
        leg._state = before
        leg._enter(then)
        assert leg.state is (then if then in _FLOW[before] else before)
    assert "is not a transition" in caplog.text


async def test_inbound_rings_once_and_answers_once(room: Room) -> None:
    leg = inbound(room)
    leg.ring()
    leg.ring()
    leg.progress()
    leg.accept()
    leg.accept()
    leg.ring()
    leg.progress()
    assert [one.values["code"] for one in room.engine.of("answer", 900)] == [180, 183, 200]
    leg.on_established({"call_id": "x", "headers": []})
    assert (leg.state, leg.call_id) == (LegState.CONFIRMED, "x")


async def test_no_180_over_early_media(room: Room) -> None:
    leg = inbound(room)
    leg.progress()
    leg.ring()
    assert [one.values["code"] for one in room.engine.of("answer", 900)] == [183]


async def test_outbound_is_answered(room: Room) -> None:
    leg = outbound(room)
    heard: list[tuple[int, bool]] = []
    waiting = asyncio.create_task(leg.answered())
    with leg.progressing(lambda code, early: heard.append((code, early))):
        leg.on_progress(183, True)
    leg.on_progress(180, False)
    assert (heard, leg.rang, leg.state) == ([(183, True)], True, LegState.EARLY)
    leg.on_established({"call_id": "c1", "headers": [("X-A", "1")]})
    await waiting
    assert leg.answer_headers == (("X-A", "1"),)


async def test_call_is_being_forwarded_is_ringing_but_trying_is_not(room: Room) -> None:
    leg = outbound(room)
    leg.on_progress(100, False)
    assert not leg.rang
    leg.on_progress(181, False)
    assert leg.rang


async def test_end_fails_everything_that_waits(room: Room) -> None:
    leg = outbound(room)
    waiting = [asyncio.create_task(work) for work in (leg.answered(), leg.sleep(1000))]
    future = leg.waiter()
    await turns()
    over(leg, 486)
    for task in waiting:
        with pytest.raises(LegGone, match="486"):
            await task
    assert isinstance(future.exception(), LegGone)
    ending = leg.ended.result()
    assert (ending.code, ending.by, ending.headers, ending.call_id) == (486, "remote", (("X-A", "1"),), "c")
    assert leg.gone
    for late in (leg.waiter, leg.accept):
        with pytest.raises(LegGone):
            late()
    with pytest.raises(LegGone):
        await leg.sleep(1)
    leg.hang_up()
    assert not room.engine.of("hangup", 901)


async def test_one_that_is_hung_up_is_ending_until_it_is_over(room: Room) -> None:
    """The BYE has to be answered before it is gone."""
    leg = outbound(room)
    assert not leg.ending
    leg.hang_up()
    assert leg.ending and not leg.gone
    over(leg)
    assert leg.ending and leg.gone


async def test_nobody_waits_and_nobody_complains(room: Room) -> None:
    """A future that was given up before the leg ended is no unretrieved failure."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    leg = outbound(room)
    leg.waiter()
    over(leg)
    del leg
    gc.collect()
    await turns()
    loop.set_exception_handler(None)
    assert complaints == []


async def test_statistics_that_cannot_be_read_hold_nobody(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    for text, expected in (('{"codec": "PCMU"}', {"codec": "PCMU"}), ("{nonsense", {}), ("[1]", {})):
        leg = outbound(room)
        over(leg, 200, text)
        assert leg.ended.result().statistics == expected
    assert caplog.text.count("statistics that cannot be read") == 2


async def test_waiters_that_are_done_are_forgotten(room: Room) -> None:
    leg = outbound(room)
    await leg.sleep(1)
    abandoned = leg.waiter()
    abandoned.cancel()
    await turns()
    assert not leg._waiters


async def test_cancelled_sleep_leaves_no_timer(room: Room) -> None:
    leg = outbound(room)
    task = asyncio.create_task(leg.sleep(100))
    await turns()
    task.cancel()
    await asyncio.wait({task})
    await after(200)
    assert not leg._waiters and not leg.gone


async def test_digits_reach_who_listens_now(room: Room) -> None:
    leg, keys = outbound(room), []
    with leg.digits(lambda digit: keys.append(digit.key)):
        leg.on_digit(Digit("1", 100, "rfc4733"))
    leg.on_digit(Digit("2", 100, "rfc4733"))
    assert keys == ["1"]


class TestDuring:
    """Work that makes no sense without the leg."""

    async def test_result(self, room: Room) -> None:
        leg = outbound(room)
        assert await leg.during(asyncio.create_task(_value(5))) == 5
        await turns()
        assert not leg._waiters

    async def test_failure(self, room: Room) -> None:
        async def fail() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await outbound(room).during(asyncio.create_task(fail()))

    async def test_leg_ends_first(self, room: Room) -> None:
        leg, work = outbound(room), asyncio.create_task(_value(5, 100))
        task = asyncio.create_task(leg.during(work))
        await turns()
        over(leg)
        with pytest.raises(LegGone):
            await task
        assert work.cancelled()

    async def test_leg_has_ended(self, room: Room) -> None:
        leg, work = outbound(room), asyncio.create_task(_value(5, 100))
        over(leg)
        with pytest.raises(LegGone):
            await leg.during(work)
        assert work.cancelled()

    async def test_cancelled(self, room: Room) -> None:
        leg, work = outbound(room), asyncio.create_task(_value(5, 100))
        task = asyncio.create_task(leg.during(work))
        await turns()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() and work.cancelled()


async def _value(value: int, seconds: float = 1) -> int:
    await after(seconds)
    return value


async def test_media_that_must_be_encrypted(room: Room) -> None:
    """It is hung up where they are not, at its beginning and later; not where they stop."""
    leg = inbound(room)
    leg.encrypted = True
    leg.on_media(True, False, "sdes")
    leg.on_media(False, False, "none")
    assert room.engine.of("hangup", 900) == [] and leg.fault == ""
    leg.on_media(True, False, "none")
    (hung_up,) = room.engine.of("hangup", 900)
    assert hung_up.values["code"] == 488 and dict(hung_up.values["headers"])["Reason"].startswith("SIP;cause=488;")
    assert "not encrypted" in leg.fault
