"""Abuse of the HTTP side: sizes, speeds, shapes, while a canary call goes on (promise A9)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from yarl import URL

from tests.harness import Phone
from tests.harness.daemon import Daemon
from tests.harness.waiting import within

from .site import Site, authorization, canary

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def site(sites: Sites) -> Site:
    """A daemon with the canary's number."""
    return await sites(canary=True)


async def raw(daemon: Daemon, data: bytes, timeout: float = 5.0) -> bytes:
    """What the HTTP port answers to these bytes until it closes the connection."""
    host, _, port = daemon.config["http"]["listen"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        writer.write_eof()
        return await within(reader.read(), timeout, "the connection is closed")
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_A9_bodies_and_parameters(site: Site) -> None:
    """Too long, too many, of another type, not UTF-8: each refused with its status, nothing placed."""
    headers = authorization(site.daemon.account_sid, site.daemon.auth_token)
    url = site.daemon.base_url + site.path("Calls.json")
    cases: list[tuple[bytes, str, int]] = [
        (b"Twiml=" + b"a" * 200_000, FORM, 413),
        (b"&".join(b"p%d=1" % n for n in range(5000)), FORM, 400),
        (b'{"To": "+15550009999"}', "application/json", 400),
        (b"\xff\xfe=\x00&To=%ff", FORM, 400),
        (b"=&=&&&;;", FORM, 400),
        (b"To=" + b"%2B1555" * 100 + b"&From=%2B15550001000&Twiml=x", FORM, 400),
    ]
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
        for body, kind, status in cases:
            async with session.post(url, data=body, headers={"Content-Type": kind}) as response:
                assert response.status == status, body[:60]
                fault = await response.json()
                assert fault["status"] == status and len(fault["message"]) < 500
    assert await site.do(lambda client: client.calls.list()) == []


async def test_A9_a_body_without_end(site: Site, phones: Phones) -> None:
    """A chunked body that goes on and on is cut off at the cap."""
    headers = authorization(site.daemon.account_sid, site.daemon.auth_token)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 65536
            yield b"a" * 65536

    async with (
        canary(site, await phones("canary")),
        aiohttp.ClientSession(headers={**headers, "Content-Type": FORM}, trust_env=False) as session,
    ):
        try:
            async with session.post(site.daemon.base_url + site.path("Calls.json"), data=endless()) as response:
                assert response.status == 413
        except aiohttp.ClientError:
            pass  # the connection was closed in the middle, which cuts it off as well
    assert sent < 50_000_000


NO_REQUESTS = {
    "zeros": b"\0" * 1000,
    "a long path": b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "a negative length": b"POST /2010-04-01/Accounts HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another protocol": b"INVITE sip:a@b SIP/2.0\r\n\r\n",
}


async def test_what_is_no_request(site: Site) -> None:
    """400-family answers or a closed connection; the next request is served."""
    for what, data in NO_REQUESTS.items():
        answer = await raw(site.daemon, data)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), (what, answer[:100])
        assert (await site.daemon.health())["status"] == "ok", what


async def test_unknown_paths_and_methods(site: Site) -> None:
    """404 and 405 in the words of the API; nothing is served from the disk."""
    headers = authorization(site.daemon.account_sid, site.daemon.auth_token)
    wanted = {
        ("GET", "/"): 404,
        ("GET", "/etc/passwd"): 404,
        ("GET", "/../../etc/passwd"): 404,
        ("GET", site.path("Recordings/..%2f..%2fcallwright.db")): 404,
        ("GET", site.path("Recordings/RE../../callwright.db.wav")): 404,
        ("GET", site.path("Frobs.json")): 404,
        ("PUT", site.path("Calls.json")): 405,
        ("POST", "/health"): 405,
    }
    found = {}
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
        for method, path in wanted:
            async with session.request(method, URL(site.daemon.base_url + path, encoded=True)) as response:
                found[method, path] = response.status
                assert b"root:" not in await response.read()
    assert found == wanted


async def test_A9_a_thousand_reads_beside_a_call(site: Site, phones: Phones) -> None:
    """Ten clients read as fast as they can; the canary does not notice."""
    headers = authorization(site.daemon.account_sid, site.daemon.auth_token)
    url = site.daemon.base_url + site.path("Calls.json")

    async def reads(session: aiohttp.ClientSession) -> None:
        for _ in range(100):
            async with session.get(url) as response:
                assert response.status == 200
                await response.read()

    async with (
        canary(site, await phones("canary")),
        aiohttp.ClientSession(headers=headers, trust_env=False) as session,
    ):
        await asyncio.gather(*(reads(session) for _ in range(10)))
