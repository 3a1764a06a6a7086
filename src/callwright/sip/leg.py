"""A leg: one SIP dialog and its audio, as Python sees it. The engine owns the native half; `Endpoint` feeds the events.

Anything that waits on a leg does so through `waiter()`: a future that fails with `LegGone` when the leg ends, so that
code above is a straight line and hang-up is an exception.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from callwright.errors import LegGone
from callwright.sip.keypad import Keypad
from callwright.sip.transfer import NOBODY, Referral

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint

logger = logging.getLogger(__name__)

NOT_ACCEPTABLE = 488

Headers = Sequence[tuple[str, str]]
T = TypeVar("T")

ELSEWHERE: Headers = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)
"""Of a CANCEL: no call that was missed (RFC 3326)."""


class LegState(Enum):
    """States of an INVITE session (RFC 3261 §13, named as pjsip names them)."""

    CALLING = "calling"
    INCOMING = "incoming"
    EARLY = "early"
    CONNECTING = "connecting"
    CONFIRMED = "confirmed"
    DISCONNECTED = "disconnected"


_FLOW: dict[LegState, frozenset[LegState]] = {
    LegState.CALLING: frozenset({LegState.EARLY, LegState.CONFIRMED, LegState.DISCONNECTED}),
    LegState.INCOMING: frozenset({LegState.EARLY, LegState.CONNECTING, LegState.DISCONNECTED}),
    LegState.EARLY: frozenset({LegState.EARLY, LegState.CONNECTING, LegState.CONFIRMED, LegState.DISCONNECTED}),
    LegState.CONNECTING: frozenset({LegState.CONFIRMED, LegState.DISCONNECTED}),
    LegState.CONFIRMED: frozenset({LegState.DISCONNECTED}),
    LegState.DISCONNECTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Invite:
    """What an inbound INVITE said, and where it came from.

    Attributes:
        user, realm: who has authenticated; both empty for a trunk.
        replaced: the leg whose place it is to take (RFC 3891); 0 for none.
        early_only: only while that rings.
    """

    request_uri: str
    from_uri: str
    from_header: str
    to_uri: str
    to_header: str
    contact: str
    call_id: str
    source_host: str
    source_port: int
    transport: str
    headers: tuple[tuple[str, str], ...] = ()
    offer: bool = True
    user: str = ""
    realm: str = ""
    replaced: int = 0
    early_only: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a leg ended.

    Attributes:
        code: the final SIP code; 200 after a BYE.
        by: "local" or "remote".
        statistics: packets, loss, jitter (ms) and round trip (ms) of the last media; empty without media.
    """

    code: int
    reason: str
    by: str
    headers: tuple[tuple[str, str], ...] = ()
    call_id: str = ""
    statistics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Digit:
    """One received DTMF digit: 0-9 * # A-D; duration in ms; method rfc4733, info or inband."""

    key: str
    duration: int
    method: str


class Leg:
    """One leg, inbound (`invite` is set) or outbound.

    Attributes:
        heard: whether its peer has sent any response to our INVITE, 100 too.
        fault: why we ended it against everybody's will; "" when we did not.
        keypad: how digits go to it.
        codecs: with which an inbound leg is answered, by preference; empty for those of its source.
        encrypted: its media must be: it ends where they are not (RFC 3711).
    """

    def __init__(self, endpoint: "Endpoint", node: int, invite: Invite | None = None) -> None:
        self.endpoint = endpoint
        self.node = node
        self.invite = invite
        self.call_id = invite.call_id if invite else ""
        self.answer_headers: tuple[tuple[str, str], ...] = ()
        self.rang = False
        self.heard = False
        self.fault = ""
        self.keypad = Keypad(self)
        self.codecs: Sequence[str] = ()
        self.encrypted = False
        self._hung_up = False
        self.ended: asyncio.Future[Ending] = endpoint.loop.create_future()
        self._state = LegState.INCOMING if invite else LegState.CALLING
        self._waiters: set[asyncio.Future[Any]] = set()
        self._digit_listeners: list[Callable[[Digit], None]] = []
        self._answered: asyncio.Future[None] = endpoint.loop.create_future()
        self._progress_listeners: list[Callable[[int, bool], None]] = []
        self._referee: Callable[[Referral], None] | None = None

    @property
    def state(self) -> LegState:
        """The INVITE session's state; only `_enter` changes it."""
        return self._state

    @property
    def gone(self) -> bool:
        """Whether the leg has ended."""
        return self._state is LegState.DISCONNECTED

    @property
    def ending(self) -> bool:
        """Whether it has ended, or has been told to."""
        return self.gone or self._hung_up

    @property
    def answerable(self) -> bool:
        """Whether it waits for our 200."""
        return self.invite is not None and self.state in (LegState.INCOMING, LegState.EARLY)

    @property
    def rings(self) -> bool:
        """Whether it waits for its peer's 200."""
        return self.invite is None and self.state in (LegState.CALLING, LegState.EARLY)

    @property
    def whole(self) -> "Leg":
        """What a call knows it as: itself, unless it is a part of another leg."""
        return self

    def _enter(self, state: LegState) -> None:
        if state not in _FLOW[self._state]:
            logger.warning("leg %d: %s after %s is not a transition", self.node, state.value, self._state.value)
            return
        logger.debug("- leg %d %s -> %s", self.node, self._state.value, state.value)
        self._state = state
        if self.invite is not None and state is LegState.EARLY:
            self.endpoint.moved(self.node, state, {})  # our doing: the engine tells nothing of it

    # what the application above does

    def ring(self, headers: Headers = ()) -> None:
        """180 to an inbound leg that has had no provisional answer: who hears early media keeps hearing it."""
        if self._state is LegState.INCOMING:
            self._enter(LegState.EARLY)
            self.endpoint.engine.answer(self.node, 180, headers=headers)

    def progress(self) -> None:
        """183 with an answer: early media to an inbound leg."""
        if self._state in (LegState.INCOMING, LegState.EARLY):
            self._enter(LegState.EARLY)
            self.endpoint.engine.answer(self.node, 183, codecs=self.codecs)

    def accept(self, headers: Headers = (), *, like: int = 0) -> None:
        """200 to an inbound leg. Audio may be connected at once; it starts with the media.

        Args:
            like: a leg that it is to be bridged with, whose codec is taken where the offer has it.
        """
        if self.gone:
            raise LegGone("the caller has left")
        if self._state in (LegState.INCOMING, LegState.EARLY):
            self._enter(LegState.CONNECTING)
            self.endpoint.engine.answer(self.node, 200, headers=headers, codecs=self.codecs, like=like)

    def hang_up(self, code: int = 0, reason: str = "", headers: Headers = ()) -> None:
        """A final response, CANCEL or BYE, by state. `ended` resolves when it is over."""
        if not self.gone:
            self._hung_up = True
            self.endpoint.engine.hangup(self.node, code=code, reason=reason, headers=headers)

    def send_digits(self, digits: str, duration: int = 160) -> "asyncio.Future[Any]":
        """Queues DTMF digits, duration in ms each; the future is done when the last one has been sent.

        Raises:
            LegGone: the leg has ended; the future fails with it when it ends first.
        """
        return self.keypad.send(digits, duration)

    def relay(self, digit: Digit) -> None:
        """Sends on a digit that another leg received, unless this one hears it in the other's audio."""
        if self.gone or (digit.method == "inband" and self.keypad.inband):
            return
        if self.keypad.full:
            logger.debug("x leg %d: keys come faster than they can be sent, one is dropped", self.node)
            return
        self.send_digits(digit.key)

    def waiter(self) -> "asyncio.Future[Any]":
        """A future that fails with LegGone when this leg ends first. Cancel it when it is no longer awaited.

        Raises:
            LegGone: it has ended already.
        """
        if self.gone:
            raise LegGone("the leg has ended")
        future: asyncio.Future[Any] = self.endpoint.loop.create_future()
        self._waiters.add(future)
        future.add_done_callback(self._waiters.discard)
        return future

    async def answered(self) -> None:
        """Waits for the answer of an outbound leg.

        Raises:
            LegGone: it ended without one; `ended` tells how.
        """
        await asyncio.shield(self._answered)

    async def sleep(self, seconds: float) -> None:
        """Waits, or raises LegGone when the leg ends first."""
        future = self.waiter()
        handle = self.endpoint.loop.call_later(seconds, _resolve, future)
        try:
            await future
        finally:
            handle.cancel()
            del future  # its exception holds this frame

    async def during(self, work: "asyncio.Future[T]") -> T:
        """The result of something that makes no sense without this leg; it is cancelled when the leg ends first.

        Raises:
            LegGone: the leg ended first.
        """
        gone: asyncio.Future[Any] | None = None
        try:
            gone = self.waiter()
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                gone.result()
            return work.result()
        finally:
            if gone is not None:
                gone.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    @contextmanager
    def digits(self, listener: Callable[[Digit], None]) -> Iterator[None]:
        """Calls `listener` with each digit received while the block runs."""
        self._digit_listeners.append(listener)
        try:
            yield
        finally:
            self._digit_listeners.remove(listener)

    @contextmanager
    def progressing(self, listener: Callable[[int, bool], None]) -> Iterator[None]:
        """Calls `listener` with (code, early_media) of each provisional response while the block runs."""
        self._progress_listeners.append(listener)
        try:
            yield
        finally:
            self._progress_listeners.remove(listener)

    @contextmanager
    def referring(self, listener: Callable[[Referral], None], *, blind: bool, attended: bool) -> Iterator[None]:
        """Lets the peer transfer while the block runs; `listener` is called with each REFER, the refused ones too.

        Args:
            blind: to anybody.
            attended: to the peer of another leg.
        """
        self._referee = listener
        self.permit(blind=blind, attended=attended)
        try:
            yield
        finally:
            if self._referee is listener:  # else somebody else listens by now
                self._referee = None
                self.endpoint.engine.permit(self.node)

    def permit(self, *, blind: bool, attended: bool) -> None:
        """Lets the peer transfer once more: a permission of `referring` is for one REFER."""
        if not self.gone:
            self.endpoint.engine.permit(self.node, blind=blind, attended=attended)

    # what the endpoint feeds

    def on_trying(self) -> None:
        """A 100 arrived: it says that the next hop lives, and nothing of the callee."""
        self.heard = True

    def on_progress(self, code: int, early_media: bool) -> None:
        """A 1xx arrived that is no 100."""
        self.heard = True
        self.rang = self.rang or code >= 180
        self._enter(LegState.EARLY)
        for listener in tuple(self._progress_listeners):
            listener(code, early_media)

    def on_established(self, detail: dict[str, Any]) -> None:
        """200 received, or ACK received."""
        self._enter(LegState.CONFIRMED)
        self.call_id = detail.get("call_id") or self.call_id
        if self.invite is None:
            self.answer_headers = tuple(detail.get("headers", ()))
        if not self._answered.done():
            self._answered.set_result(None)

    def give_way(self, to: "Leg", detail: dict[str, Any]) -> None:
        """Goes on as a leg that is established, in place of the dialog that rings: whoever waits for the answer has it.

        Args:
            detail: of the event that told of the other leg's ACK.
        """
        self._stop_ringing()
        self.node, self.keypad = to.node, to.keypad
        self.encrypted = self.encrypted or to.encrypted
        self.keypad.move(self)
        self.endpoint.legs[self.node] = self
        self.on_established(detail)

    def _stop_ringing(self) -> None:
        """CANCEL, whose outcome is nobody's concern."""
        del self.endpoint.legs[self.node]
        self.endpoint.engine.hangup(self.node, headers=ELSEWHERE)

    def on_digit(self, digit: Digit) -> None:
        """A DTMF digit arrived."""
        for listener in tuple(self._digit_listeners):
            listener(digit)

    def on_refer(self, referral: Referral) -> None:
        """The peer asked for a transfer. Nobody may be left to carry out one that has been accepted."""
        if self._referee is not None:
            self._referee(referral)
            return
        logger.debug("< leg %d: REFER %d: nobody carries it out", self.node, referral.code)
        if referral.accepted:
            referral.tell(NOBODY)

    def on_media(self, active: bool, telephone_event: bool, srtp: str = "none") -> None:
        """Media began, changed or stopped."""
        if active and self.encrypted and srtp == "none":
            self.fault = "its media are not encrypted"
            logger.warning("x leg %d: %s; it is hung up", self.node, self.fault)
            self.hang_up(NOT_ACCEPTABLE, headers=(("Reason", f'SIP;cause={NOT_ACCEPTABLE};text="{self.fault}"'),))
        elif active:
            self.keypad.on_media(telephone_event)

    def on_media_lost(self, what: str) -> None:
        """Nobody talks to us any more: an established leg ends, and says why (RFC 3326)."""
        if self._state is LegState.CONFIRMED:
            logger.warning("x leg %d: %s; it is hung up", self.node, what)
            self.fault = what
            self.hang_up(headers=(("Reason", f'SIP;cause=408;text="{what}"'),))

    def on_ended(self, code: int, reason: str, detail: dict[str, Any]) -> None:
        """The leg is over: everything that waits on it fails with LegGone."""
        self._enter(LegState.DISCONNECTED)
        self.call_id = detail.get("call_id") or self.call_id
        headers = tuple(detail.get("headers", ()))
        statistics = _statistics(detail.get("statistics", ""))
        self.ended.set_result(Ending(code, reason, detail.get("by", "local"), headers, self.call_id, statistics))
        for future in (*self._waiters, self._answered):
            if not future.done():
                future.set_exception(LegGone(f"the leg ended: {code} {reason}"))
                future.exception()  # nobody may be waiting any more, and that is no fault


def _statistics(text: str) -> dict[str, Any]:
    """The engine's statistics object. A leg must end whatever it holds."""
    try:
        return dict(json.loads(text)) if text else {}
    except (ValueError, TypeError):
        logger.exception("statistics that cannot be read: %.200s", text)
        return {}


def _resolve(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_result(None)
