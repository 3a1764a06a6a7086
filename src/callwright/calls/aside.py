"""What a call does beside its documents and legs: it is recorded, hears itself, borrows a leg, sends values back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from callwright.calls import background, call_token, messages, transfer
from callwright.calls.control import DialRecording, MessagePlan, ReferPlan, Referred, Sent
from callwright.calls.status import CallStatus
from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.calls.attestation import Verdict
    from callwright.calls.call import Call


class Aside:
    """A part of every `Call`.

    Attributes:
        returned: what the call that dialled this one's application is told when it ends.
        forwards: the inbound call whose caller it shows, by that call's CallToken; None for none.
        reason: what the called party is told that it is about; "" for nothing.
        stir_status: how a call out has been attested: A, B or C; "" for not.
        stir_verdict: what was believed of the attestation of a call in; None when it was not asked for.
    """

    returned: Sequence[tuple[str, str]] = ()
    forwards: "Call | None" = None
    reason: str = ""
    stir_status: str = ""
    stir_verdict: "Verdict | None" = None

    @property
    def _call(self) -> "Call":
        return cast("Call", self)

    def give_back(self, parameters: Sequence[tuple[str, str]]) -> None:
        """What the call that dialled this application is told."""
        self.returned = parameters

    def verified(self, verdict: "Verdict") -> None:
        """Remembers what is to be believed of its caller: every request from now on says so, and the call's story."""
        self.stir_verdict = verdict
        self._call._extra |= verdict.parameters()
        self.offer_token()
        self._call.note("stir", verstat=verdict.verstat, **({"why": verdict.why} if verdict.why else {}))

    def offer_token(self) -> None:
        """Every request from now on has the call's CallToken, if it may have one."""
        if call_token.offered(self._call):
            self._call._extra["CallToken"] = call_token.made(self._call)

    async def start_recording(self, plan: DialRecording) -> None:
        """Answers, then records beside the verbs that follow, until `stop_recording` or the end of the call."""
        await self._call.answer()
        background.begin(self._call, plan, background.BY_DOCUMENT)

    def stop_recording(self) -> bool:
        """Ends what `start_recording` has begun; False when nothing goes on."""
        recording = background.current(self._call, background.BY_DOCUMENT, background.BY_REST)
        if recording is not None:
            recording.stop()
        return recording is not None

    async def echo(self) -> None:
        """Answers, and lets the caller hear itself until it hangs up."""
        await self._call.answer()
        leg, endpoint = self._call.require_leg(), self._call.exchange.endpoint
        endpoint.echo(leg)
        try:
            await leg.waiter()
        finally:
            endpoint.echo(leg, False)

    async def refer(self, plan: ReferPlan) -> Referred:
        """Answers, and asks the caller's phone to call somebody else: see `transfer.refer`."""
        return await transfer.refer(self._call, plan)

    async def message(self, plan: MessagePlan) -> Sent:
        """Sends a text message by the configured gateway."""
        return messages.send(self._call, plan)

    def borrow(self, leg: Leg) -> None:
        """Takes another call's leg, which rings for this one until it is answered; its end is this call's end."""
        call = self._call
        call.leg = leg
        call._enter(CallStatus.INITIATED)
        call._enter(CallStatus.RINGING)
        leg.ended.add_done_callback(call._on_leg_ended)
