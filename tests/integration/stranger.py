"""Strangers on sockets of their own: what they send to a daemon, good, malformed and mutated, and how fast.

async with stranger(site.daemon) as (transport, protocol, client):
    await paced(lambda at: transport.sendto(invite(site.daemon, client)), count=6000, per_second=2000)
assert {data.split(b" ")[1] for data in protocol.answers} <= {b"403", b"503"}
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness.daemon import Daemon
from tests.harness.ports import next_address
from tests.harness.waiting import within

from .site import NUMBER

FILES = sorted((Path(__file__).parents[1] / "wire").glob("*.sip"))

INVITE = """\
INVITE sip:{user}@{host}:{port} SIP/2.0
Via: SIP/2.0/{transport} {client};rport;branch=z9hG4bK{branch}
From: <sip:stranger@{client}>;tag=1
To: <sip:{user}@{host}>
Call-ID: {branch}@stranger
CSeq: 1 INVITE
Contact: <sip:stranger@{client}>
Max-Forwards: 70
Content-Length: 0

"""


def invite(daemon: Daemon, client: str, *, user: str = NUMBER, transport: str = "UDP") -> bytes:
    """A good INVITE without a session description."""
    text = INVITE.format(
        user=user,
        host=daemon.host,
        port=daemon.sip_port,
        client=client,
        transport=transport,
        branch=secrets.token_hex(8),
    )
    return text.replace("\n", "\r\n").encode()


def malformed(daemon: Daemon, client: str) -> list[bytes]:
    """Every message of `tests/wire`, addressed to the daemon; their lines of "% " are about them."""
    found = []
    for path in FILES:
        text = path.read_text()
        notes = [line for line in text.split("\n") if line.startswith("%")]
        text = "\n".join(line for line in text.split("\n") if not line.startswith("%"))
        if any(note.startswith("% escapes") for note in notes):
            text = text.encode("ascii").decode("unicode_escape")
        text = text.replace("HOST", daemon.host).replace("PORT", str(daemon.sip_port)).replace("CLIENT", client)
        data = text.replace("BRANCH", "z9hG4bK" + secrets.token_hex(6)).replace("\n", "\r\n").encode("latin-1")
        found.append(data.replace(b"LENGTH", str(len(data.partition(b"\r\n\r\n")[2])).encode()))
    assert len(found) > 30
    return found


def mutated(good: bytes, seed: int) -> bytes:
    """A message with some bytes changed, doubled, or cut off."""
    dice = random.Random(seed)
    data = bytearray(good)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randint(1, 20)]
            case 2:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 20)))
            case _:
                data[at:at] = data[at : at + dice.randint(1, 200)]
    return bytes(data)


class Stranger(asyncio.DatagramProtocol):
    """A UDP socket that counts what comes back."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.append(data)


@asynccontextmanager
async def stranger(daemon: Daemon) -> AsyncIterator[tuple[asyncio.DatagramTransport, Stranger, str]]:
    """A socket towards the daemon's SIP port, and its own address and port."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Stranger, local_addr=(next_address(), 0), remote_addr=(daemon.host, daemon.sip_port)
    )
    host, port = transport.get_extra_info("sockname")
    try:
        yield transport, protocol, f"{host}:{port}"
    finally:
        transport.close()
        await protocol.closed


async def paced(send: Callable[[int], None], *, count: int, per_second: float) -> None:
    """Calls a function so many times at a steady rate."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    began, sent = loop.time(), 0

    def tick() -> None:
        nonlocal sent
        due = min(count, int((loop.time() - began) * per_second) + 1)
        while sent < due:
            send(sent)
            sent += 1
        if sent == count:
            done.set_result(None)
        else:
            loop.call_later(0.005, tick)

    tick()
    await within(done, 3 * count / per_second + 5, lambda: f"{count} messages are sent; {sent} were")


async def until_closed(reader: asyncio.StreamReader, timeout: float) -> bytes:
    """What a connection still gives before the daemon closes or resets it."""
    try:
        return await within(reader.read(), timeout, "the daemon closes the connection")
    except ConnectionError:
        return b""
