"""What a SUBSCRIBE may."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callwright.sip.contact import LONGEST_URI
from callwright.sip.events.document import MOST_BYTES
from callwright.sip.events.mailbox import shared
from callwright.sip.events.subscribing import (
    LONGEST_CALL_ID,
    LONGEST_PARTY,
    LONGEST_ROUTES,
    Asked,
    asked,
    begun,
    refreshed,
)
from callwright.sip.events.subscription import Subscription
from callwright.sip.registration import Refusal
from callwright.sip.users import Users
from tests.sip.events.watching import TERMS, request
from tests.sip.registering import ALICE, BOB, NOON, user

CAROL = replace(user("carol"), account_sid="AC" + "2" * 32)
USERS = Users([ALICE, BOB, CAROL], ports=[5060])
SHARED = {shared("sales@pbx.example", ALICE.account_sid), shared("support@pbx.example", CAROL.account_sid)}


def wanted(**facts: Any) -> Asked | Refusal:
    return asked(request(None, **facts), USERS, SHARED.__contains__, TERMS, lambda: 0.0)


def made(**facts: Any) -> Subscription | Refusal:
    one = request(None, **facts)
    found = asked(one, USERS, SHARED.__contains__, TERMS, lambda: 0.0)
    assert isinstance(found, Asked)
    return begun(one, found, NOON)


def subscription(**facts: Any) -> Subscription:
    one = made(**facts)
    assert isinstance(one, Subscription)
    return one


def test_who_watches_whom() -> None:
    one = wanted(event="dialog;id=3", expires=600)
    assert isinstance(one, Asked)
    assert (one.watcher, one.resource, one.package.name, one.event_id, one.seconds) == (
        ALICE, BOB.aor, "dialog", "3", 600,
    )  # fmt: skip
    own = wanted(resource="alice", event="reg")
    assert isinstance(own, Asked) and own.seconds == 3600


def test_mailboxes() -> None:
    """One's own, and those that users of the account share."""
    found = [wanted(event="message-summary", resource=name) for name in ("alice", "sales")]
    account = ALICE.account_sid
    assert [one.resource for one in found if isinstance(one, Asked)] == [
        ALICE.aor,
        shared("sales@pbx.example", account),
    ]


@pytest.mark.parametrize(
    ("facts", "code", "header"),
    [
        ({"name": ""}, 403, None),
        ({"name": "mallory"}, 403, None),
        ({"resource": "mallory"}, 404, None),
        ({"resource": "carol"}, 404, None),
        ({"name": "carol"}, 404, None),
        ({"domain": "elsewhere"}, 404, None),
        ({"event": ""}, 489, ("Allow-Events", "presence, dialog, reg, message-summary")),
        ({"event": "refer"}, 489, ("Allow-Events", "presence, dialog, reg, message-summary")),
        ({"event": "reg"}, 403, None),
        ({"event": "message-summary"}, 403, None),
        ({"event": "message-summary", "resource": "support"}, 404, None),
        ({"event": "message-summary", "resource": "sales", "domain": "elsewhere"}, 404, None),
        ({"event": "presence", "resource": "sales"}, 404, None),
        ({"headers": [("Accept", "text/plain")]}, 406, ("Accept", "application/pidf+xml")),
        ({"headers": [("Require", "eventlist")]}, 420, ("Unsupported", "eventlist")),
        ({"expires": 59}, 423, ("Min-Expires", "60")),
    ],
)
def test_refusals(facts: dict[str, Any], code: int, header: tuple[str, str] | None) -> None:
    """Another account's user is as unknown as one that does not exist."""
    found = wanted(**facts)
    assert isinstance(found, Refusal) and found.code == code
    assert list(found.headers) == ([header] if header else [])


def test_granted_time() -> None:
    found = [wanted(expires=seconds) for seconds in (0, 60, 99999)]
    assert [one.seconds for one in found if isinstance(one, Asked)] == [0, 60, 3600]


def test_the_dialog_that_it_makes() -> None:
    routes = [("Record-Route", "<sip:p1;lr>, <sip:p2;lr>"), ("Record-Route", "<sip:p3;lr>"), ("User-Agent", "A\tB")]
    one = subscription(id_=4, headers=routes, transport="TCP", cseq=9)
    assert one.dialog == ("watch-1", "ours-4", "phone")
    assert one.local == "<sip:bob@pbx.example>;tag=ours-4"
    assert one.routes == ("<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>")
    assert (one.uri, one.contact) == ("sip:alice@192.0.2.7:5062", "sip:192.0.2.1:5060;transport=tcp")
    assert (one.hop, one.remote_cseq, one.user_agent) == ("sip:192.0.2.7:5062;transport=tcp", 9, "A?B")
    assert one.expires_at == NOON + timedelta(hours=1)


def test_the_longest_that_is_taken_can_be_sent() -> None:
    """The engine sends no more than 7,168 bytes of header fields and body."""
    party, route = "p" * (LONGEST_PARTY - 40), f"<sip:{'r' * (LONGEST_ROUTES // 2 - 16)};lr>"
    one = subscription(
        call_id="c" * LONGEST_CALL_ID,
        event=f"presence;id={'i' * 64}",
        from_tag=party,
        headers=[("Record-Route", route), ("Record-Route", route)],
        contact=f"<sip:{'a' * (LONGEST_URI - 6)}@h>",
    )
    lines = one.notify(999_999_999, "terminated;reason=noresource")
    header = sum(len(f"{name}: {value}\r\n") for name, value in lines) + len(one.remote)  # To is as long at the most
    assert header > 1600
    assert header + len(one.target) + MOST_BYTES < 7168 - 300  # Via, Max-Forwards, User-Agent, Content-Type


@pytest.mark.parametrize(
    "facts",
    [
        {"contact": ""},
        {"contact": "*"},
        {"contact": "<sip:a@h>, <sip:b@h>"},
        {"contact": "<http://h/>"},
        {"call_id": "x" * 129},
        {"headers": [("Record-Route", "<sip:p;lr")]},
        {"headers": [("Record-Route", f"<sip:{'p' * 800};lr>")]},
        {"from_tag": ""},
    ],
)
def test_dialogs_that_cannot_be(facts: dict[str, Any]) -> None:
    found = made(**facts)
    assert isinstance(found, Refusal) and found.code == 400


def test_refresh() -> None:
    """The phone has another address now."""
    one = subscription(id_=1)
    again = request(
        None, tag="ours-1", cseq=2, expires=300, contact="<sip:alice@10.0.0.9>", source_host="192.0.2.9", source_port=9
    )
    after = refreshed(again, one, USERS, TERMS, now=NOON, draw=lambda: 0.0)
    assert isinstance(after, Subscription)
    assert (after.uri, after.host, after.port, after.remote_cseq) == ("sip:alice@10.0.0.9", "192.0.2.9", 9, 2)
    assert after.expires_at == NOON + timedelta(seconds=300)
    gone = refreshed(replace(again, expires=0), after, USERS, TERMS, now=NOON, draw=lambda: 0.0)
    assert isinstance(gone, Refusal) and gone.code == 500  # the same CSeq
    gone = refreshed(replace(again, expires=0, cseq=3), after, USERS, TERMS, now=NOON, draw=lambda: 0.0)
    assert isinstance(gone, Subscription) and not gone.lives(NOON)
    plain = request(None, tag="ours-1", cseq=2, contact="")
    kept = refreshed(plain, one, USERS, TERMS, now=NOON, draw=lambda: 0.0)
    assert isinstance(kept, Subscription) and kept.uri == one.uri


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": "bob"}, 403),
        ({"name": ""}, 403),
        ({"event": "dialog"}, 481),
        ({"event": "presence;id=2"}, 481),
        ({"cseq": 1}, 500),
        ({"expires": 5}, 423),
        ({"contact": "*"}, 400),
        ({"headers": [("Require", "x")]}, 420),
    ],
)
def test_refreshes_that_are_refused(facts: dict[str, Any], code: int) -> None:
    again = request(None, **{"tag": "ours-1", "cseq": 2, **facts})
    found = refreshed(again, subscription(), USERS, TERMS, now=NOON, draw=lambda: 0.0)
    assert isinstance(found, Refusal) and found.code == code
