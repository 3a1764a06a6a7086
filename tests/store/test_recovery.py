from datetime import UTC, datetime, timedelta
from pathlib import Path

from callwright.store.recovery import recover
from callwright.store.steps import Steps
from callwright.store.store import Store
from callwright.store.tables import calls, conferences, meta, recordings
from callwright.store.traces import transcriptions

from .test_wav import unfinished

BEGUN = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)


async def crashed(url: str) -> None:
    """The database of a daemon that died 100 s after it took its calls."""
    store = await Store.open(url)
    for sid, status in (("CA1", "in-progress"), ("CA2", "ringing"), ("CA3", "queued")):
        store.put(calls, {"sid": sid, "status": status, "date_created": BEGUN, "date_updated": BEGUN})
    ended = {"status": "busy", "end_time": BEGUN, "date_updated": BEGUN}
    store.put(calls, {"sid": "CA4", "date_created": BEGUN, **ended})
    noted = Steps(store, "CA1")
    noted.add(BEGUN, "ringing", {})
    noted.add(BEGUN + timedelta(seconds=9.5), "answered", {})
    for sid, path in (("RE1", "RE1.wav"), ("RE2", "gone.wav"), ("RE3", None)):
        store.put(recordings, {"sid": sid, "status": "in-progress", "path": path})
    store.put(recordings, {"sid": "RE4", "status": "completed", "duration": 7, "path": "RE4.wav"})
    await store.close()
    again = await Store.open(url)
    again.put(meta, {"name": "alive", "at": BEGUN + timedelta(seconds=100)})
    await again.close()


async def test_closes_calls_and_recordings(url: str, tmp_path: Path) -> None:
    await crashed(url)
    unfinished(tmp_path / "RE1.wav", 12.25)
    store = await Store.open(url)
    store.last_alive = BEGUN + timedelta(seconds=100)
    found = await recover(store, tmp_path)
    assert {row["sid"]: (row["status"], row["duration"]) for row in found.calls} == {
        "CA1": ("completed", 91),
        "CA2": ("failed", 0),
        "CA3": ("failed", 0),
    }
    assert {row["end_time"] for row in found.calls} == {BEGUN + timedelta(seconds=100)}
    assert {row["outcome"] for row in found.calls} == {"indeterminate"}
    assert {row["sid"]: (row["status"], row["duration"]) for row in found.recordings} == {
        "RE1": ("completed", 12),
        "RE2": ("absent", 0),
        "RE3": ("absent", 0),
    }
    for table, rows in ((calls, found.calls), (recordings, found.recordings)):
        for row in rows:
            assert await store.get(table, row["sid"]) == row
    untouched = await store.get(calls, "CA4")
    assert untouched is not None
    assert untouched["status"] == "busy"
    again = await recover(store, tmp_path)
    assert (again.calls, again.recordings) == ([], [])
    await store.close()


async def test_calls_last_as_long_as_their_recordings(url: str, tmp_path: Path) -> None:
    """The beat that tells when the daemon ran is seconds old at a crash; the sound that was kept is not."""
    await crashed(url)
    unfinished(tmp_path / "RE1.wav", 11.75)
    store = await Store.open(url)
    store.put(recordings, {"sid": "RE1", "start_time": BEGUN + timedelta(seconds=95)})
    await store.flushed()
    store.last_alive = BEGUN + timedelta(seconds=100)
    found = await recover(store, tmp_path)
    assert {row["end_time"] for row in found.calls} == {BEGUN + timedelta(seconds=106.75)}
    assert {row["sid"]: row["duration"] for row in found.calls} == {"CA1": 98, "CA2": 0, "CA3": 0}
    await store.close()


async def test_closes_conferences(url: str, tmp_path: Path) -> None:
    store = await Store.open(url)
    wanted = {"url": "http://app.example/c", "method": "POST", "events": ["end"], "sequence": 4}
    for sid, status in (("CF1", "in-progress"), ("CF2", "init"), ("CF3", "completed")):
        store.put(conferences, {"sid": sid, "status": status, "status_callback": wanted})
    found = await recover(store, tmp_path)
    assert {row["sid"]: row["reason_conference_ended"] for row in found.conferences} == {
        "CF1": "last-participant-left",
        "CF2": "last-participant-left",
    }
    assert {row["status"] for row in found.conferences} == {"completed"}
    for row in found.conferences:
        assert await store.get(conferences, row["sid"]) == row and row["status_callback"] == wanted
    assert (await recover(store, tmp_path)).conferences == []
    await store.close()


async def test_closes_transcriptions(url: str, tmp_path: Path) -> None:
    store = await Store.open(url)
    wanted = {"url": "http://app.example/t", "method": "POST", "params": {"CallSid": "CA1"}}
    for sid, status in (("TR1", "in-progress"), ("TR2", "completed")):
        store.put(transcriptions, {"sid": sid, "status": status, "callback": wanted})
    (closed,) = (await recover(store, tmp_path)).transcriptions
    assert (closed["sid"], closed["status"], closed["callback"]) == ("TR1", "failed", wanted)
    assert await store.get(transcriptions, "TR1") == closed
    assert (await recover(store, tmp_path)).transcriptions == []
    await store.close()
