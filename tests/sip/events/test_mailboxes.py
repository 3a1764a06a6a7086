"""What applications tell of mailboxes, on a real database."""

import pytest

from callwright.sip.events.mailbox import shared
from callwright.sip.events.summary import Counts, Summary
from callwright.store.store import Store
from tests.sip.events.test_publications import WAITING
from tests.sip.events.watching import Board
from tests.sip.registering import ALICE

MINE, OTHER = ALICE.account_sid, "AC" + "2" * 32
SALES = "sales@pbx.example"


def voice(*numbers: int) -> Summary:
    return Summary.of_voice(Counts(*numbers))


def waiting(body: bytes) -> list[str]:
    """The first and the last line of a summary."""
    lines = body.decode().splitlines()
    return [lines[0], lines[-1]]


async def test_a_phone_is_told(board: Board) -> None:
    """At the subscription, upon a change, with what is published, and not upon what changes nothing."""
    assert await board.subscribe(resource="alice", event="message-summary") == 200
    first = await board.air.sent(1)
    assert (first.value("Event"), first.content_type) == ("message-summary", "application/simple-message-summary")
    assert waiting(first.body) == ["Messages-Waiting: no", "Voice-Message: 0/0 (0/0)"]
    board.mailboxes.tell(ALICE.aor, voice(3, 1, 1))
    assert waiting((await board.air.sent(2)).body) == ["Messages-Waiting: yes", "Voice-Message: 3/1 (1/0)"]
    board.mailboxes.tell(ALICE.aor, voice(3, 1, 1))
    await board.counts(WAITING)
    assert waiting((await board.air.sent(3)).body) == ["Messages-Waiting: yes", "Voice-Message: 5/2 (2/0)"]
    found = board.mailboxes.find(MINE, ALICE.aor)
    assert found is not None
    assert (found.told.voice, found.shown.voice) == (Counts(3, 1, 1), Counts(5, 2, 2))
    board.mailboxes.forget(ALICE.aor)
    assert waiting((await board.air.sent(4)).body) == ["Messages-Waiting: yes", "Voice-Message: 2/1 (1/0)"]


async def test_a_mailbox_that_users_share(board: Board) -> None:
    """It is made, told of, watched by every user of the account, and deleted."""
    assert board.mailboxes.find(MINE, SALES) is None
    assert await board.subscribe(resource="sales", event="message-summary") == 404
    made = board.mailboxes.open(MINE, SALES, voice(1))
    assert (made.address, made.resource) == (SALES, shared(SALES, MINE))
    for number, name in enumerate(("alice", "bob"), 1):
        asked = {"resource": "sales", "event": "message-summary", "call_id": f"watch-{number}"}
        assert await board.subscribe(name=name, **asked) == 200
        told = (await board.air.sent(number)).body
        assert waiting(told) == ["Messages-Waiting: yes", "Voice-Message: 1/0 (0/0)"]
        assert b"Message-Account: sip:sales@pbx.example\r\n" in told
    assert [one.address for one in board.mailboxes.of(MINE)] == [SALES] and board.mailboxes.of(OTHER) == []
    assert board.mailboxes.find(OTHER, SALES) is None
    assert await board.counts(WAITING, resource="sales") == 200
    assert waiting((await board.air.sent(4)).body)[1] == "Voice-Message: 3/1 (1/0)"
    board.mailboxes.forget(made.resource)
    assert waiting((await board.air.sent(6)).body) == ["Messages-Waiting: no", "Voice-Message: 0/0 (0/0)"]
    assert await board.subscribe(resource="sales", event="message-summary", call_id="watch-3") == 404


async def test_only_in_domains_of_ours(board: Board) -> None:
    with pytest.raises(ValueError, match="none of ours"):
        board.mailboxes.open(MINE, "sales@elsewhere", voice(1))


async def test_a_crash_loses_nothing(board: Board, store: Store) -> None:
    """What is told need not be refreshed, and the subscription to a shared mailbox goes on."""
    board.mailboxes.tell(ALICE.aor, Summary.of_voice(Counts(2), "sip:*97@pbx.example"))
    made = board.mailboxes.open(MINE, SALES, voice(7))
    assert await board.subscribe(resource="sales", event="message-summary", expires=600) == 200
    await board.air.sent(1)
    await store.flushed()
    board.hours.passes(300)
    after = Board(store, board.hours)
    await after.events.load()
    assert [one.shown.voice for one in after.mailboxes.of(MINE)] == [Counts(2), Counts(7)]
    assert len(after.notifier) == 1 and len(after.publications) == 0
    after.mailboxes.tell(made.resource, voice(8))
    assert waiting((await after.air.sent(1)).body)[1] == "Voice-Message: 8/0 (0/0)"
    board.hours.passes(10**8)
    await after.publications.expire()
    found = after.mailboxes.find(MINE, ALICE.aor)
    assert found is not None and found.shown == Summary.of_voice(Counts(2), "sip:*97@pbx.example")
    await after.close()
