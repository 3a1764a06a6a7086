"""Alerts: what went wrong, as the API shows it to the account: a Notification (call-control reference §3.10), and an
Alert of the monitor (§3.16): one row, two views.

Rows are kept for a number of days, and never more than `MAX_ROWS`; one call adds `MAX_OF_A_CALL` at most.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, func, select

from callwright import clock, ids
from callwright.errors import StoreError
from callwright.store.store import Store
from callwright.store.tables import notifications

logger = logging.getLogger(__name__)

MAX_ROWS = 200_000
MAX_OF_A_CALL = 100
PRUNE_EVERY_S = 60.0
PRUNED_AT_A_TIME = 1000
MAX_TEXT = 2048
MAX_BODY = 4096
CALLBACK_LOST = 15003
CONFERENCE_CALLBACK_LOST = 16011


class Level(StrEnum):
    """How grave it is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A request to an application and what came back, as far as it did.

    Attributes:
        url: without credentials.
        variables: the form or query.
        headers: of the request, without those that authenticate.
        response_headers, response_body: of the answer; empty when there was none.
    """

    url: str = ""
    method: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    response_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    response_body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, before it has a place and a time."""

    level: Level
    code: int
    message: str
    request: Exchanged = field(default_factory=Exchanged)

    def text(self) -> str:
        """`Msg=...&ErrorCode=...&LogLevel=...` (call-control reference §10)."""
        level = "WARN" if self.level is Level.WARNING else "ERROR"
        pairs = {"url": self.request.url} if self.request.url else {}
        return urlencode({**pairs, "ErrorCode": self.code, "LogLevel": level, "Msg": self.message[:MAX_TEXT]})


class Alerts:
    """Writes alerts and forgets them in time.

    Args:
        days: how long they are kept.

    Attributes:
        raised: alerts since the start, by level.
        dropped: how many were not written, because their call had told enough.
    """

    def __init__(self, store: Store, days: int) -> None:
        self.raised = dict.fromkeys(Level, 0)
        self.dropped = 0
        self._store = store
        self._kept = timedelta(days=days)

    def add(self, account_sid: str, call_sid: str, alert: Alert) -> None:
        """Stages an alert. Never blocks. `call_sid` is "" for one that is of no call."""
        self.raised[alert.level] += 1
        now, request = clock.now(), alert.request
        row = {
            "sid": ids.new(ids.NOTIFICATION),
            "account_sid": account_sid,
            "call_sid": call_sid or None,
            "date_created": now,
            "level": str(alert.level),
            "error_code": alert.code,
            "text": alert.text(),
            "request_method": request.method or None,
            "request_url": request.url or None,
            "request_variables": urlencode(request.variables, errors="replace") or None,
            "request_headers": urlencode(request.headers, errors="replace") or None,
            "response_headers": urlencode(request.response_headers, errors="replace") or None,
            "response_body": request.response_body[:MAX_BODY].decode("utf-8", "replace") or None,
        }
        self._store.put(notifications, row)

    def add_of_callback(self, account_sid: str, sid: str, alert: Alert) -> None:
        """The same of a callback about a call or a conference, whose code is its own (call-control reference §2.4)."""
        of_conference = ids.valid(sid, ids.CONFERENCE)
        self.add(account_sid, sid, replace(alert, code=CONFERENCE_CALLBACK_LOST) if of_conference else alert)

    async def forget(self) -> int:
        """Deletes what is too old, then what is too much, oldest first; returns how many.

        Raises:
            StoreError: the database cannot be read or written.
        """
        old = notifications.c.date_created < clock.now() - self._kept
        oldest = select(notifications.c.sid).order_by(notifications.c.date_created)
        deleted = 0
        while batch := await self._delete(oldest.where(old).limit(PRUNED_AT_A_TIME)):
            deleted += batch
        [counted] = await self._store.fetch(select(func.count().label("rows")).select_from(notifications))
        left = counted["rows"] - MAX_ROWS
        while left > 0 and (batch := await self._delete(oldest.limit(min(left, PRUNED_AT_A_TIME)))):
            deleted += batch
            left -= batch
        await self._store.flushed()
        return deleted

    async def _delete(self, which: Select[Any]) -> int:
        rows = await self._store.fetch(which)
        for row in rows:
            self._store.delete(notifications, row["sid"])
        return len(rows)

    async def watch(self) -> None:
        """Forgets what is due, now and then; runs until it is cancelled."""
        while True:
            try:
                if deleted := await self.forget():
                    logger.info("%d alerts are forgotten", deleted)
            except StoreError as error:
                logger.warning("old alerts cannot be deleted: %s", error.message)
            await asyncio.sleep(PRUNE_EVERY_S)


class CallAlerts:
    """The alerts of one call."""

    def __init__(self, alerts: Alerts, account_sid: str, call_sid: str) -> None:
        self._alerts = alerts
        self._sids = account_sid, call_sid
        self._count = 0

    def add(self, alert: Alert) -> None:
        """Raises an alert, unless the call has raised as many as it may."""
        self._count += 1
        if self._count > MAX_OF_A_CALL:
            self._alerts.dropped += 1
            return
        self._alerts.add(*self._sids, alert)

    def noted(self, kind: str, data: Mapping[str, object]) -> None:
        """A step of the call's event log: a warning is an alert, too.

        Those of lost callbacks are not: the queue of callbacks knows more of them, and raises its own.
        """
        code = data.get("code")
        if kind == "warning" and isinstance(code, int) and code != CALLBACK_LOST:
            request = Exchanged(url=str(data.get("url", "")))
            self.add(Alert(Level.WARNING, code, str(data.get("message", "")), request))
