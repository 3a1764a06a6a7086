"""An INVITE that is to take the place of a leg that rings, until its ACK (RFC 3891 §3)."""

from collections.abc import Callable
from typing import Any

from callwright.sip.leg import Leg


class Pickup(Leg):
    """An inbound leg in front of an outbound one: as if it were one more phone that rings, which has answered.

    What rings goes on ringing until the ACK, and after it when somebody there was quicker, or when this leg comes to
    nothing.

    Args:
        newcomer: the inbound leg, which nobody has answered; events of its node are this one's from now on.
        done: called when it has the place.
    """

    def __init__(self, newcomer: Leg, ringing: Leg, done: Callable[[], None]) -> None:
        super().__init__(newcomer.endpoint, newcomer.node, newcomer.invite)
        self._ringing, self._done = ringing, done
        self.endpoint.legs[self.node] = self

    def on_established(self, detail: dict[str, Any]) -> None:
        """Its ACK has come."""
        super().on_established(detail)
        if not self._ringing.rings:
            self.hang_up()
            return
        self._done()
        self._ringing.give_way(self, detail)
