"""What a crash left open is closed at the next start: calls and conferences get their end, recordings their length."""

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from callwright import clock
from callwright.errors import Outcome
from callwright.store import steps, wav
from callwright.store.sqlite import Row
from callwright.store.store import Store
from callwright.store.tables import calls, conferences, recordings
from callwright.store.traces import transcriptions

log = logging.getLogger(__name__)

LIVE = ("queued", "initiated", "ringing", "in-progress")
OPEN = ("in-progress", "paused", "stopped", "processing")
ABSENT_TOO_SHORT = 16101


@dataclass(frozen=True, slots=True)
class Recovered:
    """The rows that were closed, as they now are."""

    calls: list[Row]
    recordings: list[Row]
    conferences: list[Row]
    transcriptions: list[Row]


async def recover(store: Store, directory: Path) -> Recovered:
    """Closes every call, recording and conference that is open in the database. Run before the first call is taken.

    An answered call becomes completed, any other failed; both end when the daemon was last known to run: what a
    recording holds was heard while it ran. A recording becomes completed with what its file holds, or absent.

    Args:
        directory: below which the paths of recordings lie.

    Raises:
        StoreError: the database cannot be read or written.
    """
    left = await store.fetch(select(recordings).where(recordings.c.duration.is_(None), recordings.c.status.in_(OPEN)))
    ended = [await _close_recording(store, row, directory) for row in left]
    live = await store.fetch(select(calls).where(calls.c.end_time.is_(None), calls.c.status.in_(LIVE)))
    alive = max((moment for moment in (store.last_alive, *(heard for _, heard in ended)) if moment), default=None)
    closed = [await _close_call(store, row, alive) for row in live]
    rooms = [
        _close_conference(store, row)
        for row in await store.fetch(select(conferences).where(conferences.c.status != "completed"))
    ]
    texts = [
        _close_transcription(store, row)
        for row in await store.fetch(select(transcriptions).where(transcriptions.c.status == "in-progress"))
    ]
    await store.flushed()
    if closed or ended or rooms:
        counts = len(closed), len(ended), len(rooms)
        log.warning("- closed after a crash: %d calls, %d recordings, %d conferences", *counts)
    return Recovered(closed, [row for row, _ in ended], rooms, texts)


def _close_transcription(store: Store, row: Row) -> Row:
    """Nobody goes on with it."""
    change: Row = {"sid": row["sid"], "status": "failed", "date_updated": clock.now()}
    store.put(transcriptions, change)
    return row | change


def _close_conference(store: Store, row: Row) -> Row:
    """Every call in it has ended: the last participant has left."""
    change: Row = {
        "sid": row["sid"],
        "status": "completed",
        "reason_conference_ended": "last-participant-left",
        "end_time": store.last_alive or clock.now(),
        "date_updated": clock.now(),
    }
    store.put(conferences, change)
    return row | change


async def _close_call(store: Store, row: Row, alive: datetime | None) -> Row:
    noted = await steps.read(store, row["sid"])
    moments: list[datetime | None] = [
        row["date_created"],
        row["date_updated"],
        alive,
        *(step.at for step in noted),
    ]
    end = max((moment for moment in moments if moment is not None), default=clock.now())
    answered = next((step.at for step in noted if step.kind == "answered"), row["start_time"])
    talked = row["status"] == "in-progress"
    seconds = max(1, math.ceil((end - answered).total_seconds())) if talked and answered else 0
    change: Row = {
        "sid": row["sid"],
        "status": "completed" if talked else "failed",
        "end_time": end,
        "duration": seconds,
        "outcome": str(Outcome.INDETERMINATE),
        "date_updated": clock.now(),
    }
    store.put(calls, change)
    return row | change


async def _close_recording(store: Store, row: Row, directory: Path) -> tuple[Row, datetime | None]:
    """The row as it now is, and until when it was heard."""
    sound = heard = None
    if row["path"]:
        try:
            sound = await asyncio.to_thread(wav.mend, directory / row["path"])
        except OSError as error:
            log.warning("x recording %s cannot be recovered: %s", row["sid"], error)
    change: Row = {"sid": row["sid"], "duration": 0, "date_updated": clock.now()}
    if sound is None:
        change |= {"status": "absent", "error_code": ABSENT_TOO_SHORT}
    else:
        change |= {"status": "completed", "duration": max(1, round(sound.seconds)), "channels": sound.channels}
        heard = row["start_time"] and row["start_time"] + timedelta(seconds=sound.seconds)
    store.put(recordings, change)
    return row | change, heard
