from callwright import clock
from callwright.calls.queue.registry import Queues
from tests.calls.fakes import OTHER_SID, Room


async def test_what_the_database_holds_is_taken_over(room: Room) -> None:
    queues, store = Queues(), room.exchange.store
    now = clock.now()
    row = {"sid": "QU1", "account_sid": room.account.sid, "friendly_name": "a", "max_size": 5}
    queues.load(store, [{**row, "date_created": now, "date_updated": now}])
    queue = queues.get(room.account.sid, "QU1")
    assert queue is not None and (queue.name, queue.max_size, queue.created, queue.updated) == ("a", 5, now, now)
    assert queues.find(room.account.sid, "a") is queue
    assert queues.open(store, room.account.sid, "a", 9) is queue
    assert queues.get(OTHER_SID, "QU1") is None and queues.find(OTHER_SID, "a") is None


async def test_renamed_and_deleted(room: Room) -> None:
    queues, store = room.rooms.queues, room.exchange.store
    queue = queues.open(store, room.account.sid, "a", 5)
    queues.rename(queue, "b")
    assert queues.find(room.account.sid, "a") is None and queues.find(room.account.sid, "b") is queue
    assert room.rows.row("queues", queue.sid)["friendly_name"] == "b"
    assert queues.waiting == 0
    queue.change(max_size=6)
    assert (queue.name, queue.max_size, queue.average_wait) == ("b", 6, 0)
    queues.delete(store, queue)
    assert queues.get(room.account.sid, queue.sid) is None and queues.find(room.account.sid, "b") is None
    assert (queue.sid,) not in room.rows.tables["queues"]
