"""Telling an application of a call's progress (call-control reference §2.2)."""

import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from callwright import clock
from callwright.calls import parameters

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Reporting:
    """The status callbacks of one call, numbered from 0. It is the call's, and does not keep the call alive.

    Args:
        save: writes columns of the call's row, given the call and the columns.
    """

    def __init__(self, call: "Call", save: Callable[..., None]) -> None:
        self._owner = weakref.ref(call)
        self._save = save
        self._sequence = 0

    @property
    def _call(self) -> "Call":
        call = self._owner()
        assert call is not None, "only the call itself reports"
        return call

    def stored(self) -> dict[str, Any] | None:
        """Where progress is posted, as a restart after a crash needs it; None when it is not."""
        application = self._call.application
        if (hook := application.status_callback) is None:
            return None
        events = sorted(application.status_events)
        return {"url": hook.url, "method": hook.method, "events": events, "sequence": self._sequence}

    def post(self, event: str, last: Mapping[str, str]) -> None:
        """Posts an event, if it is wanted.

        Args:
            event: initiated, ringing, answered or completed.
            last: what it adds, the last one above all.
        """
        call = self._call
        application = call.application
        if (hook := application.status_callback) is None or event not in application.status_events:
            return
        params = {**call.parameters(), **parameters.progress(self._sequence, clock.now()), **last}
        self._sequence += 1
        self._save(call, status_callback=self.stored())
        call.exchange.callbacks.post(
            account=call.account, call_sid=call.sid, hook=hook, params=params, kind=f"call-{event}"
        )
