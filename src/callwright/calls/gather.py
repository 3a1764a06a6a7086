"""Collecting digits and words (call-control reference §1.4)."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from callwright.calls.control import Gathered, GatherPlan
from callwright.calls.listening import Listener, recogniser
from callwright.errors import MediaError
from callwright.media.speech.recognition import Heard
from callwright.sip.leg import Digit

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Collector:
    """Digits and words as they come in; resolves `done` when the plan is satisfied.

    A key is certain and words are not: until an utterance has been understood, the first key takes its place.

    Attributes:
        listener: who hears words; closed by the first key.
    """

    def __init__(
        self, plan: GatherPlan, done: "asyncio.Future[Gathered]", prompts: "asyncio.Task[None] | None"
    ) -> None:
        self._plan = plan
        self._done = done
        self._prompts = prompts
        self._digits = ""
        self._timer: asyncio.TimerHandle | None = None
        self._latest: float | None = None
        self.listener: Listener | None = None

    def on_digit(self, digit: Digit) -> None:
        """A key: stops the prompts, and ends the input or restarts its clock."""
        if self._done.done():
            return
        self._interrupt()
        if self.listener is not None:
            self.listener.close()
        if digit.key in self._plan.finish_on:
            self._done.set_result(Gathered(self._digits, finished_on=digit.key))
            return
        self._digits += digit.key
        if self._plan.max_digits and len(self._digits) >= self._plan.max_digits:
            self._done.set_result(Gathered(self._digits))
        else:
            self.start_clock()

    def on_speech(self) -> None:
        """Somebody begins to speak: stops the prompts and the clock."""
        self._interrupt()
        self.stop_clock()
        if self._latest is None and self._plan.speech is not None:
            self._latest = self._done.get_loop().time() + self._plan.speech.longest

    def on_heard(self, heard: Heard) -> None:
        """An utterance is over. Who was not understood may try again, for as long as an utterance may last in all."""
        if self._done.done():
            return
        if heard.text:
            self._done.set_result(Gathered(speech=heard.text, confidence=heard.confidence))
        elif self._latest is not None and self._done.get_loop().time() >= self._latest:
            self._expire()
        else:
            self.start_clock()

    def _interrupt(self) -> None:
        if self._prompts is not None:
            self._prompts.cancel()

    def start_clock(self) -> None:
        """Time runs from now until the next key or word."""
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
    """Plays the prompts and collects digits and words until the plan is satisfied.

    Raises:
        LegGone: the caller hung up.
    """
    leg = call.require_leg()
    done = leg.waiter()
    prompts = asyncio.create_task(_prompt(call, plan)) if plan.prompts else None
    collector = Collector(plan, done, prompts)
    try:
        collector.listener = _listener(call, plan, collector)
        with leg.digits(collector.on_digit) if plan.keys else contextlib.nullcontext():
            if prompts is not None:
                await asyncio.wait({prompts, done}, return_when=asyncio.FIRST_COMPLETED)
            if prompts is None or (prompts.done() and not prompts.cancelled() and not done.done()):
                if prompts is not None:
                    prompts.result()
                _begin(collector)
            gathered: Gathered = await done
            return gathered
    finally:
        collector.stop_clock()
        if collector.listener is not None:
            collector.listener.close()
        done.cancel()  # a redirect leaves it waiting: the end of the leg would fail a future that nobody awaits
        if prompts is not None:
            prompts.cancel()
            await asyncio.gather(prompts, return_exceptions=True)
        del done, collector  # its exception holds this frame


def _listener(call: "Call", plan: GatherPlan, collector: Collector) -> Listener | None:
    if plan.speech is None or (recognition := recogniser(call, plan.speech)) is None:
        return None
    listener = Listener(call, plan.speech, recognition, began=collector.on_speech, ended=collector.on_heard)
    if plan.speech.barge_in:
        listener.attend()
    return listener


def _begin(collector: Collector) -> None:
    """The prompts are over: the clock runs, and words count whether or not they could have stopped the prompts."""
    collector.start_clock()
    if collector.listener is not None:
        collector.listener.attend()


async def _prompt(call: "Call", plan: GatherPlan) -> None:
    """Plays prompts; one that cannot be had is passed over, for the input and the other prompts still count."""
    for prompt in plan.prompts:
        try:
            await call.prompter.play([prompt], interruptible=plan.keys)
        except MediaError as error:
            call.note("warning", code=error.code, message=f"<Gather>: {error.message}")
