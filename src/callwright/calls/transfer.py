"""Asking a caller's phone to call somebody else, and hearing what comes of it (call-control reference §1.10)."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callwright.calls.control import ReferPlan, Referred
from callwright.calls.fences import Denial
from callwright.calls.status import CallStatus, status_for_sip
from callwright.errors import LegGone
from callwright.sip.leg import Leg
from callwright.sip.transfer import Report, Source, Transfer
from callwright.sip.uri import place_of, with_headers

if TYPE_CHECKING:
    from callwright.calls.call import Call

ANSWER_S = 20.0
"""For an answer to the REFER: before the stack gives the dialog up, which it does after 32 s (RFC 3261 §12.2.1.2)."""
PROGRESS_S = 90.0
"""For the final report: the phone rings somewhere."""
GRACE_S = 2.0
"""For a report that comes after the phone's BYE."""
NOT_ALLOWED, NOT_DONE = 32218, 32219
ACCEPTED, OK, TERMINATED = 202, 200, 487


@dataclass(slots=True)
class Story:
    """What is known of a transfer.

    Attributes:
        answer: to the REFER; 0 when none came.
        told: by the last NOTIFY; 0 when none came.
        unreported: the phone will not tell.
    """

    answer: int = 0
    told: int = 0
    unreported: bool = False

    def hear(self, report: Report) -> None:
        """One more report."""
        match report.source:
            case Source.ANSWER:
                self.answer = report.code
            case Source.NOTIFY:
                self.answer = self.answer or ACCEPTED  # it has overtaken the answer
                self.told = report.code
            case Source.SILENT:
                self.unreported = True
            case Source.END:
                pass

    def status(self, *, gone: bool) -> str:
        """ReferCallStatus.

        Args:
            gone: whether the caller had left when nothing more was told.
        """
        if self.answer == 0:
            return CallStatus.CANCELED if gone else CallStatus.FAILED
        if self.answer >= 300:
            return CallStatus.FAILED
        if self.told >= 300:
            return CallStatus.CANCELED if self.told == TERMINATED else status_for_sip(self.told, rang=True)
        if self.told >= 200 or self.unreported:
            return CallStatus.COMPLETED
        return CallStatus.IN_PROGRESS if gone else CallStatus.FAILED


async def refer(call: "Call", plan: ReferPlan) -> Referred:
    """Asks, waits for the outcome, and hangs up a caller who has been transferred. Cancelling it stops waiting."""
    if (denial := await _denied(call, plan.uri)) is not None:
        call.note("warning", code=denial.reason.code, message=f"<Refer>: {denial.message}")
        return Referred(CallStatus.FAILED)
    await call.answer()
    leg = call.require_leg()
    try:
        await _real(leg).answered()  # a REFER is for after the ACK
        transfer = Transfer(leg, with_headers(plan.uri, plan.headers), plan.headers)
    except LegGone:
        return Referred(CallStatus.CANCELED, hung_up=True)
    except ValueError as fault:
        call.note("warning", code=NOT_DONE, message=f"<Refer>: {fault}")
        return Referred(CallStatus.FAILED)
    story = Story()
    try:
        await _listen(leg, transfer, story)
    finally:
        transfer.close()
    status = story.status(gone=leg.gone)
    call.note("referred", status=str(status), answer=story.answer, told=story.told)
    if status == CallStatus.COMPLETED:
        await _part(leg)
    elif status == CallStatus.FAILED:
        code = NOT_ALLOWED if story.answer >= 300 else NOT_DONE
        call.note("warning", code=code, message=f"<Refer>: REFER {story.answer or 'not answered'}, NOTIFY {story.told}")
    return Referred(str(status), story.answer, story.told, hung_up=leg.gone)


async def _denied(call: "Call", uri: str) -> Denial | None:
    """Why a caller may not be sent to a URI: by what it says, or by where it leads."""
    fences = call.exchange.fences
    if (found := fences.transfer(call, uri)) is not None:
        return found
    await fences.gateways.ready()
    with suppress(OSError):  # a name that we do not know, and the phone may
        for hop in await call.exchange.endpoint.hops(uri):
            if (found := fences.transfer(call, uri, place_of(uri, hop))) is not None:
                return found
    return None


async def _listen(leg: Leg, transfer: Transfer, story: Story) -> None:
    """Until the last report, or until none can be hoped for."""
    loop = asyncio.get_running_loop()

    def soon(_: "asyncio.Future[Any]") -> None:
        if not limit.expired():
            limit.reschedule(min(limit.when() or 0.0, loop.time() + GRACE_S))

    try:
        with suppress(TimeoutError):  # the story says what has not come
            async with asyncio.timeout(ANSWER_S) as limit:
                leg.ended.add_done_callback(soon)
                last = False
                while not last:
                    report = await transfer.report()
                    if story.answer == 0 and not leg.gone:
                        limit.reschedule(loop.time() + PROGRESS_S)
                    story.hear(report)
                    last = report.last
    finally:
        leg.ended.remove_done_callback(soon)


def _real(leg: Leg) -> Leg:
    """The leg itself, of one that is on loan."""
    return leg.endpoint.legs.get(leg.node, leg)


async def _part(leg: Leg) -> None:
    """The phone talks to somebody else: whoever its leg is borrowed from is left as well."""
    _real(leg).hang_up()
    await asyncio.shield(leg.ended)
