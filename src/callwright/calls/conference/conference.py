"""A conference: the resource that the API shows, its state, and the calls in it (call-control reference §1.6, §2.4)."""

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from callwright import clock, ids
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.backdrop import Heard
from callwright.calls.conference.audio import Mix, edges
from callwright.calls.conference.backdrops import Announcer, Backdrops
from callwright.calls.conference.participant import Participant, Reason
from callwright.calls.conference.participation import Participation
from callwright.calls.conference.plan import (
    COACHED_ABSENT,
    FULL,
    LABEL_IN_USE,
    NOT_STARTED,
    ConferencePlan,
    ConferenceSettings,
)
from callwright.calls.conference.recorder import ConferenceRecorder
from callwright.calls.conference.reports import Reports
from callwright.calls.conference.speech import Speakers
from callwright.calls.status import CallStatus
from callwright.errors import RoomError
from callwright.media.tones import ENTER, EXIT
from callwright.store import tables

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.exchange import Exchange
    from callwright.sip.leg import Leg

logger = logging.getLogger(__name__)


class ConferenceStatus(StrEnum):
    """Status as the API spells it."""

    INIT = "init"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"


TRANSITIONS: dict[ConferenceStatus, frozenset[ConferenceStatus]] = {
    ConferenceStatus.INIT: frozenset({ConferenceStatus.IN_PROGRESS, ConferenceStatus.COMPLETED}),
    ConferenceStatus.IN_PROGRESS: frozenset({ConferenceStatus.COMPLETED}),
    ConferenceStatus.COMPLETED: frozenset(),
}


class EndReason(StrEnum):
    """ReasonConferenceEnded as the API and the callbacks spell it."""

    BY_REQUEST = "conference-ended-via-api"
    LAST_LEFT = "last-participant-left"
    LAST_KICKED = "last-participant-kicked"
    MODERATOR_LEFT = "participant-with-end-conference-on-exit-left"
    MODERATOR_KICKED = "participant-with-end-conference-on-exit-kicked"


SENTENCES: dict[EndReason | Reason, str] = {
    EndReason.BY_REQUEST: "The conference was ended by a request.",
    EndReason.LAST_LEFT: "The last participant has left.",
    EndReason.LAST_KICKED: "The last participant was removed by a request.",
    EndReason.MODERATOR_LEFT: "A participant with endConferenceOnExit has left.",
    EndReason.MODERATOR_KICKED: "A participant with endConferenceOnExit was removed by a request.",
    Reason.ENDED_BY_REQUEST: "The conference was ended by a request.",
    Reason.MODERATOR_ENDED: "A participant with endConferenceOnExit has left.",
    Reason.UPDATED_BY_REQUEST: "The participant was removed by a request.",
    Reason.HUNG_UP: "The participant has left.",
    Reason.ADD_FAILED: "The participant could not be reached.",
}


class Conference:
    """One live conference, from its first participant to its end.

    Args:
        on_over: told when it has completed.

    Attributes:
        participants: by CallSid, in the order in which they came; those who are still being called among them.
        recorder: its recording, when it has one.
    """

    def __init__(
        self,
        exchange: "Exchange",
        account: Account,
        name: str,
        settings: ConferenceSettings,
        on_over: "Callable[[Conference], None]",
    ) -> None:
        self.exchange, self.account = exchange, account
        self.sid = ids.new(ids.CONFERENCE)
        self.name = name
        self.settings = settings
        self.participants: dict[str, Participant] = {}
        self.log = logger
        self._status = ConferenceStatus.INIT
        self._on_over = on_over
        self._mix = Mix(exchange.endpoint.engine)
        self._backdrops, self._announcer = Backdrops(self), Announcer(self)
        self._speakers = Speakers(self)
        self.recorder: ConferenceRecorder | None = None
        self._row: dict[str, Any] = {}
        self.reports = Reports(exchange.callbacks, account, self.sid, name, settings.callback, self._save)
        self._save(
            sid=self.sid,
            account_sid=account.sid,
            friendly_name=name,
            date_created=clock.now(),
            region=settings.region,
            status=str(self._status),
            settings={"max_participants": settings.max_participants, "record": settings.record},
            status_callback=self.reports.stored(),
        )
        self.log.info("conference %s %r begins", self.sid, name)

    # the resource

    @property
    def status(self) -> ConferenceStatus:
        """Only `_enter` changes it."""
        return self._status

    @property
    def started(self) -> bool:
        """Whether its participants hear each other."""
        return self._status is ConferenceStatus.IN_PROGRESS

    @property
    def bus(self) -> int:
        """The node that everybody hears."""
        return self._mix.bus

    def named(self) -> dict[str, str]:
        """What its requests tell of it."""
        return {"ConferenceSid": self.sid, "FriendlyName": self.name, "AccountSid": self.account.sid}

    def _save(self, **columns: Any) -> None:
        self._row.update(columns, date_updated=clock.now())
        self.exchange.store.put(tables.conferences, self._row)

    def _enter(self, status: ConferenceStatus, **columns: Any) -> None:
        """The one place where the status changes."""
        if status not in TRANSITIONS[self._status]:
            raise ValueError(f"a conference cannot go from {self._status} to {status}")
        self._status = status
        self._save(status=str(status), **columns)
        self.log.info("conference %s is %s, participants=%d", self.sid, status, len(self.participants))

    # its participants

    def find(self, reference: str) -> Participant | None:
        """The participant with this CallSid or label."""
        if (found := self.participants.get(reference)) is not None:
            return found
        return next((one for one in self.participants.values() if one.plan.label and one.plan.label == reference), None)

    def check(self, plan: ConferencePlan) -> None:
        """Whether one more may come.

        Raises:
            RoomError: 16020 it is full, 16025 the label is in use, 16028 the one to coach is not there.
        """
        if plan.label and self.find(plan.label) is not None:
            raise RoomError(f"the label {plan.label!r} is in use in this conference", code=LABEL_IN_USE)
        if len(self.participants) >= self.settings.max_participants:
            raise RoomError(f"the conference has {len(self.participants)} participants, its most", code=FULL)
        if plan.coach:
            self._coached(plan.coach)

    def _coached(self, call_sid: str) -> Participant:
        coached = self.participants.get(call_sid)
        if coached is None or not coached.joined:
            raise RoomError(f"the call to coach, {call_sid}, is not in this conference", code=COACHED_ABSENT)
        return coached

    def expect(self, call: "Call", plan: ConferencePlan) -> Participant:
        """A call that is being placed into the conference. When it ends on the way, it has left."""
        participant = self.participants[call.sid] = Participant(call, plan, joined=False)
        call.ended.add_done_callback(lambda _: self._not_reached(participant))
        return participant

    def _not_reached(self, participant: Participant) -> None:
        if not participant.joined:
            self.remove(participant, Reason.ADD_FAILED)

    def join(self, call: "Call", plan: ConferencePlan) -> Participant:
        """Lets an answered call in: as it was expected, or by its own plan.

        Raises:
            RoomError: as `check`.
        """
        participant = self.participants.get(call.sid)
        if participant is None:
            self.check(plan)
            participant = self.participants[call.sid] = Participant(call, plan, joined=True)
        participant.joined = True
        participant.updated = clock.now()
        participant.participation = Participation(self.sid, participant)
        call.note("conference", sid=self.sid, name=self.name, participants=len(self.participants))
        self.reports.post("participant-join", participant)
        if self.started:
            self._retune()
        else:
            self._start_if_complete()
        if self.started and participant.plan.beep_on_enter:
            self._announcer.beep(ENTER)
        return participant

    def _start_if_complete(self) -> None:
        joined = [one for one in self.participants.values() if one.joined]
        if len(joined) >= 2 and any(one.plan.start_on_enter for one in joined):
            self._enter(ConferenceStatus.IN_PROGRESS, start_time=clock.now())
            self.reports.post("conference-start")
            if self.settings.record:
                self.recorder = ConferenceRecorder.begin(self, joined[0].call)
        self._retune()

    def _retune(self) -> None:
        """Everybody hears what he should, after any change."""
        there = list(self.participants.values())
        if self.started:
            self._mix.take(edges(self.bus, there) | self._early())
        for one in there:
            self._backdrops.tune(one)
        self._speakers.watch(one for one in there if self.started and one.joined and one.node)

    def _early(self) -> frozenset[tuple[int, int]]:
        return frozenset((one.early, self.bus) for one in self.participants.values() if one.early and not one.joined)

    def early_media(self, participant: Participant, leg: "Leg") -> None:
        """The conference hears how it rings at a party that is being called."""
        participant.early = leg.node
        if self.started:
            self._retune()

    def remove(self, participant: Participant, reason: Reason, *, kicked: bool = False) -> None:
        """Takes a call out of the conference; no-op when it is not in it."""
        if self.participants.get(participant.call_sid) is not participant:
            return
        self._drop(participant, reason)
        if participant.joined and participant.end_on_exit:
            self.end(EndReason.MODERATOR_KICKED if kicked else EndReason.MODERATOR_LEFT, participant)
        elif not self.participants:
            self.end(EndReason.LAST_KICKED if kicked else EndReason.LAST_LEFT, participant)
        else:
            self._retune()
            if participant.joined and participant.beep_on_exit and self.started:
                self._announcer.beep(EXIT)

    def _drop(self, participant: Participant, reason: Reason) -> None:
        del self.participants[participant.call_sid]
        self._announcer.stop(participant.call_sid)
        self._backdrops.tune(participant)
        if participant.participation is not None:
            participant.participation.left()
        status = str(participant.call.status)
        why = {"ReasonParticipantLeft": str(reason), "Reason": SENTENCES[reason]}
        self.reports.post("participant-leave", participant, ParticipantCallStatus=status, **why)
        if participant.over is not None and not participant.over.done():
            participant.over.set_result(reason)
        if not participant.joined and not participant.call.status.final:
            participant.call.cancel(CallStatus.CANCELED)

    def end(self, reason: EndReason, by: Participant | None = None) -> None:
        """Ends it for all; no-op when it has ended."""
        if self._status is ConferenceStatus.COMPLETED:
            return
        left = Reason.ENDED_BY_REQUEST if reason is EndReason.BY_REQUEST else Reason.MODERATOR_ENDED
        self._enter(
            ConferenceStatus.COMPLETED,
            end_time=clock.now(),
            reason_conference_ended=str(reason),
            call_sid_ending_conference=by.call_sid if by is not None else None,
        )
        for participant in tuple(self.participants.values()):
            self._drop(participant, left)
        self._announcer.close()
        self._speakers.watch(())
        if self.recorder is not None:
            self.recorder.finish()
        self._mix.close()
        extra = {"ReasonConferenceEnded": str(reason), "Reason": SENTENCES[reason]}
        if by is not None:
            extra["CallSidEndingConference"] = by.call_sid
            if by.plan.label:
                extra["ParticipantLabelEndingConference"] = by.plan.label
        self.reports.post("conference-end", None, **extra)
        self._on_over(self)

    # live control

    def mute(self, participant: Participant, muted: bool) -> None:
        """Whether the others hear a participant."""
        if muted != participant.muted:
            participant.muted = muted
            self._changed(participant, "participant-mute" if muted else "participant-unmute")

    def hold(self, participant: Participant, hold: bool, sound: Heard) -> None:
        """Whether a participant neither hears nor is heard; what it hears then."""
        if hold:
            participant.hold_sound = sound
        if hold != participant.hold:
            participant.hold = hold
            self._changed(participant, "participant-hold" if hold else "participant-unhold")
        elif hold:
            self._retune()

    def coach(self, participant: Participant, call_sid: str) -> None:
        """Who alone hears a participant; "" for everybody.

        Raises:
            RoomError: 16028 that call is not in the conference, or is the participant itself.
        """
        if call_sid == participant.call_sid:
            raise RoomError("a participant cannot coach itself", code=COACHED_ABSENT)
        if call_sid:
            self._coached(call_sid)
        if call_sid != participant.coach:
            participant.coach = call_sid
            self._changed(participant, "participant-modify")

    def modify(
        self,
        participant: Participant,
        *,
        end_on_exit: bool | None = None,
        beep_on_exit: bool | None = None,
        wait: Heard | None = None,
    ) -> None:
        """Changes what happens when a participant leaves, or what it waits to; None leaves one as it is."""
        before = (participant.end_on_exit, participant.beep_on_exit, participant.wait)
        participant.end_on_exit = participant.end_on_exit if end_on_exit is None else end_on_exit
        participant.beep_on_exit = participant.beep_on_exit if beep_on_exit is None else beep_on_exit
        participant.wait = wait or participant.wait
        if before != (participant.end_on_exit, participant.beep_on_exit, participant.wait):
            self._changed(participant, "participant-modify")

    def _changed(self, participant: Participant, event: str) -> None:
        participant.updated = clock.now()
        if participant.participation is not None:
            participant.participation.changed(event, participant.coach)
        participant.call.note("conference changed", sid=self.sid, event=event)
        self.reports.post(event, participant)
        self._retune()

    def announce(self, hook: Hook, participant: Participant | None = None) -> None:
        """Plays something to all, or to one participant.

        Raises:
            RoomError: 16099 to all: it has not started, nobody would hear it.
        """
        if participant is None and not self.started:
            raise RoomError("the conference has not started: nobody would hear it", code=NOT_STARTED)
        self._announcer.announce(hook, participant)
