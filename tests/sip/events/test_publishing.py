"""What a PUBLISH is about."""

from dataclasses import replace
from typing import Any

from callwright.sip.events.mailbox import shared
from callwright.sip.events.package import MESSAGE_SUMMARY, PRESENCE
from callwright.sip.events.publishing import MOST_SOURCES, Subject, subject, unreadable
from callwright.sip.registration import Refusal
from callwright.sip.trunks import Trunk, Trunks
from tests.sip.events.watching import SUMMARY, request
from tests.sip.registering import ALICE, DOMAIN, USERS

SALES = shared("sales@pbx.example", ALICE.account_sid)
SERVER = Trunk("voicemail", ALICE.account_sid, (), (), (), users=(("vm", "secret"),))
SECOND = replace(SERVER, name="second", users=(("vm2", "secret"),))


def about(**facts: Any) -> Subject | Refusal:
    one = request(None, "PUBLISH", contact="", **facts)
    return subject(one, USERS, Trunks([SERVER, SECOND], realm=DOMAIN), {SALES}.__contains__)


def test_of_a_user() -> None:
    """His phone may publish several documents of him."""
    assert about(name="alice", resource="alice") == Subject(ALICE.aor, PRESENCE, ALICE.max_contacts)


def test_of_a_mailbox() -> None:
    """Each who publishes has one, whatever the mailbox."""
    found = [about(name=name, resource="sales", event="message-summary") for name in ("vm", "vm2", "bob", "vm")]
    subjects = [one for one in found if isinstance(one, Subject)]
    assert {(one.resource, one.package, one.most) for one in subjects} == {(SALES, MESSAGE_SUMMARY, MOST_SOURCES)}
    sources = [one.source for one in subjects]
    assert len(set(sources)) == 3 and sources[0] == sources[3] and all(map(len, sources))


def test_which_body_is_read() -> None:
    body = b"Messages-Waiting: no\r\n"
    one = request(None, "PUBLISH", content_type=SUMMARY, body=body)
    assert unreadable(one, MESSAGE_SUMMARY) is None
    assert getattr(unreadable(one, PRESENCE), "code", 0) == 415
    bad = unreadable(replace(one, body=b"x"), MESSAGE_SUMMARY)
    assert bad is not None and (bad.code, bad.reason) == (400, "Bad Message Summary")
