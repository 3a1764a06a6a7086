"""History-Info, written; what is written is read again."""

import pytest

from callwright.sip.history import written
from callwright.sip.identity import OTHER_REASONS, REASONS, Forwarder, read
from tests.sip.test_identity import invite

TARGET = "sip:+15558880000@gw.example:5080;transport=tcp"


def test_nobody_has_forwarded() -> None:
    assert written([], TARGET, "d") == []
    assert written([("", "unknown")], TARGET, "d") == []


def test_in_the_order_of_time() -> None:
    """Each entry but the first says from which it was made, and why."""
    lines = written([("+1555", "unconditional"), ("+1444", "user-busy"), ("+1333", "away")], TARGET, "our.example")
    assert lines == [
        ("History-Info", "<sip:+1333@our.example>;index=1"),
        ("History-Info", "<sip:+1444@our.example;cause=404>;index=1.1;mp=1"),
        ("History-Info", "<sip:+1555@our.example;cause=486>;index=1.1.1;mp=1.1"),
        ("History-Info", "<sip:+15558880000@gw.example:5080;cause=302>;index=1.1.1.1;mp=1.1.1"),
    ]


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_who_gets_it_reads_the_same(reason: str) -> None:
    lines = written([("+1555", reason), ("+1444", "no-answer")], TARGET, "d")
    found = read(invite(*lines), trusted=True)
    assert found.forwarders == (Forwarder("sip:+1555@d", reason), Forwarder("sip:+1444@d", "no-answer"))
    assert not OTHER_REASONS & REASONS.keys()


@pytest.mark.parametrize("evil", ['x"\r\nVia: y', "x>\r\nVia: y", "\0", "é<\n>"])
def test_S9_nothing_breaks_out(evil: str) -> None:
    for _, value in written([(evil, evil)], TARGET, "d"):
        assert not set(value) & set('\r\n\0"') and value.count("<") == value.count(">") == 1
