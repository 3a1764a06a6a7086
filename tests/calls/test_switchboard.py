"""Calls in, calls out, live control, and the end of the daemon."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.call import Call
from callwright.calls.control import DialRecording, GatherPlan, Speech
from callwright.calls.order import CallOrder
from callwright.calls.status import CallStatus
from callwright.errors import RestError
from tests.calls.fakes import ACCOUNT_SID, NUMBER, OTHERS_NUMBER, Room
from tests.calls.jumping import after, turns

STATUS = Hook("http://app.example/status")


def order(room: Room, **options: Any) -> CallOrder:
    application = Application(voice=Hook("http://app.example/voice"), status_callback=STATUS)
    given: dict[str, Any] = {"to": "+15558880000", "from_": NUMBER, "application": application}
    return CallOrder(account=room.account, **(given | options))


async def placed(room: Room, **options: Any) -> tuple[Call, int]:
    """A placed call whose gateway tries to reach the callee, and its leg."""
    call = room.exchange.live[await room.switchboard.place(order(room, **options))]
    leg = await room.engine.called()
    room.engine.trying(leg)
    return call, leg


class TestInbound:
    async def test_rings_when_the_application_takes_its_time(self, room: Room) -> None:
        thinking = asyncio.Event()

        async def script(call: Call) -> None:
            await thinking.wait()

        room.script = script
        _, leg = await room.inbound()
        assert not room.engine.of("answer", leg)
        assert (await room.engine.until("answer", leg)).values["code"] == 180
        thinking.set()

    @pytest.mark.parametrize(
        "script",
        [
            lambda call: call.play([Speech("one")]),
            lambda call: call.gather(GatherPlan()),
            lambda call: call.gather(GatherPlan([Speech("one")])),
            lambda call: call.pause(60),
        ],
        ids=["play", "gather", "gather with a prompt", "pause"],
    )
    async def test_is_freed_at_once(self, room: Room, script: Callable[[Call], Awaitable[None]]) -> None:
        """By its last reference. Cycles would wait for the collector, which holds up every other call."""
        room.script = script
        call, leg = await room.inbound()
        await turns()
        gone = weakref.ref(call)
        del call
        room.sessions.clear()
        gc.disable()
        try:
            room.engine.end(leg)
            await turns()
            assert gone() is None
        finally:
            gc.enable()

    async def test_no_180_after_a_quick_answer(self, room: Room) -> None:
        _, leg = await room.inbound()
        await after(5)
        assert [one.values["code"] for one in room.engine.of("answer", leg)] == [200]

    async def test_answered_as_its_trunk_says(self, rooms: Callable[..., Room]) -> None:
        trunk = {"name": "c", "account": ACCOUNT_SID, "allow": ["127.0.0.0/8"], "codecs": ["G722"], "dtmf": "info"}
        room = rooms(trunk=[trunk])
        call, leg = await room.inbound()
        assert (await room.engine.until("answer", leg)).values["codecs"] == ["G722"]
        assert call.require_leg().keypad.method == "info"

    @pytest.mark.parametrize(
        ("to", "source", "code"), [("+1999", "127.0.0.1", 404), (OTHERS_NUMBER, "127.0.0.1", 404), (NUMBER, "::2", 403)]
    )
    async def test_refused(self, room: Room, to: str, source: str, code: int) -> None:
        leg = room.engine.incoming(to=to, source_host=source)
        assert (await room.engine.until("hangup", leg)).values["code"] == code
        assert not room.rows.tables["calls"]

    async def test_account_full(self, rooms: Callable[..., Room]) -> None:
        room = rooms(limits={"concurrent_calls": 1})
        _, first = await room.inbound()
        second = room.engine.incoming()
        refused = await room.engine.until("hangup", second)
        assert (refused.values["code"], refused.values["headers"]) == (503, [("Retry-After", "5")])
        room.engine.end(first)
        await turns()
        await room.inbound()

    async def test_invite_that_breaks_us_is_refused(self, room: Room, caplog: pytest.LogCaptureFixture) -> None:
        """An exception while an INVITE is taken must not leave its caller waiting for ever."""
        leg = room.engine.incoming(source_host="no address")
        assert (await room.engine.until("hangup", leg)).values["code"] == 500
        assert "could not be handled" in caplog.text
        await room.inbound()

    async def test_session_that_breaks_ends_its_call(self, room: Room, caplog: pytest.LogCaptureFixture) -> None:
        async def script(call: Call) -> None:
            raise RuntimeError("a defect")

        room.script = script
        call, _ = await room.inbound()
        assert await call.ended is CallStatus.NO_ANSWER
        await turns()
        assert f"task {call.sid} failed" in caplog.text

    async def test_caller_that_leaves_ends_its_session(self, room: Room) -> None:
        call, leg = await room.inbound()
        room.engine.end(leg)
        assert await call.ended is CallStatus.COMPLETED
        await room.exchange.tasks.settle(1)
        with pytest.raises(RestError) as caught:
            await room.switchboard.redirect(call.sid, hook=None, twiml="<Response/>")
        assert caught.value.code == 21220


class TestPlace:
    async def test_answered_call_runs_its_application(self, room: Room) -> None:
        call, leg = await placed(room)
        invite = room.engine.of("originate")[0].values
        assert (invite["uri"], invite["local_uri"]) == ("sip:+15558880000@gw1.example", f"<sip:{NUMBER}@127.0.0.1>")
        assert not room.sessions
        room.engine.answer_of(leg)
        await turns()
        assert [session.call for session in room.sessions] == [call]
        room.engine.end(leg)
        assert await call.ended is CallStatus.COMPLETED
        assert room.rows.row("calls", call.sid)["trunk"] == "carrier"

    async def test_caller_id_is_shown_in_place_of_from(self, room: Room) -> None:
        call, _ = await placed(room, caller_id="+15550009999")
        assert room.engine.of("originate")[0].values["local_uri"] == "<sip:+15550009999@127.0.0.1>"
        assert call.from_ == NUMBER

    async def test_ring_timeout(self, room: Room) -> None:
        call, leg = await placed(room, timeout=12)
        room.engine.progress(leg)
        assert (await call.ended, call.sip_code) == (CallStatus.NO_ANSWER, 487)
        assert not room.sessions

    async def test_time_limit(self, room: Room) -> None:
        call, leg = await placed(room, time_limit=20)
        room.engine.answer_of(leg)
        assert await call.ended is CallStatus.COMPLETED
        assert call.duration in (20, 21)

    async def test_keys_before_the_first_document(self, room: Room) -> None:
        _, leg = await placed(room, send_digits="W12")
        room.engine.answer_of(leg)
        keys = await room.engine.until("send_digits", leg)
        assert keys.values["digits"] == "12" and not room.sessions
        await after(5)
        assert len(room.sessions) == 1

    async def test_callee_leaves_during_the_keys(self, room: Room) -> None:
        call, leg = await placed(room, send_digits="WWW1")
        room.engine.answer_of(leg)
        await turns()
        room.engine.end(leg)
        assert await call.ended is CallStatus.COMPLETED
        await room.exchange.tasks.settle(1)
        assert not room.sessions

    async def test_starts_are_paced(self, rooms: Callable[..., Room]) -> None:
        room = rooms(limits={"calls_per_second": 1})
        first, _ = await placed(room)
        second = room.exchange.live[await room.switchboard.place(order(room))]
        assert second.status is CallStatus.QUEUED and len(room.engine.of("originate")) == 1
        await room.engine.called(2)
        assert room.rows.row("calls", second.sid)["queue_time"] == pytest.approx(1000, abs=100)
        assert room.rows.row("calls", first.sid)["queue_time"] == 0

    async def test_account_full(self, rooms: Callable[..., Room]) -> None:
        room = rooms(limits={"concurrent_calls": 1})
        await placed(room)
        with pytest.raises(RestError) as caught:
            await room.switchboard.place(order(room))
        assert (caught.value.code, caught.value.status) == (10004, 429)

    async def test_number_that_nothing_carries(self, room: Room) -> None:
        call = room.exchange.live[await room.switchboard.place(order(room, to="client:bob"))]
        assert (await call.ended, call.sip_code) == (CallStatus.FAILED, 404)
        assert not room.engine.of("originate")

    async def test_goes_on_without_the_database(self, room: Room) -> None:
        """A database that cannot be written loses no call (promise P3)."""
        room.rows.broken = True
        call, leg = await placed(room)
        room.engine.end(leg, 486)
        assert await call.ended is CallStatus.BUSY

    async def test_request_that_is_given_up_places_its_call(self, room: Room) -> None:
        gone = asyncio.get_running_loop().create_future()
        room.rows.flushed = lambda: gone  # type: ignore[method-assign,assignment]  # a commit that never ends
        asking = asyncio.create_task(room.switchboard.place(order(room)))
        await turns()
        asking.cancel()
        room.engine.end(await room.engine.called(), 486)
        await room.exchange.tasks.settle(1)
        assert not room.exchange.live

    async def test_recorded_call_names_its_recording_at_the_end(self, room: Room) -> None:
        call, leg = await placed(room, record=DialRecording(dual=True, trim=False))
        room.engine.answer_of(leg)
        tape = await room.engine.until("recorder")
        assert tape.values["channels"] == 2
        room.engine.end(leg)
        assert await call.ended is CallStatus.COMPLETED
        (posted,) = room.posts.of(STATUS.url)
        (row,) = room.rows.tables["recordings"].values()
        assert (posted["RecordingSid"], posted["RecordingDuration"]) == (row["sid"], "2")
        assert (row["source"], row["status"], row["channels"]) == ("OutboundAPI", "completed", 2)


class TestLiveControl:
    async def test_redirect_goes_to_the_session(self, room: Room) -> None:
        call, _ = await room.inbound()
        await room.switchboard.redirect(call.sid, hook=STATUS, twiml=None)
        await room.switchboard.redirect(call.sid, hook=None, twiml="<Response/>")
        assert room.sessions[0].redirected == [STATUS, "<Response/>"]

    async def test_redirect_of_a_session_that_ends(self, room: Room) -> None:
        call, _ = await room.inbound()
        room.sessions[0].ending = True
        with pytest.raises(RestError) as caught:
            await room.switchboard.redirect(call.sid, hook=STATUS, twiml=None)
        assert caught.value.code == 21220

    async def test_redirect_before_the_answer_changes_the_first_document(self, room: Room) -> None:
        call, leg = await placed(room)
        await room.switchboard.redirect(call.sid, hook=None, twiml="<Response/>")
        assert (call.application.voice, call.application.twiml) == (None, "<Response/>")
        assert call.application.status_callback == STATUS
        room.engine.answer_of(leg)
        await turns()
        assert len(room.sessions) == 1

    async def test_redirect_of_a_child_that_rings(self, room: Room) -> None:
        parent, _ = await room.inbound()
        child = parent.child("sip:x@y", caller_id="", callback=None)
        with pytest.raises(RestError) as caught:
            await room.switchboard.redirect(child.sid, hook=STATUS, twiml=None)
        assert caught.value.code == 21220 and not child.taken.done()
        child.hang_up()

    @pytest.mark.parametrize("canceled", [True, False])
    async def test_end_while_it_rings(self, room: Room, canceled: bool) -> None:
        call, _ = await placed(room)
        await room.switchboard.end(call.sid, canceled=canceled)
        assert (await call.ended, call.sip_code) == (CallStatus.CANCELED, 487)

    async def test_end_in_the_queue(self, rooms: Callable[..., Room]) -> None:
        room = rooms(limits={"calls_per_second": 0.1})
        await placed(room)
        call = room.exchange.live[await room.switchboard.place(order(room))]
        await room.switchboard.end(call.sid, canceled=True)
        assert call.status is CallStatus.CANCELED
        await after(60)
        assert len(room.engine.of("originate")) == 1

    async def test_end_while_they_talk(self, room: Room) -> None:
        call, _ = await room.inbound()
        await turns()
        with pytest.raises(RestError) as caught:
            await room.switchboard.end(call.sid, canceled=True)
        assert caught.value.code == 21220
        await room.switchboard.end(call.sid, canceled=False)
        assert await call.ended is CallStatus.COMPLETED

    async def test_unknown_call(self, room: Room) -> None:
        for work in (
            room.switchboard.end("CA0", canceled=False),
            room.switchboard.amend("CA0", time_limit=1),
            room.switchboard.redirect("CA0", hook=STATUS, twiml=None),
        ):
            with pytest.raises(RestError) as caught:
                await work
            assert caught.value.code == 21220

    async def test_amend(self, room: Room) -> None:
        call, _ = await room.inbound()
        await turns()
        other = Hook("http://app.example/other", "GET")
        await room.switchboard.amend(call.sid, fallback=other, status_callback=STATUS, time_limit=9)
        (amended,) = room.sessions[0].amended
        assert (amended.fallback, amended.status_callback) == (other, STATUS)
        await call.ended
        assert call.duration in (9, 10)
        assert len(room.posts.of(STATUS.url)) == 1


class TestDrain:
    async def test_waits_for_live_calls_and_takes_no_other(self, room: Room) -> None:
        call, leg = await room.inbound()
        draining = asyncio.create_task(room.switchboard.drain(3000))
        await turns()
        late = room.engine.incoming()
        assert (await room.engine.until("hangup", late)).values["code"] == 503
        with pytest.raises(RestError) as caught:
            await room.switchboard.place(order(room))
        assert caught.value.status == 503
        await after(100)
        assert not draining.done() and not call.status.final
        room.engine.end(leg)
        await draining

    async def test_ends_those_that_are_left(self, rooms: Callable[..., Room]) -> None:
        room = rooms(limits={"calls_per_second": 0.01})
        talking, _ = await room.inbound()
        await turns()
        room.script = _never
        ringing_in, leg = await room.inbound()
        ringing_out, _ = await placed(room)
        queued = room.exchange.live[await room.switchboard.place(order(room))]
        await room.switchboard.drain(10)
        ended = [call.status for call in (talking, ringing_in, ringing_out, queued)]
        assert ended == [CallStatus.COMPLETED, CallStatus.FAILED, CallStatus.CANCELED, CallStatus.CANCELED]
        assert room.engine.of("hangup", leg)[0].values["code"] == 503
        assert len(room.posts.of(STATUS.url)) == 2


async def _never(call: Call) -> None:
    await call.ended
