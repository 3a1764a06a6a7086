"""SIP transactions of the phone: retransmission and matching (RFC 3261 §17, RFC 6026)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .message import Headers, Request, Response


@dataclass(frozen=True, slots=True)
class Timers:
    """Base values in seconds (RFC 3261 §17.1.1.1); tests may shorten them."""

    t1: float = 0.5
    t2: float = 4.0

    @property
    def give_up(self) -> float:
        """Timers B, F and H."""
        return 64 * self.t1


class Repeat:
    """Sends now and again at T1, 2 T1, 4 T1 ... until stopped; calls `expired` after 64 T1.

    Args:
        send: sends once.
        timers: base values.
        again: False over a reliable transport: sends once, and only waits.
        cap: longest interval, infinity for INVITE requests.
        expired: nothing stopped it.
    """

    def __init__(
        self, send: Callable[[], None], timers: Timers, *, again: bool, cap: float, expired: Callable[[], None]
    ) -> None:
        self._send, self._cap, self._interval = send, cap, timers.t1
        self._loop = asyncio.get_running_loop()
        self._expired = expired
        self._next: asyncio.TimerHandle | None = None
        send()
        if again:
            self._next = self._loop.call_later(self._interval, self._turn)
        self._end = self._loop.call_later(timers.give_up, self._give_up)

    def _turn(self) -> None:
        self._send()
        self._interval = min(2 * self._interval, self._cap)
        self._next = self._loop.call_later(self._interval, self._turn)

    def slow_down(self, interval: float) -> None:
        """The next intervals are this long (timer E in the Proceeding state)."""
        self._interval = self._cap = interval

    def _give_up(self) -> None:
        self.stop()
        self._expired()

    def stop(self) -> None:
        """Ends it. Idempotent."""
        self._end.cancel()
        if self._next is not None:
            self._next.cancel()


class TransactionTimeout(Exception):
    """No final response within 64 T1 (RFC 3261 §17.1.1.2 timer B, §17.1.2.2 timer F)."""


class ClientTransaction:
    """One request of ours and its responses.

    Args:
        request: complete with Via.
        send: sends a request on the wire.
        timers: base values.
        reliable: over TCP nothing is repeated.
        acknowledge: False never ACKs a refused INVITE.
        repeats: False sends the request once only.
    """

    def __init__(
        self,
        request: Request,
        send: Callable[[Request], None],
        timers: Timers,
        *,
        reliable: bool,
        acknowledge: bool = True,
        repeats: bool = True,
    ) -> None:
        self.request = request
        self.final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.provisional: list[Response] = []
        self.on_response: Callable[[Response], None] | None = None
        """Called with every response, repeated ones too."""
        self._send, self._timers, self._acknowledge = send, timers, acknowledge
        cap = float("inf") if request.method == "INVITE" else timers.t2
        self._repeat = Repeat(
            lambda: send(request), timers, again=repeats and not reliable, cap=cap, expired=self._timed_out
        )  # fmt: skip

    def _timed_out(self) -> None:
        if not self.final.done():
            self.final.set_exception(TransactionTimeout(f"{self.request.method} {self.request.uri}: no final response"))

    def fail(self, error: Exception) -> None:
        """The transport is gone."""
        self._repeat.stop()
        if not self.final.done():
            self.final.set_exception(error)

    def receive(self, response: Response) -> None:
        """Takes one response from the wire."""
        if response.status < 200:
            self.provisional.append(response)
            if self.request.method == "INVITE":
                self._repeat.stop()
            else:
                self._repeat.slow_down(self._timers.t2)
        else:
            self._repeat.stop()
            if self.request.method == "INVITE" and response.status >= 300 and self._acknowledge:
                self._send(ack_of_refusal(self.request, response))
        if self.on_response is not None:
            self.on_response(response)
        if response.status >= 200 and not self.final.done():
            self.final.set_result(response)

    def stop(self) -> None:
        """Ends its timers."""
        self._repeat.stop()
        if self.final.done() and not self.final.cancelled():
            self.final.exception()  # seen, whoever was waiting or not
        self.final.cancel()


def ack_of_refusal(request: Request, response: Response) -> Request:
    """The ACK that belongs to the transaction itself (RFC 3261 §17.1.1.3)."""
    headers = Headers([("Via", request.headers.values("Via")[0])])
    for route in request.headers.lines("Route"):
        headers.add("Route", route)
    headers.add("Max-Forwards", "70")
    headers.add("From", request.headers["From"])
    headers.add("To", response.headers["To"])
    headers.add("Call-ID", request.call_id)
    headers.add("CSeq", f"{request.cseq} ACK")
    return Request(headers, b"", "ACK", request.uri)


def cancel_of(request: Request) -> Request:
    """The CANCEL of a pending INVITE (RFC 3261 §9.1)."""
    headers = Headers([("Via", request.headers.values("Via")[0])])
    for route in request.headers.lines("Route"):
        headers.add("Route", route)
    for name in ("From", "To", "Call-ID"):
        headers.add(name, request.headers[name])
    headers.add("Max-Forwards", "70")
    headers.add("CSeq", f"{request.cseq} CANCEL")
    return Request(headers, b"", "CANCEL", request.uri)


class ServerTransaction:
    """One request of the peer and what was answered. A repeated request is answered again with the last response.

    Args:
        request: as received.
        send: sends a response on the wire.
        timers: base values.
        reliable: whether the transport is TCP.
    """

    def __init__(self, request: Request, send: Callable[[Response], None], timers: Timers, *, reliable: bool) -> None:
        self.request = request
        self.last: Response | None = None
        self.acknowledged: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        """The ACK, for an INVITE. Fails with `TransactionTimeout` when it never comes."""
        self._send, self._timers, self._reliable = send, timers, reliable
        self._repeat: Repeat | None = None

    def branch(self) -> "ServerTransaction":
        """The same request where a proxy has sent it too: answered by somebody else."""
        return ServerTransaction(self.request, self._send, self._timers, reliable=self._reliable)

    @property
    def answered(self) -> bool:
        """True after a final response."""
        return self.last is not None and self.last.status >= 200

    def respond(self, response: Response) -> None:
        """Sends a response. An INVITE's final one is repeated until the ACK, a 2xx over every transport (§13.3.1.4)."""
        self.last = response
        if self.request.method == "INVITE" and response.status >= 200:
            again = response.status < 300 or not self._reliable
            self._repeat = Repeat(
                lambda: self._send(response), self._timers, again=again, cap=self._timers.t2, expired=self._no_ack
            )
        else:
            self._send(response)

    def _no_ack(self) -> None:
        if not self.acknowledged.done():
            self.acknowledged.set_exception(TransactionTimeout(f"no ACK for {self.last.title if self.last else ''}"))

    def repeated(self) -> None:
        """The request came again."""
        if self.last is not None:
            self._send(self.last)

    def acknowledge(self, ack: Request) -> None:
        """The ACK came."""
        if self._repeat is not None:
            self._repeat.stop()
        if not self.acknowledged.done():
            self.acknowledged.set_result(ack)

    def stop(self) -> None:
        """Ends its timers."""
        if self._repeat is not None:
            self._repeat.stop()
        if self.acknowledged.done() and not self.acknowledged.cancelled():
            self.acknowledged.exception()
        self.acknowledged.cancel()
