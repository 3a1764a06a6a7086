"""`callwright demo` against a daemon that runs as it comes, against none, and with wrong arguments."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.foreign import ForeignProgram
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.waiting import SCALE

from .commands import callwright

pytestmark = pytest.mark.integration

STEP = re.compile(r" *\d+\.\d{3} s  (.*)")


@pytest.fixture
async def uri(tmp_path: Path) -> AsyncIterator[str]:
    """Where the demonstration of a daemon without any configuration file can be called."""
    host = daemon_address()
    http, sip = free_port(host), free_port(host)
    settings = {
        "SERVER__DATA_DIR": str(tmp_path / "var"),
        "HTTP__LISTEN": f"{host}:{http}",
        "SIP__LISTEN": f'["udp:{host}:{sip}", "tcp:{host}:{sip}"]',
        "MEDIA__ADDRESS": host,
    }
    overrides = [f"CALLWRIGHT_{name}={value}" for name, value in settings.items()]
    command = ["env", *overrides, sys.executable, "-m", "callwright", "serve"]
    daemon = await ForeignProgram.run(*command, directory=tmp_path)
    try:
        await daemon.said("ready in .*HTTP", timeout=20)
        yield f"sip:demo@{host}:{sip}"
        assert not [line for line in daemon.output if " ERROR " in line or "Traceback" in line], daemon.tail()
    finally:
        await daemon.close()


async def test_the_demonstration(uri: str) -> None:
    """It calls, is answered, hears the menu, presses a key, hears the answer, is hung up on: exit code 0."""
    ended = await callwright("demo", "--uri", uri, "--key", "7", "--address", next_address(), timeout=40)
    assert (ended.code, ended.err) == (0, []), ended
    *steps, sum_up = ended.out
    told = [match[1] for line in steps if (match := STEP.fullmatch(line))]
    assert len(told) == len(steps), steps
    story = ("INVITE", "answered after", "heard speech", "pressing 7", "heard the answer", "ended by the remote")
    found = [[at for at, step in enumerate(told) if step.startswith(part)] for part in story]
    assert all(len(places) == 1 for places in found) and found == sorted(found), told
    figures = re.fullmatch(r"answered in (\d+) ms, heard (\d+\.\d) s of speech in (\d+) RTP packets", sum_up)
    assert figures is not None, sum_up
    assert float(figures[2]) > 1 and int(figures[3]) > 50


async def test_a_number_that_is_none(uri: str) -> None:
    """A daemon that runs and refuses is not told of as one that does not run."""
    ended = await callwright("demo", "--uri", uri.replace("demo", "nobody"), "--address", next_address(), timeout=40)
    ended.refuses("refused: 404", "[[number]]", "--uri")
    assert not any("callwright serve" in line for line in ended.err)


async def test_over_tcp(uri: str) -> None:
    """The same with another transport and the key by default."""
    ended = await callwright("demo", "--uri", f"{uri};transport=tcp", "--address", next_address(), timeout=40)
    assert (ended.code, ended.err) == (0, []), ended


async def test_nobody_is_there() -> None:
    """No daemon: exit code 1 within twelve seconds, with a line that says what to do."""
    uris = [f"sip:demo@{daemon_address()}:{free_port()};transport={transport}" for transport in ("udp", "tcp")]
    for ended in await asyncio.gather(*(callwright("demo", "--uri", uri, timeout=20) for uri in uris)):
        assert ended.code == 1
        assert ended.err[-1].startswith("callwright: no answer: ")
        assert ended.err[-1].endswith("Is the daemon running? Start it with: callwright serve")
        assert not any("Traceback" in line for line in ended.err)
        assert float(ended.out[-1].split()[0]) < 12 * SCALE, ended.out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--key", "x"], "--key: one of 0-9 * #"),
        (["--key", "12"], "--key: one of 0-9 * #"),
        (["--uri", "http://127.0.0.1/"], "--uri http://127.0.0.1/"),
        (["--address", "nowhere"], "--address"),
        (["--address", "192.0.2.1"], "192.0.2.1"),
    ],
)
async def test_wrong_arguments(arguments: list[str], part: str) -> None:
    """One line that names the argument."""
    (await callwright("demo", *arguments)).refuses(part)
