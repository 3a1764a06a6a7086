"""Names and servers: those that are there, and those that are not."""

import asyncio
import socket
from typing import Any

import pytest

from callwright.cli.checks import reach
from callwright.config import DEMO_ACCOUNT, Config, validate
from tests.harness.application import ApplicationServer


def config(*targets: str, voice_url: str = "") -> Config:
    raw: dict[str, Any] = {
        "server": {"public_url": "http://127.0.0.1:8080"},
        "account": [{"sid": DEMO_ACCOUNT}],
        "trunk": [{"name": "carrier", "account": DEMO_ACCOUNT, "targets": list(targets)}],
        "number": [{"number": "1", "account": DEMO_ACCOUNT, "voice_url": voice_url or "/demo/voice"}],
    }
    return validate(raw)


async def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's answers are the machine's business: here they are made up."""

    async def getaddrinfo(host: str, *arguments: object, **options: object) -> list[Any]:
        if host == "gw.example":
            return [(0, 0, 0, "", ("192.0.2.7", 0)), (0, 0, 0, "", ("192.0.2.7", 0))]
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    found = await reach.names(config("sip:gw.example:5080", "sip:none.example", "sip:192.0.2.1"))
    assert [one.line() for one in found] == [
        "ok   trunk carrier: gw.example is 192.0.2.7",
        "FAIL trunk carrier: none.example: Name or service not known. Ask the name server: getent hosts none.example",
    ]


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
