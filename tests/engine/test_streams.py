"""SIP over TCP as a stream of bytes: messages in pieces, together, too long, and connections beyond the cap (S10)."""

import asyncio
import contextlib
import resource

import pytest

from tests.engine.station import Station


def options(number: int, more: str = "") -> bytes:
    return (
        f"OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKstream{number}\r\n"
        f"From: <sip:b@127.0.0.1>;tag=1\r\nTo: <sip:a@127.0.0.1>\r\nCall-ID: stream-{number}\r\n"
        f"CSeq: {number} OPTIONS\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


class Stream:
    """One TCP connection to the engine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, station: Station) -> "Stream":
        return cls(*await asyncio.open_connection(station.host, station.port("tcp")))

    async def answers(self, count: int) -> list[bytes]:
        """The CSeq lines of the next 200s; an answered keep-alive, one line end, may stand before any."""
        found: list[bytes] = []
        async with asyncio.timeout(5):
            while len(found) < count:
                text = (await self.reader.readuntil(b"\r\n\r\n")).removeprefix(b"\r\n")
                assert text.startswith(b"SIP/2.0 200"), text
                length = int(text.split(b"Content-Length:")[1].split(b"\r\n")[0])
                await self.reader.readexactly(length)
                found.append(text.split(b"CSeq: ")[1].split(b"\r\n")[0])
        return found

    async def closed_by_peer(self) -> None:
        """Until the engine has closed the connection."""
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                while await self.reader.read(65536):
                    pass

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            await self.writer.wait_closed()


async def test_messages_together_in_pieces_and_between_keep_alives(station: Station) -> None:
    stream = await Stream.open(station)
    stream.writer.write(options(1) + b"\r\n\r\n" + options(2))
    assert await stream.answers(2) == [b"1 OPTIONS", b"2 OPTIONS"]
    for byte in options(3):
        stream.writer.write(bytes([byte]))
        await stream.writer.drain()
    assert await stream.answers(1) == [b"3 OPTIONS"]
    stream.writer.write(options(4)[:50])
    other = await Stream.open(station)
    other.writer.write(options(5))
    assert await other.answers(1) == [b"5 OPTIONS"]
    stream.writer.write(options(4)[50:])
    assert await stream.answers(1) == [b"4 OPTIONS"]
    assert station.engine.counters()["malformed"] == 0
    await stream.close()
    await other.close()


@pytest.mark.parametrize("first", [True, False])
async def test_S10_a_message_beyond_the_cap_ends_the_connection(station: Station, first: bool) -> None:
    stream = await Stream.open(station)
    if not first:
        stream.writer.write(options(1))
        await stream.answers(1)
    stream.writer.write(options(2, more="X-Long: " + "a" * 20000 + "\r\n"))
    await stream.closed_by_peer()
    assert station.engine.counters()["malformed"] == 1
    await stream.close()
    after = await Stream.open(station)
    after.writer.write(options(3))
    assert await after.answers(1) == [b"3 OPTIONS"]
    await after.close()


async def test_garbage_on_a_stream_disturbs_no_other(station: Station) -> None:
    garbage, good = await Stream.open(station), await Stream.open(station)
    garbage.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + bytes(range(256)) * 20)
    good.writer.write(options(1))
    assert await good.answers(1) == [b"1 OPTIONS"]
    await garbage.close()
    good.writer.write(options(2))
    assert await good.answers(1) == [b"2 OPTIONS"]
    await good.close()


async def test_S10_connections_of_one_source_are_capped(station: Station) -> None:
    cap = 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    streams = [await Stream.open(station) for _ in range(cap)]
    streams[-1].writer.write(options(1))
    assert await streams[-1].answers(1) == [b"1 OPTIONS"]
    beyond = await Stream.open(station)
    await beyond.closed_by_peer()
    assert station.engine.counters()["refused_connections"] == 1
    await streams.pop(0).close()
    streams[0].writer.write(options(2))
    assert await streams[0].answers(1) == [b"2 OPTIONS"]
    again = await Stream.open(station)
    again.writer.write(options(3))
    assert await again.answers(1) == [b"3 OPTIONS"]
    for stream in [*streams, beyond, again]:
        await stream.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
