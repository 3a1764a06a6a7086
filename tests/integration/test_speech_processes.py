"""The recogniser's processes beside a daemon: they end with it, and one that dies takes no call along."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from tests.harness import PhoneCall
from tests.harness.spoken import quiet, spoken
from tests.harness.waiting import within

from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]

GATHER = '<Gather action="/said" input="speech" speechTimeout="1" hints="operator, sales"/><Redirect>/next</Redirect>'
WORKER = b"callwright.media.speech.sphinx_worker"


def recognisers(parent: int) -> list[int]:
    """Process ids of a daemon's recognisers."""
    tasks = Path(f"/proc/{parent}/task").iterdir()
    children = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    return [pid for pid in children if WORKER in Path(f"/proc/{pid}/cmdline").read_bytes()]


def exists(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


async def gone(pids: list[int]) -> None:
    """Returns when none of these processes exists; looks every 20 ms."""

    async def look() -> None:
        while any(exists(pid) for pid in pids):
            await asyncio.wait([never], timeout=0.02)

    never = asyncio.get_running_loop().create_future()
    await within(look(), 10, f"{pids} end")


async def speaking(site: Site) -> PhoneCall:
    """A caller who has said something that was understood, and whose call goes on."""
    site.script("/voice", GATHER)
    site.script("/said", "<Pause length='60'/>")
    call = await site.dial_in()
    await call.answered()
    call.media.queue(np.concatenate([quiet(0.5), spoken("operator", "en-us+f3"), quiet(0.3)]))
    assert (await site.application.request("/said", 20)).form["SpeechResult"] == "operator"
    return call


@pytest.mark.parametrize("end", ["in order", "killed"])
async def test_they_end_with_the_daemon(sites: Sites, end: str) -> None:
    site = await sites()
    call = await speaking(site)
    pids = recognisers(site.daemon.pid)
    assert len(pids) == 1
    if end == "killed":
        await site.daemon.kill()
    else:
        await call.hangup()
        await site.over(*(request.form["CallSid"] for request in site.application.requests if request.path == "/said"))
        await site.daemon.stop()
    await gone(pids)


async def test_one_that_is_killed_is_replaced(sites: Sites) -> None:
    """Its utterance is no input and a warning; the next one is understood."""
    site = await sites()
    call = await speaking(site)
    [pid] = recognisers(site.daemon.pid)
    os.kill(pid, signal.SIGSTOP)  # it takes an utterance, and will not understand it
    site.script("/next", "<Hangup/>")
    other = await site.dial_in()
    await other.answered()
    other.media.queue(np.concatenate([quiet(0.5), spoken("sales"), quiet(1.0)]))
    await other.media.received(60)
    os.kill(pid, signal.SIGKILL)
    await site.daemon.logged(r"warning .*code=13340.*process has ended", 20)
    await site.application.request("/next", 20)
    third = await speaking(site)
    assert pid not in recognisers(site.daemon.pid)
    for one in (call, third):
        await one.hangup()


async def test_without_a_recogniser(sites: Sites) -> None:
    """Switched off: a warning, no input, and no process."""
    site = await sites(sections={"speech": {"recognition": ""}})
    site.script("/voice", GATHER.replace("<Gather", '<Gather timeout="1"'))
    site.script("/next", "<Hangup/>")
    call = await site.dial_in()
    await site.application.request("/next", 10)
    await site.daemon.logged(r"warning .*code=13340.*speech\.recognition", 5)
    assert recognisers(site.daemon.pid) == []
    await call.until_ended()
