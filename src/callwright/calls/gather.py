"""Collecting digits (call-control reference §1.4)."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from callwright.calls.control import Gathered, GatherPlan, Prompt
from callwright.errors import MediaError
from callwright.sip.leg import Digit

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Collector:
    """Digits as they come in; resolves `done` when the plan is satisfied."""

    def __init__(
        self, plan: GatherPlan, done: "asyncio.Future[Gathered]", prompts: "asyncio.Task[None] | None"
    ) -> None:
        self._plan = plan
        self._done = done
        self._prompts = prompts
        self._digits = ""
        self._timer: asyncio.TimerHandle | None = None

    def on_digit(self, digit: Digit) -> None:
        """A key: stops the prompts, and ends the input or restarts its clock."""
        if self._done.done():
            return
        if self._prompts is not None:
            self._prompts.cancel()
        if digit.key in self._plan.finish_on:
            self._done.set_result(Gathered(self._digits, finished_on=digit.key))
            return
        self._digits += digit.key
        if self._plan.max_digits and len(self._digits) >= self._plan.max_digits:
            self._done.set_result(Gathered(self._digits))
        else:
            self.start_clock()

    def start_clock(self) -> None:
        """Time runs from now until the next key."""
        self.stop_clock()
        self._timer = self._done.get_loop().call_later(self._plan.timeout, self._expire)

    def stop_clock(self) -> None:
        """No more time-out."""
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        if not self._done.done():
            self._done.set_result(Gathered(self._digits))


async def gather(call: "Call", plan: GatherPlan) -> Gathered:
    """Plays the prompts and collects digits until the plan is satisfied.

    Raises:
        LegGone: the caller hung up.
    """
    leg = call.require_leg()
    done = leg.waiter()
    prompts = asyncio.create_task(_prompt(call, plan.prompts)) if plan.prompts else None
    collector = Collector(plan, done, prompts)
    try:
        with leg.digits(collector.on_digit):
            if prompts is not None:
                await asyncio.wait({prompts, done}, return_when=asyncio.FIRST_COMPLETED)
                if prompts.done() and not prompts.cancelled() and not done.done():
                    prompts.result()
                    collector.start_clock()
            else:
                collector.start_clock()
            gathered: Gathered = await done
            return gathered
    finally:
        collector.stop_clock()
        done.cancel()  # a redirect leaves it waiting: the end of the leg would fail a future that nobody awaits
        if prompts is not None:
            prompts.cancel()
            await asyncio.gather(prompts, return_exceptions=True)
        del done, collector  # its exception holds this frame


async def _prompt(call: "Call", prompts: Sequence[Prompt]) -> None:
    """Plays prompts; one that cannot be had is passed over, for the keys and the other prompts still count."""
    for prompt in prompts:
        try:
            await call.prompter.play([prompt], interruptible=True)
        except MediaError as error:
            call.note("warning", code=error.code, message=f"<Gather>: {error.message}")
