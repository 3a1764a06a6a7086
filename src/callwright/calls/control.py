"""The control surface of a call: all that an instruction can do to one, and nothing of SIP or of documents.

The interpreter drives a `CallControl`; the switchboard's calls implement it on a SIP leg, tests on a recording fake.
Every operation is an awaitable that ends when its effect has ended. When the caller hangs up, `play`, `gather`,
`pause`, `answer` and `send_digits` raise `errors.LegGone`; `record` and `dial` return a result that says so, because
their action is still requested. Cancelling an operation stops its effect at once and leaves the call alive.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from callwright.calls.application import Hook
from callwright.calls.status import CallStatus, Direction
from callwright.media.machine import Thresholds

if TYPE_CHECKING:
    from callwright.calls.room_control import RoomControl

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
class SpeechPlan:
    """Speech to understand (call-control reference §1.4). Times in seconds.

    Attributes:
        hints: phrases that are expected.
        commands: numbers and short commands are expected.
        pause: without voice, that ends an utterance.
        longest: an utterance, in all.
        barge_in: speech stops the prompts, else it is heard when they are over.
        unmasked: profane words stand as they were said.
        partial: where what was understood so far is posted.
    """

    language: str = "en-US"
    hints: tuple[str, ...] = ()
    commands: bool = False
    pause: float = 5.0
    longest: float = 60.0
    barge_in: bool = True
    unmasked: bool = False
    partial: Hook | None = None


@dataclass(frozen=True, slots=True)
class GatherPlan:
    """Digits to collect, speech to understand, or whichever comes first (call-control reference §1.4).

    Attributes:
        prompts: played first; any key stops them.
        timeout: seconds without a key or a word, from the end of the prompts and again from each key.
        finish_on: keys that end the input and are not part of it; "" none.
        max_digits: 0 for no limit.
        keys: whether keys count.
        speech: None when nobody listens to words.
    """

    prompts: Sequence[Prompt] = ()
    timeout: float = 5.0
    finish_on: str = "#"
    max_digits: int = 0
    keys: bool = True
    speech: SpeechPlan | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was pressed or said.

    Attributes:
        finished_on: the finishing key, "" when time or count ended the input.
        speech: what was understood, "" for nothing.
        confidence: in it, 0 to 1.
    """

    digits: str = ""
    finished_on: str = ""
    speech: str = ""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordingCallback:
    """Where a recording's states are posted: events of in-progress, completed, absent."""

    hook: Hook
    events: frozenset[str] = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """A message to record (call-control reference §1.5). Times in seconds; timeout 0: silence never ends it.

    `transcribe`: what it says is written down, and posted to `transcribe_callback`.
    """

    timeout: float = 5.0
    finish_on: str = "1234567890*#"
    max_length: float = 3600.0
    beep: bool = True
    trim: bool = True
    callback: RecordingCallback | None = None
    transcribe: bool = False
    transcribe_callback: Hook | None = None


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
class MachinePlan:
    """Detection of who answers (call-control reference §2.3, §3.2).

    Attributes:
        wait: the first document waits for the verdict, and is requested with it; else both go on beside each other.
        callback: where the verdict is posted; None for nowhere.
    """

    thresholds: Thresholds
    wait: bool = False
    callback: Hook | None = None


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """A telephone number to dial through a trunk.

    Attributes:
        number: E.164 or what the trunk takes.
        screening: a document that the callee is asked by before it is connected.
        through: URIs of gateways in place of a trunk of the configuration file, tried in turn.
        byoc: BY..., a trunk that the account brings along, whose policy's targets carry it; "" for none.
        machine: how it is told who answers; None when it is not.
    """

    number: str
    send_digits: str = ""
    callback: StatusCallback | None = None
    screening: Hook | None = None
    through: Sequence[str] = ()
    machine: MachinePlan | None = None
    byoc: str = ""


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
    screening: Hook | None = None
    machine: MachinePlan | None = None
    send_digits: str = ""


@dataclass(frozen=True, slots=True)
class ClientTarget:
    """A client (a browser) to ring by its identity; `parameters` are delivered to it."""

    identity: str
    parameters: Sequence[tuple[str, str]] = ()
    callback: StatusCallback | None = None
    screening: Hook | None = None


@dataclass(frozen=True, slots=True)
class ApplicationTarget:
    """Another application that takes the caller over for a while (call-control reference §6.6). Dialled alone.

    Attributes:
        sid: AP...
        parameters: what it is told, as Param_<name>.
        customer_id: CustomerId of its requests; "" for the account's SID.
        copy_parent_to: its To is the caller's, not the application's SID.
        screening: a document that the caller hears, as a call to the application, before that has it.
    """

    sid: str
    parameters: Sequence[tuple[str, str]] = ()
    customer_id: str = ""
    copy_parent_to: bool = False
    callback: StatusCallback | None = None
    screening: Hook | None = None


Target = NumberTarget | SipTarget | ClientTarget | ApplicationTarget


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
    """Parties to connect the caller with (call-control reference §1.6). Times in seconds.

    Attributes:
        refer: whose document runs on who is left when one of the two transfers him; None: neither may.
        reason: what the parties are told that the call is about; "" for nothing.
    """

    targets: Sequence[Target]
    caller_id: str = ""
    timeout: float = 30.0
    time_limit: float = 14400.0
    hangup_on_star: bool = False
    answer_on_bridge: bool = False
    ring_tone: str = ""
    sequential: bool = False
    recording: DialRecording | None = None
    refer: Hook | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dequeued:
    """Whom a dialled queue gave.

    Attributes:
        result: bridged, timeout or hangup.
        waited: seconds that the call had been in the queue.
        duration: seconds of the talk; None when there was none.
    """

    queue_sid: str
    result: str
    call_sid: str = ""
    waited: int = 0
    duration: int | None = None

    def parameters(self) -> dict[str, str]:
        """What the action is told."""
        told = {"QueueSid": self.queue_sid, "DequeueResult": self.result}
        if self.call_sid:
            told["DequeuedCallSid"] = self.call_sid
            told["DequeuedCallQueueTime"] = told["QueueTime"] = str(self.waited)
        if self.duration is not None:
            told["DequeuedCallDuration"] = str(self.duration)
        return told


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
        queue: what a dialled queue adds.
        returned: what another application has sent back, by name.
        transferred_to: whom the callee has transferred the caller to; "" when it has not.
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
    queue: Dequeued | None = None
    returned: Sequence[tuple[str, str]] = ()
    transferred_to: str = ""


@dataclass(frozen=True, slots=True)
class ReferPlan:
    """A SIP URI to transfer the caller to, with custom header fields (call-control reference §1.10)."""

    uri: str
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Referred:
    """How a transfer ended.

    Attributes:
        status: ReferCallStatus.
        sip_code: the answer to REFER; 0 when none was sent.
        notify_code: what the last NOTIFY told; 0 when none came.
        hung_up: the leg is gone.
    """

    status: str
    sip_code: int = 0
    notify_code: int = 0
    hung_up: bool = False


@dataclass(frozen=True, slots=True)
class MessagePlan:
    """A text message to send. `media`: URLs of what goes with it."""

    to: str
    from_: str
    body: str
    callback: Hook | None = None
    media: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A text message that was taken ("queued") or not ("failed")."""

    sid: str
    status: str


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
    @property
    def rooms(self) -> "RoomControl":
        """Conferences and queues."""
        ...

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
    async def start_recording(self, plan: DialRecording) -> None:
        """Records beside the instructions that follow, until it is stopped or the call ends. Raises MediaError 16108
        when the call is being recorded so already."""
        ...

    def stop_recording(self) -> bool:
        """Ends what `start_recording` began; False when nothing goes on."""
        ...

    async def echo(self) -> None:
        """The caller hears itself until it hangs up."""
        ...

    async def refer(self, plan: ReferPlan) -> Referred:
        """Asks the caller's phone to call somebody else."""
        ...

    async def message(self, plan: MessagePlan) -> Sent:
        """Sends a text message."""
        ...

    async def reject(self, reason: str) -> None:
        """Refuses a ringing inbound call ("busy": 486, "rejected": 603); hangs up an answered one."""
        ...

    async def fail(self) -> None:
        """Refuses a ringing call because its application failed (480); hangs up an answered one."""
        ...

    def give_back(self, parameters: Sequence[tuple[str, str]]) -> None:
        """What the call that dialled this application is told when it ends; nothing otherwise."""
        ...

    async def hangup(self) -> None:
        """Ends the call (answers a ringing inbound one first) and returns when the leg has ended."""
        ...

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        """Starts to load sounds that a later instruction will play; failures show when they are played."""
        ...
