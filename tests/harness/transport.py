"""The phone's sockets: one UDP socket and one TCP listener on the same port, and the connections it opens."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from .message import MessageError, MessageStream
from .ports import free_port
from .trace import Peer
from .waiting import within

Received = Callable[[bytes, Peer], None]
Failed = Callable[[Peer, Exception], None]


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
        self._server: asyncio.Server | None = None
        self._connections: dict[tuple[str, int], _Connection] = {}
        self._waiting: dict[tuple[str, int], list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: list[asyncio.Future[None]] = []

    async def open(self, host: str, port: int = 0) -> None:
        """Binds both; port 0 takes one that is free for both."""
        loop = asyncio.get_running_loop()
        port = port or free_port(host)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        self._server = await loop.create_server(lambda: _Connection(self), host, port)
        self.host, self.port = host, port

    def send(self, data: bytes, peer: Peer) -> None:
        """Sends now, or as soon as the connection is made."""
        if peer.transport == "UDP":
            assert self._udp is not None
            self._udp.sendto(data, (peer.host, peer.port))
            return
        key = (peer.host, peer.port)
        if key in self._waiting:
            self._waiting[key].append(data)
        elif key in self._connections:
            self._connections[key].write(data)
        else:
            self._waiting[key] = [data]
            task = asyncio.get_running_loop().create_task(self._connect(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, peer: Peer) -> None:
        key = (peer.host, peer.port)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _Connection(self), peer.host, peer.port, local_addr=(self.host, 0))
        except OSError as error:
            del self._waiting[key]
            self.failed(peer, error)
            return
        for data in self._waiting.pop(key):
            self._connections[key].write(data)

    @property
    def connections(self) -> list[Peer]:
        """The TCP peers that are connected."""
        return [Peer("TCP", *key) for key in self._connections]

    def drop_connections(self) -> None:
        """Resets every TCP connection, as a peer that crashes."""
        for connection in list(self._connections.values()):
            connection.abort()

    async def close(self) -> None:
        """Closes everything and waits until it is closed."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections.values()):
            connection.close()
        if self._server is not None:
            self._server.close()
        if self._udp is not None:
            self._udp.close()
        closing = asyncio.gather(*self._closing)
        await within(closing, 5, "every socket of the phone is closed")

    # called by the protocols

    def opened(self, connection: "_Connection", key: tuple[str, int]) -> None:
        """A connection is made, by either side."""
        self._connections[key] = connection
        self._closing.append(connection.closed)

    def lost(self, key: tuple[str, int]) -> None:
        """A connection is gone."""
        self._connections.pop(key, None)

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
    def __init__(self, owner: Transport) -> None:
        self._owner = owner
        self._stream = MessageStream()
        self._transport: asyncio.Transport | None = None
        self._key = ("", 0)
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = self._transport.get_extra_info("peername")[:2]
        self._key = (host, port)
        self._owner.opened(self, self._key)

    def data_received(self, data: bytes) -> None:
        peer = Peer("TCP", *self._key)
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
        self._owner.lost(self._key)
        self.closed.set_result(None)
