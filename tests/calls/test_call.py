"""One call: its states, its parameters, its callbacks, its row (call-control reference §2.1, §2.2, §7.4)."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from callwright.calls import call_token
from callwright.calls.application import ALL_EVENTS, Application, Hook
from callwright.calls.call import Call
from callwright.calls.control import Silence
from callwright.calls.outbound import Attempt
from callwright.calls.status import CallStatus, Direction
from callwright.errors import LegGone
from callwright.sip.leg import Ending
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns

STATUS = Hook("http://app.example/status")
APPLICATION = Application(voice=Hook("http://app.example/voice"), status_callback=STATUS, status_events=ALL_EVENTS)


def outbound(room: Room, **options: Any) -> Call:
    """A call to place."""
    return Call(
        room.exchange,
        room.account,
        options.pop("application", APPLICATION),
        direction=Direction.OUTBOUND_API,
        from_="+15550001000",
        to="+15558880000",
        **options,
    )


def attempt(room: Room, uri: str = "sip:x@y") -> Attempt:
    """One INVITE."""
    return Attempt(uri, lambda next_hop: room.endpoint.originate(uri, local_uri="<sip:a@b>", next_hop=next_hop))


def ringing(room: Room, call: Call, count: int = 1) -> "asyncio.Task[bool]":
    """Rings a call out."""
    return asyncio.create_task(call.ring_out([attempt(room)] * count, lambda leg, early: None))


class TestInbound:
    async def test_row_and_parameters(self, room: Room) -> None:
        headers = [("X-Token", "a;b"), ("User-to-User", "00"), ("Diversion", "<sip:d@e>"), ("Via", "no")]
        call, leg = await room.inbound(headers=headers, request_uri="sip:+15550001000@[::1]:5060;user=phone")
        await turns()
        assert call.parameters() == {
            "CallToken": call_token.made(call),
            "CallSid": call.sid,
            "AccountSid": room.account.sid,
            "From": "+15557654321",
            "Caller": "+15557654321",
            "To": "+15550001000",
            "Called": "+15550001000",
            "CallStatus": "in-progress",
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "SipCallId": f"call-{leg}",
            "SipSourceIp": "127.0.0.1",
            "SipDomain": "[::1]",
            "SipHeader_X-Token": "a;b",
            "SipHeader_User-to-User": "00",
            "SipHeader_Diversion": "<sip:d@e>",
            **{who + what: "" for who in ("From", "To", "Caller", "Called") for what in GEOGRAPHY},
        }
        row = room.rows.row("calls", call.sid)
        assert (row["status"], row["direction"], row["trunk"]) == ("in-progress", "inbound", "carrier")
        assert (row["sip_call_id"], row.get("end_time")) == (f"call-{leg}", None)

    async def test_completed(self, room: Room) -> None:
        call, leg = await room.inbound()
        await turns()
        await after(61.5)
        assert call.duration == 62
        room.engine.end(leg)
        assert await call.ended is CallStatus.COMPLETED
        row = room.rows.row("calls", call.sid)
        assert (row["status"], row["duration"], row["sip_code"], row["outcome"]) == ("completed", 62, 200, "success")
        assert row["end_time"] >= row["start_time"] >= row["date_created"]
        await after(100)
        assert call.duration == 62

    async def test_caller_cancels(self, room: Room) -> None:
        """§7.4: 487 of its own CANCEL."""
        room.script = _wait_for_the_end
        call, leg = await room.inbound()
        room.engine.end(leg, 487)
        assert (await call.ended, call.sip_code, call.duration) == (CallStatus.CANCELED, 487, 0)

    @pytest.mark.parametrize(("reason", "code", "status"), [("busy", 486, "busy"), ("rejected", 603, "no-answer")])
    async def test_rejected(self, room: Room, reason: str, code: int, status: str) -> None:
        room.script = lambda call: call.reject(reason)
        call, leg = await room.inbound()
        assert (await call.ended, call.sip_code) == (status, code)
        assert room.engine.of("hangup", leg)[0].values["code"] == code

    async def test_failed_by_its_application(self, room: Room) -> None:
        room.script = lambda call: call.fail()
        call, _ = await room.inbound()
        assert (await call.ended, call.sip_code) == (CallStatus.FAILED, 480)

    async def test_rejected_after_its_answer_is_hung_up(self, room: Room) -> None:
        async def script(call: Call) -> None:
            await call.answer()
            await call.reject("busy")
            await call.reject("busy")

        room.script = script
        call, _ = await room.inbound()
        assert (await call.ended, call.sip_code) == (CallStatus.COMPLETED, 200)

    async def test_hangup_answers_first(self, room: Room) -> None:
        room.script = lambda call: call.hangup()
        call, leg = await room.inbound()
        assert await call.ended is CallStatus.COMPLETED
        assert [one.name for one in room.engine.commands if one.node == leg] == ["answer", "hangup"]

    async def test_time_limit(self, rooms: Callable[..., Room]) -> None:
        room = rooms(limits={"call_seconds": 30})
        call, _ = await room.inbound()
        assert await call.ended is CallStatus.COMPLETED
        assert call.duration in (30, 31)
        assert "limit" in [kind for kind, _ in room.rows.steps(call.sid)]

    async def test_time_limit_counts_from_the_answer(self, room: Room) -> None:
        call, _ = await room.inbound()
        await turns()
        await after(20)
        call.limit_to(25)
        assert await call.ended is CallStatus.COMPLETED
        assert call.duration in (25, 26)

    async def test_time_limit_before_the_answer_never_exceeds_the_daemons(self, room: Room) -> None:
        room.script = _wait_for_the_end
        call, _ = await room.inbound()
        call.limit_to(10**9)
        assert call.time_limit == room.exchange.call_seconds
        call.limit_to(7)
        await call.answer()
        await call.ended
        assert call.duration in (7, 8)

    async def test_pause_does_not_answer(self, room: Room) -> None:
        room.script = lambda call: call.pause(4)
        call, leg = await room.inbound()
        await call.ended
        codes = [one.values["code"] for one in room.engine.of("answer", leg)]
        assert codes == [180, 200]

    async def test_operations_after_the_end(self, room: Room) -> None:
        call, leg = await room.inbound()
        room.engine.end(leg)
        await call.ended
        for operation in (call.answer(), call.play([Silence(1)]), call.pause(1)):
            with pytest.raises(LegGone):
                await operation
        await call.reject("busy")
        await call.hangup()


GEOGRAPHY = ("City", "State", "Zip", "Country")


async def _wait_for_the_end(call: Call) -> None:
    await call.ended


class TestOutbound:
    async def test_every_step_is_posted(self, room: Room) -> None:
        call = outbound(room)
        task = ringing(room, call)
        leg = await room.engine.called()
        room.engine.progress(leg, 183)
        room.engine.progress(leg, 180)
        room.engine.answer_of(leg)
        assert await task
        await after(61)
        room.engine.end(leg)
        await call.ended
        posted = room.posts.of(STATUS.url)
        assert [one["CallStatus"] for one in posted] == ["initiated", "ringing", "in-progress", "completed"]
        assert [one["SequenceNumber"] for one in posted] == ["0", "1", "2", "3"]
        assert {one["CallbackSource"] for one in posted} == {"call-progress-events"}
        assert all("SipResponseCode" not in one for one in posted[:3])
        assert (posted[3]["CallDuration"], posted[3]["Duration"], posted[3]["SipResponseCode"]) == ("62", "2", "200")
        assert room.rows.row("calls", call.sid)["status_callback"]["sequence"] == 4

    async def test_first_step_says_whose_it_is(self, room: Room, caplog: pytest.LogCaptureFixture) -> None:
        """A log of many calls is read by it: where a dialled leg went, through which trunk, and for which call."""
        caplog.set_level(logging.INFO)
        parent, _ = await room.inbound()
        child = parent.child("+15558880000", caller_id="", callback=None)
        child.carried_by("carrier")
        task = ringing(room, child)
        room.engine.end(await room.engine.called(), 486)
        assert not await task
        whose = {"to": "+15558880000", "trunk": "carrier", "via": "sip:192.0.2.1", "parent": parent.sid}
        expected = {"status": "initiated", **whose}
        assert ("initiated", expected) in room.rows.steps(child.sid)
        assert (
            f"initiated status=initiated to=+15558880000 trunk=carrier via=sip:192.0.2.1 parent={parent.sid}"
            in caplog.text
        )
        parent.hang_up()

    async def test_completed_alone_is_number_zero(self, room: Room) -> None:
        call = outbound(room, application=Application(twiml="<Response/>", status_callback=STATUS))
        task = ringing(room, call)
        room.engine.end(await room.engine.called(), 486)
        assert not await task
        (posted,) = room.posts.of(STATUS.url)
        assert (posted["CallStatus"], posted["SequenceNumber"], posted["SipResponseCode"]) == ("busy", "0", "486")

    async def test_failover_while_gateways_fail(self, room: Room) -> None:
        call = outbound(room)
        task = ringing(room, call, 3)
        room.engine.end(await room.engine.called(1), 503)
        room.engine.end(await room.engine.called(2), 408)
        room.engine.answer_of(await room.engine.called(3))
        assert await task
        assert [one["CallStatus"] for one in room.posts.of(STATUS.url)] == ["initiated", "in-progress"]
        steps = [data["code"] for kind, data in room.rows.steps(call.sid) if kind == "failover"]
        assert steps == [503, 408]
        call.hang_up()

    @pytest.mark.parametrize(("code", "rings"), [(486, False), (404, False), (603, False), (500, True), (408, True)])
    async def test_no_failover_once_the_party_was_reached(self, room: Room, code: int, rings: bool) -> None:
        call = outbound(room)
        task = ringing(room, call, 2)
        leg = await room.engine.called()
        if rings:
            room.engine.progress(leg)
        room.engine.end(leg, code)
        assert not await task
        assert len(room.engine.of("originate")) == 1 and call.sip_code == code

    async def test_last_gateway_fails(self, room: Room) -> None:
        call = outbound(room)
        task = ringing(room, call, 2)
        room.engine.end(await room.engine.called(1), 503)
        room.engine.end(await room.engine.called(2), 500)
        assert not await task
        assert (call.status, call.sip_code) == (CallStatus.FAILED, 500)

    async def test_address_that_cannot_be_used(self, room: Room) -> None:
        room.engine.refused = "bad"
        call = outbound(room)
        task = asyncio.create_task(
            call.ring_out([attempt(room, "sip:bad"), attempt(room, "sip:good@x")], lambda leg, early: None)
        )
        leg = await room.engine.called()
        assert room.engine.of("originate", leg)[0].values["uri"] == "sip:good@x"
        room.engine.end(leg, 486)
        assert not await task
        alone = outbound(room)
        assert not await alone.ring_out([attempt(room, "sip:bad")], lambda leg, early: None)
        assert (alone.status, alone.sip_code) == (CallStatus.FAILED, 400)

    async def test_a_name_without_an_address(self, room: Room) -> None:
        call = outbound(room)
        task = asyncio.create_task(
            call.ring_out(
                [attempt(room, "sip:x@gw.invalid"), attempt(room, "sip:x@gw.example")], lambda leg, early: None
            )
        )
        leg = await room.engine.called()
        sent = room.engine.of("originate", leg)[0].values
        assert (sent["uri"], sent["next_hop"]) == ("sip:x@gw.example", "sip:192.0.2.1")
        room.engine.end(leg, 486)
        assert not await task
        alone = outbound(room)
        assert not await alone.ring_out([attempt(room, "sip:x@gw.invalid")], lambda leg, early: None)
        assert (alone.status, alone.sip_code) == (CallStatus.FAILED, 503)

    async def test_canceled_while_a_name_is_looked_up(self, room: Room) -> None:
        found: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        room.endpoint.locate = lambda uri: found
        call = outbound(room)
        task = ringing(room, call)
        await turns()
        call.cancel(CallStatus.CANCELED)
        found.set_result(["sip:192.0.2.1"])
        assert not await task
        assert call.status is CallStatus.CANCELED and not room.engine.of("originate")

    async def test_nothing_carries_it(self, room: Room) -> None:
        call = outbound(room)
        assert not await call.ring_out([], lambda leg, early: None)
        assert (call.status, call.sip_code) == (CallStatus.FAILED, 404)
        full = outbound(room)
        assert not await full.ring_out([Attempt("sip:x@y", lambda next_hop: None)], lambda leg, early: None)
        assert (full.status, full.sip_code) == (CallStatus.FAILED, 503)

    @pytest.mark.parametrize("verdict", [CallStatus.NO_ANSWER, CallStatus.CANCELED])
    async def test_canceled_while_it_rings(self, room: Room, verdict: CallStatus) -> None:
        call = outbound(room)
        task = ringing(room, call, 2)
        leg = await room.engine.called()
        room.engine.progress(leg)
        await turns()
        call.cancel(verdict)
        assert not await task
        assert (call.status, call.sip_code, len(room.engine.of("originate"))) == (verdict, 487, 1)

    async def test_canceled_in_the_queue_sends_nothing(self, room: Room) -> None:
        call = outbound(room)
        call.cancel(CallStatus.CANCELED)
        assert (call.status, call.sip_code) == (CallStatus.CANCELED, 487)
        assert not await call.ring_out([attempt(room)], lambda leg, early: None)
        assert not room.engine.of("originate")

    async def test_cancel_and_answer_cross(self, room: Room) -> None:
        """It was canceled first: it is hung up, and never was in progress."""
        room.engine.slow = True
        call = outbound(room)
        task = ringing(room, call)
        leg = await room.engine.called()
        call.cancel(CallStatus.CANCELED)
        room.engine.answer_of(leg)
        await room.engine.until("hangup", leg, count=2)
        room.engine.end(leg, 200, by="local")
        assert not await task
        assert (call.status, call.sip_code, call.duration) == (CallStatus.CANCELED, 487, 0)

    async def test_answer_and_bye_in_one_batch(self, room: Room) -> None:
        call = outbound(room)
        task = ringing(room, call)
        leg = await room.engine.called()
        room.engine.answer_of(leg)
        room.engine.end(leg)
        assert await task
        assert (await call.ended, call.duration) == (CallStatus.COMPLETED, 1)

    async def test_whoever_rings_is_cancelled(self, room: Room) -> None:
        call = outbound(room)
        task = ringing(room, call)
        leg = await room.engine.called()
        task.cancel()
        assert await call.ended is CallStatus.NO_ANSWER
        assert room.engine.of("hangup", leg)

    async def test_end_is_told_once(self, room: Room) -> None:
        call = outbound(room)
        call.cancel(CallStatus.CANCELED)
        call.hang_up()
        call.cancel(CallStatus.NO_ANSWER)
        call.finish(Ending(500, "too late", "remote"))
        assert len(room.posts.of(STATUS.url)) == 1
        assert (call.status, call.sip_code) == (CallStatus.CANCELED, 487)

    async def test_capacity_is_given_back(self, room: Room) -> None:
        before = outbound(room)
        for _ in range(5):
            before.carried_by("carrier")
        assert room.exchange.capacity._by_trunk["carrier"] == 1
        before.cancel(CallStatus.CANCELED)
        assert room.exchange.capacity._by_trunk["carrier"] == 0
        assert room.exchange.capacity._by_account[room.account.sid] == 0
        assert room.exchange.outcomes == {("outbound-api", "canceled"): 1}


async def test_a_child_knows_its_parent(room: Room) -> None:
    parent, _ = await room.inbound()
    child = parent.child("+15558880000", caller_id="", callback=None)
    assert (child.from_, child.parameters()["ParentCallSid"]) == (parent.from_, parent.sid)
    assert child.application.status_callback is None and child.application.voice is None
    child.hang_up()
    assert (await child.ended, room.posts.all) == (CallStatus.FAILED, [])


async def test_amended_callback_survives_a_crash(room: Room) -> None:
    call, _ = await room.inbound()
    assert room.rows.row("calls", call.sid)["status_callback"] is None
    call.amend(status_callback=STATUS)
    assert room.rows.row("calls", call.sid)["status_callback"]["url"] == STATUS.url
    assert call.application.voice is not None


@pytest.mark.parametrize(
    ("kind", "level"),
    [("fetch", "INFO"), ("given_up", "INFO"), ("warning", "WARNING"), ("fallback", "WARNING"), ("failure", "WARNING")],
)
async def test_what_goes_wrong_is_a_warning(
    room: Room, caplog: pytest.LogCaptureFixture, kind: str, level: str
) -> None:
    """Who looks through the log for WARNING finds each application that failed, once."""
    caplog.set_level(logging.INFO)
    call, _ = await room.inbound()
    caplog.clear()
    call.note(kind, code=11200)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [(level, f"{kind} code=11200")]
    call.hang_up()


class TestDuring:
    """Work that makes no sense without the caller."""

    async def test_its_result(self, room: Room) -> None:
        call, _ = await room.inbound()
        assert await call.during(asyncio.ensure_future(asyncio.sleep(0, "done"))) == "done"
        call.hang_up()

    async def test_a_caller_who_leaves(self, room: Room) -> None:
        call, _ = await room.inbound()
        work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(call.during(work))
        await turns()
        call.hang_up()
        with pytest.raises(LegGone):
            await waiting
        assert work.cancelled()

    async def test_a_call_that_was_never_placed(self, room: Room) -> None:
        call = outbound(room)
        work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with pytest.raises(LegGone):
            await call.during(work)
        assert work.cancelled()
        call.hang_up()


async def test_a_warning_is_an_alert(room: Room) -> None:
    call, _ = await room.inbound()
    call.note("warning", code=13420, message="<Play>: not a sound", url="http://app.example/x")
    call.note("verb", name="Play")
    call.hang_up()
    [alert] = room.rows.tables["notifications"].values()
    assert (alert["call_sid"], alert["error_code"], alert["level"]) == (call.sid, 13420, "warning")
