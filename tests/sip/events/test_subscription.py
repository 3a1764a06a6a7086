"""A subscription as a dialog."""

from dataclasses import replace

import pytest

from callwright.sip.events.subscription import Subscription, tag_of
from tests.sip.registering import NOON

ONE = Subscription(
    id="1" * 32,
    watcher="alice@pbx.example",
    resource="bob@pbx.example",
    package="dialog",
    event_id="7",
    call_id="c1",
    local="<sip:bob@pbx.example>;tag=ours",
    remote='"A; tag=no" <sip:alice@pbx.example>;x=1;TAG=phone',
    uri="sip:alice@10.0.0.5:5062",
    routes=("<sip:p1.example;lr>", "<sip:p2.example;lr>"),
    host="192.0.2.7",
    port=40000,
    transport="TCP",
    contact="sip:192.0.2.1:5060;transport=tcp",
    cseq=1000,
    remote_cseq=3,
    expires_at=NOON,
    user_agent="Phone 1",
)


def test_there_and_back() -> None:
    assert Subscription.of(ONE.row()) == ONE
    assert Subscription.of({**ONE.row(), "routes": None}) == replace(ONE, routes=())


def test_a_notify_is_of_its_dialog() -> None:
    assert ONE.dialog == ("c1", "ours", "phone")
    assert ONE.notify(5, "active;expires=60") == [
        ("Route", "<sip:p1.example;lr>"),
        ("Route", "<sip:p2.example;lr>"),
        ("From", ONE.local),
        ("To", ONE.remote),
        ("Call-ID", "c1"),
        ("CSeq", "5 NOTIFY"),
        ("Contact", "<sip:192.0.2.1:5060;transport=tcp>"),
        ("Event", "dialog;id=7"),
        ("Subscription-State", "active;expires=60"),
    ]
    assert replace(ONE, event_id="").event == "dialog"


@pytest.mark.parametrize(
    ("uri", "routes", "target"),
    [
        ("sip:alice@10.0.0.5:5062", (), "sip:alice@10.0.0.5:5062"),
        ("sip:alice@phone.example", (), "sip:alice@192.0.2.7:40000"),
        ("sip:alice@10.0.0.5;transport=tcp", (), "sip:alice@192.0.2.7:40000;transport=tcp"),
        ("sip:alice@phone.example", ("<sip:p;lr>",), "sip:alice@phone.example"),
    ],
)
def test_where_it_goes(uri: str, routes: tuple[str, ...], target: str) -> None:
    """To where the SUBSCRIBE came from; a Contact names nobody whom we would connect to or look up."""
    one = replace(ONE, uri=uri, routes=routes)
    assert (one.target, one.hop) == (target, "sip:192.0.2.7:40000;transport=tcp")
    assert replace(ONE, host="2001:db8::7", transport="UDP").hop == "sip:[2001:db8::7]:40000;transport=udp"


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("<sip:a@b>;tag=x", "x"),
        ("sip:a@b;tag=x", "x"),
        ("<sip:a@b;tag=y>", ""),
        ('"tag=z" <sip:a@b> ; Tag = x', "x"),
        ("<sip:a@b>", ""),
        ('<sip:a@b>;x="', ""),
    ],
)
def test_tags(header: str, tag: str) -> None:
    assert tag_of(header) == tag
