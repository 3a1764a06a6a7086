"""PUBLISH on a real database."""

from dataclasses import replace
from typing import Any

import pytest

from callwright.errors import StoreError
from callwright.sip.events.pidf import MOST_BYTES
from callwright.sip.trunks import Trunk
from callwright.sip.users import Users
from callwright.store.store import Store
from tests.sip.events.test_pidf import published
from tests.sip.events.watching import Board
from tests.sip.registering import ALICE, BOB

OPEN, CLOSED = published("open"), published("closed")


def documents(board: Board) -> list[bytes]:
    """What is published of alice."""
    return [one.document.encode() for one in board.publications.of(ALICE.aor)]


async def test_publish_refresh_modify_remove(board: Board) -> None:
    assert await board.publish(OPEN, expires=600) == 200
    (first,) = board.answers.values("SIP-ETag")
    assert board.answers.values("Expires") == ["600"]
    assert await board.publish(headers=[("SIP-If-Match", first)]) == 200
    (second,) = board.answers.values("SIP-ETag")
    assert second != first and documents(board) == [OPEN]
    assert await board.publish(CLOSED, headers=[("SIP-If-Match", second)]) == 200
    (third,) = board.answers.values("SIP-ETag")
    assert documents(board) == [CLOSED]
    assert await board.publish(headers=[("SIP-If-Match", first)]) == 412
    assert await board.publish(headers=[("SIP-If-Match", third)], expires=0) == 200
    assert documents(board) == [] and len(board.publications) == 0
    assert board.publications.outcomes == {
        "published": 1, "refreshed": 1, "modified": 1, "removed": 1, "refused_412": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "facts", "code", "header"),
    [
        (OPEN, {"name": ""}, 403, None),
        (OPEN, {"name": "bob"}, 403, None),
        (OPEN, {"domain": "elsewhere"}, 403, None),
        (OPEN, {"event": "dialog"}, 489, ("Allow-Events", "presence, message-summary")),
        (OPEN, {"event": ""}, 489, ("Allow-Events", "presence, message-summary")),
        (OPEN, {"headers": [("Require", "x")]}, 420, ("Unsupported", "x")),
        (OPEN, {"expires": 1}, 423, ("Min-Expires", "60")),
        (b"", {}, 400, None),
        (b"", {"headers": [("SIP-If-Match", "x")]}, 412, None),
        (OPEN, {"headers": [("SIP-If-Match", "x"), ("SIP-If-Match", "y")]}, 400, None),
        (OPEN, {"content_type": "text/plain"}, 415, ("Accept", "application/pidf+xml")),
        (OPEN, {"headers": [("Content-Encoding", "gzip")]}, 415, ("Accept-Encoding", "identity")),
        (b"x" * (MOST_BYTES + 1), {}, 413, None),
        (b"<!DOCTYPE x><presence/>", {}, 400, None),
    ],
)
async def test_refusals(
    board: Board, body: bytes, facts: dict[str, Any], code: int, header: tuple[str, str] | None
) -> None:
    assert await board.publish(body, **facts) == code
    assert list(board.answers.all[-1][3]) == ([header] if header else [])
    assert documents(board) == [] and board.publications.outcomes == {f"refused_{code}": 1}


async def test_what_expires(board: Board) -> None:
    told: list[str] = []
    await board.publish(OPEN, expires=60)
    await board.publish(CLOSED, expires=120)
    board.publications.changed = told.append
    board.hours.passes(61)
    assert documents(board) == [CLOSED]
    await board.publications.expire()
    assert told == [ALICE.aor] and len(board.publications) == 1
    assert await board.publish(headers=[("SIP-If-Match", board.answers.values("SIP-ETag", 0)[0])]) == 412


async def test_a_phone_that_forgets_is_not_shut_out(board: Board) -> None:
    for number in range(ALICE.max_contacts + 2):
        assert await board.publish(published("open", f"<note>{number}</note>")) == 200
    kept = documents(board)
    assert len(kept) == ALICE.max_contacts
    assert b"<note>2</note>" in kept[0] and b"<note>11</note>" in kept[-1]


async def test_a_crash_loses_nothing_that_was_confirmed(board: Board, store: Store) -> None:
    await board.publish(OPEN, expires=600)
    (etag,) = board.answers.values("SIP-ETag")
    await board.publish(CLOSED, expires=60, name="bob", resource="bob")
    board.hours.passes(100)
    after = Board(store, board.hours)
    await after.events.load()
    assert documents(after) == [OPEN] and len(after.publications) == 1
    assert await after.publish(headers=[("SIP-If-Match", etag)], expires=0) == 200
    await after.close()
    nobody = Board(store, board.hours, users=Users([replace(BOB, name="carol")]))
    await nobody.events.load()
    assert len(nobody.publications) == 0
    await nobody.close()


async def test_what_cannot_be_stored_is_not_confirmed(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(board.store, "flushed", fails)
    assert await board.publish(OPEN) == 500
    assert board.answers.values("Retry-After") == ["10"]


WAITING = b"Messages-Waiting: yes\r\nVoice-Message: 2/1 (1/0)\r\n"
HEARD = b"Messages-Waiting: no\r\nVoice-Message: 0/3 (0/1)\r\n"
SERVER = Trunk("voicemail", ALICE.account_sid, (), (), (), users=(("vm", "secret"),))
FOREIGN = Trunk("foreign", "AC" + "2" * 32, (), (), (), users=(("other", "secret"),))


def lamp(board: Board) -> str:
    """What phones of alice are shown of her mailbox."""
    return board.notifier._states.document("message-summary", ALICE.aor).text.replace("\r\n", "|")


OWN = "Message-Account: sip:alice@pbx.example|"


async def test_what_waits_in_a_mailbox(board: Board) -> None:
    """A server publishes it, modifies it, loses its SIP-ETag and publishes anew: it is never counted twice."""
    assert lamp(board) == f"Messages-Waiting: no|{OWN}Voice-Message: 0/0 (0/0)|"
    assert await board.counts(WAITING, expires=600) == 200
    (etag,) = board.answers.values("SIP-ETag")
    assert lamp(board) == f"Messages-Waiting: yes|{OWN}Voice-Message: 2/1 (1/0)|"
    assert await board.counts(HEARD, headers=[("SIP-If-Match", etag)]) == 200
    assert lamp(board) == f"Messages-Waiting: no|{OWN}Voice-Message: 0/3 (0/1)|"
    assert await board.counts(WAITING) == 200
    assert lamp(board) == f"Messages-Waiting: yes|{OWN}Voice-Message: 2/1 (1/0)|"
    assert len(board.publications) == 1 and documents(board) == []
    board.hours.passes(3601)
    await board.publications.expire()
    assert lamp(board) == f"Messages-Waiting: no|{OWN}Voice-Message: 0/0 (0/0)|"


async def test_servers_are_counted_together(store: Store) -> None:
    """A user's and a trunk's; neither changes what the other has said."""
    board = Board(store, trunks=[FOREIGN, SERVER])
    assert await board.counts(WAITING) == 200
    (etag,) = board.answers.values("SIP-ETag")
    assert await board.counts(WAITING, name="vm") == 200
    assert lamp(board) == f"Messages-Waiting: yes|{OWN}Voice-Message: 4/2 (2/0)|"
    assert await board.counts(HEARD, name="vm", headers=[("SIP-If-Match", etag)]) == 412
    assert await board.counts(HEARD, name="vm") == 200
    assert lamp(board) == f"Messages-Waiting: yes|{OWN}Voice-Message: 2/4 (1/1)|"
    assert await board.counts(WAITING, name="other") == 404
    await board.close()


@pytest.mark.parametrize(
    ("body", "facts", "code", "header"),
    [
        (WAITING, {"name": ""}, 403, None),
        (WAITING, {"name": "mallory"}, 403, None),
        (WAITING, {"resource": "nobody"}, 404, None),
        (WAITING, {"domain": "elsewhere"}, 404, None),
        (WAITING, {"headers": [("Require", "x")]}, 420, ("Unsupported", "x")),
        (WAITING, {"content_type": "application/pidf+xml"}, 415, ("Accept", "application/simple-message-summary")),
        (b"x" * (MOST_BYTES + 1), {}, 413, None),
        (b"Messages-Waiting: perhaps", {}, 400, None),
        (b"", {}, 400, None),
    ],
)
async def test_refusals_of_counts(
    board: Board, body: bytes, facts: dict[str, Any], code: int, header: tuple[str, str] | None
) -> None:
    assert await board.counts(body, **facts) == code
    assert list(board.answers.all[-1][3]) == ([header] if header else [])
    assert board.publications.has_mailbox(ALICE.aor) is False


async def test_a_crash_puts_out_no_lamp(board: Board, store: Store) -> None:
    await board.counts(WAITING, expires=600)
    (etag,) = board.answers.values("SIP-ETag")
    after = Board(store, board.hours)
    await after.events.load()
    assert lamp(after) == f"Messages-Waiting: yes|{OWN}Voice-Message: 2/1 (1/0)|"
    assert await after.counts(b"", headers=[("SIP-If-Match", etag)], expires=0) == 200
    assert lamp(after) == f"Messages-Waiting: no|{OWN}Voice-Message: 0/0 (0/0)|"
    await after.close()
