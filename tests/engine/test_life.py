"""The engine's start and end: arguments, bound ports, what is left behind, a Python that is busy."""

import asyncio
import ctypes
import gc
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.harness.ports import daemon_address
from tests.harness.pressure import Pressure
from tests.harness.sip import Phone
from tests.harness.waiting import within

Phones = Callable[..., Awaitable[Phone]]


def resources() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


async def test_many_engines_leave_nothing_behind(media_ports: tuple[int, int], phones: Phones) -> None:
    phone = await phones("caller")

    async def live() -> None:
        with running_engine(media_ports) as engine:
            station = Station(engine)
            call, _ = await station.answered(phone)
            await call.media.received(2)
            await call.hangup()
            call.media.close()
            station.close()

    await live()  # what the process allocates once
    gc.collect()
    before = resources()
    for _ in range(8):
        await live()
    gc.collect()  # an engine's eventfd lives as long as the object
    assert resources() == before


def test_a_port_in_use_is_an_os_error(media_ports: tuple[int, int]) -> None:
    host = daemon_address()
    for kind, transport in ((socket.SOCK_DGRAM, "udp"), (socket.SOCK_STREAM, "tcp")):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind((host, 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            before = resources()
            with (
                pytest.raises(OSError, match=f"{transport}:{host}:{port}") as raised,
                running_engine(media_ports, listen=[("udp", host, 0), (transport, host, port)]),
            ):
                pass
            assert raised.value.errno == 98
            assert resources() == before
    with running_engine(media_ports) as engine:
        assert engine.addresses[0][2] > 0


def test_a_foreign_address_is_an_os_error(media_ports: tuple[int, int]) -> None:
    with (
        pytest.raises(OSError, match=r"udp:192\.0\.2\.1:0"),
        running_engine(media_ports, listen=[("udp", "192.0.2.1", 0)]),
    ):
        pass


@pytest.mark.parametrize(
    "wrong",
    [
        {"listen": []},
        {"listen": [("sctp", "127.0.0.1", 0)]},
        {"listen": [("udp", "localhost", 0)]},
        {"listen": [("udp", "127.0.0.1", 65536)]},
        {"media_address": "nowhere"},
        {"rtp_ports": (20000, 20000)},
        {"rtp_ports": (20001, 20002)},
        {"rtp_ports": (30000, 20000)},
        {"rtp_ports": (65000, 65536)},
        {"clock_rate": 44100},
        {"max_legs": 0},
        {"max_legs": 1_000_000},
        {"log_level": -1},
        {"user_agent": "a\r\nX: y"},
    ],
)
def test_wrong_arguments(media_ports: tuple[int, int], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"), running_engine(media_ports, **wrong):
        pass


def test_one_engine_at_a_time(media_ports: tuple[int, int]) -> None:
    with (
        running_engine(media_ports),
        pytest.raises(RuntimeError, match="running already"),
        running_engine(media_ports),
    ):
        pass
    with running_engine(media_ports):
        pass


def test_ids_are_never_used_again(media_ports: tuple[int, int]) -> None:
    ids = []
    for _ in range(2):
        with running_engine(media_ports) as engine:
            ids += [engine.originate("sip:a@127.0.0.1:9", local_uri=CALLER) for _ in range(2)]
    assert len(set(ids)) == 4


def test_a_closed_engine_takes_no_orders(media_ports: tuple[int, int]) -> None:
    with running_engine(media_ports) as engine:
        engine.close()
        engine.close()
        with pytest.raises(RuntimeError, match="closed"):
            engine.originate("sip:a@127.0.0.1", local_uri=CALLER)
        engine.hangup(1)
        engine.connect(1, 2)
        assert engine.request_statistics(1) == ""
        assert set(engine.counts().values()) == {0}


async def test_closing_hangs_up_every_call(station: Station, phones: Phones) -> None:
    phone = await phones("phone")
    up, leg = await station.answered(phone)
    placed, placed_leg = await station.placed(phone)
    waiting, event = await station.invited(phone)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await loop.run_in_executor(None, station.engine.close)
    assert loop.time() - began < 1.0
    assert (await up.until_ended()).how == "bye received"
    assert (await placed.until_ended()).how == "bye received"
    assert (await waiting.refused()).status == 503
    for id in (leg, placed_leg, event.id):
        assert (await station.event(EventKind.ENDED, id)).detail["by"] == "local"


async def test_closing_is_bounded_when_peers_are_dead(station: Station, phones: Phones) -> None:
    phone = await phones("phone")
    phone.behaviour.never_answers = {"BYE", "CANCEL"}
    for _ in range(3):
        await station.answered(phone)
    ringing = station.engine.originate(phone.uri, local_uri=CALLER)
    await (await phone.incoming()).ring()
    await station.event(EventKind.PROGRESS, ringing)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await loop.run_in_executor(None, station.engine.close)
    assert loop.time() - began < 3.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"uri": "not a uri"},
        {"uri": ""},
        {"uri": "sip:"},
        {"uri": "tel:+15550001000"},
        {"uri": "sip:a@127.0.0.1\r\nX: y"},
        {"uri": "sip:a@127.0.0.1\x00"},
        {"uri": "sip:" + "a" * 3000 + "@127.0.0.1"},
        {"local_uri": "nobody"},
        {"local_uri": '"a\r\nX: y" <sip:a@127.0.0.1>'},
        {"headers": [("X-A", "a\r\nX-B: b")]},
        {"headers": [("X-A", "a\x00")]},
        {"headers": [("X A", "a")]},
        {"headers": [("", "a")]},
        {"headers": [("Call-ID", "a")]},
        {"headers": [("t", "<sip:a@127.0.0.1>")]},
    ],
)
def test_S9_header_injection(station: Station, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        station.engine.originate(**({"uri": "sip:a@127.0.0.1:9", "local_uri": CALLER} | wrong))
    assert station.engine.counts()["legs"] == 0


async def test_a_busy_python_disturbs_nobody(station: Station) -> None:
    """The interpreter keeps the GIL for two seconds: audio goes on, and a new INVITE gets its 100."""
    script = str(Path(__file__).with_name("outsider.py"))
    caller = await asyncio.create_subprocess_exec(
        sys.executable, script, station.host, str(station.port()), stdin=PIPE, stdout=PIPE
    )
    assert caller.stdin is not None and caller.stdout is not None
    pressures = Pressure(os.getpid()), Pressure(caller.pid)
    first = await station.event(EventKind.INCOMING)
    station.engine.answer(first.id, 200)
    assert await within(caller.stdout.readline(), 5, "the call is up") == b"up\n"
    caller.stdin.write(b"go\n")
    await caller.stdin.drain()
    assert ctypes.PyDLL(None).sleep(2) == 0  # a PyDLL's functions run with the GIL held
    found = json.loads(await within(caller.stdout.readline(), 5, "what the caller saw"))
    assert 0 <= found["trying_ms"] < 1000  # the machine may be busy too, but not for as long as Python is
    assert found["packets"] > 70
    waited = 1000 * sum(pressure.seconds() for pressure in pressures)
    assert found["gap_ms"] < 40 + waited, f"the machine kept us waiting for {waited:.0f} ms"
    second = await station.event(EventKind.INCOMING)
    station.engine.hangup(second.id)
    await station.event(EventKind.ENDED, first.id)
    await within(caller.wait(), 5, "the caller ends")
