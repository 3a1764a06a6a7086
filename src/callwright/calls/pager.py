"""Text messages over SIP, out (RFC 3428): to a URI, or to every phone of a user."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.parameters import API_VERSION
from callwright.calls.tasks import Tasks
from callwright.errors import StoreError
from callwright.sip.endpoint import Endpoint
from callwright.sip.registrar import Registrar
from callwright.sip.transaction import Response, transact
from callwright.sip.uri import is_sip, user_and_host
from callwright.sip.users import User

logger = logging.getLogger(__name__)

PLAIN = "text/plain;charset=utf-8"
MOST_UNDER_WAY = 1000
TIMEOUT_S = 32.0
QUEUE_OVERFLOW, UNREACHABLE, UNKNOWN, NOT_DELIVERED = 30001, 30003, 30005, 30008
REASONS = {404: UNKNOWN, 410: UNKNOWN, 604: UNKNOWN, 408: UNREACHABLE, 480: UNREACHABLE, 503: UNREACHABLE}


class Callbacks(Protocol):
    """The durable queue of callbacks."""

    def post(self, *, account: Account, call_sid: str, hook: Hook, params: dict[str, str], kind: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text message on its way out.

    Attributes:
        to: a SIP URI.
        from_: a number, a SIP URI or a client's name: its user part is what the receiver sees, at our domain.
        callback: who is told how it ended; None for nobody.
        call_sid: of the call that sends it; "" for none.
    """

    sid: str
    account: Account
    to: str
    from_: str
    body: str
    callback: Hook | None = None
    call_sid: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a text message ended.

    Attributes:
        status: "delivered" (a phone has it), "sent" (a server has taken it, RFC 3428 §7) or "undelivered".
        error_code: 0 when it was taken.
        reason: the SIP status and its words.
    """

    status: str
    error_code: int = 0
    reason: str = ""

    @classmethod
    def by(cls, response: Response) -> "Settled":
        """What a final response means."""
        reason = f"{response.code} {response.reason}".strip()
        if response.succeeded:
            return cls("sent" if response.code == 202 else "delivered", 0, reason)
        return cls("undelivered", REASONS.get(response.code, NOT_DELIVERED), reason)


class Pager:
    """Sends text messages."""

    def __init__(self, endpoint: Endpoint, registrar: Registrar, callbacks: Callbacks) -> None:
        self._endpoint, self._registrar, self._callbacks = endpoint, registrar, callbacks
        self._tasks = Tasks()

    def send(self, text: Text, settled: Callable[[Settled], Awaitable[None]]) -> bool:
        """Sends a message beside whatever goes on, and tells how it ended: `settled`, then the callback. Never blocks.

        Returns:
            False when too many are under way: nothing is sent, and nobody told.
        """
        if len(self._tasks) >= MOST_UNDER_WAY:
            return False
        self._tasks.spawn(self._send(text, settled), f"message {text.sid}")
        return True

    async def _send(self, text: Text, settled: Callable[[Settled], Awaitable[None]]) -> None:
        user = user_and_host(text.from_)[0] if is_sip(text.from_) else text.from_.removeprefix("client:")
        outcome = Settled.by(await self.deliver(text.account.sid, text.to, user, text.body))
        try:
            await settled(outcome)
        except StoreError as error:
            logger.warning("message=%s the database has not its end: %s", text.sid, error.message)
        self.tell(text, outcome)

    def tell(self, text: Text, outcome: Settled) -> None:
        """Posts the status callback of a message that has ended, if anybody wants it."""
        logger.info("message=%s to %s %s: %s", text.sid, text.to, outcome.status, outcome.reason)
        if text.callback is None:
            return
        params = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "MessageStatus": outcome.status,
            "SmsStatus": outcome.status,
            "AccountSid": text.account.sid,
            "ApiVersion": API_VERSION,
            "From": text.from_,
            "To": text.to,
        }
        if text.call_sid:
            params["CallSid"] = text.call_sid
        if outcome.error_code:
            params["ErrorCode"] = str(outcome.error_code)
        self._callbacks.post(
            account=text.account,
            call_sid=text.call_sid or text.sid,
            hook=text.callback,
            params=params,
            kind="message-status",
        )

    async def deliver(
        self, account_sid: str, to: str, sender: str, body: str, *, seconds: float = TIMEOUT_S
    ) -> Response:
        """Sends a text to a URI; to all phones of a user of ours at once, if he is of this account.

        Args:
            sender: the user part of the From.

        Returns:
            The best answer: 2xx as soon as one phone has it; 404 and 480 of our own for no such user, and no phone.
        """
        users = self._registrar.users
        if not users.is_local(to):
            return await self._transact(to, sender, body, seconds=seconds)
        user = users.named(to)
        # another account's user is as good as none
        if user is None or user.account_sid != account_sid:
            return Response(404, "no such user")
        return await self._to_phones(user, to, sender, body, seconds)

    async def _to_phones(self, user: User, to: str, sender: str, body: str, seconds: float) -> Response:
        sent = [
            self._transact(
                binding.target,
                sender,
                body,
                seconds=seconds,
                headers=[("To", f"<sip:{user.aor}>"), *(("Route", value) for value in binding.path)],
                next_hop=binding.hop,
                domain=user.domain,
            )
            for binding in self._registrar.phones(user, to)
        ]
        return min(await asyncio.gather(*sent), key=_rank, default=Response(480, "no phone is registered"))

    async def _transact(
        self,
        uri: str,
        sender: str,
        body: str,
        *,
        seconds: float,
        headers: Sequence[tuple[str, str]] = (),
        next_hop: str = "",
        domain: str = "",
    ) -> Response:
        try:
            return await transact(
                self._endpoint,
                "MESSAGE",
                uri,
                headers=[("From", self._endpoint.local_uri(sender, domain)), *headers],
                content_type=PLAIN,
                body=body.encode(),
                next_hop=next_hop,
                timeout=seconds,
            )
        except ValueError as fault:  # an address, or a text, that SIP cannot carry
            return Response(400, str(fault))

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._tasks.cancel()


def _rank(response: Response) -> tuple[bool, bool, int]:
    """What a phone has before what it refuses, and that before silence."""
    return not response.succeeded, response.code in (408, 503), response.code
