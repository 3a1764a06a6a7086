"""Requests to real peers: that answer, that are silent, that are none."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from callwright.cli.checks.question import Hop, Unanswered, ask, options
from tests.harness import Phone
from tests.harness.dialog import response_to
from tests.harness.message import Request, Response

Phones = Callable[..., Awaitable[Phone]]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_who_answers(phones: Phones, transport: str) -> None:
    phone = await phones("gateway", transport=transport)
    answer = await ask(Hop(phone.address, phone.port, transport), options(f"sip:{phone.place}"), seconds=5.0)
    assert (answer.code, answer.reason) == (200, "OK") and 0 < answer.seconds < 5


async def test_lost_packets_and_what_is_not_final(phones: Phones) -> None:
    """It is sent again; 100 is no answer."""
    phone = await phones("gateway")
    seen: list[Request] = []

    def answer(request: Request) -> Response | None:
        seen.append(request)
        return response_to(request, 405, tag="x")

    phone.handlers["OPTIONS"] = answer
    found = await ask(Hop(phone.address, phone.port, "udp"), options(f"sip:{phone.place}"), seconds=5.0)
    assert found.code == 405 and len(seen) == 1
    assert seen[0].headers.get("CSeq") == "1 OPTIONS" and "rport" in seen[0].headers.get("Via")


async def test_who_is_silent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        with pytest.raises(Unanswered, match=r"no answer within 0\.7 s"):
            await ask(Hop("127.0.0.1", port, "udp"), options("sip:x"), seconds=0.7)
        deaf.setblocking(False)
        assert deaf.recv(4096) == deaf.recv(4096), "the same request, again after T1"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_nobody_there(transport: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held, socket.socket(type=socket.SOCK_DGRAM) as other:
        held.bind(("127.0.0.1", 0))  # and does not listen
        port = held.getsockname()[1]
        other.bind(("127.0.0.1", 0))
        if transport == "udp":
            port = other.getsockname()[1]
            other.close()
        with pytest.raises(Unanswered, match="Connection refused"):
            await ask(Hop("127.0.0.1", port, transport), options("sip:x"), seconds=5.0)


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"SIP/2.0 200 OK\r\nVia: x;branch=z\r\n\r\n"]
)
async def test_what_is_no_answer_to_us(said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unanswered, match="closed the connection without an answer"):
            await ask(Hop("127.0.0.1", port, "tcp"), options("sip:x"), seconds=5.0)
