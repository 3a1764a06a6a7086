"""A live subscription: its states, its numbers, what its phone has been told."""

import itertools

import pytest

from callwright.sip.events.document import Document
from callwright.sip.events.subscribing import RESERVED
from callwright.sip.events.watch import SubscriptionState, Watch
from tests.sip.events.test_subscription import ONE
from tests.sip.registering import NOON

ALLOWED = {
    (SubscriptionState.PENDING, SubscriptionState.ACTIVE),
    (SubscriptionState.PENDING, SubscriptionState.TERMINATED),
    (SubscriptionState.ACTIVE, SubscriptionState.TERMINATED),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(SubscriptionState, repeat=2)))
def test_transitions(before: SubscriptionState, after: SubscriptionState) -> None:
    watch = Watch(ONE, before)
    assert watch.enter(after, "timeout") is ((before, after) in ALLOWED)
    assert watch.state is (after if (before, after) in ALLOWED else before)


def test_what_it_knows_is_not_told_again() -> None:
    watch, document = Watch(ONE), Document("a/b", "<x v='", "'/>")
    watch.want()
    assert watch.due and watch.take(document) and not watch.due
    watch.want()
    assert not watch.take(document) and not watch.due
    watch.want(forced=True)
    watch.want()
    assert watch.take(document)
    watch.forget()
    assert watch.take(document)


def test_numbers_go_on_after_a_crash() -> None:
    """Rows are written before their numbers are used, and not for each of them."""
    watch, stored, used = Watch(ONE, SubscriptionState.PENDING), ONE.cseq, [0]
    writes = 0
    for _ in range(3 * RESERVED):
        if watch.exhausted:
            stored = watch.reserve().cseq
            writes += 1
        number, headers = watch.notify(NOON)
        assert number == used[-1] + 1 <= stored
        assert ("CSeq", f"{number} NOTIFY") in headers
        used.append(number)
    assert writes < 10
    again = Watch(watch.subscription, SubscriptionState.ACTIVE)
    assert again.notify(NOON)[0] > used[-1]
    assert again.subscription.cseq > stored and not again.exhausted


def test_subscription_state() -> None:
    watch = Watch(ONE)
    watch.enter(SubscriptionState.ACTIVE)
    assert dict(watch.notify(NOON)[1])["Subscription-State"] == "active;expires=0"
    watch.enter(SubscriptionState.TERMINATED, "timeout")
    assert dict(watch.notify(NOON)[1])["Subscription-State"] == "terminated;reason=timeout"
