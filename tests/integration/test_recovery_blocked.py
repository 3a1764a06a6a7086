"""Python stands still for two seconds: what is native goes on, and what waited is caught up (promise P2)."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import Phone
from tests.harness.pressure import Pressure
from tests.harness.waiting import SCALE, within

from .line import both
from .site import CANARY, Site, assert_unbroken, canary

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]


@asynccontextmanager
async def standing_still(pid: int) -> AsyncIterator[None]:
    """The process's main thread, in which all its Python runs, does nothing while the block runs."""
    script = str(Path(__file__).with_name("stopper.py"))
    stopper = await asyncio.create_subprocess_exec(
        sys.executable, script, str(pid), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert stopper.stdin is not None and stopper.stdout is not None and stopper.stderr is not None
    try:
        if await within(stopper.stdout.readline(), 10, "the thread is stopped") != b"stopped\n":
            raise AssertionError((await stopper.stderr.read()).decode())
        yield
    finally:
        stopper.stdin.close()
        await within(stopper.wait(), 5, "the thread is let go")


async def test_P2_the_loop_is_blocked_for_two_seconds(sites: Sites, phones: Phones) -> None:
    """The canary's tone has no gap, a digit pressed meanwhile counts, an INVITE gets its 100 and, after it, its 200."""
    site = await sites(canary=True)
    site.script("/voice", '<Gather numDigits="1" action="/key" timeout="20"/>')
    site.script("/key", "<Hangup/>")
    waiting = await site.dial_in()
    await waiting.answered()
    async with canary(site, await phones("canary")) as call:
        seen = len(site.daemon.log)
        mark = call.media.mark()
        async with standing_still(site.daemon.pid):
            await waiting.media.send_digits("7")
            phone = await phones("late")
            second = await phone.invite(site.daemon.sip_uri(CANARY))
            await second.expect(100, timeout=1)
            await call.media.received(100, since=mark)
            assert second.final is None and site.application.count("/key") == 0
        await second.answered()
        assert (await site.application.request("/key")).form["Digits"] == "7"
        await waiting.until_ended()
        line = await site.daemon.logged("the event loop was blocked for", since=seen)
        blocked = int(line.split(" for ")[1].split()[0])
        assert 1500 < blocked < 10000 * SCALE
        await second.hangup()


@pytest.mark.parametrize("record", ["", 'record="record-from-answer"'], ids=["relayed", "mixed"])
async def test_P2_two_parties_hear_each_other_meanwhile(sites: Sites, record: str) -> None:
    """Neither hears a gap of 40 ms, but for what the machine kept us and the daemon waiting."""
    site = await sites()
    site.script("/voice", f"<Dial {record}>{site.callee}</Dial>")
    call = await site.dial_in()
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await both(call, incoming)
    sides = [(call, call.media.mark(), 700), (incoming, incoming.media.mark(), 500)]
    pressures = Pressure(site.daemon.pid), Pressure(os.getpid())
    async with standing_still(site.daemon.pid):
        await call.media.received(100, since=sides[0][1])
    for side, since, hz in sides:
        assert_unbroken(side, since, *pressures, hz=hz, gap_ms=40)
    await call.hangup()
    await incoming.until_ended()
