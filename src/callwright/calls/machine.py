"""Who answered a call: a person or a machine (call-control reference §2.3, §3.2)."""

import asyncio
from typing import TYPE_CHECKING

from callwright.calls import parameters
from callwright.calls.control import MachinePlan
from callwright.errors import LegGone
from callwright.media.machine import AnsweredBy, Detector, Verdict

if TYPE_CHECKING:
    from callwright.calls.call import Call

GRACE_S = 2.0
"""The detector counts time by the sound that comes; so much later than its time-out it is over without any."""


async def attend(call: "Call", plan: MachinePlan | None) -> None:
    """Begins detection on a call that was just answered; returns at once, or with the verdict when that is waited for.

    Raises:
        LegGone: the call ended while its verdict was waited for.
    """
    if plan is None:
        return
    call.note("detection", to_end=plan.thresholds.to_end, wait=plan.wait)
    if plan.wait:
        await _detect(call, plan)
    else:
        call.exchange.tasks.spawn(_beside(call, plan), f"machine detection of {call.sid}")


async def _beside(call: "Call", plan: MachinePlan) -> None:
    try:
        await _detect(call, plan)
    except LegGone:
        call.log.debug("- the call ended before it was known who answered")


async def _detect(call: "Call", plan: MachinePlan) -> None:
    """Listens until the verdict, and tells it. Of a call that ends before nobody can tell."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        verdict = await _listen(call, plan)
    except TimeoutError:
        call.log.debug("- no sound came from which to tell who answered")
        verdict = Verdict(AnsweredBy.UNKNOWN, plan.thresholds.timeout)
    except LegGone:
        _tell(call, plan, Verdict(AnsweredBy.UNKNOWN, round((loop.time() - began) * 1000)))
        raise
    _tell(call, plan, verdict)


async def _listen(call: "Call", plan: MachinePlan) -> Verdict:
    done = call.require_leg().waiter()

    def hear(samples: bytes) -> None:
        if (verdict := detector.feed(samples)) is not None and not done.done():
            done.set_result(verdict)

    tap = call.exchange.endpoint.tap(call.require_leg().node, hear)
    detector = Detector(plan.thresholds, tap.rate)
    try:
        async with asyncio.timeout(plan.thresholds.timeout / 1000 + GRACE_S):
            verdict: Verdict = await done
            return verdict
    finally:
        tap.close()
        done.cancel()


def _tell(call: "Call", plan: MachinePlan, verdict: Verdict) -> None:
    call.answered_by(verdict, told=plan.wait)
    if plan.callback is None:
        return
    params = {"CallSid": call.sid, "AccountSid": call.account.sid, **parameters.answerer(verdict)}
    call.exchange.callbacks.post(account=call.account, call_sid=call.sid, hook=plan.callback, params=params, kind="amd")
