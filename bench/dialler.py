"""Places calls and holds them, each with an RTP port of its own, so that another program can send their media.

As a program: `python -m bench.dialler --target H:P --extension E --calls N`. With --called it also answers what the
server dials: who called is told by the From. It prints one line of JSON when all calls are up ({"legs": [[port,
"address:port"], ...]}: the local port and where the server expects its RTP; of a bridged call first the caller's, then
the called party's), hangs up after a line on its standard input, and prints what became of the calls.
"""

import argparse
import asyncio
import json
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from .machine import LOAD_HOST
from .sip import Message, answer_to, compose, description, parse

SIP_PORT, CALLED_PORT, MEDIA_PORT = 15070, 5180, 26000
T1_S = 0.5  # RFC 3261 section 17.1.1.1
TRIES = 7
ANSWER_S = 40.0
HANG_UP_RATE = 200
LAST_S = 5.0
NUMBER = re.compile(r"sip:\+1555(\d{7})@")


class Wire(asyncio.DatagramProtocol):
    """A UDP socket that hands messages on by their Call-ID."""

    def __init__(self, newcomer: Callable[[Message, "Wire", tuple[str, int]], None] | None = None) -> None:
        self.calls: dict[str, Callable[[Message], None]] = {}
        self.resent = 0
        self.errors: list[str] = []
        self._newcomer = newcomer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is one in all but name

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """asyncio's."""
        try:
            message = parse(data)
        except ValueError as error:
            self.errors.append(str(error))
            return
        if handler := self.calls.get(message.call_id):
            handler(message)
        elif self._newcomer and message.method == "INVITE" and not message.status:
            self._newcomer(message, self, addr)
        elif not message.status and message.method != "ACK":
            self.send(answer_to(message, "481 Call/Transaction Does Not Exist", "none", "<sip:load@localhost>"), addr)

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """One datagram."""
        assert self._transport is not None
        self._transport.sendto(data, to)

    def close(self) -> None:
        """Gives the port back."""
        if self._transport is not None:
            self._transport.close()

    async def insist(self, data: bytes, to: tuple[str, int], done: "asyncio.Future[Any]") -> None:
        """Sends until `done`, as timers A and E have it."""
        wait = T1_S
        for attempt in range(TRIES):
            self.resent += attempt > 0
            self.send(data, to)
            await asyncio.wait([done], timeout=wait)
            if done.done():
                return
            wait *= 2
        done.cancel()


class Outgoing:
    """A call to the server."""

    def __init__(self, wire: Wire, order: "Order", index: int, port: int) -> None:
        self._wire, self._target, self._host, self.port = wire, order.target, order.host, port
        self._uri = "sip:{}@{}:{}".format(order.extension, *order.target)
        self._from = f"<sip:+1555{index:07d}@{order.host}>;tag={index}"
        self._contact = f"<sip:load{index}@{order.host}:{SIP_PORT}>"
        self._to, self._remote, self._cseq = f"<{self._uri}>", self._uri, 1
        self._call_id = f"{secrets.token_hex(6)}-{index}"
        loop = asyncio.get_running_loop()
        self._heard: asyncio.Future[None] = loop.create_future()
        self._final: asyncio.Future[Message] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self.media = ""
        self.cut_off = False
        wire.calls[self._call_id] = self._on_message

    async def dial(self) -> None:
        """Returns when the call is up.

        Raises:
            RuntimeError: it was refused, or nothing was answered.
        """
        data = self._request("INVITE", 1, "i", description(self._host, self.port))
        asking = asyncio.ensure_future(self._wire.insist(data, self._target, self._heard))
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._final
        except TimeoutError:
            raise RuntimeError("no final response to an INVITE") from None
        finally:
            asking.cancel()
        if answer.status >= 300:
            raise RuntimeError(f"an INVITE got {answer.status}")
        self.media = answer.media

    async def hang_up(self) -> None:
        """Returns when the BYE is answered."""
        if not self.cut_off:
            self._cseq += 1
            await self._wire.insist(self._request("BYE", self._cseq, "b"), self._target, self._ended)

    @property
    def ended_well(self) -> bool:
        """Whether the server was there to the end."""
        return not self.cut_off and self._ended.done() and not self._ended.cancelled()

    def _request(self, method: str, number: int, branch: str, body: str = "") -> bytes:
        via = f"SIP/2.0/UDP {self._host}:{SIP_PORT};branch=z9hG4bK{self._call_id}{branch}"
        headers = [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", self._to),
            ("Call-ID", self._call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", self._contact),
        ]
        return compose(f"{method} {self._remote} SIP/2.0", headers, body)

    def _on_message(self, message: Message) -> None:
        if not message.status:
            self._on_request(message)
        elif message.method == "BYE":
            _resolve(self._ended)
        elif message.method == "INVITE":
            _resolve(self._heard)
            if message.status >= 200:
                self._on_final(message)

    def _on_final(self, message: Message) -> None:
        self._to = message.headers["to"]
        if message.status < 300:
            self._remote = message.contact or self._remote
        # The ACK to a 2xx is a transaction of its own (RFC 3261 section 17.1.1.3).
        self._wire.send(self._request("ACK", 1, "a" if message.status < 300 else "i"), self._target)
        if not self._final.done():
            self._final.set_result(message)

    def _on_request(self, message: Message) -> None:
        self.cut_off = self.cut_off or message.method == "BYE"
        if message.method != "ACK":
            body = description(self._host, self.port) if message.method == "INVITE" else ""
            self._wire.send(answer_to(message, "200 OK", "load", self._contact, body), self._target)


class Incoming:
    """A call that the server has placed: answered at once."""

    def __init__(self, wire: Wire, invite: Message, source: tuple[str, int], host: str, port: int) -> None:
        self._wire, self._source, self._host, self.port = wire, source, host, port
        self._contact = f"<sip:called@{host}:{CALLED_PORT}>"
        self._tag = secrets.token_hex(4)
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.media = invite.media
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wire.calls[invite.call_id] = self._on_message
        answer = answer_to(invite, "200 OK", self._tag, self._contact, description(host, port))
        self._answering = asyncio.ensure_future(wire.insist(answer, source, self._acknowledged))

    def _on_message(self, message: Message) -> None:
        if message.method == "ACK":
            _resolve(self._acknowledged)
        elif not message.status and not (message.method == "INVITE" and not self._acknowledged.done()):
            if message.method == "BYE":
                _resolve(self.ended)
            body = description(self._host, self.port) if message.method == "INVITE" else ""
            self._wire.send(answer_to(message, "200 OK", self._tag, self._contact, body), self._source)


@dataclass(frozen=True, slots=True)
class Order:
    """What is placed: see the options."""

    target: tuple[str, int]
    extension: str
    calls: int
    rate: float
    called: bool
    host: str = LOAD_HOST


class Dialler:
    """All calls of a run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._wire, self._called_wire = Wire(), Wire(self._take)
        self._outgoing: list[Outgoing] = []
        self._incoming: dict[int, Incoming] = {}
        self._failures: list[str] = []

    async def open(self) -> None:
        """Takes the ports."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self._wire, (self._order.host, SIP_PORT))
        if self._order.called:
            await loop.create_datagram_endpoint(lambda: self._called_wire, (self._order.host, CALLED_PORT))

    def _take(self, invite: Message, wire: Wire, source: tuple[str, int]) -> None:
        found = NUMBER.search(invite.headers["from"])
        index = int(found[1]) if found else -1
        if not 0 <= index < self._order.calls or index in self._incoming:
            self._failures.append(f"nobody has called this: {invite.headers['from']}")
            wire.send(answer_to(invite, "404 Not Found", "none", "<sip:load@localhost>"), source)
            return
        self._incoming[index] = Incoming(wire, invite, source, self._order.host, MEDIA_PORT + 4 * index + 2)

    async def place(self) -> None:
        """Dials all, at the rate, and waits until each is up or has failed."""
        order = self._order
        loop = asyncio.get_running_loop()
        step = 4 if order.called else 2
        began, dialling = loop.time(), []
        for index in range(order.calls):
            await asyncio.sleep(began + index / order.rate - loop.time())
            call = Outgoing(self._wire, order, index, MEDIA_PORT + step * index)
            self._outgoing.append(call)
            dialling.append(asyncio.ensure_future(call.dial()))
        for result in await asyncio.gather(*dialling, return_exceptions=True):
            if isinstance(result, BaseException):
                self._failures.append(str(result))

    def legs(self) -> list[tuple[int, str]]:
        """Of every call that is up: local port and the server's address."""
        legs: list[tuple[int, str]] = []
        for index, call in enumerate(self._outgoing):
            other = self._incoming.get(index)
            if call.media and not self._order.called:
                legs.append((call.port, call.media))
            elif call.media and other is not None and other.media:
                legs += [(call.port, call.media), (other.port, other.media)]
        return legs

    async def end(self) -> dict[str, Any]:
        """Hangs up all, a few at a time; what became of them."""
        loop = asyncio.get_running_loop()
        up = [call for call in self._outgoing if call.media]
        began, ending = loop.time(), []
        for place, call in enumerate(up):
            await asyncio.sleep(began + place / HANG_UP_RATE - loop.time())
            ending.append(asyncio.ensure_future(call.hang_up()))
        await asyncio.gather(*ending)
        if endings := [call.ended for call in self._incoming.values()]:
            await asyncio.wait(endings, timeout=LAST_S)
        errors = [*self._failures, *self._wire.errors, *self._called_wire.errors]
        ok = sum(call.ended_well for call in up)
        return {
            "placed": self._order.calls,
            "ok": ok,
            "failed": self._order.calls - ok,
            "cut_off": sum(call.cut_off for call in up),
            "left": sum(not call.ended.done() for call in self._incoming.values()),
            "retransmissions": self._wire.resent + self._called_wire.resent,
            "first_error": errors[0] if errors else "",
        }

    def close(self) -> None:
        """Gives the ports back."""
        self._wire.close()
        self._called_wire.close()


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def run(order: Order) -> None:
    """Places, waits for the line, ends."""
    dialler = Dialler(order)
    await dialler.open()
    try:
        await dialler.place()
        print(json.dumps({"legs": dialler.legs()}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        print(json.dumps(await dialler.end()), flush=True)
    finally:
        dialler.close()


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--extension", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--called", action="store_true", help=f"answer on {LOAD_HOST}:{CALLED_PORT}")
    given = parser.parse_args()
    host, _, port = given.target.rpartition(":")
    uvloop.run(run(Order((host, int(port)), given.extension, given.calls, given.rate, given.called)))


if __name__ == "__main__":
    main()
