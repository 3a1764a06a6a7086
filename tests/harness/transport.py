"""The phone's sockets: a UDP socket and a TCP listener on one port, a TLS listener on another, and connections."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from .message import MessageError, MessageStream
from .ports import free_port
from .trace import Peer
from .waiting import within

Received = Callable[[bytes, Peer], None]
Failed = Callable[[Peer, Exception], None]


@dataclass(frozen=True, slots=True)
class Tls:
    """How a phone speaks TLS.

    Attributes:
        server: for the connections that it takes.
        client: for the connections that it makes.
        name: of the server that it connects to; "" to send none, and not to check it.
    """

    server: ssl.SSLContext
    client: ssl.SSLContext
    name: str = ""


class Transport:
    """Sends and receives whole SIP messages over UDP and TCP.

    Args:
        received: called with the bytes of one message (a datagram, or what Content-Length delimits) and its source.
        failed: called when a connection cannot be made or its bytes cannot be cut into messages.
    """

    def __init__(self, received: Received, failed: Failed) -> None:
        self.received, self.failed = received, failed
        self.host, self.port = "", 0
        self.keep_alives = 0
        """CRLF pings received on connections."""
        self._udp: asyncio.DatagramTransport | None = None
        self._servers: list[asyncio.Server] = []
        self._tls: Tls | None = None
        self.secure_port = 0
        self.server_names: list[str] = []
        self._connections: dict[Peer, _Connection] = {}
        self._waiting: dict[Peer, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: list[asyncio.Future[None]] = []

    async def open(self, host: str, port: int = 0, tls: Tls | None = None) -> None:
        """Binds all; port 0 takes one that is free for UDP and TCP, TLS always has one of its own."""
        loop = asyncio.get_running_loop()
        port = port or free_port(host)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        self._servers.append(await loop.create_server(lambda: _Connection(self, "TCP"), host, port))
        self.host, self.port, self._tls = host, port, tls
        if tls is not None:
            tls.server.sni_callback = self._named
            secure = await loop.create_server(lambda: _Connection(self, "TLS"), host, 0, ssl=tls.server)
            self.secure_port = secure.sockets[0].getsockname()[1]
            self._servers.append(secure)

    def _named(self, _socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.server_names.append(name or "")

    def send(self, data: bytes, peer: Peer) -> None:
        """Sends now, or as soon as the connection is made."""
        if peer.transport == "UDP":
            assert self._udp is not None
            self._udp.sendto(data, (peer.host, peer.port))
            return
        if peer in self._waiting:
            self._waiting[peer].append(data)
        elif peer in self._connections:
            self._connections[peer].write(data)
        else:
            self._waiting[peer] = [data]
            task = asyncio.get_running_loop().create_task(self._connect(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        options: dict[str, object] = {}
        if peer.transport == "TLS":
            assert self._tls is not None, "the phone does not speak TLS"
            options = {"ssl": self._tls.client, "server_hostname": self._tls.name}
        try:
            await loop.create_connection(
                lambda: _Connection(self, peer.transport), peer.host, peer.port, local_addr=(self.host, 0), **options
            )  # type: ignore[call-overload]  # the options' types are those of its overloads
        except OSError as error:
            del self._waiting[peer]
            self.failed(peer, error)
            return
        for data in self._waiting.pop(peer):
            self._connections[peer].write(data)

    @property
    def connections(self) -> list[Peer]:
        """The TCP and TLS peers that are connected."""
        return list(self._connections)

    def drop_connections(self) -> None:
        """Resets every connection, as a peer that crashes."""
        for connection in list(self._connections.values()):
            connection.abort()

    async def close(self) -> None:
        """Closes everything and waits until it is closed."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer, connection in list(self._connections.items()):
            # The end of TLS is agreed on, and the other side need not agree.
            connection.abort() if peer.transport == "TLS" else connection.close()
        for server in self._servers:
            server.close()
        if self._udp is not None:
            self._udp.close()
        closing = asyncio.gather(*self._closing)
        await within(closing, 5, "every socket of the phone is closed")

    # called by the protocols

    def opened(self, connection: "_Connection", peer: Peer) -> None:
        """A connection is made, by either side."""
        self._connections[peer] = connection
        self._closing.append(connection.closed)

    def lost(self, peer: Peer) -> None:
        """A connection is gone."""
        self._connections.pop(peer, None)

    def watch(self, closed: asyncio.Future[None]) -> None:
        """A socket that `close` must wait for."""
        self._closing.append(closed)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, owner: Transport) -> None:
        self._owner = owner
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        owner.watch(self._closed)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.strip(b"\r\n\x00"):  # RFC 5626 §4.4.1: CRLF and empty datagrams only keep a NAT open
            self._owner.received(data, Peer("UDP", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error of an earlier datagram: SIP over UDP finds out by its own timers."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, owner: Transport, name: str) -> None:
        self._owner, self._name = owner, name
        self._stream = MessageStream()
        self._transport: asyncio.Transport | None = None
        self._peer = Peer(name, "", 0)
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = self._transport.get_extra_info("peername")[:2]
        self._peer = Peer(self._name, host, port)
        self._owner.opened(self, self._peer)

    def data_received(self, data: bytes) -> None:
        peer = self._peer
        pings = self._stream.pings
        try:
            messages = self._stream.feed(data)
        except MessageError as error:
            self._owner.failed(peer, error)
            self.abort()
            return
        for _ in range(self._stream.pings - pings):
            self._owner.keep_alives += 1
            self.write(b"\r\n")
        for message in messages:
            self._owner.received(message, peer)

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.lost(self._peer)
        self.closed.set_result(None)
