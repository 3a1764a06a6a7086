"""Bodies: decoded, and bounded after decompression."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from callwright.errors import ApplicationError
from callwright.outbound import Limits, Outbound, ReadError
from tests.apps.faulty import FaultyServer, Raw, Reply

LIMITS = Limits(3.0, 3.0, 3.0)
TEXT = b"<Response>" + b"<Pause/>" * 1000 + b"</Response>"


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
async def test_encodings(
    server: FaultyServer, outbound: Outbound, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    server.routes["/"] = Reply(body=encode(TEXT), headers={"Content-Encoding": encoding} if encoding else {})
    response = await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=len(TEXT))
    assert response.body == TEXT
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_one_byte_too_many(server: FaultyServer, outbound: Outbound, encoding: str) -> None:
    body = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)
    server.routes["/"] = Reply(body=body, headers={"Content-Encoding": encoding})
    with pytest.raises(ApplicationError) as caught:
        await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=len(TEXT) - 1)
    assert caught.value.code == 11750


async def test_a_compressed_bomb_is_not_inflated(server: FaultyServer, outbound: Outbound) -> None:
    bomb = gzip.compress(bytes(200_000_000), compresslevel=1)
    server.routes["/"] = Reply(body=bomb[:60_000], headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    with pytest.raises(ApplicationError) as caught:
        await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=65536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == 11750
    assert peak < 4_000_000


async def test_a_compressed_body_that_is_cut_off(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Reply(body=gzip.compress(TEXT)[:-20], headers={"Content-Encoding": "gzip"})
    with pytest.raises(ReadError) as caught:
        await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=65536)
    assert caught.value.code == 11205


async def test_an_empty_body_that_says_it_is_compressed(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Reply(body=b"", headers={"Content-Encoding": "gzip"})
    response = await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=10)
    assert response.body == b""


async def test_a_stream_comes_in_pieces_and_is_bounded(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Raw(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\n" + b"x" * 300_000)
    async with outbound.stream("GET", server.url("/"), limits=LIMITS, max_bytes=300_000) as stream:
        pieces = [piece async for piece in stream.chunks()]
    assert (stream.status, stream.headers["content-type"], stream.url) == (200, "audio/wav", server.url("/"))
    assert sum(map(len, pieces)) == 300_000 and len(pieces) > 1
    async with outbound.stream("GET", server.url("/"), limits=LIMITS, max_bytes=299_999) as stream:
        with pytest.raises(ApplicationError) as caught:
            async for _ in stream.chunks():
                pass
    assert caught.value.code == 11750


async def test_a_reader_that_stops_early_closes_the_connection(server: FaultyServer, outbound: Outbound) -> None:
    server.routes["/"] = Reply(body=b"x" * 500_000)
    async with outbound.stream("GET", server.url("/"), limits=LIMITS, max_bytes=1_000_000) as stream:
        async for _ in stream.chunks():
            break
    server.routes["/"] = Reply()
    response = await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=100)
    assert response.body == b"<Response/>"
    assert server.connections == 2


async def test_an_error_of_the_reader_is_the_readers(server: FaultyServer, outbound: Outbound) -> None:
    """A full disk while a sound is written is not the server's failure."""
    server.routes["/"] = Reply()
    with pytest.raises(OSError, match="disk full"):
        async with outbound.stream("GET", server.url("/"), limits=LIMITS, max_bytes=100):
            raise OSError("disk full")
