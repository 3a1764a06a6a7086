"""A binding: how it is renewed, shown, reached and kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from callwright.sip.binding import Binding
from callwright.sip.contact import Contact
from tests.sip.registering import NOON

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


def test_a_row_is_the_binding() -> None:
    whole = replace(FLOW, path=("<sip:proxy;lr>",), user_agent="phone", q="1")
    assert Binding.of(whole.row()) == whole
    assert Binding.of({**whole.row(), "path": None}) == replace(whole, path=())
