"""The part of a call's control surface that leads into conferences and queues."""

from typing import TYPE_CHECKING, Protocol

from callwright.calls.conference import joining
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.control import Dialled
from callwright.calls.queue import dequeue, enqueue
from callwright.calls.queue.plan import DequeuePlan, Enqueued, EnqueuePlan

if TYPE_CHECKING:
    from callwright.calls.call import Call


class RoomControl(Protocol):
    """What an instruction can do with a call there. Cancelling an operation takes the call out at once."""

    async def confer(self, plan: ConferencePlan) -> Dialled | None:
        """In a conference until the call leaves it; None when it was not let in and nobody is to be told."""
        ...

    async def enqueue(self, plan: EnqueuePlan) -> Enqueued:
        """In a queue until somebody takes the call out of it, and until the talk that follows is over."""
        ...

    async def dequeue(self, plan: DequeuePlan) -> Dialled:
        """Talks with the first of a queue."""
        ...

    def leave(self) -> bool:
        """Leaves the queue that the call waits in; False when it waits in none."""
        ...

    @property
    def waiting(self) -> bool:
        """Whether the call waits in a queue, and nobody has taken it yet."""
        ...


class CallRooms:
    """`RoomControl` of one call."""

    def __init__(self, call: "Call") -> None:
        self._call = call

    async def confer(self, plan: ConferencePlan) -> Dialled | None:
        """Takes part in a conference."""
        return await joining.confer(self._call, plan)

    async def enqueue(self, plan: EnqueuePlan) -> Enqueued:
        """Waits in a queue."""
        return await enqueue.enqueue(self._call, plan)

    async def dequeue(self, plan: DequeuePlan) -> Dialled:
        """Talks with the first of a queue."""
        return await dequeue.dequeue(self._call, plan)

    def leave(self) -> bool:
        """Leaves the queue that the call waits in."""
        return self._call.member is not None and self._call.member.leave()

    @property
    def waiting(self) -> bool:
        """Whether the call waits in a queue, and nobody has taken it yet."""
        return self._call.member is not None and self._call.member.waiting
