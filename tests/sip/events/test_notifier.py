"""The notifier on a real database: who is told what, in which order, and when it ends."""

import asyncio
import logging
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from callwright.errors import StoreError
from callwright.sip.events.dialogs import RECIPIENT
from callwright.sip.events.subscription import Subscription
from callwright.sip.leg import LegState
from callwright.sip.users import Users
from callwright.store.store import Store
from tests.calls.jumping import turns
from tests.sip.events.watching import Board, Notify, hosting
from tests.sip.registering import ALICE, BOB


def lamps(notify: Notify) -> list[str]:
    """The states of the dialogs that it tells."""
    root = ElementTree.fromstring(notify.body)
    return [one.text or "" for one in root.iter("{urn:ietf:params:xml:ns:dialog-info}state")]


def rings(board: Board, node: int = 7) -> None:
    """Bob's phone is called."""
    board.dialogs.begin(BOB.aor, node, direction=RECIPIENT, remote="sip:x@y")


async def settled(board: Board) -> None:
    """Nothing is left to be told."""
    await turns()
    while board.air.under_way:
        await turns()


async def test_a_lamp(board: Board) -> None:
    assert await board.subscribe(event="dialog;id=9", expires=600) == 200
    assert board.answers.values("Expires") == ["600"]
    assert board.answers.values("Contact") == ["<sip:192.0.2.1:5060>"]
    first = await board.air.sent(1)
    assert (first.value("CSeq"), first.state) == ("1 NOTIFY", "active;expires=600")
    assert (first.value("Event"), first.content_type) == ("dialog;id=9", "application/dialog-info+xml")
    assert b'version="0"' in first.body and lamps(first) == []
    rings(board)
    assert lamps(await board.air.sent(2)) == ["trying"]
    board.dialogs.moved(7, LegState.EARLY, {})
    third = await board.air.sent(3)
    assert lamps(third) == ["early"] and b'version="2"' in third.body
    board.dialogs.moved(7, LegState.DISCONNECTED, {})
    assert lamps(await board.air.sent(4)) == ["terminated"]
    await settled(board)
    assert board.notifier.told == {"delivered": 4} and len(board.notifier) == 1


async def test_the_newest_state_wins(board: Board) -> None:
    """One NOTIFY at a time; what changed while the phone was slow is told in one."""
    await board.subscribe(event="dialog")
    await board.air.sent(1)
    await settled(board)
    board.air.obliging = False
    rings(board)
    slow = await board.air.sent(2)
    board.dialogs.moved(7, LegState.EARLY, {})
    await turns()
    board.dialogs.moved(7, LegState.CONFIRMED, {})
    await turns()
    assert len(board.air.all) == 2
    board.air.obliging = True
    slow.answer()
    third = await board.air.sent(3)
    assert lamps(third) == ["confirmed"] and third.value("CSeq") == "3 NOTIFY"
    await settled(board)
    assert len(board.air.all) == 3


async def test_what_changes_nothing_is_not_told(board: Board) -> None:
    """A phone of bob registers for the second time; a lamp is not presence."""
    await board.subscribe(event="dialog")
    await board.subscribe(event="presence", call_id="watch-2")
    await board.air.sent(2)
    rings(board)  # not on the phone yet
    assert (await board.air.sent(3)).value("Event") == "dialog"
    await settled(board)
    assert len(board.air.all) == 3
    board.dialogs.moved(7, LegState.CONFIRMED, {})
    await board.air.sent(5)
    assert {one.value("Event") for one in board.air.all[3:]} == {"dialog", "presence"}


async def test_presence_follows_registrations_and_publications(board: Board) -> None:
    await board.subscribe(event="presence")
    assert b"closed" in (await board.air.sent(1)).body
    board.registrar.take(board.answers.register("<sip:bob@10.0.0.5>", name="bob"))
    assert b"open" in (await board.air.sent(2)).body
    presence = b'<presence xmlns="urn:ietf:params:xml:ns:pidf"><note>lunch</note></presence>'
    assert await board.publish(presence, name="bob", resource="bob") == 200
    assert b"lunch" in (await board.air.sent(3)).body
    board.hours.passes(3601)
    await board.publications.expire()
    assert b"lunch" not in (await board.air.sent(4)).body


async def test_own_registrations(board: Board) -> None:
    await board.subscribe(event="reg", resource="alice")
    assert b'state="init"' in (await board.air.sent(1)).body
    board.registrar.take(board.answers.register("<sip:alice@10.0.0.5>"))
    assert b"<uri>sip:alice@10.0.0.5</uri>" in (await board.air.sent(2)).body


async def test_refresh_and_unsubscribe(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "callwright.sip.events.notifier")
    await board.subscribe(expires=600)
    assert await board.subscribe(tag="ours-1", cseq=2, expires=300) == 200
    assert (await board.air.sent(2)).state == "active;expires=300"
    await settled(board)
    assert await board.subscribe(tag="ours-1", cseq=3, expires=0) == 200
    assert board.answers.values("Expires") == ["0"]
    last = await board.air.sent(3)
    assert last.state == "terminated;reason=timeout" and b"<presence" in last.body
    assert len(board.notifier) == 0
    assert await board.subscribe(tag="ours-1", cseq=4) == 481
    words = [record.getMessage() for record in caplog.records]
    where = "alice@pbx.example at udp:192.0.2.7:5062 to the presence of bob@pbx.example agent=-"
    assert words == [f"subscribed {where}", f"unsubscribed {where}"]
    assert board.notifier.outcomes == {"subscribed": 1, "refreshed": 1, "unsubscribed": 1, "refused_481": 1}


async def test_unsubscribe_while_a_notify_is_under_way(board: Board) -> None:
    """The last one waits for its turn."""
    board.air.obliging = False
    await board.subscribe()
    first = await board.air.sent(1)
    assert await board.subscribe(tag="ours-1", cseq=2, expires=0) == 200
    await turns()
    assert len(board.air.all) == 1
    first.answer()
    last = await board.air.sent(2)
    assert last.state.startswith("terminated") and last.value("CSeq") == "2 NOTIFY"
    last.answer()


async def test_fetch(board: Board) -> None:
    """Told once, kept nowhere."""
    assert await board.subscribe(expires=0) == 200
    assert board.answers.values("Expires") == ["0"]
    only = await board.air.sent(1)
    assert only.state == "terminated;reason=timeout" and b"<presence" in only.body
    await settled(board)
    board.registrar.take(board.answers.register("<sip:bob@10.0.0.5>", name="bob"))
    await settled(board)
    assert len(board.air.all) == 1 and len(board.notifier) == 0
    assert board.notifier.outcomes == {"fetched": 1}


@pytest.mark.parametrize(
    ("code", "came", "outcome"),
    [(481, True, "ended"), (404, True, "refused"), (408, False, "unanswered"), (503, False, "unanswered")],
)
async def test_what_ends_a_subscription(board: Board, code: int, came: bool, outcome: str) -> None:
    board.air.obliging = False
    await board.subscribe()
    first = await board.air.sent(1)
    if came:
        first.answer(code)
    else:
        first.lost(code)
    await turns()
    assert len(board.notifier) == 0 and board.notifier.told == {outcome: 1}
    board.registrar.take(board.answers.register("<sip:bob@10.0.0.5>", name="bob"))
    await turns()
    assert len(board.air.all) == 1
    assert await board.subscribe(tag="ours-1", cseq=2) == 481


async def test_a_phone_that_asks_for_time(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After: the same subscription, later, with whatever holds then."""
    monkeypatch.setattr("callwright.sip.events.notifier.LONGEST_RETRY_S", 0.05)
    board.air.obliging = False
    await board.subscribe(event="dialog")
    first = await board.air.sent(1)
    first.answer(503, ("Retry-After", "5 (busy)"))
    rings(board)
    await turns()
    assert len(board.air.all) == 1
    second = await board.air.sent(2)
    assert lamps(second) == ["trying"]
    second.answer()
    await turns()
    assert len(board.notifier) == 1 and len(board.air.all) == 2


async def test_a_connection_that_is_gone(board: Board) -> None:
    """Nothing is sent until the phone is back; then it is told how things are."""
    await board.subscribe(event="dialog", transport="TCP")
    await board.air.sent(1)
    await settled(board)
    board.air.obliging = False
    rings(board)
    (await board.air.sent(2)).lost(503)
    await turns()
    board.dialogs.moved(7, LegState.EARLY, {})
    await turns()
    assert len(board.air.all) == 2 and len(board.notifier) == 1
    assert await board.subscribe(tag="ours-1", cseq=2, event="dialog", transport="TCP", source_port=7000) == 200
    third = await board.air.sent(3)
    assert lamps(third) == ["early"] and third.subscription.port == 7000
    third.answer()


async def test_what_expires_is_told_so(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "callwright.sip.events.notifier")
    await board.subscribe(expires=60)
    await board.air.sent(1)
    await settled(board)
    board.hours.passes(59)
    await board.notifier.expire()
    assert len(board.notifier) == 1
    board.hours.passes(2)
    await board.notifier.expire()
    assert (await board.air.sent(2)).state == "terminated;reason=timeout"
    assert len(board.notifier) == 0 and "expired alice@pbx.example" in caplog.text


async def test_bounds(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    board = Board(store, most=(3, 2))
    for number in range(2):
        assert await board.subscribe(call_id=f"c{number}") == 200
    assert await board.subscribe(call_id="c2") == 403
    assert "alice@pbx.example has 2 subscriptions" in caplog.text
    assert await board.subscribe(call_id="c2", expires=0) == 200
    assert await board.subscribe(call_id="c3", name="bob") == 200
    assert await board.subscribe(call_id="c4", name="bob") == 503
    assert board.answers.values("Retry-After") == ["60"]
    await settled(board)
    await board.close()


async def test_a_crash_and_a_start(board: Board, store: Store) -> None:
    """Who watched is told how things are, with numbers that he has not seen."""
    await board.subscribe(event="dialog", expires=600, headers=[("Record-Route", "<sip:p;lr>")])
    await board.subscribe(event="dialog", expires=60, call_id="short")
    await settled(board)
    rings(board)
    await board.air.sent(4)
    await settled(board)
    seen = max(int(one.value("CSeq").split()[0]) for one in board.air.all)
    board.hours.passes(100)
    await board.close()
    after = Board(store, board.hours)
    await after.events.load()
    assert len(after.notifier) == 1
    await after.notifier.resume()
    first = await after.air.sent(1)
    assert (lamps(first), first.state) == ([], "active;expires=500")
    assert int(first.value("CSeq").split()[0]) > seen
    assert first.value("Route") == "<sip:p;lr>"
    rings(after)
    assert lamps(await after.air.sent(2)) == ["trying"]
    assert await after.subscribe(tag="ours-1", cseq=2, event="dialog", expires=0) == 200
    await after.air.sent(3)
    await settled(after)
    await after.close()
    third = Board(store, board.hours)
    await third.events.load()
    assert len(third.notifier) == 0
    await third.close()


async def test_two_crashes(board: Board, store: Store) -> None:
    """Numbers that the second daemon may have used are not used by the third."""
    await board.subscribe(expires=600)
    await settled(board)
    await board.close()
    numbers = []
    for _ in range(2):
        after = Board(store, board.hours)
        await after.events.load()
        await after.notifier.resume()
        numbers.append(int((await after.air.sent(1)).value("CSeq").split()[0]))
        await settled(after)
        await after.close()
    assert 1 < numbers[0] < numbers[1]


async def test_who_is_no_user_any_more(board: Board, store: Store) -> None:
    await board.subscribe()
    await settled(board)
    await board.close()
    for users in (Users([ALICE]), Users([BOB]), Users([ALICE, replace(BOB, account_sid="AC" + "2" * 32)])):
        await (again := Board(store, users=users)).events.load()
        assert len(again.notifier) == 0
        await again.close()


async def test_what_cannot_be_stored_is_not_confirmed(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(board.store, "flushed", fails)
    assert await board.subscribe() == 500
    await turns()
    assert len(board.notifier) == 0 and board.air.all == []


async def test_a_phone_that_cannot_be_addressed(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(*_: Any) -> Any:
        raise ValueError("not a URI")

    monkeypatch.setattr(board.notifier, "_send", refuses)
    await board.subscribe()
    await settled(board)
    assert len(board.notifier) == 0 and "not a URI" in caplog.text


async def test_many_watchers_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, each once, while the loop goes on: whatever else is to be done gets its turns."""
    monkeypatch.setattr("callwright.sip.events.notifier.TURN_S", 0.0)
    board = Board(store, most=(1000, 1000))
    for number in range(100):
        await board.subscribe(event="dialog", call_id=f"c{number}")
    await board.air.sent(100)
    await settled(board)
    others: list[int] = []

    def other() -> None:
        if len(board.air.all) < 200:
            others.append(len(board.air.all))
            asyncio.get_running_loop().call_soon(other)

    rings(board)
    other()
    await board.air.sent(200)
    await settled(board)
    assert len(set(others)) > 50
    told: list[Subscription] = [one.subscription for one in board.air.all[100:]]
    assert len({one.id for one in told}) == 100 == len(told)
    await board.close()


async def test_a_user_of_a_domain_of_the_api(store: Store) -> None:
    """She refreshes, and a crash loses neither her subscription nor what she has published."""
    board = Board(store, users=hosting())
    dora: dict[str, Any] = {"name": "dora", "from_uri": "sip:dora@office.example"}
    assert await board.subscribe(event="dialog", expires=600, **dora) == 200
    assert await board.subscribe(event="dialog", tag="ours-1", cseq=2, expires=600, **dora) == 200
    presence = b'<presence xmlns="urn:ietf:params:xml:ns:pidf"><note>lunch</note></presence>'
    own = {**dora, "resource": "dora", "domain": "office.example"}
    assert await board.publish(presence, **own) == 200
    await board.close()
    after = Board(store, users=hosting())
    await after.events.load()
    assert len(after.notifier) == len(after.publications) == 1
    assert await after.subscribe(event="dialog", tag="ours-1", cseq=3, expires=0, **dora) == 200
    await after.close()


async def test_a_fault_of_ours_keeps_nobody_waiting(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One NOTIFY that cannot be made is an error in the log; the next phone is told."""
    await board.subscribe(event="dialog")
    await board.subscribe(event="dialog", call_id="watch-2")
    await board.air.sent(2)
    await settled(board)
    send, failed = board.notifier._send, []

    def fails_once(*content: Any) -> None:
        if not failed:
            failed.append(content)
            raise RuntimeError("a fault of ours")
        send(*content)

    monkeypatch.setattr(board.notifier, "_send", fails_once)
    rings(board)
    await board.air.sent(3)
    await settled(board)
    assert len(board.air.all) == 3 and len(board.notifier) == 2 and "a fault of ours" in caplog.text
    board.dialogs.moved(7, LegState.EARLY, {})
    await board.air.sent(5)


async def test_what_ends_after_the_end(board: Board) -> None:
    """Answers that come when the daemon stops end no subscription: the next daemon takes it up."""
    board.air.obliging = False
    await board.subscribe()
    first = await board.air.sent(1)
    await board.notifier.close()
    first.lost(503)
    await turns()
    assert len(board.notifier) == 1 and not board.notifier.told
