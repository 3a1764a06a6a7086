"""Text messages that come in for an application: kept as resources, and told (call-control reference §3.13)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callwright import clock, ids
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.pager import Callbacks
from callwright.calls.parameters import API_VERSION
from callwright.calls.segments import segments
from callwright.store.sqlite import Row
from callwright.store.store import Store
from callwright.store.traces import messages

logger = logging.getLogger(__name__)

KIND = "incoming-message"
"""The callbacks that tell of them; their answers are documents."""
INBOUND, RECEIVED = "inbound", "received"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A text message that has come in.

    Attributes:
        from_, to: numbers or SIP URIs.
        media: URL and content type ("" when it is not known) of what comes with it.
        facts: what its application is told besides.
    """

    from_: str
    to: str
    body: str = field(repr=False)
    media: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class Arrivals:
    """Takes text messages for applications."""

    def __init__(self, store: Store, callbacks: Callbacks) -> None:
        self._store, self._callbacks = store, callbacks

    def take(self, account: Account, arrived: Arrived, hook: Hook | None) -> Row:
        """Keeps a message, and queues the request that tells of it. Never blocks.

        Args:
            hook: who is told; None: nobody, it is only kept.

        Returns:
            Its row.
        """
        row = _row(account, arrived)
        self._store.put(messages, row)
        if hook is not None:
            params = _parameters(row, arrived)
            self._callbacks.post(account=account, call_sid=row["sid"], hook=hook, params=params, kind=KIND)
        logger.info("message=%s from %s to %s taken", row["sid"], arrived.from_, arrived.to)
        return row

    async def kept(self) -> None:
        """Waits until everything that was taken outlives a crash.

        Raises:
            StoreError: it may not.
        """
        await self._store.flushed()


def _row(account: Account, arrived: Arrived) -> Row:
    now = clock.now()
    return {
        "sid": ids.new(ids.MESSAGE),
        "account_sid": account.sid,
        "call_sid": None,
        "date_created": now,
        "date_updated": now,
        "date_sent": now,
        "from": arrived.from_,
        "to": arrived.to,
        "body": arrived.body,
        "media": [url for url, _ in arrived.media],
        "direction": INBOUND,
        "status": RECEIVED,
        "error_code": None,
        "error_message": None,
        "callback": None,
    }


def _parameters(row: Row, arrived: Arrived) -> dict[str, str]:
    params = {
        "MessageSid": row["sid"],
        "SmsSid": row["sid"],
        "SmsMessageSid": row["sid"],
        "AccountSid": row["account_sid"],
        "ApiVersion": API_VERSION,
        "From": arrived.from_,
        "To": arrived.to,
        "Body": arrived.body,
        "NumMedia": str(len(arrived.media)),
        "NumSegments": str(segments(arrived.body)),
        "SmsStatus": RECEIVED,
    }
    for place, (url, kind) in enumerate(arrived.media):
        params[f"MediaUrl{place}"] = url
        params |= {f"MediaContentType{place}": kind} if kind else {}
    return params | dict(arrived.facts)
