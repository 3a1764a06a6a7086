"""The switchboard: takes inbound calls, places outbound ones, and reaches the live ones.

It owns every call's task: a call is one task from its first INVITE to its last document.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from callwright.calls import background, call_token, machine, outbound, parameters
from callwright.calls.application import Application, Hook
from callwright.calls.call import Call
from callwright.calls.control import DialRecording, Target
from callwright.calls.decision import Admission, Refusal
from callwright.calls.elastic_session import ElasticSession
from callwright.calls.exchange import Exchange
from callwright.calls.fences import known
from callwright.calls.order import CallOrder
from callwright.calls.pickup import NO_SUCH_DIALOG, picked_up, refusal
from callwright.calls.prompts import send_keys
from callwright.calls.recording import Recording
from callwright.calls.router import Router
from callwright.calls.status import CallStatus, Direction
from callwright.errors import LegGone, MediaError, RestError, StoreError
from callwright.sip.leg import Invite, Leg

logger = logging.getLogger(__name__)

RING_AFTER_S = 0.3
HANGUP_S = 5.0
UNAVAILABLE = 503
WRONG_STATE = 21220
NOT_ACTIVE = 10001
TOO_MANY_CALLS = 10004
CURRENT = "Twilio.CURRENT"


class Session(Protocol):
    """One call's run through its application's documents."""

    async def run(self) -> None:
        """From the first document to the end of the call."""
        ...

    def amend(self, application: Application) -> None:
        """The call's settings have changed."""
        ...

    def redirect(self, source: "Hook | str") -> bool:
        """Aborts the running instruction and runs the document of a hook, or this document; False when it ends."""
        ...


class Switchboard:
    """All calls of one daemon.

    Args:
        open_session: makes the session that runs a call.
    """

    def __init__(self, exchange: Exchange, router: Router, open_session: Callable[[Call], Session]) -> None:
        self.exchange = exchange
        self.router = router
        self.draining = False
        self._open_session = open_session
        self._sessions: dict[str, Session] = {}

    @property
    def live(self) -> int:
        """Calls that have no final status yet."""
        return len(self.exchange.live)

    # inbound

    def on_invite(self, leg: Leg) -> None:
        """A new inbound leg: refused, or run as a call."""
        invite = leg.invite
        assert invite is not None
        if picked_up(self.exchange, leg):
            return
        decision = self.router.inbound(invite)
        if isinstance(decision, Refusal):
            logger.warning("INVITE from %s:%d refused: %s", invite.source_host, invite.source_port, decision.why)
            leg.hang_up(decision.code, headers=decision.headers)
            return
        capacity, trunk, user = self.exchange.capacity, decision.trunk, decision.user
        if trunk is not None:
            leg.keypad.method, leg.codecs = trunk.dtmf, trunk.codecs
        full = capacity.account_full(decision.account) or not (trunk is None or capacity.trunk_free(trunk))
        if self.draining or full:
            whose = f"trunk {trunk.name}" if trunk else f"user {user.aor if user else ''}"
            logger.warning("INVITE of %s refused: draining or full", whose)
            leg.hang_up(UNAVAILABLE, headers=[("Retry-After", "5")])
            return
        if invite.replaced and (code := refusal(self.exchange, invite, decision.account.sid)):
            leg.hang_up(code)
            return
        bridge = self.exchange.bridges.get(invite.replaced)
        if user is not None:
            leg.codecs = user.codecs
        leg.encrypted = decision.secure
        call = self._taken(leg, invite, decision)
        if bridge is None:
            ringing = asyncio.get_running_loop().call_later(RING_AFTER_S, leg.ring)
            leg.ended.add_done_callback(lambda _: ringing.cancel())
            self._begin(call, invite)
        elif bridge.replace(invite.replaced, call):
            call.accept()
        else:
            call.hang_up(NO_SUCH_DIALOG)

    def _taken(self, leg: Leg, invite: Invite, decision: Admission) -> Call:
        """The call of an INVITE that is not refused."""
        trunk, user, elastic = decision.trunk, decision.user, decision.application.elastic
        call = Call(
            self.exchange,
            decision.account,
            decision.application,
            direction=elastic.direction if elastic else Direction.INBOUND,
            from_=decision.from_,
            to=decision.to,
            caller_id=user.caller_id if user else "",
            trunk=trunk.name if trunk else "",
            number_sid=decision.number_sid,
            extra={**parameters.sip(invite, private=decision.identity.private), **decision.extra},
            identity=decision.identity,
        )
        if user is not None:
            self.exchange.dialogs.called(user.aor, leg.node, invite)
        call.adopt(leg)
        call.offer_token()
        source = f"{invite.source_host}:{invite.source_port}"
        by = {"user": user.aor} if user else {"trunk": call.trunk or (elastic.sid if elastic else "")}
        call.note("invite", **{"from": call.from_}, to=call.to, **by, source=source)
        return call

    def _begin(self, call: Call, invite: Invite) -> None:
        if self.exchange.attestation.checks(call.trunk):
            self.exchange.tasks.spawn(self._verify(call, invite), call.sid)
        else:
            self._start(call)

    async def _verify(self, call: Call, invite: Invite) -> None:
        """Runs a call once it is known what is to be believed of its caller. A redirect that comes sooner changes what
        is run then."""
        try:
            verdict = await call.during(asyncio.ensure_future(self.exchange.attestation.verdict(invite)))
        except LegGone:
            return
        call.verified(verdict)
        await self.serve(call)

    async def serve(self, call: Call) -> None:
        """Runs a call's application to the end of the call."""
        await self._run(call, self._enlist(call))

    def _start(self, call: Call) -> None:
        """Lets a call's application run it. From here on a redirect reaches the session."""
        self.exchange.tasks.spawn(self._run(call, self._enlist(call)), call.sid)

    def _enlist(self, call: Call) -> Session:
        elastic, open_session = call.application.elastic is not None, self._open_session
        session: Session = ElasticSession(call, open_session) if elastic else open_session(call)
        self._sessions[call.sid] = session
        return session

    async def _run(self, call: Call, session: Session) -> None:
        """Runs a call's application, and makes sure that the leg ends with it."""
        try:
            await session.run()
        except LegGone:
            call.log.debug("- the caller left while an instruction ran")
        finally:
            del self._sessions[call.sid]
            call.prompter.close()
            call.hang_up()
        await call.ended

    # outbound

    async def place(self, order: CallOrder) -> str:
        """Accepts a call to place; its row is durable when this returns.

        Returns:
            The CallSid.

        Raises:
            RestError: 10001 when the account is not active, 10004 when it has no room for the call, 20503 when the
                daemon is about to stop; 21215, 21216, 21210 or 20429 when a fence holds the call back.
        """
        account = order.account
        if self.draining:
            raise RestError("The server is about to stop", code=StoreError.code, status=UNAVAILABLE)
        if not account.active:
            raise RestError(f"Account is {account.status}", code=NOT_ACTIVE, status=403)
        if self.exchange.capacity.account_full(account):
            raise RestError("Account has as many live calls as it may", code=TOO_MANY_CALLS, status=429)
        self._fence(order)
        call = Call(
            self.exchange,
            account,
            order.application,
            direction=Direction.OUTBOUND_API,
            from_=order.from_,
            to=order.to,
            caller_id=order.caller_id,
        )
        call.reason, call.forwards = order.reason, order.forwards
        call.note("placed", **{"from": call.from_}, to=call.to)
        order.on_call(call)
        try:
            await self.exchange.store.flushed()
        except StoreError as error:
            call.log.warning("placed although its row is not written yet: %s", error.message)
        finally:
            # whoever asked may have gone away: the call has been accepted
            self.exchange.tasks.spawn(self._place(call, order), call.sid)
        return call.sid

    def forwarded(self, account_sid: str, token: str) -> Call | None:
        """The live inbound call of an account that a CallToken is of; None when it is of none."""
        return call_token.named(token, account_sid, self.exchange.live)

    def _fence(self, order: CallOrder) -> None:
        """Refuses at once what would be held back when its turn comes."""
        fences, target = self.exchange.fences, _target(order)
        others = known(order.forwards) if order.forwards is not None else set()
        denial = fences.denial(order.account, target, order.caller_id or order.from_, others)
        if denial is not None:
            fences.refuse(order.account, denial, self.exchange.alerts)
            raise RestError(denial.message, code=denial.reason.rest_code, status=denial.reason.status)

    async def _place(self, call: Call, order: CallOrder) -> None:
        try:
            if await self._answered(call, order):
                await self._serve(call, order)
        except LegGone:
            await call.ended
        finally:
            call.hang_up()

    async def _answered(self, call: Call, order: CallOrder) -> bool:
        """Waits for the account's turn and rings the called party. Returns whether it answered."""
        if order.delay:
            await asyncio.sleep(order.delay)
        call.queued_for(await self.exchange.capacity.turn(call.account))
        timer = asyncio.get_running_loop().call_later(order.timeout, call.cancel, CallStatus.NO_ANSWER)
        call.ring_s = order.timeout
        try:
            return await call.ring_out(outbound.attempts(call, _target(order)), order.on_progress)
        finally:
            timer.cancel()

    async def _serve(self, call: Call, order: CallOrder) -> None:
        """An answered call: recorded when that was asked for, then the verdict or the keys, then its application."""
        if order.time_limit:
            call.limit_to(order.time_limit)
        if order.record:
            self._record(call, order.record)
        await machine.attend(call, order.machine)
        if order.send_digits:
            await send_keys(call, order.send_digits)
        await self._run(call, self._enlist(call))

    def _record(self, call: Call, plan: DialRecording) -> None:
        """Records a whole call, from its answer."""
        leg = call.require_leg()
        try:
            recording = Recording(
                call,
                source="OutboundAPI",
                channels=2 if plan.dual else 1,
                track=plan.track,
                trim=plan.trim,
                callback=plan.callback,
            )
        except MediaError as error:
            call.note("warning", code=error.code, message=error.message)
            return
        recording.attend(leg)
        call.recording = recording

    # live control

    def call(self, sid: str) -> Call:
        """The live call with this SID.

        Raises:
            RestError: 21220 when it has ended.
        """
        call = self.exchange.live.get(sid)
        if call is None:
            raise RestError("Call is not in-progress. Cannot redirect.", code=WRONG_STATE)
        return call

    async def redirect(self, sid: str, *, hook: Hook | None, twiml: str | None) -> None:
        """Runs another document on a live call, in place of whatever it does now.

        Raises:
            RestError: 21220 when it is not live, or rings as part of a dial.
        """
        call = self.call(sid)
        source = hook if hook is not None else twiml or ""
        if (session := self._sessions.get(sid)) is not None:
            if not session.redirect(source):
                raise RestError("Call is ending. Cannot redirect.", code=WRONG_STATE)
            return
        if call.direction is Direction.OUTBOUND_DIAL and call.status is not CallStatus.IN_PROGRESS:
            raise RestError("Call is not in-progress. Cannot redirect.", code=WRONG_STATE)
        if call.direction.inward or call.taken.done():
            raise RestError("Call has been joined with another one. Cannot redirect.", code=WRONG_STATE)
        call.application = _with_source(call.application, source)
        if call.direction is Direction.OUTBOUND_DIAL:
            call.taken.set_result(None)
            self._start(call)

    async def end(self, sid: str, *, canceled: bool) -> None:
        """Ends a live call.

        Args:
            canceled: only if it has not been answered.

        Raises:
            RestError: 21220 in a wrong state.
        """
        call = self.call(sid)
        if canceled and call.status is CallStatus.IN_PROGRESS:
            raise RestError("Call is in-progress and cannot be canceled", code=WRONG_STATE)
        call.note("ended by request", canceled=canceled)
        call.cancel(CallStatus.CANCELED)

    async def amend(
        self,
        sid: str,
        *,
        fallback: Hook | None = None,
        status_callback: Hook | None = None,
        time_limit: float | None = None,
    ) -> None:
        """Changes a live call's settings; None leaves one as it is.

        Raises:
            RestError: 21220 when it is not live.
        """
        call = self.call(sid)
        call.amend(fallback=fallback, status_callback=status_callback)
        if (session := self._sessions.get(sid)) is not None:
            session.amend(call.application)
        if time_limit is not None:
            call.limit_to(time_limit)

    async def record(self, sid: str, plan: DialRecording) -> str:
        """Begins to record a live call; the recording's row is durable when this returns.

        Returns:
            The RecordingSid.

        Raises:
            RestError: 21220 when the call is not in progress, 16108 when it is being recorded so already.
        """
        call = self.call(sid)
        if call.status is not CallStatus.IN_PROGRESS:
            raise RestError("Call is not in-progress. Cannot record.", code=WRONG_STATE)
        try:
            recording = background.begin(call, plan, background.BY_REST)
        except LegGone:
            raise RestError("Call has ended. Cannot record.", code=WRONG_STATE) from None
        except MediaError as error:
            raise RestError(f"Recording cannot begin: {error.message}", code=error.code) from None
        await self.exchange.store.flushed()
        return recording.sid

    def recording(self, sid: str, recording_sid: str) -> str:
        """The SID of a recording of a live call that goes on; `Twilio.CURRENT` is the last that began.

        Raises:
            RestError: 21220 when there is none.
        """
        return self._recording(sid, recording_sid).sid

    def _recording(self, sid: str, recording_sid: str) -> Recording:
        call = self.call(sid)
        found = background.current(call) if recording_sid == CURRENT else call.recordings.get(recording_sid)
        if found is None:
            raise RestError("Recording is not in progress", code=WRONG_STATE)
        return found

    async def steer(self, sid: str, recording_sid: str, status: str, *, silence: bool) -> None:
        """Pauses, continues or stops a recording of a live call; its row is durable when this returns.

        Args:
            status: paused, in-progress or stopped.
            silence: paused time is recorded as silence, else left out.

        Raises:
            RestError: 21220 when it does not go on.
        """
        recording = self._recording(sid, recording_sid)
        if status == "stopped":
            recording.stop()
        else:
            recording.pause(status == "paused", silence=silence)
        await self.exchange.store.flushed()

    # the end

    async def drain(self, seconds: float) -> None:
        """Takes no new call, waits for the live ones, hangs up those that are left after `seconds`."""
        self.draining = True
        tasks = self.exchange.tasks
        if len(tasks):
            logger.info("draining: %d calls live, %.0f s at most", self.live, seconds)
            await tasks.settle(seconds)
        for call in tuple(self.exchange.live.values()):
            call.note("ended by shutdown")
            if call.direction.inward:
                call.hang_up(UNAVAILABLE)  # who still rings may try another way
            else:
                call.cancel(CallStatus.CANCELED)
        await tasks.settle(HANGUP_S)
        await tasks.cancel()


def _target(order: CallOrder) -> Target:
    return outbound.target_of(
        order.to,
        username=order.sip_username,
        password=order.sip_password,
        headers=tuple(order.headers),
        through=order.through,
    )


def _with_source(application: Application, source: "Hook | str") -> Application:
    if isinstance(source, Hook):
        return replace(application, voice=source, twiml=None)
    return replace(application, voice=None, twiml=source)
