"""Each way in which a request fails, met on the wire, has its code and says if asking again may help."""

import asyncio
import threading

import pytest

from callwright.errors import ApplicationError
from callwright.outbound import ConnectError, Limits, Outbound, ReadError
from callwright.sections import OutboundHttp
from tests.apps.certificates import Authority
from tests.apps.faulty import Deaf, FaultyServer, Hang, Raw, Reply, Reset, Route, refused_port

LIMITS = Limits(0.15, 0.2, 0.4)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


async def failure(outbound: Outbound, url: str, limits: Limits = LIMITS) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await outbound.request("POST", url, data=b"a=1", limits=limits, max_bytes=1000)
    return caught.value


@pytest.mark.parametrize(
    ("route", "code", "kind"),
    [
        (Reset(), 11205, ConnectError),
        (Raw(b""), 11205, ConnectError),
        (Raw(b"HTTP/1.1 20"), 11205, ConnectError),
        (Raw(b"SSH-2.0-OpenSSH_9\r\n\r\n"), 11206, ApplicationError),
        (Raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000 + b"\r\n\r\n"), 11206, ApplicationError),
        (Raw(HEAD + b"Content-Length: 50\r\n\r\n<Resp"), 11205, ReadError),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<Resp\r\n"), 11205, ReadError),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n<Resp\r\n"), 11206, ApplicationError),
        (Raw(HEAD + b"Content-Encoding: gzip\r\n\r\nnot gzip"), 11206, ApplicationError),
        (Raw(HEAD + b"Content-Encoding: br\r\n\r\nxx"), 11206, ApplicationError),
        (Hang(), 11200, ReadError),
        (Hang(HEAD + b"Content-Length: 50\r\n\r\n<Resp"), 11200, ReadError),
        (Reply(body=b"x" * 1001), 11750, ApplicationError),
        (Raw(HEAD + b"\r\n" + b"x" * 1001), 11750, ApplicationError),
    ],
)
async def test_answers(
    server: FaultyServer, outbound: Outbound, route: Route, code: int, kind: type[ApplicationError]
) -> None:
    server.routes["/"] = route
    error = await failure(outbound, server.url("/"))
    assert (error.code, type(error)) == (code, kind)
    assert error.retryable is (kind is not ApplicationError)


async def test_a_refused_connection(outbound: Outbound) -> None:
    error = await failure(outbound, f"http://127.0.0.1:{refused_port()}/")
    assert (error.code, type(error)) == (11202, ConnectError)


async def test_a_connection_that_is_never_made(outbound: Outbound, deaf: Deaf) -> None:
    error = await failure(outbound, f"http://127.0.0.1:{deaf.port}/")
    assert (error.code, type(error)) == (11201, ConnectError)


async def test_the_total_covers_a_body_that_trickles(server: FaultyServer, outbound: Outbound) -> None:
    """Bytes that come in time for `read` do not stretch `total`."""
    outgoing = asyncio.Event()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        try:
            while not outgoing.is_set():
                writer.write(b"x")
                await writer.drain()
                await asyncio.wait([asyncio.ensure_future(outgoing.wait())], timeout=0.02)
        except ConnectionError:
            outgoing.set()
        writer.close()

    listener = await asyncio.start_server(trickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    started = asyncio.get_running_loop().time()
    error = await failure(outbound, url)
    assert (error.code, type(error)) == (11203, ApplicationError)
    assert 0.3 < asyncio.get_running_loop().time() - started < 2.0
    outgoing.set()
    listener.close()
    await listener.wait_closed()


async def test_a_name_that_resolves_too_slowly() -> None:
    release = threading.Event()

    def slow(host: str) -> tuple[str, ...]:
        release.wait(5)
        return ("127.0.0.1",)

    outbound = Outbound(OutboundHttp(allow_private=True), lookup=slow)
    await outbound.start()
    error = await failure(outbound, "http://slow.example/")
    release.set()
    await outbound.close()
    assert (error.code, type(error)) == (11210, ConnectError)


async def test_no_connection_is_free(server: FaultyServer) -> None:
    server.routes["/"] = Hang()
    outbound = Outbound(OutboundHttp(allow_private=True, connections_per_origin=1))
    await outbound.start()
    first = asyncio.create_task(outbound.request("GET", server.url("/"), limits=Limits(5, 5, 5), max_bytes=10))
    await server.arrived.get()
    error = await failure(outbound, server.url("/"))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await outbound.close()
    assert (error.code, type(error)) == (11205, ConnectError)
    assert "became free" in error.message


@pytest.mark.parametrize(
    ("name", "start", "end", "trusted", "code"),
    [
        ("localhost", "20240101000000Z", "20450101000000Z", True, 0),
        ("other.example", "20240101000000Z", "20450101000000Z", True, 11235),
        ("localhost", "20200101000000Z", "20210101000000Z", True, 11236),
        ("localhost", "20440101000000Z", "20450101000000Z", True, 11236),
        ("localhost", "20240101000000Z", "20450101000000Z", False, 11237),
    ],
)
async def test_certificates(authority: Authority, name: str, start: str, end: str, trusted: bool, code: int) -> None:
    server = FaultyServer(authority.server(name, start, end))
    await server.start()
    server.routes["/"] = Reply()
    outbound = Outbound(OutboundHttp(allow_private=True), tls=authority.client() if trusted else None)
    await outbound.start()
    url, limits = server.url("/", "localhost"), Limits(3, 3, 3)
    if code:
        error = await failure(outbound, url, limits)
        assert (error.code, type(error)) == (code, ApplicationError)
    else:
        assert (await outbound.request("GET", url, limits=limits, max_bytes=100)).status == 200
    await outbound.close()
    await server.stop()


@pytest.mark.parametrize("plain", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""])
async def test_no_tls_behind_an_https_url(outbound: Outbound, plain: bytes) -> None:
    """Something else is spoken there, or the handshake is broken off."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(plain)
        if plain:
            await reader.read()
        writer.transport.abort()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    error = await failure(outbound, url, Limits(3, 3, 6))
    listener.close()
    await listener.wait_closed()
    assert (error.code, type(error)) == (11220, ConnectError)


async def test_messages_tell_no_secret(outbound: Outbound) -> None:
    error = await failure(outbound, f"http://user:hush@127.0.0.1:{refused_port()}/x?token=hush")
    assert "hush" not in error.message and "hush" not in str(error)
