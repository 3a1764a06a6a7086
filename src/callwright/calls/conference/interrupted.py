"""Conferences that a crash interrupted: their end is told at the next start (promise P1)."""

from collections.abc import Iterable, Mapping
from typing import Any

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.conference.conference import SENTENCES, EndReason
from callwright.calls.conference.reports import parameters
from callwright.calls.exchange import Callbacks

EVENT = "conference-end"


def post_ends(rows: Iterable[Mapping[str, Any]], accounts: Mapping[str, Account], callbacks: Callbacks) -> None:
    """Posts the end of each closed row whose application asked for it."""
    for row in rows:
        wanted, account = row["status_callback"], accounts.get(row["account_sid"])
        if not wanted or account is None or "end" not in wanted["events"]:
            continue
        reason = EndReason(row["reason_conference_ended"])
        params = parameters(
            sid=row["sid"],
            name=row["friendly_name"],
            account_sid=account.sid,
            sequence=wanted["sequence"],
            event=EVENT,
            extra={"ReasonConferenceEnded": str(reason), "Reason": SENTENCES[reason]},
        )
        hook = Hook(wanted["url"], wanted["method"])
        callbacks.post(account=account, call_sid=row["sid"], hook=hook, params=params, kind=EVENT)
