"""Text messages: kept, and sent as SIP to a SIP URI, else by the configuration's gateway (reference §1.2, §3.13)."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import select

from callwright import clock, ids
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan, Sent
from callwright.calls.pager import NOT_DELIVERED, QUEUE_OVERFLOW, Settled, Text
from callwright.calls.parameters import API_VERSION
from callwright.sip.uri import is_sip
from callwright.store.sqlite import Row
from callwright.store.store import Store
from callwright.store.traces import messages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from callwright.calls.call import Call
    from callwright.calls.exchange import Callbacks

UNSUPPORTED = 13803
NO_GATEWAY = "no [messages] gateway: the message is not sent"
TOO_MANY = "too many messages are under way: this one is not sent"
NO_BODY = "a message to a SIP URI needs a Body"
QUEUED, SENT, FAILED = "queued", "sent", "failed"
BY_REQUEST, BY_CALL, BY_REPLY = "outbound-api", "outbound-call", "outbound-reply"
LOST = Settled("undelivered", NOT_DELIVERED, "the server was restarted")


class Pages(Protocol):
    """Sends texts over SIP: see `Pager`."""

    def send(self, text: Text, settled: "Callable[[Settled], Awaitable[None]]") -> bool: ...

    def tell(self, text: Text, outcome: Settled) -> None: ...


class Messages:
    """Sends text messages, and keeps what became of them.

    What becomes of one behind the gateway is the gateway's to tell: it is given the `StatusCallback`.

    Args:
        gateway: where those are posted that are not to a SIP URI; "" when nobody takes them.
    """

    def __init__(self, store: Store, callbacks: "Callbacks", gateway: str, pager: Pages) -> None:
        self._store, self._callbacks, self._gateway, self._pager = store, callbacks, gateway, pager

    def send(self, account: Account, plan: MessagePlan, *, call: "Call | None" = None, reply: bool = False) -> Row:
        """Queues a message; it never blocks.

        Args:
            call: whose document sends it; None for a request.
            reply: the document that answers a message sends it.

        Returns:
            Its row: queued, or failed when nobody takes it.
        """
        row = _row(account, plan, call.sid if call else "", BY_CALL if call else BY_REPLY if reply else BY_REQUEST)
        if is_sip(plan.to):
            self._page(row, account, plan, call)
        elif self._gateway:
            self._post(row, account, plan)
        else:
            row |= _failure(NOT_DELIVERED, NO_GATEWAY)
        self._store.put(messages, row)
        return row

    def _post(self, row: Row, account: Account, plan: MessagePlan) -> None:
        """To the gateway, signed and tried again like any callback; those of one call go out in their order."""
        self._callbacks.post(
            account=account,
            call_sid=row["call_sid"] or row["sid"],
            hook=Hook(self._gateway),
            params=_parameters(row, plan),
            kind="message",
            subject=row["sid"],
        )

    def _page(self, row: Row, account: Account, plan: MessagePlan, call: "Call | None") -> None:
        if not plan.body:
            row |= _failure(NOT_DELIVERED, NO_BODY)
        elif not self._pager.send(_text(row, account, plan.callback), partial(self._settled, row["sid"], call)):
            row |= _failure(QUEUE_OVERFLOW, TOO_MANY)

    async def _settled(self, sid: str, call: "Call | None", outcome: Settled) -> None:
        """The end of one over SIP, unless it has been deleted meanwhile."""
        if call is not None and not call.ended.done():
            call.note("message", sid=sid, status=outcome.status, reason=outcome.reason)
        if await self._store.get(messages, sid) is None:
            return
        now, failed = clock.now(), bool(outcome.error_code)
        end = {"error_code": outcome.error_code, "error_message": outcome.reason} if failed else {"date_sent": now}
        self._store.put(messages, {"sid": sid, "status": outcome.status, "date_updated": now, **end})

    async def settle_lost(self, accounts: Mapping[str, Account]) -> None:
        """Ends what the daemon before this one had under way over SIP: whether it was delivered, nobody knows.

        Raises:
            StoreError: the database cannot be read.
        """
        under_way = select(messages).where(messages.c.status == QUEUED, messages.c.to.startswith("sip"))
        for row in await self._store.fetch(under_way):
            account = accounts.get(row["account_sid"])
            await self._settled(row["sid"], None, LOST)
            if account is not None:
                self._pager.tell(_text(row, account, Hook(**row["callback"]) if row["callback"] else None), LOST)

    def delivered(self, sid: str) -> None:
        """The gateway has taken a message."""
        now = clock.now()
        self._store.put(messages, {"sid": sid, "status": SENT, "date_sent": now, "date_updated": now})

    def lost(self, sid: str, why: str) -> None:
        """The gateway never will take a message."""
        self._store.put(messages, {"sid": sid, **_failure(NOT_DELIVERED, why), "date_updated": clock.now()})


def _row(account: Account, plan: MessagePlan, call_sid: str, direction: str) -> Row:
    now, told = clock.now(), plan.callback if is_sip(plan.to) else None
    return {
        "sid": ids.new(ids.MESSAGE),
        "account_sid": account.sid,
        "call_sid": call_sid or None,
        "date_created": now,
        "date_updated": now,
        "date_sent": None,
        "from": plan.from_,
        "to": plan.to,
        "body": plan.body,
        "media": list(plan.media),
        "direction": direction,
        "status": QUEUED,
        "error_code": None,
        "error_message": None,
        "callback": {"url": told.url, "method": told.method} if told else None,
    }


def _failure(code: int, why: str) -> Row:
    return {"status": FAILED, "error_code": code, "error_message": why}


def _text(row: Row, account: Account, callback: Hook | None) -> Text:
    return Text(row["sid"], account, row["to"], row["from"], row["body"], callback, row["call_sid"] or "")


def _parameters(row: Row, plan: MessagePlan) -> dict[str, str]:
    params = {
        "MessageSid": row["sid"],
        "SmsSid": row["sid"],
        "AccountSid": row["account_sid"],
        "ApiVersion": API_VERSION,
        "From": plan.from_,
        "To": plan.to,
        "Body": plan.body,
    }
    if row["call_sid"]:
        params["CallSid"] = row["call_sid"]
    if plan.callback:
        params["StatusCallback"] = plan.callback.url
    if plan.media:
        params["NumMedia"] = str(len(plan.media))
        params |= {f"MediaUrl{place}": url for place, url in enumerate(plan.media)}
    return params


def send(call: "Call", plan: MessagePlan) -> Sent:
    """A message of a call's document."""
    exchange = call.exchange
    sending = Messages(exchange.store, exchange.callbacks, exchange.gateway, exchange.pager)
    row: dict[str, Any] = sending.send(call.account, plan, call=call)
    if row["status"] == QUEUED:
        call.note("message", sid=row["sid"], to=plan.to)
    else:
        code = QUEUE_OVERFLOW if row["error_code"] == QUEUE_OVERFLOW else UNSUPPORTED
        call.note("warning", code=code, message=row["error_message"])
    return Sent(row["sid"], row["status"])
