"""A call: the resource that the API shows, its state, and the control surface that instructions drive."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from callwright import clock, ids
from callwright.calls import dial, gather, parameters, quality, record, ringing
from callwright.calls.alerts import CallAlerts
from callwright.calls.application import Account, Application, Hook
from callwright.calls.aside import Aside
from callwright.calls.control import (
    Dialled,
    DialPlan,
    Gathered,
    GatherPlan,
    Prompt,
    Recorded,
    RecordPlan,
    StatusCallback,
)
from callwright.calls.exchange import Exchange
from callwright.calls.outbound import Attempt
from callwright.calls.prompts import Prompter
from callwright.calls.queue.queue import Member
from callwright.calls.recording import Recording
from callwright.calls.reporting import Reporting
from callwright.calls.room_control import CallRooms
from callwright.calls.status import TRANSITIONS, CallStatus, Direction, outcome_of, status_for_sip
from callwright.errors import LegGone
from callwright.log import CallLog
from callwright.media.machine import Verdict
from callwright.sip.identity import UNKNOWN, Identity
from callwright.sip.leg import Ending, Leg
from callwright.store import tables
from callwright.store.steps import Steps

logger = logging.getLogger(__name__)

T = TypeVar("T")

EVENT_OF = {
    CallStatus.INITIATED: "initiated",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "answered",
}
UNLOGGED = frozenset({"params", "body", "statistics"})  # in the event log only
WARNINGS = frozenset({"warning", "fallback", "failure"})  # steps that an operator looks for
APPLICATION_FAILED = 480
RING_S = 60.0
TERMINATED, UNAVAILABLE = 487, 503
REJECT_CODES = {"busy": (486, CallStatus.BUSY), "rejected": (603, CallStatus.NO_ANSWER)}


class Call(Aside):
    """One call of one account.

    Args:
        application: whose status callback and fallback hold for this call.
        caller_id: shown to the called party in place of `from_`; "" for none.
        extra: parameters that every request of this call carries besides the standard ones (SipCallId, ...).
        identity: what its trunk asserts of who calls.
    """

    def __init__(
        self,
        exchange: Exchange,
        account: Account,
        application: Application,
        *,
        direction: Direction,
        from_: str,
        to: str,
        caller_id: str = "",
        parent: "Call | None" = None,
        trunk: str = "",
        number_sid: str | None = None,
        extra: dict[str, str] | None = None,
        identity: Identity = UNKNOWN,
    ) -> None:
        self.exchange, self.account, self.application = exchange, account, application
        self.sid = ids.new(ids.CALL)
        self.direction = direction
        self.from_, self.to, self.caller_id = from_, to, caller_id
        self.parent, self.identity = parent, identity
        self.trunk = trunk
        self.via = ""  # where its INVITE went last
        self.leg: Leg | None = None
        self.log = CallLog(logger, self.sid, account.sid)
        self.prompter = Prompter(self)
        self.member: Member | None = None  # its place in the queue that it waits in
        self.recording: Recording | None = None  # of the whole call
        self.recordings: dict[str, Recording] = {}  # all that go on
        self.time_limit = exchange.call_seconds
        self.ring_s = RING_S  # how long it may ring
        self.verdict: CallStatus | None = None
        self.ended: asyncio.Future[CallStatus] = exchange.endpoint.loop.create_future()
        # done when a live redirect takes a dialled child out of its dial
        self.taken: asyncio.Future[None] = exchange.endpoint.loop.create_future()
        self._extra = extra or {}
        self._answerer: dict[str, str] = {}
        self._status = CallStatus.RINGING if direction.inward else CallStatus.QUEUED
        self._answered_at, self._seconds = 0.0, 0
        self._limit: asyncio.TimerHandle | None = None
        self._ending: Ending | None = None
        self._steps = Steps(exchange.store, self.sid)
        self.alerts = CallAlerts(exchange.alerts, account.sid, self.sid)
        self._row: dict[str, Any] = {}
        self._reporting = Reporting(self, Call._save)
        self._enlist(number_sid)

    def _enlist(self, number_sid: str | None) -> None:
        elastic = self.application.elastic or (self.parent.application.elastic if self.parent else None)
        self.exchange.live[self.sid] = self
        self.exchange.capacity.enter(self.account.sid, self.trunk)
        self._save(
            **{"from": self.from_},
            sid=self.sid,
            account_sid=self.account.sid,
            parent_call_sid=self.parent.sid if self.parent else None,
            date_created=clock.now(),
            to=self.to,
            phone_number_sid=number_sid,
            direction=str(self.direction),
            status=str(self._status),
            trunk=self.trunk or None,
            forwarded_from=self.identity.forwarded_from or None,
            caller_name=self.identity.name or None,
            verstat=self.identity.verstat or None,
            application_sid=self.application.sid,
            trunk_sid=elastic.sid if elastic else None,
            status_callback=self._reporting.stored(),
        )

    # the resource

    @property
    def account_sid(self) -> str:
        """AC... of the owner."""
        return self.account.sid

    @property
    def status(self) -> CallStatus:
        """CallStatus; only `_enter` changes it."""
        return self._status

    @property
    def duration(self) -> int:
        """Seconds from answer to end, or until now, rounded up; 0 when never answered."""
        talking = self._status is CallStatus.IN_PROGRESS and self._ending is None
        return self._talked() if talking else self._seconds

    @property
    def since_answer(self) -> float:
        """Seconds, also of a call that has ended meanwhile."""
        return self.exchange.endpoint.loop.time() - self._answered_at

    def _talked(self) -> int:
        return max(1, math.ceil(self.since_answer))

    @property
    def sip_code(self) -> int:
        """The final SIP code of the leg; 0 while it lives."""
        return self._ending.code if self._ending else 0

    def _save(self, **columns: Any) -> None:
        """Stages the whole row, so that one upsert holds it whatever came before."""
        self._row.update(columns, date_updated=clock.now())
        self.exchange.store.put(tables.calls, self._row)

    def _enter(self, status: CallStatus, **columns: Any) -> None:
        """The one place where the status changes: checks it, writes it, tells it."""
        if status not in TRANSITIONS[self._status]:
            self.log.debug("- %s after %s is not a transition", status, self._status)
            return
        self._status = status
        if status.final:
            self.exchange.outcomes[str(self.direction), str(status)] += 1
            self.exchange.capacity.leave(self.account.sid, self.trunk)
            self.exchange.live.pop(self.sid, None)
            self.ended.set_result(status)
        self._save(status=str(status), **columns)
        event = EVENT_OF.get(status, "completed")
        facts: dict[str, object] = {}
        if status.final:
            facts = {"code": self.sip_code, "by": self._ended_by, "seconds": self._seconds}
            if self.leg is not None and self.leg.fault:
                facts["fault"] = self.leg.fault
            if self._ending is not None:
                facts |= quality.facts(self._ending.statistics)
        elif status is CallStatus.INITIATED:
            whose = {
                "to": self.to,
                "trunk": self.trunk,
                "via": self.via,
                "parent": self.parent.sid if self.parent else "",
            }
            facts = {key: value for key, value in whose.items() if value}
        self.note(event, status=str(status), **facts)
        attested = {"StirStatus": self.stir_status} if self.stir_status else {}
        self._reporting.post(event, attested | (self._last_words() if status.final else {}))

    def _last_words(self) -> dict[str, str]:
        """What the last status callback adds."""
        words = parameters.ending(self._seconds, self.sip_code) | self._answerer
        recorded = self.recording.result if self.recording else None
        return words | parameters.recording(recorded) if recorded else words

    @property
    def _ended_by(self) -> str:
        return self._ending.by if self._ending else ""

    def note(self, kind: str, **data: object) -> None:
        """A step of the call's story: a row of its event log and one line, INFO unless something went wrong."""
        facts = " ".join(f"{key}={value}" for key, value in data.items() if key not in UNLOGGED)
        level = logging.WARNING if kind in WARNINGS else logging.INFO
        self.log.log(level, "%s %s", kind, facts)
        self._steps.add(clock.now(), kind, data)
        self.alerts.noted(kind, data)

    def parameters(self) -> dict[str, str]:
        """The standard request parameters (call-control reference §2.1)."""
        params = parameters.standard(
            sid=self.sid,
            account_sid=self.account.sid,
            from_=self.from_,
            to=self.to,
            status=str(self._status),
            direction=str(self.direction),
        )
        if self.application.sid:
            params["ApplicationSid"] = self.application.sid
        if self.parent:
            params["ParentCallSid"] = self.parent.sid
        return params | self._extra

    def answered_by(self, verdict: Verdict, *, told: bool) -> None:
        """Remembers who answered. `told`: every request from now on says so, else the last callback only."""
        self._answerer = parameters.answerer(verdict)
        if told:
            self._extra |= self._answerer
        self._save(answered_by=str(verdict.answered_by))
        self.note("answered by", who=str(verdict.answered_by), ms=verdict.duration)

    # its leg

    def adopt(self, leg: Leg) -> None:
        """Takes an inbound leg: its end is the call's end."""
        self.leg = leg
        self._save(sip_call_id=leg.call_id)
        leg.ended.add_done_callback(self._on_leg_ended)

    def child(self, to: str, *, caller_id: str, callback: StatusCallback | None) -> "Call":
        """A child call (Direction outbound-dial), not yet placed.

        Args:
            caller_id: its From; "" for this call's own.
            callback: where its progress is posted.
        """
        application = Application(
            status_callback=callback.hook if callback else None,
            status_events=callback.events if callback else frozenset(),
            fallback=self.application.fallback,
            sid=self.application.sid,
            last_resort=self.application.last_resort,
        )
        return Call(
            self.exchange,
            self.account,
            application,
            direction=Direction.OUTBOUND_DIAL,
            from_=caller_id or self.from_,
            to=to,
            parent=self,
        )

    def carried_by(self, trunk: str) -> None:
        """Remembers the trunk that carries an outbound call; it counts against that trunk from now on."""
        self.exchange.capacity.leave(self.account.sid, self.trunk)
        self.trunk = trunk
        self.exchange.capacity.enter(self.account.sid, trunk)
        self._save(trunk=trunk)

    def amend(self, *, fallback: Hook | None = None, status_callback: Hook | None = None) -> None:
        """Changes where its documents and its progress go; None leaves one as it is."""
        self.application = replace(
            self.application,
            fallback=fallback or self.application.fallback,
            status_callback=status_callback or self.application.status_callback,
        )
        self._save(status_callback=self._reporting.stored())

    def queued_for(self, milliseconds: int) -> None:
        """How long this call waited for its account's rate of starts."""
        self._save(queue_time=milliseconds)

    def hang_up(self, code: int = 0) -> None:
        """Ends the call, whatever its state.

        Args:
            code: the final response to an inbound call that rings; 0 for the engine's own choice.
        """
        if self.leg is not None:
            self.leg.hang_up(code)
        elif not self._status.final:
            code = code or (UNAVAILABLE if self.verdict is None else TERMINATED)
            self.finish(Ending(code, "hung up before it was placed", "local"))

    async def ring_out(self, attempts: Sequence[Attempt], on_progress: Callable[[Leg, bool], None]) -> bool:
        """Places an outbound call: see `ringing.ring_out`."""
        return await ringing.ring_out(self, attempts, on_progress)

    async def rung(self, leg: Leg, on_progress: Callable[[Leg, bool], None]) -> Ending | None:
        """One attempt, until it is answered (None; the call is in progress) or over."""

        def progress(code: int, early_media: bool) -> None:
            if code >= 180 and self._status is CallStatus.INITIATED:
                self._enter(CallStatus.RINGING)
            on_progress(leg, early_media)

        if self._status is CallStatus.QUEUED:
            self._enter(CallStatus.INITIATED)
        try:
            with leg.progressing(progress):
                await leg.answered()
            if self.verdict is not None:  # the answer and our CANCEL have crossed
                leg.hang_up()
                return replace(await asyncio.shield(leg.ended), code=TERMINATED)
        except LegGone:
            return leg.ended.result()
        except asyncio.CancelledError:
            # whoever rings is gone, and the leg must not be left
            leg.hang_up()
            leg.ended.add_done_callback(self._on_leg_ended)
            raise
        self._answered(leg)
        leg.ended.add_done_callback(self._on_leg_ended)
        return None

    def cancel(self, verdict: CallStatus) -> None:
        """Ends the call; `verdict` is its final status unless it has been answered."""
        self.verdict = verdict
        self.hang_up()

    def _answered(self, leg: Leg) -> None:
        loop = self.exchange.endpoint.loop
        self._answered_at = loop.time()
        self._limit = loop.call_later(self.time_limit, self._on_limit)
        self._enter(CallStatus.IN_PROGRESS, start_time=clock.now(), sip_call_id=leg.call_id)

    def limit_to(self, seconds: float) -> None:
        """Sets the longest that this call may last from its answer, in seconds."""
        self.time_limit = min(seconds, self.exchange.call_seconds)
        if self._limit is not None:
            self._limit.cancel()
            elapsed = self.exchange.endpoint.loop.time() - self._answered_at
            self._limit = self.exchange.endpoint.loop.call_later(max(0.0, self.time_limit - elapsed), self._on_limit)

    def _on_limit(self) -> None:
        self.note("limit", seconds=self.time_limit)
        if self.leg is not None:
            self.leg.hang_up()

    def _on_leg_ended(self, ended: "asyncio.Future[Ending]") -> None:
        self.finish(ended.result())

    def finish(self, ending: Ending) -> None:
        """Gives the call its final status from how its leg ended."""
        if self._ending is not None:
            return
        if self._limit is not None:
            self._limit.cancel()
        self._ending = ending
        if self._status is CallStatus.IN_PROGRESS:
            self._seconds = self._talked()
        status = self._verdict_of(ending)
        columns = {
            "end_time": clock.now(),
            "duration": self._seconds,
            "sip_code": ending.code,
            "sip_call_id": ending.call_id or None,
            "statistics": ending.statistics or None,
            "outcome": str(outcome_of(status, ending.code)),
        }
        if self.recording is None:
            self._enter(status, **columns)
        else:
            self.exchange.tasks.spawn(self._enter_recorded(self.recording, status, columns), f"end of {self.sid}")

    def _verdict_of(self, ending: Ending) -> CallStatus:
        if self._status is CallStatus.IN_PROGRESS:
            return CallStatus.COMPLETED
        if self.verdict is not None:
            return self.verdict
        if self.direction.inward and ending.by == "remote" and ending.code == TERMINATED:
            return CallStatus.CANCELED  # by its caller
        return status_for_sip(ending.code, rang=self.leg is not None and self.leg.rang)

    async def _enter_recorded(self, recording: Recording, status: CallStatus, columns: dict[str, Any]) -> None:
        """The final status of a call that is recorded whole: its last callback names the recording."""
        try:
            await recording.finish(voice_needed=False)
        finally:
            self._enter(status, **columns)

    def require_leg(self) -> Leg:
        """The leg.

        Raises:
            LegGone: there is none, or it has ended.
        """
        if self.leg is None or self.leg.gone:
            raise LegGone("the call has no live leg")
        return self.leg

    # the control surface

    @property
    def rooms(self) -> CallRooms:
        """Conferences and queues. Made for each use: kept, it would be a cycle that only the collector ends."""
        return CallRooms(self)

    async def during(self, work: "asyncio.Future[T]") -> T:
        """The result of something that makes no sense without the caller."""
        if self.leg is None:
            work.cancel()
            raise LegGone("the call has no leg")
        return await self.leg.during(work)

    async def answer(self) -> None:
        """200 to an inbound call that is still ringing."""
        self.accept()

    def accept(self, *, like: int = 0) -> None:
        """The same, at once; like: see `Leg.accept`."""
        leg = self.require_leg()
        if leg.answerable:
            leg.accept(like=like)
            self._answered(leg)

    async def play(self, prompts: Sequence[Prompt]) -> None:
        """Answers, then plays prompts one after the other."""
        await self.answer()
        await self.prompter.play(prompts)

    async def pause(self, seconds: float) -> None:
        """Waits without answering."""
        await self.require_leg().sleep(seconds)

    async def gather(self, plan: GatherPlan) -> Gathered:
        """Collects digits."""
        await self.answer()
        return await gather.gather(self, plan)

    async def record(self, plan: RecordPlan) -> Recorded | None:
        """Records the caller."""
        await self.answer()
        return await record.record(self, plan)

    async def dial(self, plan: DialPlan) -> Dialled:
        """Connects the caller with somebody."""
        return await dial.dial(self, plan)

    async def reject(self, reason: str) -> None:
        """Refuses a ringing call, hangs up an answered one; returns when the leg has ended."""
        await self.refuse(*REJECT_CODES[reason])

    async def fail(self) -> None:
        """Refuses a ringing call because its application failed; hangs up an answered one."""
        await self.refuse(APPLICATION_FAILED, CallStatus.FAILED)

    async def refuse(self, code: int, verdict: CallStatus) -> None:
        """Refuses a ringing call with a SIP code, hangs up an answered one; returns when the leg has ended."""
        if self.leg is None or self.leg.gone:
            return
        self.verdict = verdict
        self.leg.hang_up(code)
        await asyncio.shield(self.leg.ended)

    async def hangup(self) -> None:
        """Ends the call, answering a ringing inbound one first; returns when the leg has ended."""
        if self.leg is None or self.leg.gone:
            return
        await self.answer()
        self.leg.hang_up()
        await asyncio.shield(self.leg.ended)

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        """Starts to load sounds."""
        self.prompter.prefetch(prompts)
