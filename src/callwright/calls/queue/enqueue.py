"""A call in a queue, from its entrance to the end of the talk that it waited for (call-control reference §1.7)."""

import asyncio
from typing import TYPE_CHECKING

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Loudspeaker
from callwright.calls.control import DialPlan
from callwright.calls.conversation import Conversation
from callwright.calls.party import Party
from callwright.calls.queue.plan import Enqueued, EnqueuePlan, QueueResult
from callwright.calls.queue.queue import Claim, Member
from callwright.errors import ApplicationError, CallwrightError, LegGone, MediaError, RoomError
from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call


async def enqueue(call: "Call", plan: EnqueuePlan) -> Enqueued:
    """Waits until the call is taken, leaves or hangs up; a talk is over when this returns.

    Cancelling it takes the call out at once; the action is then told by a callback.

    Raises:
        LegGone: the caller had left before.
    """
    await call.answer()
    leg = call.require_leg()
    queue = call.exchange.rooms.queues.open(call.exchange.store, call.account.sid, plan.name, plan.max_size)
    try:
        member = queue.enter(call, plan.max_size)
    except RoomError as error:
        call.note("warning", code=error.code, message=f"<Enqueue>: {error.message}")
        return Enqueued(QueueResult.FULL, queue.sid)
    call.note("queued", sid=queue.sid, name=queue.name, position=member.position)
    return await Waiting(call, leg, plan, member).run()


class Waiting:
    """One call's time in a queue."""

    def __init__(self, call: "Call", leg: Leg, plan: EnqueuePlan, member: Member) -> None:
        self._call = call
        self._leg = leg
        self._plan = plan
        self._member = member
        self._queue = member.queue
        self._redirected = QueueResult.REDIRECTED
        """What a request that takes the call away now would be told as."""

    async def run(self) -> Enqueued:
        """Until it is over."""
        self._call.member = self._member
        try:
            result = await self._until_over()
        except asyncio.CancelledError:
            self._queue.remove(self._member)
            self._tell_redirected()
            raise
        finally:
            self._call.member = None
            self._queue.remove(self._member)
        self._call.note("dequeued", result=str(result), seconds=self._member.seconds)
        return self._told(result)

    def _told(self, result: QueueResult) -> Enqueued:
        return Enqueued(result, self._queue.sid, self._member.seconds, hung_up=self._leg.gone)

    async def _until_over(self) -> QueueResult:
        while True:
            try:
                claim = await self._wait()
            except LegGone:
                return QueueResult.HANGUP
            if claim is None:
                return QueueResult.LEAVE
            result = await self._talk(claim)
            if result is not None:
                return result
            self._queue.give_back(self._member)

    async def _wait(self) -> Claim | None:
        """The claim that takes this call; None when it leaves."""
        self._redirected = QueueResult.REDIRECTED
        taken: asyncio.Future[Claim | None] = self._leg.waiter()
        heard = self._call.exchange.tasks.spawn(self._hear(), f"wait of {self._call.sid}")
        try:
            self._queue.wait(self._member, taken)
            return await taken
        finally:
            taken.cancel()
            heard.cancel()
            await asyncio.wait({heard})

    async def _hear(self) -> None:
        """What is heard while waiting."""
        call, wait = self._call, self._plan.wait
        loudspeaker = Loudspeaker(call.exchange, call.account, self._leg.node)
        try:
            if isinstance(wait, Hook):
                await call.exchange.rooms.programmes.perform(call, wait, self._member.parameters, endless=True)
            elif wait is Backdrop.MUSIC:
                await loudspeaker.music()
        except LegGone:
            call.log.debug("- the caller left while it waited")
        except (ApplicationError, MediaError) as error:
            call.note("warning", code=error.code, message=f"<Enqueue>: hold music in its place: {error.message}")
            await self._music(loudspeaker)

    async def _music(self, loudspeaker: Loudspeaker) -> None:
        try:
            await loudspeaker.music()
        except CallwrightError as error:
            self._call.note("warning", code=error.code, message=f"silence in place of music: {error.message}")

    async def _talk(self, claim: Claim) -> QueueResult | None:
        """Until the talk is over; None when whoever asked has gone before it began."""
        self._redirected = QueueResult.BRIDGING
        try:
            if claim.whisper is not None:
                await self._whisper(claim, claim.whisper)
            over: asyncio.Future[Party | None] = self._leg.waiter()
            claim.over.add_done_callback(lambda _: None if over.done() else over.set_result(None))
            claim.begun.add_done_callback(lambda begun: None if over.done() else over.set_result(begun.result()))
            if not claim.ready.done():
                claim.ready.set_result(self._member)
                self._redirected = QueueResult.REDIRECTED_FROM_BRIDGED
            if (party := await over) is None:
                return None
            # his call's own limit is the only one
            plan = DialPlan((), time_limit=self._call.time_limit)
            await Conversation(self._call, plan).run(self._leg, party, since=self._call.exchange.endpoint.loop.time())
            return QueueResult.BRIDGED
        except LegGone:
            return QueueResult.BRIDGED if claim.bridged else QueueResult.HANGUP
        finally:
            if not claim.ready.done() and not claim.over.done():
                self._queue.claim(claim, first=True)  # whoever asked gets the next one
            elif not claim.parted.done():
                claim.parted.set_result(None)

    async def _whisper(self, claim: Claim, hook: Hook) -> None:
        """The document for this caller alone. One that cannot be had does not keep the parties apart."""

        def params() -> dict[str, str]:
            asked = {"QueueSid": self._queue.sid, "QueueTime": str(self._member.seconds)}
            return asked | {"DequeingCallSid": claim.call.sid}

        call = self._call
        work = asyncio.create_task(call.exchange.rooms.programmes.perform(call, hook, params, endless=False))
        claim.over.add_done_callback(lambda _: work.cancel())
        try:
            await self._leg.during(work)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # not the document alone: this call
        except (ApplicationError, MediaError) as error:
            call.note("warning", code=error.code, message=f"<Queue>: url: {error.message}")

    def _tell_redirected(self) -> None:
        """The action hears that a request took the call away; its answer is nobody's document."""
        if (hook := self._plan.action) is not None and not self._leg.gone:
            params = self._call.parameters() | self._told(self._redirected).parameters()
            self._call.exchange.callbacks.post(
                account=self._call.account, call_sid=self._call.sid, hook=hook, params=params, kind="queue-result"
            )
