"""What the daemon has of event notification: requests that reach it, NOTIFYs that leave it, figures."""

from callwright.engine import EventKind
from callwright.sip.events.notifier import Answer
from callwright.sip.events.service import over
from tests.calls.fakes import Room
from tests.calls.jumping import turns
from tests.sip.events.test_subscription import ONE
from tests.sip.events.watching import Board


async def test_a_notify_goes_where_the_subscribe_came_from(room: Room) -> None:
    """Whatever Contact and Route set say."""
    ends: list[Answer] = []
    over(room.endpoint)(ONE, ONE.notify(3, "active;expires=60"), "text/plain", b"x", ends.append)
    sent = await room.engine.until("request")
    assert sent.values["method"] == "NOTIFY"
    assert (sent.values["uri"], sent.values["next_hop"]) == (ONE.uri, "sip:192.0.2.7:40000;transport=tcp")
    assert ("CSeq", "3 NOTIFY") in sent.values["headers"]
    assert (sent.values["content_type"], sent.values["body"]) == ("text/plain", b"x")
    facts = {"transport": "TCP", "source_host": "192.0.2.7", "source_port": 40000, "content_type": "", "body": b""}
    room.engine.happen(EventKind.RESPONSE, sent.node, 481, "Gone", headers=[("Via", "x")], **facts)
    await turns()
    (answer,) = ends
    assert (answer.code, bool(answer.headers)) == (481, True)


async def test_requests_and_legs_come_here(board: Board, room: Room) -> None:
    board.events.answer(room.endpoint)
    assert room.endpoint.requests["SUBSCRIBE"] == board.notifier.take
    assert room.endpoint.requests["PUBLISH"] == board.publications.take
    assert room.endpoint.moved == board.dialogs.moved


async def test_figures(board: Board) -> None:
    await board.subscribe()
    await board.subscribe(event="refer")
    await board.publish(b"")
    await board.air.sent(1)
    await turns()
    assert board.events.outcomes() == {
        ("SUBSCRIBE", "subscribed"): 1,
        ("SUBSCRIBE", "refused_489"): 1,
        ("PUBLISH", "refused_400"): 1,
        ("NOTIFY", "delivered"): 1,
    }
