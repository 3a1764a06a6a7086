"""Passing a caller on to another application, and taking it back (call-control reference §6.6)."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from callwright.calls.application import Application
from callwright.calls.control import ApplicationTarget, Dialled
from callwright.calls.dial import Dial
from callwright.calls.status import CallStatus, Direction
from callwright.errors import LegGone
from callwright.sip.borrowed import Borrowed
from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call

NOT_ACCESSIBLE = 21420
TOO_DEEP = 32006
MOST_CROSSINGS = 10


class Crossing(Dial):
    """A dial of an application: a child call on the caller's own leg."""

    async def run(self) -> Dialled:
        """Lets the application have the caller until it gives it back, or the caller leaves."""
        (target,) = self._plan.targets
        assert isinstance(target, ApplicationTarget)
        application = self._call.exchange.applications(self._call.account.sid, target.sid)
        if application is None:
            return self._fails(NOT_ACCESSIBLE, f"there is no application {target.sid} that it could be passed on to")
        if _depth(self._call) >= MOST_CROSSINGS:
            return self._fails(TOO_DEEP, f"passed on more than {MOST_CROSSINGS} times")
        if not self._plan.answer_on_bridge:
            await self._call.answer()
        caller = self._call.require_leg()
        try:
            return await self._lend(caller, _child(self._call, target, application, self._plan.caller_id))
        except LegGone:
            return await self._caller_gone()
        finally:
            await self._release()

    def _fails(self, code: int, message: str) -> Dialled:
        self._call.note("warning", code=code, message=f"<Application>: {message}: the dial fails")
        return Dialled("failed")

    async def _lend(self, caller: Leg, child: "Call") -> Dialled:
        self._children.append(child)
        self._record(caller)
        over: asyncio.Future[None] = caller.waiter()
        child.ended.add_done_callback(lambda _: None if over.done() else over.set_result(None))
        child.time_limit = min(self._plan.time_limit, child.time_limit)
        loop = self._endpoint.loop
        unanswered = loop.call_later(self._plan.timeout, _give_up, child)
        child.verdict = CallStatus.CANCELED  # of a child that ends unanswered, unless it says otherwise
        child.borrow(Borrowed(caller, self._call.accept))
        serving = self._call.exchange.tasks.spawn(self._serve(child), child.sid)
        try:
            with caller.digits(lambda digit: self._on_star(digit, over)):
                await over
        except LegGone:
            self._call.log.debug("- the caller left while another application had it")
        finally:
            unanswered.cancel()
            child.cancel(CallStatus.CANCELED)  # a star, or a redirect of the caller; else it has ended
            await asyncio.wait({serving})
        status = await asyncio.shield(child.ended)
        if child in self._refused:
            status = CallStatus.NO_ANSWER  # call-control reference §12, 7
        answered = status is CallStatus.COMPLETED
        dialled = self._result(child, status, bridged=answered, recording=await self._finish_recording())
        return replace(dialled, returned=tuple(child.returned), sip=False)

    async def _serve(self, child: "Call") -> None:
        """The application, after the document that is asked before it: one that ends the call keeps it from there."""
        (target,) = self._plan.targets
        if await self._accepts(child, target):
            await self._call.exchange.scripts.serve(child)
            return
        if not (child.taken.done() or child.leg is None or child.leg.gone):
            self._refused.add(child)
            child.hang_up()
        await child.ended


def _give_up(child: "Call") -> None:
    if child.status is not CallStatus.IN_PROGRESS:
        child.cancel(CallStatus.NO_ANSWER)


def _depth(call: "Call") -> int:
    """How many applications this call has been passed through."""
    depth, one = 0, call.parent
    while one is not None:
        depth, one = depth + 1, one.parent
    return depth


def _child(call: "Call", target: ApplicationTarget, application: Application, caller_id: str) -> "Call":
    """The call as the other application sees it: an inbound one, to itself."""
    callback = target.callback
    told = {f"Param_{name}": value for name, value in target.parameters}
    return type(call)(  # a Call, which imports this
        call.exchange,
        call.account,
        replace(
            application,
            sid=target.sid,
            status_callback=callback.hook if callback else application.status_callback,
            status_events=callback.events if callback else application.status_events,
        ),
        direction=Direction.OUTBOUND_DIAL,
        from_=caller_id or call.from_,
        to=call.to if target.copy_parent_to else target.sid,
        parent=call,
        extra=told | {"CustomerId": target.customer_id or call.account.sid, "Direction": str(Direction.INBOUND)},
    )
