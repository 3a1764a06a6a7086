"""Names and servers: those that are there, and those that are not."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from callwright.cli.checks import reach
from callwright.config import DEMO_ACCOUNT, Config, validate
from callwright.sip.trunks import declared
from tests.harness.application import ApplicationServer


def config(*, allow: Sequence[str] = (), voice_url: str = "") -> Config:
    raw: dict[str, Any] = {
        "server": {"public_url": "http://127.0.0.1:8080"},
        "account": [{"sid": DEMO_ACCOUNT}],
        "trunk": [{"name": "carrier", "account": DEMO_ACCOUNT, "allow": list(allow)}],
        "number": [{"number": "1", "account": DEMO_ACCOUNT, "voice_url": voice_url or "/demo/voice"}],
    }
    return validate(raw)


async def looked_up(name: str) -> list[str]:
    if name == "gw.example":
        return ["192.0.2.7", "2001:db8::7"]
    raise OSError("[Errno -2] Name or service not known")


async def test_the_names_that_are_let_in() -> None:
    """The resolver's answers are the machine's business: here they are made up."""
    trunk = declared(config(allow=["gw.example", "none.example", "192.0.2.0/24"]).trunk[0])
    assert [one.line() for one in await reach.sources(trunk, looked_up)] == [
        "ok   trunk carrier allow: gw.example is 192.0.2.7, 2001:db8::7",
        "FAIL trunk carrier allow: none.example: Name or service not known. No call is let in by that name. "
        "Ask the machine's resolver: getent hosts none.example",
    ]


async def test_our_own_name() -> None:
    (found,) = await reach.names(validate({"server": {"public_url": "http://localhost:8080"}}))
    assert found.line().startswith("ok   server.public_url: localhost is 127.0.0.1")
    (found,) = await reach.names(validate({"server": {"public_url": "http://none.invalid"}}))
    assert found.line().startswith("warn server.public_url: none.invalid: ")
    assert await reach.names(config()) == []


async def test_servers(application: ApplicationServer) -> None:
    (found,) = await reach.servers(config(voice_url=application.url("/voice")))
    assert found.line().startswith(f"ok   application {application.base_url}: connected in ")
    assert application.requests == [], "nothing is asked of it"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        (found,) = await reach.servers(config(voice_url=f"http://127.0.0.1:{port}/voice"))
        assert found.line().startswith(f"FAIL application http://127.0.0.1:{port}: ") and "refused" in found.why.lower()
    assert await reach.servers(config()) == [], "the daemon's own pages are not looked at"


@pytest.mark.parametrize(
    ("pieces", "line"),
    [
        (
            [b"HTTP/1.1 200 OK\r\n\r\n", b'{"status": "ok", ', b'"live_calls": 3}'],
            "ok   daemon: /health answers 200: ok",
        ),
        ([b'HTTP/1.1 503 X\r\n\r\n{"status": "store", "live_calls": 0}'], "FAIL daemon: /health answers 503: store"),
        ([b"HTTP/1.1 200 OK\r\n\r\nhello"], "FAIL daemon: /health answers 200, and no JSON"),
        ([b""], "FAIL daemon: /health answers ?, and no JSON"),
    ],
)
async def test_health_in_pieces(pieces: list[bytes], line: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await reach.health(validate({"http": {"listen": f"127.0.0.1:{port}"}}))
    assert found.line().startswith(line)
