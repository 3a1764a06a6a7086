"""What a registered flow is promised (RFC 5626 §6)."""

from datetime import timedelta

import pytest

from callwright.sip.flow import promised
from callwright.sip.registration import Refusal, Terms, addressed, updated
from tests.sip.registering import ALICE, NOON, USERS, Answers

FLOW = '<sip:alice@10.0.0.5:5062>;+sip.instance="<urn:uuid:1>";reg-id=1'
SUPPORTED = ("Supported", "path, Outbound")


def told(contact: str = FLOW, *headers: tuple[str, str], transport: str = "UDP", expires: int = 600) -> dict[str, str]:
    request = Answers().register(contact, headers=headers, transport=transport, expires=expires)
    after = updated(request, ALICE, (), Terms(), now=NOON, draw=lambda: 0.0)
    assert isinstance(after, tuple)
    return dict(promised(request, after))


@pytest.mark.parametrize(("transport", "seconds"), [("UDP", "30"), ("TCP", "120"), ("TLS", "120")])
def test_how_often_a_phone_says_that_it_is_there(transport: str, seconds: str) -> None:
    assert told(FLOW, SUPPORTED, transport=transport) == {"Require": "outbound", "Flow-Timer": seconds}


@pytest.mark.parametrize(
    ("contact", "headers"),
    [
        (FLOW, []),
        (FLOW, [("Supported", "path, gruu")]),
        ("<sip:alice@10.0.0.5:5062>;reg-id=1", [SUPPORTED]),
        ('<sip:alice@10.0.0.5:5062>;+sip.instance="<urn:uuid:1>"', [SUPPORTED]),
        (FLOW, [("Path", "<sip:edge.example;lr>")]),
    ],
)
def test_who_has_none(contact: str, headers: list[tuple[str, str]]) -> None:
    """It has not asked."""
    assert told(contact, *headers) == {}


@pytest.mark.parametrize(
    "headers",
    [
        [("Path", "<sip:edge.example;lr>")],
        [("Path", "<sip:edge.example;lr;ob>, <sip:other.example;lr;obs=1>")],
        [("Via", "SIP/2.0/UDP a"), ("Via", "SIP/2.0/UDP b")],
        [("Via", "SIP/2.0/UDP a, SIP/2.0/UDP b")],
    ],
)
def test_439_when_the_first_proxy_keeps_no_flows(headers: list[tuple[str, str]]) -> None:
    """To who asks for a flow only; the phone registers again without."""
    request = Answers().register(FLOW, headers=[SUPPORTED, *headers])
    found = updated(request, ALICE, (), Terms(), now=NOON, draw=lambda: 0.0)
    assert isinstance(found, Refusal)
    assert (found.code, found.reason) == (439, "First Hop Lacks Outbound Support")
    for contact, more in ((FLOW, []), ("<sip:alice@h>", [SUPPORTED]), (FLOW.partition(";reg-id")[0], [SUPPORTED])):
        request = Answers().register(contact, headers=[*more, *headers])
        assert isinstance(updated(request, ALICE, (), Terms(), now=NOON, draw=lambda: 0.0), tuple)


def test_behind_a_proxy_that_keeps_it() -> None:
    """It says itself for how long."""
    path = ("Path", "<sip:core.example;lr>, <sip:edge.example;lr;ob>")
    assert told(FLOW, SUPPORTED, path) == {"Require": "outbound"}


def test_a_flow_of_an_earlier_registration_is_not_this_ones() -> None:
    first = Answers().register(FLOW, headers=[SUPPORTED])
    bindings = updated(first, ALICE, (), Terms(), now=NOON, draw=lambda: 0.0)
    assert isinstance(bindings, tuple)
    other = Answers().register("<sip:alice@10.0.0.9:1>", call_id="another phone's", headers=[SUPPORTED])
    after = updated(other, ALICE, bindings, Terms(), now=NOON + timedelta(seconds=1), draw=lambda: 0.0)
    assert isinstance(after, tuple) and len(after) == 2
    assert promised(other, after) == ()


def test_a_phone_may_require_it() -> None:
    assert addressed(Answers().register(FLOW, headers=[("Require", "outbound")]), USERS) == ALICE
