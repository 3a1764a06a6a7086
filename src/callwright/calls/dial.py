"""Connecting a caller with somebody: ringing one or several parties, bridging the first that answers, ending it
(call-control reference §1.6)."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from callwright.calls import machine, outbound, screening
from callwright.calls.control import (
    ApplicationTarget,
    ClientTarget,
    Dialled,
    DialPlan,
    NumberTarget,
    Recorded,
    SipTarget,
    Target,
)
from callwright.calls.conversation import Conversation
from callwright.calls.party import Party
from callwright.calls.prompts import send_keys
from callwright.calls.recording import Recording
from callwright.calls.status import CallStatus
from callwright.errors import LegGone, MediaError
from callwright.media.tones import ringback
from callwright.sip.endpoint import Played
from callwright.sip.identity import ANONYMOUS
from callwright.sip.leg import Digit, Ending, Leg
from callwright.sip.uri import is_sip

if TYPE_CHECKING:
    from callwright.calls.call import Call

SETTLE_S = 2.0
NOT_OWNED = 13214
NOT_REGISTERED = 32009
FULL, UNAVAILABLE = 503, 480


async def dial(call: "Call", plan: DialPlan) -> Dialled:
    """Runs one dial to its end. Cancelling it ends the children and leaves the caller."""
    if any(isinstance(target, ApplicationTarget) for target in plan.targets):
        from callwright.calls.crossing import Crossing  # which is a dial itself

        return await Crossing(call, plan).run()
    return await Dial(call, plan).run()


class Dial:
    """One dial in progress: the caller, the children, and the recording of both."""

    def __init__(self, call: "Call", plan: DialPlan) -> None:
        self._call = call
        self._plan = plan
        self._endpoint = call.exchange.endpoint
        self._children: list[Call] = []
        self._ringing: list[asyncio.Task[None]] = []
        self._verdict = CallStatus.CANCELED  # of the children of a round that nobody won
        self._starred = False
        self._screening: set[Call] = set()  # children that have answered and are being asked
        self._refused: set[Call] = set()  # children that answered and are not to be connected
        self._recording: Recording | None = None
        self._early: Leg | None = None
        self._ringback: asyncio.Task[Played] | None = None
        self._conversation = Conversation(call, plan)

    async def run(self) -> Dialled:
        """Rings, bridges, ends."""
        if not self._may_show():
            self._call.note("warning", code=NOT_OWNED, message="<Dial>: the account does not own the callerId")
            return Dialled("failed")
        if not self._plan.answer_on_bridge:
            await self._call.answer()
        caller = self._call.require_leg()
        try:
            with self._call.exchange.unanswered.ringing(caller.node):
                winner = await self._ring(caller)
                if winner is None:
                    return await self._unanswered()
                return await self._connect(caller, winner)
        except LegGone:
            return await self._caller_gone()
        finally:
            await self._release()

    def _may_show(self) -> bool:
        """A telephone number sees a caller ID that the account owns, or one of the two numbers of the call."""
        shown, call = self._plan.caller_id, self._call
        if not shown or shown in (call.from_, call.to):
            return True  # if it is the call's own invention, the fence of each child says so
        to_number = any(call.exchange.fences.way(target).carried for target in self._plan.targets)
        return not to_number or call.exchange.owns(call.account.sid, shown)

    # ringing

    async def _ring(self, caller: Leg) -> "Call | None":
        """The child that answered first; None when nobody did."""
        recording = self._plan.recording
        if recording and recording.from_ringing:
            self._record(caller)
        targets = self._plan.targets
        for together in [[target] for target in targets] if self._plan.sequential else [targets]:
            winner = await self._ring_round(caller, together)
            if winner is not None or self._starred:
                return winner
        return None

    async def _ring_round(self, caller: Leg, targets: Sequence[Target]) -> "Call | None":
        """Rings these targets at once; the first to answer wins, the others are canceled and end on their own. Who is
        to be asked first has answered when it has accepted: the others ring on meanwhile."""
        first: asyncio.Future[Call | None] = caller.waiter()
        self._verdict, self._early = CallStatus.CANCELED, None
        self._start_ringback(caller)
        children = [self._child(target) for target in targets]
        self._children += children
        ringing = [
            self._call.exchange.tasks.spawn(self._ring_child(child, target, first, len(targets) == 1), child.sid)
            for child, target in zip(children, targets, strict=True)
        ]
        self._ringing += ringing
        asyncio.gather(*ringing, return_exceptions=True).add_done_callback(lambda _: _settle(first, None))
        timer = self._endpoint.loop.call_later(self._plan.timeout, self._on_timeout, first, children)
        winner = None
        try:
            with caller.digits(lambda digit: self._on_star(digit, first)):
                winner = await first
        finally:
            timer.cancel()
            for child in children:
                if child is not winner and not child.status.final and not child.taken.done():
                    child.cancel(self._verdict if winner is None else _verdict_of_loser(child))
        return winner

    def _on_timeout(self, first: "asyncio.Future[Call | None]", children: "Sequence[Call]" = ()) -> None:
        """Time to answer is up: who is being asked goes on, and is the last to decide."""
        self._verdict = CallStatus.NO_ANSWER
        if self._screening.isdisjoint(children):
            _settle(first, None)
            return
        for child in children:
            if child not in self._screening and not child.status.final:
                child.cancel(CallStatus.NO_ANSWER)

    def _child(self, target: Target) -> "Call":
        to = outbound.address_of(target)
        # a user's own number is for those who know him by no other; who wants to be nobody is nobody to all
        own = self._call.caller_id if isinstance(target, NumberTarget) else ""
        if self._call.identity.private:
            own = ANONYMOUS
        child = self._call.child(to, caller_id=self._plan.caller_id or own, callback=target.callback)
        child.reason, child.ring_s = self._plan.reason, self._plan.timeout
        return child

    async def _ring_child(
        self, child: "Call", target: Target, first: "asyncio.Future[Call | None]", alone: bool
    ) -> None:
        if child.exchange.capacity.account_over(child.account):
            child.finish(Ending(FULL, "the account has as many live calls as it may", "local"))
            return

        def on_progress(leg: Leg, early_media: bool) -> None:
            self._on_progress(leg, early_media and alone)

        if isinstance(target, ClientTarget):
            child.note("warning", code=NOT_REGISTERED, message=f"client {target.identity!r} is not registered")
            child.finish(Ending(UNAVAILABLE, "not registered", "local"))
            return
        if await child.ring_out(outbound.attempts(child, target), on_progress):
            accepted = await self._accepts(child, target)
            if accepted and not first.done():
                first.set_result(child)
                if isinstance(target, NumberTarget | SipTarget):
                    await machine.attend(child, target.machine)
                return
            if not first.done():
                self._refused.add(child)
            if not child.taken.done():
                child.hang_up()

    async def _accepts(self, child: "Call", target: Target) -> bool:
        """Asks a child that has answered, if it is to be asked."""
        if target.screening is None:
            return True
        digits = target.send_digits if isinstance(target, NumberTarget | SipTarget) else ""
        self._screening.add(child)
        try:
            return await screening.accepts(child, target.screening, digits)
        finally:
            self._screening.discard(child)

    def _on_star(self, digit: Digit, over: "asyncio.Future[Call | None] | asyncio.Future[None]") -> None:
        if digit.key == "*" and self._plan.hangup_on_star:
            self._starred = True
            _settle(over, None)

    def _on_progress(self, leg: Leg, early_media: bool) -> None:
        """A child rings: the caller hears its early media, or a ringback tone."""
        caller = self._call.leg
        if caller is None or caller.gone or self._early is not None:
            return
        if early_media and not self._plan.ring_tone:
            self._early = leg
            self._stop_ringback()
            caller.progress()
            self._endpoint.engine.connect(leg.node, caller.node)
        elif caller.invite is not None:
            caller.ring()

    def _start_ringback(self, caller: Leg) -> None:
        """Tones are media: an unanswered caller hears its own network's ringing instead."""
        if self._call.status is CallStatus.IN_PROGRESS and (self._ringback is None or self._ringback.done()):
            segments = ringback(self._plan.ring_tone)
            self._ringback = asyncio.create_task(self._endpoint.tone(caller, segments, loop=0))
            self._ringback.add_done_callback(_acknowledge)

    async def _ringback_ended(self) -> None:
        self._stop_ringback()
        if self._ringback is not None:
            await asyncio.gather(self._ringback, return_exceptions=True)

    def _stop_ringback(self) -> None:
        if self._ringback is not None:
            self._ringback.cancel()

    # talking

    async def _connect(self, caller: Leg, winner: "Call") -> Dialled:
        introduced = await self._introduce(caller, winner)
        if introduced:
            await self._ringback_ended()  # or its last 20 ms would be the first of the recording
            self._record(caller)
            await self._conversation.run(caller, Party(winner))
        if not winner.taken.done():
            await asyncio.shield(winner.ended)
        if caller.ending:
            await asyncio.shield(caller.ended)  # a transfer has released it
        return self._result(winner, "completed", bridged=introduced, recording=await self._finish_recording())

    async def _introduce(self, caller: Leg, winner: "Call") -> bool:
        """Sends the keys that a party wants before it is connected. Returns whether it is still there."""
        target = self._plan.targets[self._children.index(winner)]
        if isinstance(target, NumberTarget | SipTarget) and target.send_digits and target.screening is None:
            try:
                await caller.during(asyncio.create_task(send_keys(winner, target.send_digits)))
            except LegGone:
                if caller.gone:
                    raise
        callee = winner.leg
        if callee is None or callee.gone or winner.taken.done():
            return False
        self._call.accept(like=callee.node)
        return True

    # recording

    def _record(self, caller: Leg) -> None:
        """Begins to record what the caller says, what it hears, or both; dual keeps them apart."""
        plan = self._plan.recording
        if plan is None or self._recording is not None:
            return
        try:
            self._recording = Recording(
                self._call,
                source=plan.source,
                channels=2 if plan.dual else 1,
                track=plan.track,
                trim=plan.trim,
                callback=plan.callback,
            )
        except MediaError as error:
            self._call.note("warning", code=error.code, message=error.message)
            return
        self._recording.attend(caller)

    async def _finish_recording(self) -> Recorded | None:
        if self._recording is None:
            return None
        recording, self._recording = self._recording, None
        return await asyncio.shield(recording.finish(voice_needed=False))

    # the end

    async def _unanswered(self) -> Dialled:
        if not self._children:
            return Dialled("failed")
        await asyncio.wait(self._ringing, timeout=SETTLE_S)
        child = self._children[-1]
        if not self._plan.sequential:
            wanted = (CallStatus.BUSY, CallStatus.NO_ANSWER)
            child = next((child for status in wanted for child in self._children if self._fate(child) is status), child)
        return self._result(child, self._fate(child), recording=await self._finish_recording())

    def _fate(self, child: "Call") -> CallStatus:
        """The status of a child that was not connected. Completed: it answered when its time was up already."""
        if child in self._refused:
            return CallStatus.NO_ANSWER  # call-control reference §12, 7
        told = child.status.final and child.status is not CallStatus.COMPLETED
        return child.status if told else self._verdict

    async def _caller_gone(self) -> Dialled:
        recording = await self._finish_recording()
        if not self._children:
            return Dialled("canceled", hung_up=True, recording=recording)
        answered = (child for child in self._children if child.status is CallStatus.IN_PROGRESS)
        return self._result(next(answered, self._children[-1]), "canceled", recording=recording)

    def _result(
        self, child: "Call", status: str, *, bridged: bool = False, recording: Recorded | None = None
    ) -> Dialled:
        leg = child.leg
        ending = leg.ended.result() if leg and leg.ended.done() else None
        headers = [*(leg.answer_headers if leg else ()), *(ending.headers if ending else ())]
        answered = status == CallStatus.COMPLETED
        return Dialled(
            status=str(status),
            call_sid=child.sid,
            duration=(self._conversation.seconds or child.duration) if answered else None,
            bridged=bridged,
            recording=recording,
            sip_call_id=leg.call_id if leg else "",
            sip_code=200 if answered else child.sip_code,
            sip_headers=[(name, value) for name, value in headers if name.lower().startswith("x-")],
            sip=is_sip(child.to),
            hung_up=self._call.leg is None or self._call.leg.gone,
            transferred_to=self._conversation.target,
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


def _verdict_of_loser(child: "Call") -> CallStatus:
    """Of a child that another one was quicker than (call-control reference §12, 8)."""
    return CallStatus.CANCELED if child.status is CallStatus.RINGING else CallStatus.NO_ANSWER


def _settle(future: "asyncio.Future[Call | None] | asyncio.Future[None]", value: None) -> None:
    if not future.done():
        future.set_result(value)


def _acknowledge(task: "asyncio.Task[Played]") -> None:
    """A ringback that ends with its caller, or that cannot be played, ends nothing else."""
    if not task.cancelled():
        task.exception()
