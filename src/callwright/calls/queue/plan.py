"""What a call asks of a queue (call-control reference §1.6, §1.7)."""

from dataclasses import dataclass
from enum import StrEnum

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Heard
from callwright.calls.control import DialRecording

USUAL_SIZE, MOST_MEMBERS = 1000, 5000
LONGEST_NAME = 64
FULL = 14207
UNKNOWN = 14212


class QueueResult(StrEnum):
    """How the time in a queue ended, as the action is told (call-control reference §1.7)."""

    BRIDGED = "bridged"
    BRIDGING = "bridging-in-process"
    HANGUP = "hangup"
    LEAVE = "leave"
    REDIRECTED = "redirected"
    REDIRECTED_FROM_BRIDGED = "redirected-from-bridged"
    FULL = "queue-full"
    ERROR = "error"
    SYSTEM_ERROR = "system-error"


@dataclass(frozen=True, slots=True)
class EnqueuePlan:
    """How a call waits.

    Attributes:
        max_size: of the queue, when it is made for this call; an existing one takes nobody beyond this, either.
        wait: what is heard meanwhile; documents begin anew at their end.
        action: told when a request takes the call away: nobody else can tell it then.
    """

    name: str
    max_size: int = USUAL_SIZE
    wait: Heard = Backdrop.MUSIC
    action: Hook | None = None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """How it ended.

    Attributes:
        seconds: in the queue; the talk does not count.
        hung_up: the caller has left; no document is run after the action.
    """

    result: QueueResult
    queue_sid: str = ""
    seconds: int = 0
    hung_up: bool = False

    def parameters(self) -> dict[str, str]:
        """What the action is told."""
        told = {"QueueResult": str(self.result), "QueueTime": str(self.seconds)}
        return told | {"QueueSid": self.queue_sid} if self.queue_sid else told


@dataclass(frozen=True, slots=True)
class DequeuePlan:
    """How a call talks with the first of a queue. Times in seconds.

    Attributes:
        whisper: a document that the queued caller hears before they are connected.
        timeout: how long to wait for somebody, when the queue is empty.
    """

    name: str
    whisper: Hook | None = None
    timeout: float = 30.0
    time_limit: float = 14400.0
    hangup_on_star: bool = False
    answer_on_bridge: bool = False
    ring_tone: str = ""
    recording: DialRecording | None = None
