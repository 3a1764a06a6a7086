"""Loopback addresses and ports that no other test takes, also when several pytest workers run at once.

Each pytest-xdist worker has its own 127.0.<worker>.0/24, and what listens by itself binds port 0. Only a port that
must be written into somebody else's configuration comes from here: it was just bound, is given out once, and belongs
to this worker's address.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

SO_TIMESTAMPNS = 35
"""Linux: the kernel notes when each datagram arrived (socket(7)). The socket module has no name for it."""

_given: set[tuple[str, int]] = set()
_hosts = itertools.cycle(range(2, 250))


def worker() -> int:
    """0 without pytest-xdist, else 1 for gw0, 2 for gw1, and so on."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw")) + 1 if name.startswith("gw") else 0


def daemon_address() -> str:
    """The address on which this worker's daemons listen: 127.0.<worker>.1."""
    return f"127.0.{worker()}.1"


def other_address(host: int = 0) -> str:
    """An address of this worker in another network, 127.1.<worker>.<host>; 0: another one with each call, from 2."""
    return f"127.1.{worker()}.{host or next(_hosts)}"


def next_address() -> str:
    """A phone's address, another one with each call: 127.0.<worker>.2 to .249, then from the start again."""
    return f"127.0.{worker()}.{next(_hosts)}"


def free_port(host: str | None = None) -> int:
    """A port that is free for UDP and TCP alike on `host` (default: `daemon_address()`)."""
    return free_ports(1, host)[0]


def family_of(host: str) -> socket.AddressFamily:
    """Of an address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def free_ports(count: int, host: str | None = None) -> list[int]:
    """Several different ports, each free for UDP and TCP on `host`; none is ever given out twice by this process."""
    host = host or daemon_address()
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            stream = held.enter_context(socket.socket(family_of(host), socket.SOCK_STREAM))
            stream.bind((host, 0))
            port = int(stream.getsockname()[1])
            datagram = held.enter_context(socket.socket(family_of(host), socket.SOCK_DGRAM))
            try:
                datagram.bind((host, port))
            except OSError:
                continue
            if (host, port) not in _given:
                _given.add((host, port))
                found.append(port)
    return found


@contextmanager
def port_block(count: int, host: str | None = None) -> Iterator[tuple[int, int]]:
    """An inclusive range of `count` UDP ports for RTP, below the kernel's ephemeral ports, beginning with an even one.

    While the block is open, a TCP socket bound to its first port keeps other processes' blocks away.

    Raises:
        OSError: no such block is free.
    """
    host = host or daemon_address()
    size = count + count % 2
    starts = list(range(10000, 32000 - size, size))
    random.Random(os.getpid() + len(_given)).shuffle(starts)
    for start in starts:
        with socket.socket(family_of(host), socket.SOCK_STREAM) as claim:
            try:
                claim.bind((host, start))
                _probe_block(host, start, size)
            except OSError:
                continue
            yield start, start + count - 1
            return
    raise OSError(f"no {count} consecutive UDP ports are free on {host}")


def _probe_block(host: str, start: int, size: int) -> None:
    with ExitStack() as held:
        for port in range(start, start + size):
            held.enter_context(socket.socket(family_of(host), socket.SOCK_DGRAM)).bind((host, port))


def rtp_socket_pair(address: str) -> tuple[socket.socket, socket.socket]:
    """Sockets for RTP and RTCP: an even UDP port and the next one, non-blocking, with arrival times by the kernel.

    Raises:
        OSError: no pair is free.
    """
    for _ in range(200):
        rtp = socket.socket(family_of(address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        rtcp = socket.socket(family_of(address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            rtp.bind((address, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0:
                rtcp.bind((address, port + 1))
                for sock in (rtp, rtcp):
                    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()
    raise OSError(f"no free RTP port pair on {address}")
