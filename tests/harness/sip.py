"""`Phone`: a SIP user agent of the tests' own, over raw UDP and TCP sockets, that can also misbehave.

The package's docstring shows its use.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .call import PhoneCall
from .dialog import Dialog, HeaderLines, new_branch, new_call_id, new_tag, response_to
from .digest import Credentials, Guard
from .impairment import ImpairmentRelay
from .message import Address, Headers, Message, MessageError, Request, Response, Uri, Via, parse
from .negotiation import Security
from .ports import next_address
from .rtp import RtpPeer
from .sdp import DTMF, PCMA, PCMU, Codec, Sdp
from .trace import Peer, Trace
from .transaction import ClientTransaction, ServerTransaction, Timers
from .transport import Tls, Transport
from .waiting import within

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY, MESSAGE"

Handler = Callable[[Request], Response | None]


@dataclass(slots=True)
class Behaviour:
    """How well a phone behaves; each call has a copy of its own.

    Attributes:
        acks: False never sends an ACK.
        trying: False sends no 100 for an INVITE.
        repeats: False sends each request once, whatever the timers say.
        reliable_provisionals: supports 100rel and answers it with PRACK.
        never_answers: methods whose requests get no response at all.
    """

    acks: bool = True
    trying: bool = True
    repeats: bool = True
    reliable_provisionals: bool = False
    never_answers: set[str] = field(default_factory=set)


class Phone:
    """Made by `Phone.start`; ended by `close`, which hangs up what still lives.

    Attributes:
        trace: every message sent and received.
        faults: what peers did against the RFC: malformed messages, CSeq going back, missing PRACK. Tests assert on it.
        behaviour: how new calls and requests outside calls are treated.
        handlers: method -> function that makes the response to a request outside a dialog (None: no response).
        guard: challenges INVITE and REGISTER when set, and what is inside calls if it says so.
        calls: every call so far.
        shown: a URI that its Contact names in place of its own, as that of a phone behind a NAT does.
    """

    def __init__(self, user: str, transport: str, credentials: Credentials | None, timers: Timers, proxy: str) -> None:
        self.user, self.transport, self.credentials = user, transport, credentials
        self.timers, self.proxy = timers, proxy
        self.behaviour = Behaviour()
        self.trace = Trace(user)
        self.faults: list[str] = []
        self.handlers: dict[str, Handler] = {}
        self.guard: Guard | None = None
        self.calls: list[PhoneCall] = []
        self.allow = ALLOW
        self.media_address = ""
        self.codecs: tuple[Codec, ...] = (PCMU, PCMA, DTMF)  # of its own offers
        self.shown = ""
        self.scheme = "sip"
        self.security: Callable[[], Security] | None = None
        self._wire = Transport(self._received, self._failed)
        self._incoming: deque[PhoneCall] = deque()
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._client_peers: dict[tuple[str, str], Peer] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}
        self._registration = Dialog(new_call_id(), Address("sip:unset@invalid"), Address("sip:unset@invalid"), "")

    @classmethod
    async def start(
        cls,
        user: str = "phone",
        *,
        address: str | None = None,
        port: int = 0,
        transport: str = "udp",
        credentials: Credentials | None = None,
        timers: Timers | None = None,
        proxy: str = "",
        tls: Tls | None = None,
    ) -> "Phone":
        """Opens the sockets.

        Args:
            user: user part of its own URI.
            address: local address; default: the next free one of this worker.
            port: local port for UDP and TCP; default: a free one.
            transport: "udp", "tcp" or "tls", for its own requests; the first two are always received.
            credentials: to answer 401 and 407 with; None leaves them to the test.
            timers: SIP timers.
            proxy: SIP URI to which requests outside a dialog go, whatever their own URI.
            tls: how it speaks TLS; without it, it does not.
        """
        phone = cls(user, transport.upper(), credentials, timers or Timers(), proxy)
        await phone._wire.open(address or next_address(), port, tls)
        phone.trace = Trace(f"{user} ({phone.address}:{phone.port})")
        phone.media_address = phone.address
        return phone

    @property
    def address(self) -> str:
        """Local address."""
        return self._wire.host

    @property
    def port(self) -> int:
        """Local port, the same for UDP and TCP."""
        return self._wire.port

    @property
    def uri(self) -> str:
        """Its own SIP URI, where it can be called."""
        return f"{self.scheme}:{self.user}@{self.place}{self._suffix}"

    @property
    def place(self) -> str:
        """Its address and port, as a URI has them."""
        port = self._wire.secure_port if self.transport == "TLS" else self.port
        return f"{bracketed(self.address)}:{port}"

    @property
    def _suffix(self) -> str:
        return "" if self.transport == "UDP" else f";transport={self.transport.lower()}"

    @property
    def contact(self) -> str:
        """Its Contact."""
        return f"<{self.shown or self.uri}>"

    def ladder(self) -> str:
        """All messages as text."""
        return self.trace.ladder()

    async def expect(self, what: int | str, timeout: float = 5.0, *, method: str = "") -> Message:
        """The next received message with a status or method that no `expect` has returned; see `Trace.expect`."""
        return await self.trace.expect(what, timeout, method=method)

    # calls

    async def invite(
        self,
        uri: str,
        *,
        headers: HeaderLines = (),
        offer: Sdp | bool = True,
        from_uri: str = "",
        display: str = "",
        direction: str = "sendrecv",
        relay: ImpairmentRelay | None = None,
    ) -> PhoneCall:
        """Sends an INVITE and returns at once; `answered`, `ringing`, `refused`, `cancel` of the call go on from there.

        Args:
            uri: Request-URI and To.
            headers: further headers.
            offer: True makes one, False leaves the offer to the peer, or the description to send.
            from_uri: From; default: the phone's own URI.
            display: display name of From.
            direction: of the offer.
            relay: through which the call's media go.
        """
        caller = Address(from_uri or f"sip:{self.user}@{self.place}", display, {"tag": new_tag()})
        dialog = Dialog(new_call_id(), caller, Address(_without_transport(uri)), uri)
        media = RtpPeer(self.media_address)
        lines = [("Contact", self.contact), ("Allow", self.allow), *headers]
        if self.behaviour.reliable_provisionals:
            lines.append(("Supported", "100rel"))
        call = PhoneCall(self, dialog, Request(), caller=True, media=media)
        call.negotiation.direction, call.negotiation.relay = direction, relay
        call.negotiation.codecs = self.codecs
        call.negotiation.security = self.security() if self.security else None
        body = call.negotiation.offer(None if isinstance(offer, bool) else offer) if offer else b""
        call.invite = dialog.request("INVITE", headers=lines, body=body)
        self.calls.append(call)
        call.start()
        return call

    async def call(self, uri: str, *, headers: HeaderLines = (), timeout: float = 10.0) -> PhoneCall:
        """An answered call: `invite` and `answered`."""
        call = await self.invite(uri, headers=headers)
        await call.answered(timeout)
        return call

    async def incoming(self, timeout: float = 5.0) -> PhoneCall:
        """The next call that came in and was not returned before; 100 has been sent for it."""

        def probe() -> PhoneCall | None:
            return self._incoming.popleft() if self._incoming else None

        return await self.trace.changes.until(probe, timeout, lambda: f"an incoming call\n{self.ladder()}")

    # requests outside a dialog

    async def request(
        self,
        method: str,
        uri: str,
        *,
        headers: HeaderLines = (),
        body: bytes = b"",
        from_uri: str = "",
        to_uri: str = "",
        timeout: float = 5.0,
    ) -> Response:
        """Sends a request and returns its final response; one challenge is answered when there are credentials."""
        local = Address(from_uri or f"sip:{self.user}@{self.place}", "", {"tag": new_tag()})
        dialog = Dialog(new_call_id(), local, Address(to_uri or _without_transport(uri)), uri)
        return await self.exchange(dialog, method, headers, body, timeout)

    async def register(
        self, registrar: str, *, user: str = "", expires: int = 300, headers: HeaderLines = (), timeout: float = 5.0
    ) -> Response:
        """Registers its contact for `user` at "sip:HOST:PORT"; `expires` 0 removes it (RFC 3261 §10)."""
        place = Uri.parse(registrar)
        aor = f"sip:{user or self.user}@{place.host}" + (f":{place.port}" if place.port else "")
        dialog = self._registration
        dialog.local, dialog.remote, dialog.target = Address(aor, "", {"tag": new_tag()}), Address(aor), registrar
        lines = [("Contact", self.contact), ("Expires", str(expires)), *headers]
        return await self.exchange(dialog, "REGISTER", lines, b"", timeout)

    async def exchange(
        self, dialog: Dialog, method: str, headers: HeaderLines, body: bytes = b"", timeout: float = 5.0
    ) -> Response:
        """A request of a dialog and its final response; one challenge is answered when there are credentials."""
        request = dialog.request(method, headers=headers, body=body)
        response = await self._final_of(request, timeout)
        if response.status in (401, 407) and (credentials := self.credentials_for(response, request)):
            again = dialog.request(method, headers=[*headers, *credentials], body=body)
            response = await self._final_of(again, timeout)
        return response

    async def _final_of(self, request: Request, timeout: float) -> Response:
        transaction = self.transact(request, self.hop(self.proxy or request.uri), self.behaviour)
        return await within(transaction.final, timeout, lambda: f"the answer to {request.method}\n{self.ladder()}")

    def credentials_for(self, response: Response, request: Request) -> HeaderLines:
        """The header that answers a challenge; nothing without credentials or when no algorithm fits."""
        proxy = response.status == 407
        challenges = response.headers.lines("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        chosen = self.credentials.choose(challenges) if self.credentials else None
        if self.credentials is None or chosen is None:
            return []
        value = self.credentials.answer(chosen, request.method, request.uri)
        return [("Proxy-Authorization" if proxy else "Authorization", value)]

    # the wire

    def hop(self, uri: str) -> Peer:
        """Where requests to a URI go. The tests' world has addresses, not names.

        Raises:
            MessageError: not a SIP URI.
        """
        parsed = Uri.parse(uri)
        transport = parsed.params.get("transport", self.transport).upper()
        if parsed.scheme == "sips":
            transport = "TLS"
        return Peer(transport, parsed.host.strip("[]"), parsed.port or (5061 if transport == "TLS" else 5060))

    def with_via(self, request: Request, transport: str = "") -> Request:
        """Adds the phone's Via with a new branch."""
        params = {"branch": new_branch(), "rport": ""}
        transport = transport or self.transport
        port = self._wire.secure_port if transport == "TLS" else self.port
        via = Via(transport, bracketed(self.address), port, params)
        request.headers = Headers([("Via", str(via)), *request.headers])
        return request

    def transact(self, request: Request, peer: Peer, behaviour: Behaviour, *, via: bool = True) -> ClientTransaction:
        """Sends a request as a transaction; `via` False keeps the Via that it has (CANCEL)."""
        if via:
            self.with_via(request, peer.transport)
        transaction = ClientTransaction(
            request,
            lambda message: self.send(message, peer),
            self.timers,
            reliable=peer.reliable,
            acknowledge=behaviour.acks,
            repeats=behaviour.repeats,
        )
        key = (request.via.branch, request.method)
        self._clients[key], self._client_peers[key] = transaction, peer
        return transaction

    def send(self, message: Message, peer: Peer) -> None:
        """Sends a message as it is."""
        data = bytes(message)
        self.trace.add(True, peer, data, message)
        self._wire.send(data, peer)

    def send_raw(self, data: bytes, to: str, *, transport: str = "") -> None:
        """Sends any bytes to a SIP URI's address, as one datagram or on its connection."""
        peer = self.hop(to)
        peer = replace(peer, transport=transport.upper() or peer.transport)
        self.trace.add(True, peer, data, None)
        self._wire.send(data, peer)

    @property
    def connections(self) -> list[Peer]:
        """The TCP and TLS peers that are connected."""
        return self._wire.connections

    @property
    def server_names(self) -> list[str]:
        """The names by which TLS peers have called it (RFC 6066 §3), "" without one."""
        return self._wire.server_names

    def drop_connections(self) -> None:
        """Resets its TCP and TLS connections."""
        self._wire.drop_connections()

    def _failed(self, peer: Peer, error: Exception) -> None:
        self.faults.append(f"{peer}: {error}")
        for key, transaction in self._clients.items():
            if self._client_peers[key] == peer:
                transaction.fail(error)

    def _received(self, data: bytes, peer: Peer) -> None:
        try:
            message = parse(data)
        except MessageError as error:
            self.faults.append(f"{peer}: {error}: {data[:200]!r}")
            self.trace.add(False, peer, data, None)
            return
        self.trace.add(False, peer, data, message)
        if isinstance(message, Response):
            self._on_response(message)
        else:
            self._on_request(message, peer)

    def _on_response(self, response: Response) -> None:
        transaction = self._clients.get((response.via.branch, response.cseq_method))
        if transaction is None and self.trace.sent_raw(response.via.branch):
            return
        if transaction is None:
            self.faults.append(f"a response to nothing: {response.title} (CSeq {response.headers['CSeq']})")
            return
        transaction.receive(response)

    def _on_request(self, request: Request, peer: Peer) -> None:
        key = (request.via.branch, request.method)
        if request.method == "ACK":
            self._on_ack(request)
        elif key in self._servers:
            self._servers[key].repeated()
        else:
            transaction = ServerTransaction(
                _stamped(request, peer),
                lambda response: self.send(response, _reply_peer(request, peer)),
                self.timers,
                reliable=peer.reliable,
            )
            self._servers[key] = transaction
            self._dispatch(transaction)

    def _on_ack(self, ack: Request) -> None:
        refused = self._servers.get((ack.via.branch, "INVITE"))
        if refused is not None:
            refused.acknowledge(ack)
        elif call := self._call_of(ack):
            call.on_ack(ack)
        else:
            self.faults.append(f"an ACK of no call: {ack.headers['To']}")

    def _call_of(self, request: Request) -> PhoneCall | None:
        tag = request.to.tag
        fits = (c for c in self.calls if c.call_id == request.call_id and c.dialog.local.tag == tag)
        return next(fits, None)

    def _dispatch(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method == "CANCEL":
            self._on_cancel(transaction)
        elif request.to.tag and self.guard is not None and self.guard.inside and self._challenged(transaction):
            return
        elif request.to.tag:
            call = self._call_of(request)
            if call is None and request.method != "NOTIFY":
                transaction.respond(response_to(request, 481))
            elif call is None:
                self._outside(transaction)  # of a subscription
            else:
                call.handle(transaction)
        elif request.method in self.behaviour.never_answers or self._challenged(transaction):
            return
        elif request.method == "INVITE" and "INVITE" not in self.handlers:
            self._on_invite(transaction)
        else:
            self._outside(transaction)

    def _challenged(self, transaction: ServerTransaction) -> bool:
        request, guard = transaction.request, self.guard
        if guard is None or (not request.to.tag and request.method not in ("INVITE", "REGISTER")):
            return False
        given = request.headers.lines("Proxy-Authorization" if guard.proxy else "Authorization")
        if guard.admits(given, request.method):
            return False
        transaction.respond(response_to(request, guard.status, headers=guard.challenges(), tag=new_tag()))
        return True

    def _on_invite(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        media = RtpPeer(self.media_address)
        call = PhoneCall(self, Dialog.called(request), request, caller=False, media=media)
        call.negotiation.security = self.security() if self.security else None
        self.calls.append(call)
        call.begin(transaction)
        if self.behaviour.trying:
            transaction.respond(response_to(request, 100))
        if request.body:
            try:
                call.negotiation.received(request.body)
            except MessageError as error:
                self.faults.append(f"INVITE: {error}")
                transaction.respond(response_to(request, 400, tag=call.dialog.local.tag))
                return
        self._incoming.append(call)
        self.trace.changes.notify()

    def _on_cancel(self, transaction: ServerTransaction) -> None:
        cancel = transaction.request
        invite = self._servers.get((cancel.via.branch, "INVITE"))
        if "CANCEL" in self.behaviour.never_answers:
            return
        transaction.respond(response_to(cancel, 200 if invite else 481, tag=new_tag()))
        fits = (call for call in self.calls if call.call_id == cancel.call_id and not call.caller)
        if invite is not None and (call := next(fits, None)):
            call.cancelled(cancel)

    def _outside(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method in self.handlers:
            response = self.handlers[request.method](request)
        elif request.method in ("OPTIONS", "NOTIFY", "MESSAGE", "INFO"):
            response = response_to(request, 200, headers=[("Allow", self.allow)], tag=new_tag())
        else:
            response = response_to(request, 405, headers=[("Allow", self.allow)], tag=new_tag())
        if response is not None:
            transaction.respond(response)

    async def close(self) -> None:
        """Hangs up what still lives, ends every timer and closes every socket."""
        for call in self.calls:
            call.abandon()
        for client in self._clients.values():
            client.stop()
        for server in self._servers.values():
            server.stop()
        await asyncio.shield(self._wire.close())


def _without_transport(uri: str) -> str:
    """A URI as From and To carry it."""
    parsed = Uri.parse(uri)
    kept = {name: value for name, value in parsed.params.items() if name != "transport"}
    return str(replace(parsed, params=kept))


def _stamped(request: Request, peer: Peer) -> Request:
    """The topmost Via with `received` and `rport` filled in (RFC 3261 §18.2.1, RFC 3581 §4)."""
    top, *others = request.headers.values("Via")
    via = Via.parse(top)
    params = dict(via.params)
    if via.host.strip("[]") != peer.host:
        params["received"] = peer.host
    if "rport" in params:
        params["rport"] = str(peer.port)
    headers = Headers([("Via", str(replace(via, params=params))), *(("Via", other) for other in others)])
    for name, value in request.headers:
        if name.lower() not in ("via", "v"):
            headers.add(name, value)
    return replace(request, headers=headers)


def _reply_peer(request: Request, peer: Peer) -> Peer:
    """Where responses go (RFC 3261 §18.2.2): the connection; over UDP the source, its port only if rport asks so."""
    via = request.via
    if peer.reliable or "rport" in via.params:
        return peer
    return Peer(peer.transport, peer.host, via.port or 5060)


def bracketed(host: str) -> str:
    """A host as a URI has it."""
    return f"[{host}]" if ":" in host else host
