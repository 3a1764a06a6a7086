"""What is kept of a call's time in a conference, for when the conference is over (call-control reference §3.18)."""

import math
from typing import TYPE_CHECKING, Any

from callwright import clock, ids
from callwright.store.traces import participations

if TYPE_CHECKING:
    from callwright.calls.conference.participant import Participant

MOST_EVENTS = 1_000
"""Further ones are not kept."""


class Participation:
    """One row, from the entrance of a call to its leaving."""

    def __init__(self, conference_sid: str, participant: "Participant") -> None:
        call, plan = participant.call, participant.plan
        self._store = call.exchange.store
        self._begun = call.exchange.endpoint.loop.time()
        self._time = call.exchange.endpoint.loop.time
        self._row: dict[str, Any] = {
            "sid": ids.new(ids.PARTICIPATION),
            "account_sid": call.account.sid,
            "conference_sid": conference_sid,
            "call_sid": call.sid,
            "label": plan.label or None,
            "date_created": clock.now(),
            "moderator": plan.start_on_enter or plan.end_on_exit,
            "coached": [plan.coach] if plan.coach else [],
            "properties": {
                "start_conference_on_enter": plan.start_on_enter,
                "end_conference_on_exit": plan.end_on_exit,
                "enter_muted": plan.muted,
                "beep_on_enter": plan.beep_on_enter,
                "beep_on_exit": plan.beep_on_exit,
            },
            "events": [],
        }
        self._put()

    def _put(self) -> None:
        self._store.put(participations, self._row)

    def changed(self, event: str, coached: str) -> None:
        """Something was done to it: an event of its callbacks, and whom it coaches now ("" for nobody)."""
        events, known = self._row["events"], self._row["coached"]
        if len(events) < MOST_EVENTS:
            self._row["events"] = [*events, [event, clock.now().timestamp()]]
        if coached and coached not in known:
            self._row["coached"] = [*known, coached]
        self._put()

    def left(self) -> None:
        """It is over."""
        seconds = math.ceil(self._time() - self._begun)
        self._row |= {"leave_time": clock.now(), "duration": max(1, seconds)}
        self._put()
