"""What a call's story gains after its end: a callback that could not be delivered, most of all."""

import asyncio
import logging

from callwright import clock
from callwright.calls.tasks import Tasks
from callwright.errors import StoreError
from callwright.log import CallLog
from callwright.store import steps, tables
from callwright.store.store import Store

logger = logging.getLogger(__name__)

MOST_WAITING = 1000


class Epilogue:
    """Adds steps to calls that are over, one after the other: each needs to know how many there are already."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks = Tasks()
        self._turn = asyncio.Lock()

    def warn(self, call_sid: str, account_sid: str, *, code: int, message: str, url: str) -> None:
        """A warning. Never blocks; when too many wait for the database, the log alone has it."""
        self._tell(call_sid, account_sid, logging.WARNING, "warning", {"code": code, "message": message, "url": url})

    def retry(self, call_sid: str, account_sid: str, *, code: int, message: str, url: str) -> None:
        """Something that will be tried again; otherwise like `warn`."""
        self._tell(call_sid, account_sid, logging.INFO, "retry", {"code": code, "message": message, "url": url})

    def _tell(self, call_sid: str, account_sid: str, level: int, kind: str, data: dict[str, object]) -> None:
        log = CallLog(logger, call_sid, account_sid)
        log.log(level, "%s code=%d message=%s url=%s", kind, data["code"], data["message"], data["url"])
        if len(self._tasks) < MOST_WAITING:
            self._tasks.spawn(self._add(call_sid, log, kind, data), f"epilogue of {call_sid}")

    async def _add(self, call_sid: str, log: CallLog, kind: str, data: dict[str, object]) -> None:
        async with self._turn:
            try:
                if await self._store.get(tables.calls, call_sid) is None:
                    return
                number = len(await steps.read(self._store, call_sid))
            except StoreError as error:
                log.warning("the database has no %s of this call: %s", kind, error.message)
                return
            step = [clock.now().isoformat(), kind, data]
            self._store.put(tables.call_events, {"call_sid": call_sid, "number": number, "steps": [step]})

    async def close(self, seconds: float) -> None:
        """Waits for what is under way, at most this long."""
        await self._tasks.settle(seconds)
        await self._tasks.cancel()
