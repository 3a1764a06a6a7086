"""The bench's phones at a daemon: all register, and again."""

import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from bench import storm
from bench.caller import Outcome
from bench.phones import Phone
from bench.servers import PHONE_PASSWORD
from tests.harness.daemon import Daemon
from tests.harness.ports import daemon_address
from tests.harness.waiting import within

PHONES = 40


async def said(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(await within(process.stdout.readline(), 10, "the phones tell of a round"))
    return found


@pytest.mark.integration
async def test_they_register_and_again(daemon: Callable[..., Awaitable[Daemon]]) -> None:
    """Each by a challenge and its answer, from an address of its own."""
    users = [{"name": f"u{number}", "password": PHONE_PASSWORD} for number in range(PHONES)]
    running = await daemon(trunks=[{"name": "none", "allow": ["192.0.2.1/32"]}], users=users)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.phones", "--target", f"{running.host}:{running.sip_port}"),
        *("--phones", str(PHONES), "--rate", "200", "--password", PHONE_PASSWORD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    first = await said(process)
    process.stdin.write(b"\n")
    again = await said(process)
    process.stdin.close()
    assert await within(process.wait(), 5, "the phones end") == 0
    for told in (first, again):
        assert (told["registered"], told["answers"]) == (PHONES, {"401": PHONES, "200": PHONES})
        assert 0 < told["register_p50_ms"] <= told["register_max_ms"] < 5000
        assert told["seconds"] >= 0.9 * (PHONES - 1) / 200
    metrics = await running.metrics()
    assert metrics["callwright_registrations_live"] == PHONES
    assert metrics['callwright_registers_total{outcome="refreshed"}'] == PHONES


@pytest.fixture
def registrar() -> Iterator[socket.socket]:
    """A socket that answers when it is told to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((daemon_address(), 0))
        one.settimeout(5)
        yield one


def test_what_is_not_answered_is_sent_again_and_counts_once(registrar: socket.socket) -> None:
    """Timer E of RFC 3261 §17.1.2.2; and two answers to two requests are one registration."""
    phone = Phone(0, registrar.getsockname(), PHONE_PASSWORD)
    with phone.socket:
        phone.begin(5.0)
        assert phone.due == 5.5
        phone.send(5.5)
        assert phone.due == 6.5
        first, source = registrar.recvfrom(9000)
        assert registrar.recv(9000) == first
        answer = b"SIP/2.0 200 OK\r\n" + first.partition(b"\r\n")[2]
        answers = Counter[str]()
        for _ in range(2):
            registrar.sendto(answer, source)
        phone.socket.setblocking(True)
        assert [phone.receive(6.0, answers), phone.receive(7.0, answers)] == [True, False]
    assert (phone.registered_after, answers) == (1.0, {"200": 1})


PLACED = Outcome(10, 10, 0, 0, 1.0, 2.0, 3.0, "")


@pytest.mark.parametrize(("registered", "seconds", "fine"), [(10, 59.0, True), (10, 61.0, False), (9, 30.0, False)])
def test_absorbed(registered: int, seconds: float, fine: bool) -> None:
    assert storm.absorbed({"registered": registered, "seconds": seconds}, 10) is fine


@pytest.mark.parametrize(("loss", "gap", "fine"), [(0.0, 30.0, True), (0.01, 30.0, False), (0.0, 45.0, False)])
def test_undisturbed(loss: float, gap: float, fine: bool) -> None:
    assert storm.undisturbed({"loss": loss, "gap_max_ms": gap}, PLACED) is fine
