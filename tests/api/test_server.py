import asyncio
import re
import socket
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree
from starlette.applications import Starlette

from callwright.account import Account
from callwright.api.server import MAX_BODY, server

from .conftest import BASE, MINE, NUMBER, OTHER, Site, credentials

ORDER = {"To": "+15550002000", "From": NUMBER, "Twiml": "<Response/>"}


@pytest.mark.parametrize(
    "account",
    [
        None,
        Account(MINE.sid, OTHER.auth_token),
        Account(MINE.sid, ""),
        Account("AC" + "9" * 32, MINE.auth_token),
        Account("", ""),
        Account("AC" + "9" * 32, "0" * 32),
    ],
)
@pytest.mark.parametrize("path", [f"{BASE}/Calls.json", "/2010-04-01/Nothing.json", "/2010-04-01/Accounts.json"])
async def test_refuses_strangers(site: Site, account: Account | None, path: str) -> None:
    response, _ = await site.ask("GET", path, account=account)
    assert response.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'
    assert await site.json("GET", path, account=account) == (
        401,
        {
            "code": 20003,
            "message": "Authenticate",
            "more_info": "https://www.twilio.com/docs/errors/20003",
            "status": 401,
        },
    )


async def test_errors_in_xml(site: Site) -> None:
    response, body = await site.ask("GET", f"{BASE}/Nothing")
    assert (response.status, response.content_type) == (404, "application/xml")
    error = etree.fromstring(body).find("RestException")
    assert error is not None
    assert {child.tag: child.text for child in error} == {
        "Code": "20404",
        "Message": f"The requested resource {BASE}/Nothing was not found",
        "MoreInfo": "https://www.twilio.com/docs/errors/20404",
        "Status": "404",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{BASE}/Calls.json"),
        ("DELETE", f"{BASE}/Calls.json"),
        ("DELETE", f"{BASE}.json"),
        ("PATCH", f"{BASE}/Recordings.json"),
    ],
)
async def test_refuses_methods(site: Site, method: str, path: str) -> None:
    status, error = await site.json(method, path)
    assert (status, error["code"]) == (405, 20004)


@pytest.mark.parametrize(
    "path",
    [
        "/2010-04-01/Nothing.json",
        "/2010-04-01.json",
        f"{BASE}/Calls/x/y/z.json",
        f"{BASE}/Calls/.json",
        "/2010-04-01/Accounts/-/Calls.json",
        "/nothing",
        "/v1/Nothing",
        f"{BASE}//Calls.json",
    ],
)
async def test_unknown_paths(site: Site, path: str) -> None:
    status, error = await site.json("GET", path)
    assert (status, error["code"], error["message"]) == (404, 20404, f"The requested resource {path} was not found")


@pytest.mark.parametrize("path", [f"{BASE}/Calls.wav", f"{BASE}/Recordings.mp3", f"{BASE}.wav"])
async def test_only_recordings_have_sound(site: Site, path: str) -> None:
    response, _ = await site.ask("GET", path)
    assert response.status == 404


async def test_headers_of_every_answer(site: Site) -> None:
    good, _ = await site.ask("GET", f"{BASE}/Calls.json")
    bad, _ = await site.ask("GET", f"{BASE}/Nothing.json")
    for response in (good, bad):
        assert re.fullmatch(r"RQ[0-9a-f]{32}", response.headers["Twilio-Request-Id"])
        assert re.fullmatch(r"\d+\.\d{3}", response.headers["Twilio-Request-Duration"])
        assert response.headers["Twilio-Concurrent-Requests"] == "1"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert good.headers["Twilio-Request-Id"] != bad.headers["Twilio-Request-Id"]


async def test_counts_the_requests_in_flight(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()
    fetch = site.store.fetch

    async def held(query: Any) -> Any:
        arrived.set()
        await go.wait()
        return await fetch(query)

    monkeypatch.setattr(site.store, "fetch", held)
    first = asyncio.create_task(site.ask("GET", f"{BASE}/Calls.json"))
    await arrived.wait()
    second, _ = await site.ask("GET", f"{BASE}.json")
    other, _ = await site.ask("GET", f"/2010-04-01/Accounts/{OTHER.sid}.json", account=OTHER)
    go.set()
    await first
    third, _ = await site.ask("GET", f"{BASE}.json")
    counted = [response.headers["Twilio-Concurrent-Requests"] for response in (second, other, third)]
    assert counted == ["2", "1", "1"]


async def test_head_and_options(site: Site) -> None:
    response, body = await site.ask("HEAD", f"{BASE}/Calls.json")
    assert (response.status, body, response.content_type) == (200, b"", "application/json")
    response, body = await site.ask("OPTIONS", f"{BASE}/Calls.json", account=None)
    assert (response.status, body) == (204, b"")
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"].startswith("Accept, Authorization, Content-Type")
    assert response.headers["Access-Control-Expose-Headers"] == "ETag"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"


async def test_a9_bodies_are_bounded(site: Site) -> None:
    async def chunks() -> Any:
        for _ in range(MAX_BODY // 1024 + 2):
            yield b"x" * 1024

    for body in (b"x" * (MAX_BODY + 1), chunks()):
        status, error = await site.json("POST", f"{BASE}/Calls.json", data=body)
        assert (status, error["code"]) == (413, 20413)
    status, error = await site.json("POST", f"{BASE}/Calls.json", data=[("a", "")] * 1001)
    assert (status, error["code"]) == (400, 20001)
    status, _ = await site.json("POST", f"{BASE}/Calls.json", data=ORDER | {"Padding": "x" * 100_000})
    assert status == 201


async def test_other_kinds_of_bodies_hold_no_parameters(site: Site) -> None:
    status, error = await site.json("POST", f"{BASE}/Calls.json", json=ORDER)
    assert (status, error["code"]) == (400, 21201)


async def test_a_half_sent_body_places_nothing(site: Site) -> None:
    port = int(site.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    header = credentials(MINE)["Authorization"]
    writer.write(
        f"POST {BASE}/Calls.json HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nTo=%2B1555".encode()
    )
    await writer.drain()
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    status, _ = await site.json("GET", f"{BASE}/Calls.json")
    assert (status, site.switchboard.orders) == (200, [])


async def test_a_fault_of_ours_is_a_500_and_is_logged(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(site.switchboard, "place", broken)
    status, error = await site.json("POST", f"{BASE}/Calls.json", data=ORDER)
    assert (status, error["code"], error["message"]) == (500, 20500, "Internal server error")
    assert "secret detail" in caplog.text


async def test_p3_a_database_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    """Nothing is accepted that is not durable; what is known can still be read."""
    sid = site.switchboard.call(status="ringing")
    await site.store.flushed()
    other = sqlite3.connect(tmp_path / "callwright.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, error = await site.json("POST", f"{BASE}/Calls.json", data=ORDER)
    assert (status, error["code"]) == (503, 20503)
    status, call = await site.json("GET", f"{BASE}/Calls/{sid}.json")
    assert (status, call["status"]) == (200, "ringing")
    status, _ = await site.json("GET", "/health", account=None)
    assert status == 503
    other.execute("ROLLBACK")
    other.close()
    status, _ = await site.json("POST", f"{BASE}/Calls.json", data=ORDER)
    assert status == 201
    status, facts = await site.json("GET", "/health", account=None)
    assert (status, facts) == (200, {"status": "ok", "calls": 0})


async def test_metrics(site: Site) -> None:
    response, body = await site.ask("GET", "/metrics", account=None)
    assert response.status == 200
    assert b"callwright_calls_total 3.0" in body


async def test_no_websockets_under_the_api(site: Site) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with site.session.ws_connect(f"{site.url}{BASE}/Calls.json"):
            pass
    assert refused.value.status == 401, "the upgrade is passed over: a request without credentials is left"


async def test_beyond_the_bound_of_requests(site: Site) -> None:
    """Requests whose bodies are on the way take the seats of their type: the next waits, and is told to come back."""
    port = int(site.url.rpartition(":")[2])
    header = credentials(MINE)["Authorization"]
    head = f"POST {BASE}/Calls.json HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\nContent-Length: 9\r\n\r\n"
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MINE.api_concurrency)]
    for _, writer in slow:
        writer.write(head.encode())
        await writer.drain()
    status, _ = await site.json("GET", f"{BASE}/Recordings.json")
    assert status == 200, "another type has seats of its own"
    async with site.session.get(f"{site.url}{BASE}/Calls.json", headers=credentials(MINE)) as refused:
        assert (refused.status, (await refused.json())["code"]) == (429, 20429)
        assert refused.headers["Retry-After"] == "1"
        assert refused.headers["Twilio-Concurrent-Requests"] == str(MINE.api_concurrency)
    for _, writer in slow:
        writer.write(b"To=%2B1555")
        writer.close()
        await writer.wait_closed()
    status, _ = await site.json("GET", f"{BASE}/Calls.json")
    assert status == 200


async def test_ipv6_and_graceful_end() -> None:
    http = server(Starlette(), "[::1]:8080")
    assert (http.config.host, http.config.port) == ("::1", 8080)
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(http.serve([listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 404")
    http.should_exit = True
    await task
    writer.close()
    await writer.wait_closed()
    listening.close()
