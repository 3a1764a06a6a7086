"""Talking with the first of a queue (call-control reference §1.6, Queue)."""

import asyncio
from typing import TYPE_CHECKING

from callwright.calls.control import Dequeued, Dialled, DialPlan, Recorded
from callwright.calls.conversation import Conversation
from callwright.calls.party import waiting
from callwright.calls.queue.plan import UNKNOWN, DequeuePlan
from callwright.calls.queue.queue import Claim, Member, Queue
from callwright.calls.recording import Recording
from callwright.calls.status import CallStatus
from callwright.errors import LegGone, MediaError
from callwright.media.tones import ringback
from callwright.sip.endpoint import Played
from callwright.sip.leg import Digit, Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call

NO_ANSWER, FAILED, COMPLETED, CANCELED = "no-answer", "failed", "completed", "canceled"


async def dequeue(call: "Call", plan: DequeuePlan) -> Dialled:
    """Waits for somebody in the queue, then talks with him. Cancelling it leaves the caller.

    Raises:
        LegGone: the caller had left before.
    """
    queue = call.exchange.rooms.queues.find(call.account.sid, plan.name)
    if queue is None:
        call.note("warning", code=UNKNOWN, message=f"<Queue>: there is no queue {plan.name!r}")
        return Dialled(FAILED)
    if not plan.answer_on_bridge:
        await call.answer()
    return await Talk(call, call.require_leg(), plan, queue).run()


class Talk:
    """One dialled queue: the wait for a member, and the talk."""

    def __init__(self, call: "Call", caller: Leg, plan: DequeuePlan, queue: Queue) -> None:
        self._call = call
        self._caller = caller
        self._plan = plan
        self._queue = queue
        self._endpoint = call.exchange.endpoint
        self._starred = False
        self._began = 0.0

    async def run(self) -> Dialled:
        """Until it is over."""
        ready: asyncio.Future[Member | None] = self._caller.waiter()
        claim = Claim(self._call, self._plan.whisper, ready)
        member: Member | None = None
        recorded: Recorded | None = None
        try:
            member = await self._found(claim)
            if member is not None:
                recorded = await self._talk(claim, member)
        except LegGone:
            self._call.log.debug("- the caller left the queue that it dialled")
        finally:
            self._queue.withdraw(claim)
            claim.finish()
        return self._result(member, recorded)

    async def _found(self, claim: Claim) -> Member | None:
        """The member who is ready to talk; None when nobody came in time."""
        ringing = self._ring()
        timer = self._endpoint.loop.call_later(self._plan.timeout, self._give_up, claim)
        try:
            with self._caller.digits(lambda digit: self._on_star(digit, claim)):
                self._queue.claim(claim)
                return await claim.ready
        finally:
            timer.cancel()
            claim.ready.cancel()
            if ringing is not None:
                ringing.cancel()
                await asyncio.gather(ringing, return_exceptions=True)

    def _ring(self) -> "asyncio.Task[Played] | None":
        """Tones are media: an unanswered caller hears its own network's ringing instead."""
        if self._call.status is not CallStatus.IN_PROGRESS:
            self._caller.ring()
            return None
        return asyncio.create_task(self._endpoint.tone(self._caller, ringback(self._plan.ring_tone), loop=0))

    def _give_up(self, claim: Claim) -> None:
        if self._queue.withdraw(claim):
            _settle(claim.ready)

    def _on_star(self, digit: Digit, claim: Claim) -> None:
        if digit.key == "*" and self._plan.hangup_on_star:
            self._starred = True
            _settle(claim.ready)

    async def _talk(self, claim: Claim, member: Member) -> Recorded | None:
        """Both talk as two callers of dials do: who is left when the other one is transferred talks on."""
        await self._call.answer()
        member.call.require_leg()
        recording = self._record()
        queued, own = waiting(member.call, self._call)
        claim.parted.add_done_callback(lambda _: queued.part())
        claim.bridged, self._began = True, self._endpoint.loop.time()
        claim.begun.set_result(own)
        plan = DialPlan((), time_limit=self._plan.time_limit, hangup_on_star=self._plan.hangup_on_star)
        try:
            await Conversation(self._call, plan).run(self._caller, queued, since=self._began)
            if self._caller.ending:
                await asyncio.shield(self._caller.ended)  # a transfer has released it
        finally:
            finished = recording.finish(voice_needed=False) if recording is not None else None
        return await asyncio.shield(finished) if finished is not None else None

    def _record(self) -> Recording | None:
        wanted = self._plan.recording
        if wanted is None:
            return None
        try:
            recording = Recording(
                self._call,
                source="DialVerb",
                channels=2 if wanted.dual else 1,
                track=wanted.track,
                trim=wanted.trim,
                callback=wanted.callback,
            )
        except MediaError as error:
            self._call.note("warning", code=error.code, message=error.message)
            return None
        recording.attend(self._caller)
        return recording

    def _result(self, member: Member | None, recorded: Recorded | None) -> Dialled:
        gone = self._caller.gone
        if member is None or not self._began:
            status = CANCELED if gone or self._starred else NO_ANSWER
            return Dialled(status, hung_up=gone, queue=Dequeued(self._queue.sid, "hangup" if gone else "timeout"))
        seconds = max(1, round(self._endpoint.loop.time() - self._began))
        dequeued = Dequeued(self._queue.sid, "bridged", member.call.sid, member.seconds, seconds)
        return Dialled(
            COMPLETED,
            call_sid=member.call.sid,
            duration=seconds,
            bridged=True,
            recording=recorded,
            hung_up=gone,
            queue=dequeued,
        )


def _settle(ready: "asyncio.Future[Member | None]") -> None:
    if not ready.done():
        ready.set_result(None)
