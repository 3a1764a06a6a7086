from callwright.store.batch import Batch
from callwright.store.tables import call_events, calls


def test_counts_each_key_once() -> None:
    batch = Batch()
    batch.put(calls, ("a",), {"sid": "a"})
    batch.put(calls, ("a",), {"sid": "a", "status": "busy"})
    assert batch.size == 1
    batch.delete(calls, ("a",))
    batch.delete(calls, ("a",))
    assert batch.size == 1
    assert batch.holds(calls, ("a",))
    assert not batch.holds(calls, ("b",))
    assert batch.touches(frozenset({calls}))
    assert not batch.touches(frozenset({call_events}))


def test_rows_are_copies() -> None:
    batch, row = Batch(), {"sid": "a", "status": "ringing"}
    batch.put(calls, ("a",), row)
    row["status"] = "busy"
    assert batch.rows[calls]["a",]["status"] == "ringing"


def test_overlaid_row() -> None:
    batch = Batch()
    written = dict.fromkeys(calls.columns.keys()) | {"sid": "a", "to": "+1", "status": "queued"}
    assert batch.overlaid(calls, ("a",), written) == written
    batch.put(calls, ("a",), {"sid": "a", "status": "busy"})
    assert batch.overlaid(calls, ("a",), written) == written | {"status": "busy"}
    batch.delete(calls, ("a",))
    assert batch.overlaid(calls, ("a",), written) is None


def test_singles_hold_the_same_changes() -> None:
    batch = Batch()
    batch.delete(calls, ("x",))
    batch.put(calls, ("a",), {"sid": "a"})
    batch.put(call_events, ("a", 0), {"call_sid": "a", "number": 0})
    parts = batch.singles()
    assert [part.size for part in parts] == [1, 1, 1]
    assert list(parts[0].deletes[calls]) == [("x",)]
    assert parts[2].rows == {call_events: {("a", 0): {"call_sid": "a", "number": 0}}}
