"""The session: connections are kept, replaced and counted; one request is one hop."""

import asyncio

import pytest

from callwright.errors import ApplicationError
from callwright.outbound import ConnectError, Limits, Outbound
from callwright.sections import OutboundHttp
from tests.apps.faulty import FaultyServer, Hang, Raw, Reply, Reset

LIMITS = Limits(2.0, 2.0, 2.0)


async def ask(outbound: Outbound, url: str) -> int:
    response = await outbound.request("POST", url, data=b"a=1", limits=LIMITS, max_bytes=1000)
    return response.status


async def test_an_answer(server: FaultyServer, outbound: Outbound) -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Thing", "yes"), ("x-thing", "again")]
    server.routes["/x"] = Reply(201, b"hello", headers, "text/plain")
    response = await outbound.request(
        "POST", server.url("/x?q=%2f"), data=b"a=1", headers={"X-Mine": "1"}, limits=LIMITS, max_bytes=5
    )
    assert (response.status, response.body, response.url) == (201, b"hello", server.url("/x?q=%2f"))
    assert response.set_cookies == ("a=1", "b=2")
    assert response.headers["content-TYPE"] == "text/plain" and response.all("X-Thing") == ["yes", "again"]
    assert 0 <= response.elapsed < 2
    request = server.requests[0]
    assert (request.method, request.target, request.body) == ("POST", "/x?q=%2f", b"a=1")
    assert request.headers["x-mine"] == "1" and request.headers["host"] == f"127.0.0.1:{server.port}"


async def test_connections_are_kept(server: FaultyServer, outbound: Outbound) -> None:
    server.routes.update({"/": Reply(), "/no": Reply(500, b"x" * 60_000), "/moved": Reply(302, b"go")})
    for path in ("/", "/no", "/moved", "/"):
        await ask(outbound, server.url(path))
    assert server.connections == 1


@pytest.mark.parametrize("route", [Reply(500, b"x" * 200_000), Hang(Reply(500, b"x" * 100).wire()[:-50])])
async def test_a_refusal_with_an_endless_body_is_cut(
    server: FaultyServer, outbound: Outbound, route: Reply | Hang
) -> None:
    server.routes["/"] = route
    assert await ask(outbound, server.url("/")) == 500
    await ask(outbound, server.url("/other"))
    assert server.connections == 2


async def test_redirects_are_not_followed(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Reply(302, b"", {"Location": "/next"})
    assert await ask(outbound, server.url("/")) == 302
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Raw(b""), Reset()])
async def test_a_kept_connection_that_died_is_replaced(
    server: FaultyServer, outbound: Outbound, fault: Raw | Reset
) -> None:
    """The server closes its side just when the next request is under way: the request goes out once more."""
    server.routes["/"] = lambda request: Reply() if len(server.requests) != 2 else fault
    assert await ask(outbound, server.url("/")) == 200
    assert await ask(outbound, server.url("/")) == 200
    assert [request.connection for request in server.requests] == [1, 1, 2]


async def test_a_new_connection_that_dies_is_not(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Raw(b"")
    with pytest.raises(ConnectError):
        await ask(outbound, server.url("/"))
    assert len(server.requests) == 1


async def test_a_kept_connection_is_replaced_only_once(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = lambda request: Reply() if len(server.requests) == 1 else Reset()
    await ask(outbound, server.url("/"))
    with pytest.raises(ConnectError):
        await ask(outbound, server.url("/"))
    assert len(server.requests) == 3


async def test_unread_and_discarded_bodies(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/a"] = Reply(body=b"x" * 100_000, content_type="Audio/MPEG")
    server.routes["/b"] = Reply(body=b"x" * 100_000)
    audio = await outbound.request("GET", server.url("/a"), limits=LIMITS, max_bytes=10, unread=("audio/",))
    assert (audio.status, audio.body, audio.headers["Content-Type"]) == (200, b"", "Audio/MPEG")
    other = await outbound.request("GET", server.url("/b"), limits=LIMITS, max_bytes=10, discard=True)
    assert (other.status, other.body) == (200, b"")


async def test_credentials_of_the_url(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Reply()
    url = server.url("/").replace("//", "//al:pw@")
    await outbound.request("GET", url, limits=LIMITS, max_bytes=100)
    await outbound.request("GET", url, headers={"Authorization": "Mine"}, limits=LIMITS, max_bytes=100)
    assert [request.headers["authorization"] for request in server.requests] == ["Basic YWw6cHc=", "Mine"]
    assert server.requests[0].target == "/"


async def test_a_hanging_origin_does_not_delay_another(server: FaultyServer, other: FaultyServer) -> None:
    server.routes["/"], other.routes["/"] = Hang(), Reply()
    outbound = Outbound(OutboundHttp(allow_private=True, connections_per_origin=3))
    await outbound.start()
    hanging = [asyncio.create_task(ask(outbound, server.url("/"))) for _ in range(10)]
    for _ in range(3):
        await server.arrived.get()
    assert await ask(outbound, other.url("/")) == 200
    assert server.connections == 3
    for task in hanging:
        task.cancel()
    results = await asyncio.gather(*hanging, return_exceptions=True)
    await outbound.close()
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_many_at_once(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = lambda request: Reply(body=request.body)

    async def one(number: int) -> bytes:
        data = f"n={number}".encode()
        return (await outbound.request("POST", server.url("/"), data=data, limits=LIMITS, max_bytes=99)).body

    answers = await asyncio.gather(*(one(number) for number in range(300)))
    assert answers == [f"n={number}".encode() for number in range(300)]
    assert server.connections <= outbound.settings.connections_per_origin


async def test_not_started() -> None:
    with pytest.raises(RuntimeError):
        await Outbound(OutboundHttp(allow_private=True)).request(
            "GET", "http://127.0.0.1:1/", limits=LIMITS, max_bytes=1
        )


async def test_the_configured_limits() -> None:
    settings = OutboundHttp(connect_timeout_ms=1000, read_timeout_ms=2500, total_timeout_ms=4000)
    assert Outbound(settings).limits == Limits(1.0, 2.5, 4.0)


async def test_a_malformed_url_is_refused_before_anything_is_sent(outbound: Outbound) -> None:
    with pytest.raises(ApplicationError) as caught:
        await ask(outbound, "gopher://app.example/")
    assert caught.value.code == 11100
