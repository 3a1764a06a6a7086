"""Dialogs of users' phones, from what an endpoint tells of legs."""

from xml.etree import ElementTree

import pytest

from callwright.sip.events.dialogs import RECIPIENT, Dialogs, DialogState
from callwright.sip.leg import Invite, LegState

AOR = "bob@pbx.example"
INFO = "{urn:ietf:params:xml:ns:dialog-info}"


@pytest.fixture
def dialogs() -> Dialogs:
    return Dialogs()


@pytest.fixture
def changes(dialogs: Dialogs) -> list[str]:
    told: list[str] = []
    dialogs.changed = told.append
    return told


def states(dialogs: Dialogs) -> list[str]:
    """As the document names them."""
    return [one.text or "" for one in read(dialogs).iter(f"{INFO}state")]


def read(dialogs: Dialogs, version: int = 0) -> ElementTree.Element:
    return ElementTree.fromstring(dialogs.document(AOR).body(version))


def called(**facts: str) -> Invite:
    given = {
        "request_uri": "sip:600@pbx.example",
        "from_uri": f"sip:{AOR}",
        "from_header": f"<sip:{AOR}>;tag=mine",
        "to_uri": "sip:600@pbx.example",
        "to_header": "<sip:600@pbx.example>",
        "contact": "",
        "call_id": "c1",
        "source_host": "192.0.2.7",
        "transport": "UDP",
    }
    return Invite(source_port=5060, **{**given, **facts})  # type: ignore[arg-type]  # facts are text


def test_a_phone_that_is_called(dialogs: Dialogs, changes: list[str]) -> None:
    dialogs.begin(AOR, 7, direction=RECIPIENT, remote="sip:alice@pbx.example")
    assert states(dialogs) == ["trying"] and not dialogs.talking(AOR)
    ids = {"call_id": "c9", "local_tag": "ours", "remote_tag": "phone's"}
    dialogs.moved(7, LegState.EARLY, ids)
    dialogs.moved(7, LegState.EARLY, ids)
    root = read(dialogs, 3)
    assert root.attrib == {"version": "3", "state": "full", "entity": f"sip:{AOR}"}
    (dialog,) = root
    assert dialog.attrib == {
        "id": "1",
        "call-id": "c9",
        "local-tag": "phone's",
        "remote-tag": "ours",
        "direction": "recipient",
    }
    assert dialog.findtext(f"{INFO}remote/{INFO}identity") == "sip:alice@pbx.example"
    target = dialog.find(f"{INFO}remote/{INFO}target")
    assert target is not None and target.attrib == {"uri": "sip:alice@pbx.example"}
    assert dialog.findtext(f"{INFO}local/{INFO}identity") == f"sip:{AOR}"
    assert states(dialogs) == ["early"] and not dialogs.talking(AOR)
    dialogs.moved(7, LegState.CONFIRMED, {})
    assert states(dialogs) == ["confirmed"] and dialogs.talking(AOR)
    dialogs.moved(7, LegState.DISCONNECTED, {})
    assert states(dialogs) == ["terminated"] and not dialogs.talking(AOR)
    assert (len(dialogs), changes) == (0, [AOR] * 4)


def test_a_phone_that_calls(dialogs: Dialogs) -> None:
    dialogs.called(AOR, 3, called())
    (one,) = dialogs.of(AOR)
    assert (one.state, one.call_id, one.local_tag) == (DialogState.PROCEEDING, "c1", "mine")
    assert dialogs.talking(AOR)


def test_nothing_goes_back(dialogs: Dialogs, changes: list[str]) -> None:
    """A 183 that was overtaken by the 200."""
    dialogs.begin(AOR, 7, direction=RECIPIENT, remote="sip:x@y")
    dialogs.moved(7, LegState.CONFIRMED, {})
    dialogs.moved(7, LegState.EARLY, {})
    dialogs.moved(7, LegState.CONNECTING, {})
    assert states(dialogs) == ["confirmed"] and len(changes) == 2


def test_whose_a_leg_is(dialogs: Dialogs) -> None:
    """Until it ends."""
    dialogs.called(AOR, 7, called())
    assert (dialogs.owner(7), dialogs.owner(8)) == (AOR, "")
    dialogs.moved(7, LegState.DISCONNECTED, {})
    assert dialogs.owner(7) == ""


def test_legs_of_no_user(dialogs: Dialogs, changes: list[str]) -> None:
    dialogs.moved(7, LegState.EARLY, {})
    assert (changes, list(read(dialogs))) == ([], [])


def test_several_dialogs(dialogs: Dialogs) -> None:
    """The last that has ended is told only when no other lives."""
    for node in (1, 2):
        dialogs.begin(AOR, node, direction=RECIPIENT, remote="sip:x@y")
    dialogs.moved(1, LegState.CONFIRMED, {})
    assert states(dialogs) == ["confirmed", "trying"]
    dialogs.moved(2, LegState.DISCONNECTED, {})
    assert states(dialogs) == ["confirmed"]
    dialogs.moved(1, LegState.DISCONNECTED, {})
    assert [one.attrib["id"] for one in read(dialogs)] == ["1"]
    dialogs.begin(AOR, 3, direction=RECIPIENT, remote="sip:x@y")
    assert states(dialogs) == ["trying"]
