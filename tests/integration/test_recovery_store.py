"""The database is locked or the disk is full: calls go on, /health says so, and it recovers alone (promise P3)."""

import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.harness import tones

from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
IVR = '<Gather numDigits="1" action="/key" timeout="20"><Play>/menu.wav</Play></Gather>'


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Another program writes to the database, and does not end."""
    connection = sqlite3.connect(site.daemon.directory / "data" / "callwright.db", isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


@contextmanager
def full(site: Site) -> Iterator[None]:
    """No file of the daemon can be written to (RLIMIT_FSIZE), as on a full disk."""
    soft, hard = resource.prlimit(site.daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(site.daemon.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(site.daemon.pid, resource.RLIMIT_FSIZE, (soft, hard))


async def whole_call(site: Site) -> str:
    """An IVR call from its INVITE to its status callback; its SID."""
    release = site.application.hold("/key", "<Response><Hangup/></Response>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.heard_tone(440)
    await call.media.send_digits("5")
    release.set()
    assert (await site.application.request("/key")).form["Digits"] == "5"
    assert (await call.until_ended()).how == "bye received"
    await site.told("completed", sid)
    return str(sid)


@pytest.mark.parametrize("trouble", [locked, full])
async def test_P3_the_database_cannot_be_written(
    sites: Sites, trouble: Callable[[Site], AbstractContextManager[None]]
) -> None:
    """Two whole calls during the trouble, one of them begun before; their records are there after it."""
    site = await sites()
    site.daemon.allowed.append("the database cannot be written")
    site.serve_tone("/menu.wav", 440, 5.0, cache_control="max-age=60")
    site.script("/voice", IVR)
    early = await site.dial_in()
    first = (await site.application.request("/voice")).form["CallSid"]
    await early.media.heard_tone(440)
    with trouble(site):
        await early.hangup()
        await site.told("completed", first)
        second = await whole_call(site)
        await site.daemon.logged("the database cannot be written")
        status, text = await site.daemon.get("/health", authenticated=False)
        assert (status, '"status": "store"' in text) == (503, True)
        assert (await site.daemon.metrics())["callwright_store_healthy"] == 0
        third = await whole_call(site)
    await site.daemon.logged("the database can be written again", timeout=15)
    assert (await site.daemon.get("/health", authenticated=False))[0] == 200
    calls = await site.do(lambda client: client.calls.list())
    assert [(call.sid, call.status) for call in calls] == [(sid, "completed") for sid in (third, second, first)]
    await site.daemon.restart()
    assert len(await site.do(lambda client: client.calls.list())) == 3


async def test_P3_a_recording_on_a_full_disk(sites: Sites) -> None:
    """The recording is lost, not the call: the action is requested or the next verb run, and the call ends in order."""
    site = await sites()
    site.daemon.allowed += ["the database cannot be written", "record"]
    site.script("/voice", '<Record playBeep="false" finishOnKey="#" action="/next"/><Redirect>/next</Redirect>')
    site.serve_tone("/after.wav", 880, 1.0)
    release = site.application.hold("/next", "<Response><Play>/after.wav</Play></Response>")
    call = await site.dial_in()
    await site.application.request("/voice")
    await call.answered()
    await site.daemon.logged("recording sid=")
    with full(site):
        await call.media.play(tones.tone(500, 1.0))
        await call.media.send_digits("#")
        await site.application.request("/next")
    release.set()
    await call.media.heard_tone(880)
    assert (await call.until_ended()).how == "bye received"
    await site.told("completed")
    recordings = await site.do(lambda client: client.recordings.list())
    assert [one.status in ("absent", "completed") for one in recordings] == [True]
