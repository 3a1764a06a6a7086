"""A binding: how it is renewed, shown, reached and kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from callwright.sip.binding import Binding
from callwright.sip.contact import Contact
from tests.sip.registering import NOON, Answers

END = NOON + timedelta(seconds=60)
BINDING = Binding("alice@pbx.example", "b1", "sip:alice@10.0.0.5:5062", "c1", 7, END, "192.0.2.7", 40000, "TCP")
FLOW = replace(BINDING, instance="urn:uuid:1", reg_id=1)


@pytest.mark.parametrize(
    ("binding", "contact", "renews"),
    [
        (BINDING, Contact("sip:alice@10.0.0.5:5062"), True),
        (BINDING, Contact("sip:alice@10.0.0.5:5063"), False),
        (FLOW, Contact("sip:alice@10.9.9.9", instance="urn:uuid:1", reg_id=1), True),
        (FLOW, Contact("sip:alice@10.0.0.5:5062", instance="urn:uuid:1", reg_id=2), False),
        (FLOW, Contact("sip:alice@10.0.0.5:5062", instance="urn:uuid:2", reg_id=1), False),
        (FLOW, Contact("sip:alice@10.0.0.5:5062", instance="urn:uuid:1"), True),
    ],
)
def test_what_renews_it(binding: Binding, contact: Contact, renews: bool) -> None:
    assert binding.is_of(contact) is renews


@pytest.mark.parametrize(
    ("binding", "register", "left"),
    [
        (BINDING, {}, True),
        (BINDING, {"port": 40000}, False),
        (BINDING, {"transport": "UDP"}, False),
        (BINDING, {"host": "192.0.2.8"}, False),
        (BINDING, {"call_id": "another phone's"}, False),
        (replace(BINDING, instance="urn:uuid:1"), {"call_id": "after a restart"}, True),
        (replace(BINDING, path=("<sip:p;lr>",)), {}, False),
        (FLOW, {}, False),
    ],
)
def test_what_leaves_it_behind(binding: Binding, register: dict[str, object], left: bool) -> None:
    """A new connection of the same phone; over UDP an address may be another phone's."""
    facts = {"host": "192.0.2.7", "port": 40001, "transport": "TCP", "call_id": "c1", **register}
    request = Answers().register(**facts)  # type: ignore[arg-type]  # the test's business
    assert binding.is_left_by(Contact("sip:alice@10.0.0.5:9", instance="urn:uuid:1"), request) is left


def test_as_an_answer_lists_it() -> None:
    assert BINDING.contact(NOON) == "<sip:alice@10.0.0.5:5062>;expires=60"
    assert BINDING.contact(NOON + timedelta(seconds=59.5)).endswith(";expires=1")
    shown = replace(FLOW, q="0.5").contact(NOON)
    assert shown == '<sip:alice@10.0.0.5:5062>;expires=60;q=0.5;+sip.instance="<urn:uuid:1>";reg-id=1'


def test_it_ends() -> None:
    assert BINDING.lives(NOON) and not BINDING.lives(END)


@pytest.mark.parametrize(
    ("host", "transport", "hop"),
    [
        ("192.0.2.7", "UDP", "sip:192.0.2.7:40000;transport=udp"),
        ("2001:db8::7", "TLS", "sip:[2001:db8::7]:40000;transport=tls"),
    ],
)
def test_it_is_reached_where_it_came_from(host: str, transport: str, hop: str) -> None:
    assert replace(BINDING, host=host, transport=transport).hop == hop


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:alice@10.0.0.5:5062;ob", "sip:alice@10.0.0.5:5062;ob"),
        ("sip:alice@[2001:db8::1]", "sip:alice@[2001:db8::1]"),
        ("sip:alice@10.0.0.5:5062;transport=tcp;ob", "sip:alice@192.0.2.7:40000;transport=tcp;ob"),
        ("sips:alice@10.0.0.5", "sips:alice@192.0.2.7:40000"),
        ("sip:x7@phone.invalid;transport=udp", "sip:x7@192.0.2.7:40000;transport=udp"),
        ("sip:phone.invalid", "sip:192.0.2.7:40000"),
    ],
)
def test_S12_no_connection_and_no_look_up_for_a_contact(uri: str, target: str) -> None:
    assert replace(BINDING, uri=uri).target == target
    assert replace(BINDING, uri=uri, path=("<sip:proxy;lr>",)).target == uri


def test_the_proxies_on_the_way() -> None:
    path = ("<sip:p3;lr>;x=1, <sip:p2;LR=on>", "<sip:strict>", "<sip:lr@p1;transport=tcp;lr?X=y>")
    assert replace(BINDING, path=path).route == ("<sip:p3;lr>", "<sip:p2;LR=on>", "<sip:lr@p1;transport=tcp;lr?X=y>")
    assert BINDING.route == ()


def test_a_row_is_the_binding() -> None:
    whole = replace(FLOW, path=("<sip:proxy;lr>",), user_agent="phone", q="1")
    assert Binding.of(whole.row()) == whole
    assert Binding.of({**whole.row(), "path": None}) == replace(whole, path=())
