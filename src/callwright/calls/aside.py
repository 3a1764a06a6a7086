"""What a call does beside its own legs and verbs: it may borrow a leg, and send values back to who dialled it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from callwright.calls.status import CallStatus
from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Aside:
    """A part of every `Call`.

    Attributes:
        returned: what the call that dialled this one's application is told when it ends.
    """

    returned: Sequence[tuple[str, str]] = ()

    @property
    def _call(self) -> "Call":
        return cast("Call", self)

    def give_back(self, parameters: Sequence[tuple[str, str]]) -> None:
        """What the call that dialled this application is told."""
        self.returned = parameters

    def borrow(self, leg: Leg) -> None:
        """Takes another call's leg, which rings for this one until it is answered; its end is this call's end."""
        call = self._call
        call.leg = leg
        call._enter(CallStatus.INITIATED)
        call._enter(CallStatus.RINGING)
        leg.ended.add_done_callback(call._on_leg_ended)
