"""What a user's own phones see of his registrations."""

from dataclasses import replace
from xml.etree import ElementTree

from callwright.sip.binding import Binding
from callwright.sip.events.document import MOST_BYTES
from callwright.sip.events.reginfo import document
from tests.sip.registering import NOON

INFO = "{urn:ietf:params:xml:ns:reginfo}"
HOME = Binding("alice@pbx.example", "b1", "sip:alice@h;x=1&2", "c<1>", 1, NOON, "192.0.2.7", 5060, "UDP", q="0.5")


def test_contacts() -> None:
    root = ElementTree.fromstring(document(HOME.aor, [HOME]).body(4))
    (registration,) = root
    (contact,) = registration
    assert root.attrib == {"version": "4", "state": "full"}
    assert (registration.attrib["aor"], registration.attrib["state"]) == ("sip:alice@pbx.example", "active")
    assert contact.attrib == {"id": "bb1", "state": "active", "event": "registered", "q": "0.5", "callid": "c<1>"}
    assert contact.findtext(f"{INFO}uri") == HOME.uri


def test_nobody_is_there() -> None:
    (registration,) = ElementTree.fromstring(document(HOME.aor, []).body(0))
    assert registration.attrib["state"] == "init" and len(registration) == 0


def test_ten_long_contacts_fit() -> None:
    many = [replace(HOME, id=str(number), uri=f"sip:{'a' * 394}@h") for number in range(10)]
    body = document(HOME.aor, many).body(0)
    (registration,) = ElementTree.fromstring(body)
    assert len(body) <= MOST_BYTES and registration[-1].attrib["id"] == "b9" and len(registration) > 5
