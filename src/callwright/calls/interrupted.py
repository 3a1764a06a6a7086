"""Calls that a crash interrupted: their final callback is posted at the next start (promise P1)."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from callwright import clock
from callwright.account import Account
from callwright.calls import parameters
from callwright.calls.application import Hook
from callwright.calls.exchange import Callbacks
from callwright.calls.status import CallStatus

logger = logging.getLogger(__name__)

SIP_CODES = {CallStatus.COMPLETED: 200, CallStatus.FAILED: 500}
"""Nobody knows how the legs ended: what their statuses mean."""


def post_final(rows: Iterable[Mapping[str, Any]], accounts: Mapping[str, Account], callbacks: Callbacks) -> None:
    """Posts `completed` for each closed row whose application asked for it."""
    for row in rows:
        wanted, account = row["status_callback"], accounts.get(row["account_sid"])
        if not wanted or account is None or "completed" not in wanted["events"]:
            continue
        params = {
            **parameters.standard(
                sid=row["sid"],
                account_sid=row["account_sid"],
                from_=row["from"],
                to=row["to"],
                status=row["status"],
                direction=row["direction"],
            ),
            **parameters.progress(wanted["sequence"], clock.now()),
            **parameters.ending(row["duration"] or 0, row["sip_code"] or SIP_CODES[row["status"]]),
        }
        if row["application_sid"]:
            params["ApplicationSid"] = row["application_sid"]
        if row["parent_call_sid"]:
            params["ParentCallSid"] = row["parent_call_sid"]
        hook = Hook(wanted["url"], wanted["method"])
        callbacks.post(account=account, call_sid=row["sid"], hook=hook, params=params, kind="call-completed")
        logger.info("call %s was interrupted by a crash: %s", row["sid"], row["status"])
