"""Connecting a caller with somebody: ringing one or several parties, bridging the first that answers, ending it
(call-control reference §1.6)."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from callwright.calls import outbound
from callwright.calls.control import Dialled, DialPlan, Recorded, Target
from callwright.calls.prompts import send_keys
from callwright.calls.recording import Recording
from callwright.calls.status import CallStatus
from callwright.errors import LegGone, MediaError
from callwright.media.tones import ringback
from callwright.sip.leg import Digit, Leg
from callwright.sip.uri import is_sip

if TYPE_CHECKING:
    from callwright.calls.call import Call

SETTLE_S = 2.0


async def dial(call: "Call", plan: DialPlan) -> Dialled:
    """Runs one dial to its end. Cancelling it ends the children and leaves the caller."""
    return await Dial(call, plan).run()


class Dial:
    """One dial in progress: the caller, the children, and the recording of both."""

    def __init__(self, call: "Call", plan: DialPlan) -> None:
        self._call = call
        self._plan = plan
        self._endpoint = call.exchange.endpoint
        self._children: list[Call] = []
        self._ringing: list[asyncio.Task[None]] = []
        self._verdict = CallStatus.CANCELED  # of a child that is given up
        self._recording: Recording | None = None
        self._early: Leg | None = None
        self._ringback: asyncio.Task[object] | None = None

    async def run(self) -> Dialled:
        """Rings, bridges, ends."""
        if not self._plan.answer_on_bridge:
            await self._call.answer()
        caller = self._call.require_leg()
        try:
            winner = await self._ring(caller)
            if winner is None:
                return await self._unanswered()
            return await self._bridge(caller, winner)
        except LegGone:
            return await self._caller_gone()
        finally:
            await self._release()

    # ringing

    async def _ring(self, caller: Leg) -> "Call | None":
        """The child that answered first; None when nobody did."""
        self._start_ringback(caller)
        recording = self._plan.recording
        if recording and recording.from_ringing:
            self._record(caller)
        if not self._plan.sequential:
            return await self._ring_round(caller, self._plan.targets)
        for target in self._plan.targets:
            if winner := await self._ring_round(caller, [target]):
                return winner
        return None

    async def _ring_round(self, caller: Leg, targets: Sequence[Target]) -> "Call | None":
        """Rings these targets at once; the first to answer wins, the others are canceled and end on their own."""
        first: asyncio.Future[Call | None] = caller.waiter()
        children = [self._child(target) for target in targets]
        self._children += children
        ringing = [
            self._call.exchange.tasks.spawn(self._ring_child(child, target, first, len(targets) == 1), child.sid)
            for child, target in zip(children, targets, strict=True)
        ]
        self._ringing += ringing
        asyncio.gather(*ringing, return_exceptions=True).add_done_callback(lambda _: _settle(first, None))
        timer = self._endpoint.loop.call_later(self._plan.timeout, self._on_timeout, first)
        winner = None
        try:
            with caller.digits(lambda digit: self._on_star(digit, first)):
                winner = await first
        finally:
            timer.cancel()
            for child in children:
                if child is not winner and not child.status.final:
                    child.cancel(self._verdict)
        return winner

    def _on_timeout(self, first: "asyncio.Future[Call | None]") -> None:
        self._verdict = CallStatus.NO_ANSWER
        _settle(first, None)

    def _child(self, target: Target) -> "Call":
        to = outbound.address_of(target)
        return self._call.child(to, caller_id=self._plan.caller_id, callback=target.callback)

    async def _ring_child(
        self, child: "Call", target: Target, first: "asyncio.Future[Call | None]", alone: bool
    ) -> None:
        def on_progress(leg: Leg, early_media: bool) -> None:
            self._on_progress(leg, early_media and alone)

        attempts = outbound.attempts(child, target)
        if not attempts:
            child.unroutable()
            return
        if await child.ring_out(attempts, on_progress):
            if first.done():
                child.hang_up()
            else:
                first.set_result(child)

    def _on_star(self, digit: Digit, first: "asyncio.Future[Call | None]") -> None:
        if digit.key == "*" and self._plan.hangup_on_star:
            _settle(first, None)

    def _on_progress(self, leg: Leg, early_media: bool) -> None:
        """A child rings: the caller hears its early media, or a ringback tone."""
        caller = self._call.leg
        if caller is None or caller.gone:
            return
        if early_media and not self._plan.ring_tone and self._early is None:
            self._early = leg
            self._stop_ringback()
            caller.progress()
            self._endpoint.engine.connect(leg.node, caller.node)
            if self._recording:
                self._recording.hear(leg, self._recording_channel(child=True))
        elif caller.invite is not None:
            caller.ring()

    def _start_ringback(self, caller: Leg) -> None:
        """Tones are media: an unanswered caller hears its own network's ringing instead."""
        if self._call.status is CallStatus.IN_PROGRESS:
            segments = ringback(self._plan.ring_tone)
            self._ringback = asyncio.create_task(self._endpoint.tone(caller, segments, loop=0))

    def _stop_ringback(self) -> None:
        if self._ringback is not None:
            self._ringback.cancel()

    # talking

    async def _bridge(self, caller: Leg, winner: "Call") -> Dialled:
        target = self._plan.targets[self._children.index(winner)]
        if keys := getattr(target, "send_digits", ""):
            await send_keys(winner, keys)
        await self._call.answer()
        self._stop_ringback()
        callee = winner.require_leg()
        winner.limit_to(self._plan.time_limit)
        over: asyncio.Future[None] = caller.waiter()
        callee.ended.add_done_callback(lambda _: _settle(over, None))
        winner.taken.add_done_callback(lambda _: _settle(over, None))
        self._endpoint.connect(caller.node, callee.node)
        self._call.note("bridged", child=winner.sid)
        if self._plan.recording:
            self._record(caller, callee)
        hung_up = False
        try:
            with caller.digits(lambda digit: self._on_star_in_talk(digit, over)):
                await over
        except LegGone:
            hung_up = True
        finally:
            self._endpoint.disconnect(caller.node, callee.node)
            if not winner.taken.done():
                callee.hang_up()
        if not winner.taken.done():
            await asyncio.shield(winner.ended)
        return self._result(
            winner, "completed", bridged=True, hung_up=hung_up, recording=await self._finish_recording()
        )

    def _on_star_in_talk(self, digit: Digit, over: "asyncio.Future[None]") -> None:
        if digit.key == "*" and self._plan.hangup_on_star:
            _settle(over, None)

    # recording

    def _recording_channel(self, *, child: bool) -> int:
        recording = self._plan.recording
        return 1 if recording and recording.dual and child else 0

    def _record(self, caller: Leg, callee: Leg | None = None) -> None:
        plan = self._plan.recording
        if plan is None:
            return
        if self._recording is None:
            try:
                self._recording = Recording(
                    self._call,
                    source="DialVerb",
                    channels=2 if plan.dual else 1,
                    track=plan.track,
                    trim=plan.trim,
                    callback=plan.callback,
                )
            except MediaError as error:
                self._call.note("warning", code=error.code, message=error.message)
                return
            if plan.track != "outbound":
                self._recording.hear(caller, 0)
        if callee is not None and plan.track != "inbound":
            self._recording.hear(callee, self._recording_channel(child=True))

    async def _finish_recording(self) -> Recorded | None:
        if self._recording is None:
            return None
        recording, self._recording = self._recording, None
        return await asyncio.shield(recording.finish(voice_needed=False))

    # the end

    async def _unanswered(self) -> Dialled:
        if self._ringing:
            await asyncio.wait(self._ringing, timeout=SETTLE_S)
        child = self._children[-1] if self._children else None
        if child is None:
            return Dialled("failed")
        child = next((c for c in self._children if c.status is CallStatus.BUSY), child)
        status = child.status if child.status.final else self._verdict
        return self._result(child, str(status), recording=await self._finish_recording())

    async def _caller_gone(self) -> Dialled:
        child = self._children[-1] if self._children else None
        recording = await self._finish_recording()
        if child is None:
            return Dialled("canceled", hung_up=True, recording=recording)
        return self._result(child, "canceled", hung_up=True, recording=recording)

    def _result(
        self,
        child: "Call",
        status: str,
        *,
        bridged: bool = False,
        hung_up: bool = False,
        recording: Recorded | None = None,
    ) -> Dialled:
        leg = child.leg
        ending = leg.ended.result() if leg and leg.ended.done() else None
        headers = [*(leg.answer_headers if leg else ()), *(ending.headers if ending else ())]
        return Dialled(
            status=status,
            call_sid=child.sid,
            duration=child.duration if bridged else None,
            bridged=bridged,
            recording=recording,
            sip_call_id=leg.call_id if leg else "",
            sip_code=200 if bridged else child.sip_code,
            sip_headers=[(name, value) for name, value in headers if name.lower().startswith("x-")],
            sip=is_sip(child.to),
            hung_up=hung_up,
        )

    async def _release(self) -> None:
        """Whatever happened, nothing of this dial lives on."""
        self._stop_ringback()
        for child in self._children:
            if not child.status.final and not child.taken.done():
                child.cancel(CallStatus.CANCELED)
        if self._ringback is not None:
            await asyncio.gather(self._ringback, return_exceptions=True)
        if self._recording is not None:
            self._recording.finish(voice_needed=False)


def _settle(future: "asyncio.Future[Call | None] | asyncio.Future[None]", value: None) -> None:
    if not future.done():
        future.set_result(value)
