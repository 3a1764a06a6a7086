"""Conferences and queues of a simulated call: the acts of its script say how long it stays and how it ends."""

from collections.abc import Callable
from typing import Protocol

from callwright import ids
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.control import Dialled
from callwright.calls.queue.plan import DequeuePlan, Enqueued, EnqueuePlan, QueueResult


class Talk(Protocol):
    """Takes the next `dial` of the script: its status, and the seconds that were talked."""

    def __call__(self, patience: float) -> tuple[str, int]: ...


class SimulatedRooms:
    """A `RoomControl` that prints.

    Args:
        say: prints a line.
        talk: what the script has for it.
    """

    def __init__(self, say: Callable[[str], None], talk: Talk) -> None:
        self._say, self._talk = say, talk

    async def confer(self, plan: ConferencePlan) -> Dialled | None:
        """In it until the script's talk is over."""
        self._say(f"  joins the conference {plan.name}")
        _, seconds = self._talk(plan.time_limit)
        return Dialled("answered", duration=seconds)

    async def enqueue(self, plan: EnqueuePlan) -> Enqueued:
        """Taken out of it by somebody at once; `no-answer` and the like: it leaves."""
        self._say(f"  waits in the queue {plan.name}")
        status, seconds = self._talk(0.0)
        result = QueueResult.BRIDGED if status == "completed" else QueueResult.LEAVE
        return Enqueued(result, ids.derived(ids.QUEUE, plan.name), seconds)

    async def dequeue(self, plan: DequeuePlan) -> Dialled:
        """Talks with somebody."""
        self._say(f"  talks with the first of the queue {plan.name}")
        status, seconds = self._talk(plan.timeout)
        bridged = status == "completed"
        return Dialled(status, ids.new(ids.CALL), seconds if bridged else None, bridged)

    def leave(self) -> bool:
        """No wait document is run here."""
        return False

    @property
    def waiting(self) -> bool:
        """As `leave`."""
        return False
