"""The control surface of a call: all that an instruction can do to one, and nothing of SIP or of documents.

The interpreter drives a `CallControl`; the switchboard's calls implement it on a SIP leg, tests on a recording fake.
Every operation is an awaitable that ends when its effect has ended. When the caller hangs up, `play`, `gather`,
`pause`, `answer` and `send_digits` raise `errors.LegGone`; `record` and `dial` return a result that says so, because
their action is still requested. Cancelling an operation stops its effect at once and leaves the call alive.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from callwright.calls.application import Hook
from callwright.calls.status import CallStatus, Direction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class File:
    """A sound at an absolute URL. `loop` times; 0: until hang-up."""

    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Speech:
    """Text to speak. `ssml`: `text` is an XML fragment with SSML elements, else plain characters."""

    text: str
    voice: str = ""
    language: str = ""
    loop: int = 1
    ssml: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """A pause, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Keys:
    """Digits (0-9 * # A-D, w 0.5 s, W 1 s) sent to the caller as DTMF, `loop` times."""

    digits: str
    loop: int = 1


Prompt = File | Speech | Silence | Keys


@dataclass(frozen=True, slots=True)
class GatherPlan:
    """Digits to collect (call-control reference §1.4).

    Attributes:
        prompts: played first; any key stops them.
        timeout: seconds without a key, from the end of the prompts and again from each key.
        finish_on: keys that end the input and are not part of it; "" none.
        max_digits: 0 for no limit.
    """

    prompts: Sequence[Prompt] = ()
    timeout: float = 5.0
    finish_on: str = "#"
    max_digits: int = 0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was pressed. `finished_on` is the finishing key, "" when time or count ended the input."""

    digits: str
    finished_on: str = ""


@dataclass(frozen=True, slots=True)
class RecordingCallback:
    """Where a recording's states are posted: events of in-progress, completed, absent."""

    hook: Hook
    events: frozenset[str] = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """A message to record (call-control reference §1.5). Times in seconds; timeout 0: silence never ends it."""

    timeout: float = 5.0
    finish_on: str = "1234567890*#"
    max_length: float = 3600.0
    beep: bool = True
    trim: bool = True
    callback: RecordingCallback | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that was made.

    Attributes:
        sid: RE...
        duration: whole seconds.
        digits: the key that ended it, "hangup" when the caller left, "" otherwise.
    """

    sid: str
    url: str
    duration: int
    digits: str = ""


@dataclass(frozen=True, slots=True)
class StatusCallback:
    """Where a call's progress is posted, and which of initiated, ringing, answered, completed."""

    hook: Hook
    events: frozenset[str] = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """A telephone number to dial through a trunk. `number` is E.164 or what the trunk takes."""

    number: str
    send_digits: str = ""
    callback: StatusCallback | None = None


@dataclass(frozen=True, slots=True)
class SipTarget:
    """A SIP URI to dial directly. `headers` are the custom ones, already checked against the reference §7.3;
    `alternatives` are tried in turn while there is no answer at all or a 5xx."""

    uri: str
    username: str = ""
    password: str = field(default="", repr=False)
    headers: Sequence[tuple[str, str]] = ()
    callback: StatusCallback | None = None
    alternatives: "Sequence[SipTarget]" = ()


Target = NumberTarget | SipTarget


@dataclass(frozen=True, slots=True)
class DialRecording:
    """A recording of a dialled call. `from_ringing`: ringing is part of it; `dual`: caller left, callee right;
    `track`: both, inbound or outbound."""

    from_ringing: bool = False
    dual: bool = False
    trim: bool = False
    track: str = "both"
    callback: RecordingCallback | None = None


@dataclass(frozen=True, slots=True)
class DialPlan:
    """Parties to connect the caller with (call-control reference §1.6). Times in seconds."""

    targets: Sequence[Target]
    caller_id: str = ""
    timeout: float = 30.0
    time_limit: float = 14400.0
    hangup_on_star: bool = False
    answer_on_bridge: bool = False
    ring_tone: str = ""
    sequential: bool = False
    recording: DialRecording | None = None


@dataclass(frozen=True, slots=True)
class Dialled:
    """How a dial ended.

    Attributes:
        status: DialCallStatus: completed, answered, busy, no-answer, failed or canceled.
        call_sid: the leg that was bridged, else the last one tried; "" when none was placed.
        duration: seconds of the bridged leg; None when never answered.
        sip_code: final code of that leg; 0 when none.
        sip_headers: X-... headers of its final answer or BYE.
        hung_up: the caller has left; no document is run after the action.
    """

    status: str
    call_sid: str = ""
    duration: int | None = None
    bridged: bool = False
    recording: Recorded | None = None
    sip_call_id: str = ""
    sip_code: int = 0
    sip_headers: Sequence[tuple[str, str]] = ()
    sip: bool = False
    hung_up: bool = False


class CallControl(Protocol):
    """One call, as an instruction sees it."""

    @property
    def sid(self) -> str: ...
    @property
    def account_sid(self) -> str: ...
    @property
    def status(self) -> CallStatus: ...
    @property
    def direction(self) -> Direction: ...
    @property
    def from_(self) -> str: ...
    @property
    def to(self) -> str: ...

    def parameters(self) -> dict[str, str]:
        """The standard request parameters of this moment (call-control reference §2.1)."""
        ...

    def note(self, kind: str, **data: object) -> None:
        """Adds a step to the call's event log and logs one INFO line ("fetch", "verb", "warning", "fallback", ...)."""
        ...

    async def during(self, work: "asyncio.Future[T]") -> T:
        """The result of something that nobody needs once the caller has left; it is cancelled then.

        Raises:
            LegGone: the caller left first.
        """
        ...

    async def answer(self) -> None:
        """200 to an inbound call that is still ringing; nothing otherwise. Every media operation answers first."""
        ...

    async def play(self, prompts: Sequence[Prompt]) -> None: ...
    async def pause(self, seconds: float) -> None:
        """Waits without answering: a leading pause lets the call ring on."""
        ...

    async def gather(self, plan: GatherPlan) -> Gathered: ...
    async def record(self, plan: RecordPlan) -> Recorded | None:
        """None when nothing but silence was recorded."""
        ...

    async def dial(self, plan: DialPlan) -> Dialled: ...
    async def reject(self, reason: str) -> None:
        """Refuses a ringing inbound call ("busy": 486, "rejected": 603); hangs up an answered one."""
        ...

    async def fail(self) -> None:
        """Refuses a ringing call because its application failed (480); hangs up an answered one."""
        ...

    async def hangup(self) -> None:
        """Ends the call (answers a ringing inbound one first) and returns when the leg has ended."""
        ...

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        """Starts to load sounds that a later instruction will play; failures show when they are played."""
        ...
