"""A live subscription: what its phone has been told, and what it is to be told next (RFC 6665 §4.1, §4.2.2)."""

import logging
from dataclasses import replace
from datetime import datetime
from enum import Enum

from callwright.sip.events.document import Document
from callwright.sip.events.subscribing import RESERVED
from callwright.sip.events.subscription import Subscription
from callwright.sip.leg import Headers

logger = logging.getLogger(__name__)


class SubscriptionState(Enum):
    """States of a subscription (RFC 6665 §4.1.3). Pending: its row is not stored, nobody is told anything yet."""

    PENDING = "pending"
    ACTIVE = "active"
    TERMINATED = "terminated"


_FLOW: dict[SubscriptionState, frozenset[SubscriptionState]] = {
    SubscriptionState.PENDING: frozenset({SubscriptionState.ACTIVE, SubscriptionState.TERMINATED}),
    SubscriptionState.ACTIVE: frozenset({SubscriptionState.TERMINATED}),
    SubscriptionState.TERMINATED: frozenset(),
}


class Watch:
    """One subscription while the daemon runs.

    Args:
        state: ACTIVE for one that the daemon before this one kept.

    Attributes:
        reason: why it has ended, as Subscription-State says it.
        due: whether its phone is to be looked at: something may have changed.
        forced: whether it is to be told even what it knows.
        busy: whether a NOTIFY of it is under way.
        stranded: its connection is gone and cannot be opened from here; its next SUBSCRIBE brings another one.
    """

    def __init__(self, subscription: Subscription, state: SubscriptionState = SubscriptionState.PENDING) -> None:
        self.subscription = subscription
        self.reason = ""
        self.due = self.forced = self.busy = self.stranded = False
        self._state = state
        # of a subscription that was kept: beyond every number that it may have used
        self._cseq = 0 if state is SubscriptionState.PENDING else subscription.cseq
        if state is not SubscriptionState.PENDING:
            self.subscription = replace(subscription, cseq=subscription.cseq + RESERVED)
        self._told: Document | None = None

    @property
    def state(self) -> SubscriptionState:
        """Only `enter` changes it."""
        return self._state

    def enter(self, state: SubscriptionState, reason: str = "") -> bool:
        """Whether it was a transition."""
        if state not in _FLOW[self._state]:
            return False
        self._state, self.reason = state, reason
        return True

    def want(self, *, forced: bool = False) -> None:
        """Its phone is to be looked at; forced: and told."""
        self.due, self.forced = True, self.forced or forced

    def take(self, document: Document) -> bool:
        """Whether its phone is to be told this now; nothing is due then."""
        self.due = False
        wanted = self.forced or document != self._told
        self.forced = False
        self._told = document  # one for all its watchers
        return wanted

    def forget(self) -> None:
        """Its phone may not have got what it was told last."""
        self._told = None

    @property
    def exhausted(self) -> bool:
        """Whether its row must be written again, with more numbers for NOTIFYs."""
        return self._cseq > self.subscription.cseq - RESERVED // 2

    def reserve(self) -> Subscription:
        """The subscription with more numbers."""
        self.subscription = replace(self.subscription, cseq=self._cseq + RESERVED)
        return self.subscription

    def notify(self, now: datetime) -> tuple[int, Headers]:
        """Number and header fields of the next NOTIFY. The number is also that of its document."""
        self._cseq += 1
        left = self.subscription.left(now)
        ended = self._state is SubscriptionState.TERMINATED
        state = f"terminated;reason={self.reason}" if ended else f"active;expires={left}"
        return self._cseq, self.subscription.notify(self._cseq, state)
