"""A call without a phone: the interpreter on a caller who follows a script, and a clock that nobody waits for."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from callwright import ids
from callwright.calls import parameters
from callwright.calls.control import (
    Dialled,
    DialPlan,
    DialRecording,
    File,
    Gathered,
    GatherPlan,
    Keys,
    MessagePlan,
    NumberTarget,
    Prompt,
    Recorded,
    RecordPlan,
    ReferPlan,
    Referred,
    Sent,
    Silence,
    SipTarget,
    Speech,
    Target,
)
from callwright.calls.room_control import RoomControl
from callwright.calls.status import CallStatus, Direction
from callwright.cli.script import Act
from callwright.cli.simulated_rooms import SimulatedRooms
from callwright.errors import LegGone, MediaError

T = TypeVar("T")

WORDS_A_SECOND = 2.5
SOUND_S = 3.0
KEY_S = 0.5
MESSAGE_S = 5
TALK_S = 30
QUIET = frozenset({"params", "body", "state"})
FAILURES = frozenset({"failure"})


class SimulatedCall:
    """A `CallControl` that prints what it is asked for.

    Args:
        acts: what the caller does, in order.
        tell: prints a line.
        ask: the keys that somebody types at a <Gather>; None when nobody does.
        answers: whether the documents are printed, too.

    Attributes:
        time: seconds since the call began, on its own clock.
        failed: whether something failed that an application should mend.
    """

    def __init__(
        self,
        acts: Sequence[Act],
        tell: Callable[[str], None],
        *,
        account_sid: str,
        from_: str,
        to: str,
        ask: Callable[[], str] | None = None,
        answers: bool = False,
    ) -> None:
        self.sid, self.account_sid = ids.new(ids.CALL), account_sid
        self.from_, self.to = from_, to
        self.status, self.direction = CallStatus.RINGING, Direction.INBOUND
        self.time = 0.0
        self.failed = False
        self._acts = list(acts)
        self._tell, self._ask, self._answers = tell, ask, answers
        self._recording = False
        self.rooms: RoomControl = SimulatedRooms(self._say, self._talk)

    async def during(self, work: "asyncio.Future[T]") -> T:
        """The caller of a script leaves between two verbs, not while an application is asked."""
        return await work

    @property
    def remaining(self) -> list[Act]:
        """What the caller did not get round to."""
        return self._acts

    def parameters(self) -> dict[str, str]:
        """The standard request parameters."""
        return parameters.standard(
            sid=self.sid,
            account_sid=self.account_sid,
            from_=self.from_,
            to=self.to,
            status=str(self.status),
            direction=str(self.direction),
        )

    def note(self, kind: str, **data: object) -> None:
        """A step of the story, as one line; of a request also what it told besides the standard parameters."""
        self.failed = self.failed or kind in FAILURES
        if kind == "verb":
            self._say(f"<{data['name']}>")
            return
        facts = [f"{name}={value}" for name, value in data.items() if name not in QUIET and value not in ("", 0)]
        self._say(" ".join((kind, *facts)))
        told = data.get("params")
        if isinstance(told, dict):
            for name in sorted(told.keys() - self.parameters().keys()):
                self._say(f"    {name}={told[name]}")
            self._say(f"    CallStatus={told.get('CallStatus', '')}")
        if self._answers:
            for line in str(data.get("body", "")).splitlines():
                self._say(f"    | {line}")

    def _say(self, line: str) -> None:
        self._tell(f"{self.time:8.1f} s  {line}")

    def _next(self, kind: str) -> Act | None:
        """The next act, if it is of this kind. A hang-up is always next.

        Raises:
            LegGone: the caller hangs up.
        """
        if self._acts and self._acts[0].kind == "hangup":
            self._acts.pop(0)
            self._say("  the caller hangs up")
            self.status = CallStatus.COMPLETED if self.status is CallStatus.IN_PROGRESS else CallStatus.CANCELED
            raise LegGone("the caller hung up")
        if self._acts and self._acts[0].kind == kind:
            return self._acts.pop(0)
        return None

    async def answer(self) -> None:
        """200, once."""
        if self.status is CallStatus.RINGING:
            self.status = CallStatus.IN_PROGRESS
            self._say("  answered")

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        """Nothing is loaded here."""

    async def play(self, prompts: Sequence[Prompt]) -> None:
        """Prints what would be heard. A sound without end lasts until the caller hangs up."""
        await self.answer()
        self._next("")
        for prompt in prompts:
            self._say(f"  {_told(prompt)}")
            self.time += _lasts(prompt)
            if not isinstance(prompt, Silence) and prompt.loop == 0:
                self._forever()

    def _forever(self) -> None:
        """Nobody ends what is without end but the caller."""
        self._say("  the caller hangs up, for this would never end")
        self.status = CallStatus.COMPLETED
        raise LegGone("the caller hung up")

    async def pause(self, seconds: float) -> None:
        """Lets the clock jump."""
        self._next("")
        self.time += seconds

    async def gather(self, plan: GatherPlan) -> Gathered:
        """The keys of the script, as far as the plan takes them."""
        await self.answer()
        for prompt in plan.prompts:
            self._say(f"  {_told(prompt)}")
        act = self._next("digits")
        pressed = "".join(act.words) if act else self._ask() if self._ask else ""
        self.time += sum(_lasts(prompt) for prompt in plan.prompts)
        taken = ""
        for key in pressed:
            self.time += KEY_S
            if key in plan.finish_on:
                return self._gathered(Gathered(taken, key))
            taken += key
            if plan.max_digits and len(taken) >= plan.max_digits:
                return self._gathered(Gathered(taken))
        self.time += plan.timeout
        return self._gathered(Gathered(taken))

    def _gathered(self, gathered: Gathered) -> Gathered:
        ended = f", ended by {gathered.finished_on}" if gathered.finished_on else ""
        self._say(f"  keys: {gathered.digits or 'none'}{ended}")
        return gathered

    async def record(self, plan: RecordPlan) -> Recorded | None:
        """A message of the script; by default one of five seconds that a key ends."""
        await self.answer()
        act = self._next("record")
        seconds, *ending = act.words if act else (str(MESSAGE_S), plan.finish_on[-1:])
        length = min(int(seconds), int(plan.max_length))
        self.time += length
        self._say(f"  a message of {length} s")
        if length == 0:
            return None
        digits = "".join(ending)
        if digits == "hangup":
            self.status = CallStatus.COMPLETED
        sid = ids.new(ids.RECORDING)
        return Recorded(sid, f"http://callwright.invalid/Recordings/{sid}", length, digits)

    async def start_recording(self, plan: DialRecording) -> None:
        """Remembers that it goes on."""
        await self.answer()
        if self._recording:
            raise MediaError("the call is being recorded already", code=16108)
        self._recording = True
        self._say("  the recording begins")

    def stop_recording(self) -> bool:
        """Ends it."""
        going, self._recording = self._recording, False
        return going

    async def echo(self) -> None:
        """Until the caller hangs up."""
        await self.answer()
        self._forever()

    async def refer(self, plan: ReferPlan) -> Referred:
        """The caller's phone does as it is asked, and the caller is gone."""
        await self.answer()
        self._say(f"  a transfer to {plan.uri}: completed")
        self.status = CallStatus.COMPLETED
        return Referred("completed", 202, 200, hung_up=True)

    async def message(self, plan: MessagePlan) -> Sent:
        """Takes it."""
        self._say(f"  a message to {plan.to}: {plan.body[:60]!r}")
        return Sent(ids.new(ids.MESSAGE), "queued")

    async def dial(self, plan: DialPlan) -> Dialled:
        """The dial of the script; by default the party talks for half a minute."""
        if not plan.answer_on_bridge:
            await self.answer()
        for target in plan.targets:
            self._say(f"  dials {_named(target)}")
        status, talked = self._talk(plan.timeout)
        bridged = status == "completed"
        if bridged:
            await self.answer()
        sip = isinstance(plan.targets[0], SipTarget)
        return Dialled(status, ids.new(ids.CALL), talked if bridged else None, bridged, sip=sip)

    def _talk(self, patience: float) -> tuple[str, int]:
        """How the next dial of the script ends, and how many seconds are talked; no-answer takes `patience`."""
        act = self._next("dial")
        status, *seconds = act.words if act else ("completed",)
        talked = int(seconds[0]) if seconds else TALK_S
        bridged = status == "completed"
        self.time += talked if bridged else patience if status == "no-answer" else 1.0
        self._say(f"  {status}{f' after {talked} s' if bridged else ''}")
        return status, talked

    async def reject(self, reason: str) -> None:
        """Ends the call unanswered."""
        answered = self.status is CallStatus.IN_PROGRESS
        refused = CallStatus.BUSY if reason == "busy" else CallStatus.NO_ANSWER
        self.status = CallStatus.COMPLETED if answered else refused

    async def fail(self) -> None:
        """Ends the call because its application failed."""
        self.status = CallStatus.FAILED

    def give_back(self, parameters: Sequence[tuple[str, str]]) -> None:
        """Prints what another application would be told."""
        for name, value in parameters:
            self._say(f"  sends back {name}={value}")

    async def hangup(self) -> None:
        """Ends the call."""
        await self.answer()
        self.status = CallStatus.COMPLETED


def _named(target: Target) -> str:
    match target:
        case NumberTarget():
            return target.number
        case SipTarget():
            return target.uri
    return str(target)


def _told(prompt: Prompt) -> str:
    match prompt:
        case Speech():
            return f"says {prompt.text!r}" + (f" in {prompt.language}" if prompt.language else "")
        case File():
            return f"plays {prompt.url}"
        case Keys():
            return f"sends the keys {prompt.digits}"
        case Silence(seconds):
            return f"waits {seconds:g} s"


def _lasts(prompt: Prompt) -> float:
    """Seconds, as far as they can be guessed without the sound."""
    match prompt:
        case Silence(seconds):
            return seconds
        case Speech():
            once = max(1, len(prompt.text.split())) / WORDS_A_SECOND
        case File():
            once = SOUND_S
        case Keys():
            once = KEY_S * len(prompt.digits)
    return once * max(1, prompt.loop)
