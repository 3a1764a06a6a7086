"""`PhoneCall`: one call of a `Phone`, from either side, with its dialog, its media and its end."""

import asyncio
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from .dialog import Dialog, HeaderLines, response_to
from .incall import answer_in_dialog
from .message import Headers, Message, Request, Response
from .negotiation import Negotiation
from .rtp import RtpPeer
from .sdp import Sdp
from .trace import Peer
from .transaction import ClientTransaction, Repeat, ServerTransaction, cancel_of
from .waiting import within

if TYPE_CHECKING:
    from .sip import Phone


class How(StrEnum):
    """In which way a call ended."""

    BYE_RECEIVED = "bye received"
    BYE_SENT = "bye sent"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FAILED = "failed"


class Ending(NamedTuple):
    """How a call ended, and the message that ended it (None when it was a timeout)."""

    how: How
    message: Message | None

    @property
    def headers(self) -> Headers:
        """Headers of that message."""
        return self.message.headers if self.message else Headers()

    @property
    def reason(self) -> str:
        """Its Reason header (RFC 3326)."""
        return self.headers.get("Reason")


class Refused(AssertionError):
    """A call that was to be answered got another final response."""

    def __init__(self, response: Response, ladder: str) -> None:
        super().__init__(f"{response.title}\n{ladder}")
        self.response = response


class PhoneCall:
    """Made by `Phone.invite` and `Phone.incoming`, never directly.

    Attributes:
        invite: the INVITE that began it.
        provisional: responses 1xx received (caller) or sent (called).
        final: the final response of the INVITE, received or sent.
        media: the RTP peer, also when the call carries none yet.
        ended: future of how the call ended.
        reinvites: re-INVITEs and UPDATEs that the peer has sent.
        info_digits: DTMF received by INFO.
        reinvite_status: how a re-INVITE of the peer is answered; 200 negotiates.
        refer_status: how a REFER of the peer is answered, with refer_headers.
    """

    def __init__(self, phone: "Phone", dialog: Dialog, invite: Request, *, caller: bool, media: RtpPeer) -> None:
        self.phone, self.dialog, self.invite, self.caller, self.media = phone, dialog, invite, caller, media
        self.behaviour = replace(phone.behaviour, never_answers=set(phone.behaviour.never_answers))
        self.negotiation = Negotiation(media)
        self.provisional: list[Response] = []
        self.final: Response | None = None
        self.reinvites: list[Request] = []
        self.info_digits = ""
        self.reinvite_status = 200
        self.refer_status = 202
        self.refer_headers: HeaderLines = ()
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._acks: dict[tuple[int, str], Request] = {}
        self._invites: dict[int, ServerTransaction] = {}
        self._own_invite: ClientTransaction | None = None
        self._reliable: dict[int, Repeat] = {}
        self._last_rseq = 0
        self._cancelled = False
        self._authenticated = 0

    # what it is

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self.dialog.call_id

    @property
    def to_user(self) -> str:
        """The user part of the INVITE's To: the number that was called."""
        return self.invite.to.user

    @property
    def from_user(self) -> str:
        """The user part of the INVITE's From: the caller ID."""
        return self.invite.from_.user

    @property
    def remote_sdp(self) -> Sdp | None:
        """The peer's last session description."""
        return self.negotiation.remote

    @property
    def local_sdp(self) -> Sdp | None:
        """The phone's last session description."""
        return self.negotiation.local

    @property
    def established(self) -> bool:
        """Between the 2xx and the end."""
        return self.final is not None and self.final.status < 300 and not self.ended.done()

    def ladder(self) -> str:
        """The call's messages as text."""
        return self.phone.trace.ladder(self.call_id)

    async def expect(self, what: int | str, timeout: float = 5.0, *, method: str = "") -> Message:
        """The next received message of this call with a status or method; see `Trace.expect`."""
        return await self.phone.trace.expect(what, timeout, call_id=self.call_id, method=method)

    async def until_ended(self, timeout: float = 5.0) -> Ending:
        """How the call ended, within a bounded time."""
        return await within(self.ended, timeout, lambda: f"the call ends\n{self.ladder()}")

    # the caller's side

    def start(self, credentials: HeaderLines = ()) -> None:
        """Sends the INVITE, again with credentials after a challenge."""
        request = replace(self.invite, headers=self.invite.headers.copy())
        if self._authenticated:
            self.dialog.cseq += 1
            request.headers.set("CSeq", f"{self.dialog.cseq} INVITE")
        for name, value in credentials:
            request.headers.set(name, value)
        self.invite = request
        self._own_invite = self.phone.transact(request, self._first_hop, self.behaviour)
        self._own_invite.on_response = self._on_response
        self._own_invite.final.add_done_callback(self._on_final)

    @property
    def _first_hop(self) -> Peer:
        """Where the INVITE goes that begins the call, and its CANCEL."""
        return self.phone.hop(self.phone.proxy or self.dialog.hop)

    def _transact(self, request: Request) -> ClientTransaction:
        return self.phone.transact(request, self.phone.hop(self.dialog.hop), self.behaviour)

    def _on_response(self, response: Response) -> None:
        if response.status == 100:
            return
        if response.status < 200:
            self._on_provisional(response)
        elif response.status < 300:
            self._on_success(response)

    def _on_provisional(self, response: Response) -> None:
        rseq = int(response.headers.get("RSeq", "0"))
        if rseq and rseq <= self._last_rseq:
            return  # repeated; the PRACK is on its way
        self.provisional.append(response)
        self.dialog.learn(response)
        if response.body and self.negotiation.offered:
            self.negotiation.answered(Sdp.parse(response.body))
        if rseq and self.behaviour.reliable_provisionals:
            self._last_rseq = rseq
            rack = ("RAck", f"{rseq} {response.headers['CSeq']}")
            self._transact(self.dialog.request("PRACK", headers=[rack]))
        self.phone.trace.changes.notify()

    def _on_success(self, response: Response) -> None:
        key = (response.cseq, response.to.tag)
        if key not in self._acks:
            if self._acks and response.cseq == self.invite.cseq and response.to.tag != self.dialog.remote.tag:
                self.phone.faults.append(f"a second dialog answered: {response.headers['To']}")
            if self.final is None:
                self.dialog.learn(response)
            self.dialog.refresh(response)
            body = self.negotiation.on_success(response.body)
            self._acks[key] = self.phone.with_via(self.dialog.request("ACK", cseq=response.cseq, body=body))
        if self.behaviour.acks:
            self.phone.send(self._acks[key], self.phone.hop(self.dialog.hop))

    def _on_final(self, future: asyncio.Future[Response]) -> None:
        if future.cancelled():
            return
        if future.exception() is not None:
            self._end(Ending(How.FAILED, None))
            return
        response = future.result()
        if response.status in (401, 407) and self._authenticated < 2:
            self._authenticated += 1
            if credentials := self.phone.credentials_for(response, self.invite):
                self.start(credentials)
                return
        self.final = response
        if response.status >= 300:
            self._end(Ending(How.CANCELLED if self._cancelled else How.REFUSED, response))
        self.phone.trace.changes.notify()

    async def final_response(self, timeout: float = 10.0) -> Response:
        """The INVITE's final response, whichever it is.

        Raises:
            NotInTime: none came.
            AssertionError: the call has failed without one.
        """

        def probe() -> Response | None:
            assert self.final is not None or not self.ended.done(), f"the call failed\n{self.ladder()}"
            return self.final

        return await self.phone.trace.changes.until(
            probe, timeout, lambda: f"a final response to INVITE\n{self.ladder()}"
        )

    async def answered(self, timeout: float = 10.0) -> Response:
        """The 2xx.

        Raises:
            Refused: another final response came.
        """
        response = await self.final_response(timeout)
        if response.status >= 300:
            raise Refused(response, self.ladder())
        return response

    async def refused(self, timeout: float = 10.0) -> Response:
        """The final response of 300 or more.

        Raises:
            AssertionError: the call was answered.
        """
        response = await self.final_response(timeout)
        assert response.status >= 300, f"answered, but a refusal is expected\n{self.ladder()}"
        return response

    async def ringing(self, timeout: float = 5.0) -> Response:
        """The first 18x."""
        return await self.phone.trace.changes.until(
            lambda: self.provisional[0] if self.provisional else None, timeout, lambda: f"ringing\n{self.ladder()}"
        )

    async def cancel(self, headers: HeaderLines = (), timeout: float = 5.0) -> Response:
        """Cancels the call, after the first provisional response as RFC 3261 §9.1 wants; returns the INVITE's final."""
        pending = self._own_invite
        assert pending is not None, "only the caller can cancel"
        await self.phone.trace.changes.until(
            lambda: bool(pending.provisional or pending.final.done()), timeout, lambda: f"a response\n{self.ladder()}"
        )
        self._cancelled = True
        request = cancel_of(pending.request)
        for name, value in headers:
            request.headers.add(name, value)
        cancelled = self.phone.transact(request, self._first_hop, self.behaviour, via=False)
        await within(cancelled.final, timeout, lambda: f"the answer to CANCEL\n{self.ladder()}")
        return await self.final_response(timeout)

    # the called side

    def begin(self, transaction: ServerTransaction) -> None:
        """Takes an INVITE of the peer: the first one, or a re-INVITE."""
        self._invites[transaction.request.cseq] = transaction
        transaction.acknowledged.add_done_callback(self._on_acknowledged)

    @property
    def _transaction(self) -> ServerTransaction:
        return self._invites[self.invite.cseq]

    def fork(self) -> "PhoneCall":
        """The same INVITE at another phone, to which a proxy has forked it: a dialog of its own."""
        other = PhoneCall(
            self.phone, Dialog.called(self.invite), self.invite, caller=False, media=RtpPeer(self.phone.media_address)
        )
        other.begin(self._transaction.branch())
        if self.invite.body:
            other.negotiation.received(self.invite.body)
        self.phone.calls.append(other)
        return other

    async def ring(self, status: int = 180, headers: HeaderLines = (), *, reliable: bool = False) -> Response:
        """Sends a provisional response without a session description."""
        return self._provisional(status, headers, b"", reliable)

    async def progress(
        self, status: int = 183, headers: HeaderLines = (), *, sdp: Sdp | None = None, reliable: bool = False
    ) -> Response:
        """Sends a provisional response with a session description, and so begins early media."""
        return self._provisional(status, headers, self.negotiation.answer(sdp), reliable)

    def _provisional(self, status: int, headers: HeaderLines, body: bytes, reliable: bool) -> Response:
        lines = [("Contact", self.phone.contact), *headers]
        rseq = self._last_rseq + 1
        if reliable:
            self._last_rseq = rseq
            lines += [("Require", "100rel"), ("RSeq", str(rseq))]
        tag = self.dialog.local.tag
        response = response_to(self.invite, status, headers=lines, body=body, tag=tag)
        self.provisional.append(response)
        if reliable:
            self._reliable[rseq] = Repeat(
                lambda: self._transaction.respond(response), self.phone.timers,
                again=True, cap=self.phone.timers.t2, expired=lambda: self.phone.faults.append("no PRACK came"),
            )  # fmt: skip
        else:
            self._transaction.respond(response)
        return response

    def acknowledged_provisional(self, prack: Request) -> bool:
        """Stops repeating the response that a PRACK names; False when there is none."""
        rseq = int(prack.headers.get("RAck", "0").split()[0])
        repeat = self._reliable.pop(rseq, None)
        if repeat is not None:
            repeat.stop()
        return repeat is not None

    async def answer(
        self,
        headers: HeaderLines = (),
        *,
        status: int = 200,
        sdp: Sdp | bool = True,
        ack: bool = True,
        timeout: float = 5.0,
    ) -> Response:
        """Answers with a session description and waits for the ACK.

        Args:
            headers: further headers of the 2xx.
            status: 2xx.
            sdp: True makes one, False sends none, or the description to send.
            ack: whether to wait for the ACK.
            timeout: seconds for the ACK.
        """
        body = self.negotiation.answer(None if isinstance(sdp, bool) else sdp) if sdp else b""
        lines = [("Contact", self.phone.contact), ("Allow", self.phone.allow), *headers]
        response = response_to(self.invite, status, headers=lines, body=body, tag=self.dialog.local.tag)
        self.final = response
        transaction = self._transaction
        transaction.respond(response)
        if ack:
            await within(transaction.acknowledged, timeout, lambda: f"the ACK\n{self.ladder()}")
        return response

    async def refuse(
        self, status: int = 486, headers: HeaderLines = (), reason: str = "", *, timeout: float = 5.0
    ) -> Response:
        """Refuses with 300 or more and waits for the ACK."""
        tag = self.dialog.local.tag
        response = response_to(self.invite, status, reason=reason, headers=headers, tag=tag)
        self.final = response
        self._transaction.respond(response)
        self._end(Ending(How.REFUSED, response))
        await within(self._transaction.acknowledged, timeout, lambda: f"the ACK\n{self.ladder()}")
        return response

    def cancelled(self, cancel: Request) -> None:
        """The caller cancelled: 487 and the end, unless a final response has gone out (RFC 3261 §9.2)."""
        if self.final is None:
            self.final = response_to(self.invite, 487, tag=self.dialog.local.tag)
            self._transaction.respond(self.final)
            self._end(Ending(How.CANCELLED, cancel))

    def on_ack(self, ack: Request) -> None:
        """An ACK of this dialog."""
        if ack.cseq in self._invites:
            self._invites[ack.cseq].acknowledge(ack)

    def _on_acknowledged(self, future: asyncio.Future[Request]) -> None:
        if not future.cancelled() and future.exception() is None and future.result().body:
            self.negotiation.answered(Sdp.parse(future.result().body))

    # both sides

    async def request(
        self, method: str, *, headers: HeaderLines = (), body: bytes = b"", timeout: float = 5.0
    ) -> Response:
        """A request inside the dialog and its final response; one challenge is answered when there are credentials."""
        request = self.dialog.request(method, headers=[("Contact", self.phone.contact), *headers], body=body)
        response = await self._final_of(request, timeout)
        if response.status in (401, 407) and (credentials := self.phone.credentials_for(response, request)):
            again = self.dialog.request(method, headers=[("Contact", self.phone.contact), *headers], body=body)
            for name, value in credentials:
                again.headers.add(name, value)
            response = await self._final_of(again, timeout)
        return response

    async def _final_of(self, request: Request, timeout: float) -> Response:
        transaction = self._transact(request)
        if request.method == "INVITE":
            self._own_invite = transaction
            transaction.on_response = self._on_response
        return await within(
            transaction.final, timeout, lambda: f"the answer to {request.method}\n{self.ladder()}"
        )  # fmt: skip

    @property
    def inviting(self) -> bool:
        """True while an INVITE of either side is unanswered (RFC 3261 §14.2)."""
        own = self._own_invite is not None and not self._own_invite.final.done()
        return own or any(not transaction.answered for transaction in self._invites.values())

    async def hangup(self, headers: HeaderLines = (), timeout: float = 5.0) -> Response:
        """Sends BYE and waits for its answer."""
        self.media.pause()
        request = self.dialog.request("BYE", headers=headers)
        response = await self._final_of(request, timeout)
        if response.status in (401, 407) and (credentials := self.phone.credentials_for(response, request)):
            response = await self._final_of(self.dialog.request("BYE", headers=[*headers, *credentials]), timeout)
        self._end(Ending(How.BYE_SENT, request))
        return response

    async def reinvite(
        self, direction: str = "sendrecv", headers: HeaderLines = (), *, sdp: Sdp | bool = True, timeout: float = 5.0
    ) -> Response:
        """Offers the session again with another direction, and sends the ACK. `sdp` False lets the peer offer."""
        self.negotiation.direction = direction
        body = self.negotiation.offer(None if isinstance(sdp, bool) else sdp) if sdp else b""
        return await self.request("INVITE", headers=headers, body=body, timeout=timeout)

    async def hold(self) -> Response:
        """Re-INVITE with `sendonly`."""
        return await self.reinvite("sendonly")

    async def resume(self) -> Response:
        """Re-INVITE with `sendrecv`."""
        return await self.reinvite("sendrecv")

    async def info_dtmf(self, digit: str, duration_ms: int = 160, *, plain: bool = False) -> Response:
        """A digit by INFO: `application/dtmf-relay`, or `application/dtmf` when plain."""
        kind, body = "application/dtmf-relay", f"Signal={digit}\r\nDuration={duration_ms}\r\n"
        if plain:
            kind, body = "application/dtmf", digit
        return await self.request("INFO", headers=[("Content-Type", kind)], body=body.encode())

    async def report(
        self, status: str, *, final: bool = True, state: str = "", kind: str = "message/sipfrag;version=2.0"
    ) -> Response:
        """Tells who has sent us a REFER how it goes (RFC 3515 §2.4.5): `status` is "200 OK"."""
        told = state or ("terminated;reason=noresource" if final else "active;expires=60")
        headers = [("Event", "refer"), ("Subscription-State", told), ("Content-Type", kind)]
        return await self.request("NOTIFY", headers=headers, body=f"SIP/2.0 {status}\r\n".encode())

    async def refer(self, target: str, headers: HeaderLines = ()) -> Response:
        """Asks the peer to call the target (RFC 3515)."""
        return await self.request("REFER", headers=[("Refer-To", target), *headers])

    def handle(self, transaction: ServerTransaction) -> None:
        """A request inside the dialog, except ACK and CANCEL."""
        request = transaction.request
        if request.cseq < self.dialog.remote_cseq:
            self.phone.faults.append(f"{request.method}: CSeq {request.cseq} after {self.dialog.remote_cseq}")
        self.dialog.remote_cseq = max(self.dialog.remote_cseq, request.cseq)
        if request.method == "BYE":
            self.media.pause()
        if request.method not in self.behaviour.never_answers:
            answer_in_dialog(self, transaction)
        if request.method == "BYE":
            self._end(Ending(How.BYE_RECEIVED, request))
        self.phone.trace.changes.notify()

    def _end(self, ending: Ending) -> None:
        for repeat in self._reliable.values():
            repeat.stop()
        self.media.pause()
        if not self.ended.done():
            self.ended.set_result(ending)
        self.phone.trace.changes.notify()

    def abandon(self) -> None:
        """Ends the call as the phone closes: BYE or CANCEL goes out, and nobody waits for the answer."""
        if self.established and "BYE" not in self.behaviour.never_answers:
            self.phone.send(self.phone.with_via(self.dialog.request("BYE")), self.phone.hop(self.dialog.hop))
        elif self.caller and self.final is None and self._own_invite is not None and self._own_invite.provisional:
            self.phone.send(cancel_of(self._own_invite.request), self._first_hop)
        self._end(Ending(How.FAILED, None))
        self.ended.cancel()
        self.media.close()
