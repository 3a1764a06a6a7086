"""The event queue as Python sees it: order, limits, the eventfd, and the log's lines."""

import asyncio
import select
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import Engine, Event, EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


def readable(engine: Engine, timeout: float = 0) -> bool:
    return bool(select.select([engine.event_fd], [], [], timeout)[0])


def drained(engine: Engine, count: int) -> list[Event]:
    """The next events, waited for on the descriptor."""
    found: list[Event] = []
    while len(found) < count:
        assert readable(engine, 5), found
        found += engine.drain(1)
    return found


def test_events_come_in_order_and_the_descriptor_tells(media_ports: tuple[int, int]) -> None:
    with running_engine(media_ports) as engine:
        assert not readable(engine)
        assert engine.drain() == []
        ids = [engine.originate("sip:a@127.0.0.1:1;transport=tcp", local_uri=CALLER) for _ in range(20)]
        first = drained(engine, 5)
        rest = drained(engine, 15)
        events = first + rest
        assert {event.kind for event in events} == {EventKind.ENDED}
        assert sorted(event.id for event in events) == ids
        assert not readable(engine)


def test_a_limit_leaves_the_rest_readable(media_ports: tuple[int, int]) -> None:
    with running_engine(media_ports) as engine:
        for _ in range(10):
            engine.originate("sip:a@127.0.0.1:1;transport=tcp", local_uri=CALLER)
        while engine.counts()["events"] < 10:
            assert readable(engine, 5)
        assert len(engine.drain(3)) == 3
        assert readable(engine)
        assert engine.counts()["events"] == 7
        assert len(engine.drain(7)) == 7
        assert not readable(engine)


def test_events_outlive_the_engine(media_ports: tuple[int, int]) -> None:
    with running_engine(media_ports) as engine:
        leg = engine.originate("sip:a@127.0.0.1:9", local_uri=CALLER)
    (event,) = [event for event in engine.drain() if event.kind is EventKind.ENDED]
    del engine
    assert (event.kind, event.id) == (EventKind.ENDED, leg)
    assert isinstance(event.kind, EventKind)
    assert event.detail["headers"] == []
    with pytest.raises(AttributeError):
        event.code = 1  # type: ignore[misc]  # read-only on purpose


async def test_text_that_is_no_utf8_is_replaced(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    text = (
        f"MESSAGE {station.uri()} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};branch=z9hG4bKlatin\r\n"
        f'From: "J\xfcrgen" <sip:b@127.0.0.1>;tag=1\r\nTo: <sip:a@127.0.0.1>\r\nCall-ID: latin\r\n'
        "CSeq: 1 MESSAGE\r\nSubject: caf\xe9\r\nContent-Length: 0\r\n\r\n"
    )
    phone.send_raw(text.encode("latin-1"), station.uri())
    event = await station.event(EventKind.REQUEST)
    assert ("Subject", "caf\ufffd") in event.detail["headers"]
    assert event.detail["from_header"].startswith('"J\ufffdrgen"')
    station.engine.respond(event.id, 200)
    await station.until_counts(requests=0)
    assert (await phone.request("OPTIONS", station.uri())).status == 200
    phone.faults.clear()  # the harness takes no Latin-1 in the 200's From


async def test_the_log_holds_no_credentials(stations: Callable[..., Station], phones: Phones) -> None:
    station = stations(log_level=4)
    phone = await phones("caller")
    secret = 'Digest username="a", response="deadbeefdeadbeef"'
    answer = asyncio.create_task(phone.request("REGISTER", station.uri(), headers=[("Authorization", secret)]))
    event = await station.event(EventKind.REQUEST)
    assert ("Authorization", secret) in event.detail["headers"]
    station.engine.respond(event.id, 200)
    await answer
    broken = "REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=x\r\nProxy-Authorization: " + secret
    phone.send_raw(f"{broken}\r\n\r\n".encode(), station.uri())
    await phone.request("OPTIONS", station.uri())
    lines = [event.text for event in station.events if event.kind is EventKind.LOG]
    assert any("REGISTER sip:" in line for line in lines)
    assert any("Authorization:****" in line for line in lines)
    assert not any("deadbeef" in line for line in lines)


async def test_the_log_cannot_flood_python(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    for number in range(600):
        phone.send_raw(f"INVITE sip:a SIP/2.0\r\nSubject: {number}\r\n\r\n".encode(), station.uri())
    await phone.request("OPTIONS", station.uri())
    lines = [event for event in station.events if event.kind is EventKind.LOG]
    assert 0 < len(lines) <= 300
    assert {event.code for event in lines} == {3}  # a peer's mistake is no error of ours
    counters = station.engine.counters()
    assert counters["malformed"] == 600
    assert counters["dropped_lines"] >= 300
