"""The end in order: not ready at once, calls finish, exit code 0 (promise P8); and one daemon to a directory."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest

from tests.harness.application import Break
from tests.harness.ports import free_port
from tests.harness.pressure import Pressure
from tests.harness.waiting import SCALE, within

from .commands import callwright, written
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]


async def ended(site: Site) -> None:
    """The daemon, told to before, ends with exit code 0; the fixture looks through its log."""
    code = await within(site.daemon.process.wait(), 5, lambda: f"the daemon ends\n{site.daemon.tail()}")
    assert code == 0


async def test_P8_a_live_call_may_finish(sites: Sites) -> None:
    """Draining: /health is 503, new calls are refused, the live one goes on; its end is the daemon's end."""
    site = await sites(sections={"server": {"drain_seconds": 30.0}})
    site.serve_tone("/long.wav", 440)
    site.script("/voice", "<Play>/long.wav</Play>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.heard_tone(440)

    site.daemon.process.send_signal(signal.SIGTERM)
    await site.daemon.logged("draining: 1 calls live")
    status, text = await site.daemon.get("/health", authenticated=False)
    assert status == 503 and '"status": "draining"' in text
    refused = await (await site.dial_in()).refused()
    assert (refused.status, "Retry-After" in refused.headers) == (503, True)
    await call.media.heard_tone(440)
    await call.hangup()
    await ended(site)
    assert (await site.told("completed", sid)).signed


async def test_P8_the_drain_is_bounded(sites: Sites) -> None:
    """After drain_seconds the calls that are left get BYE, their callbacks are delivered, and the exit code is 0."""
    site = await sites(sections={"server": {"drain_seconds": 1.0}})
    site.serve_tone("/long.wav", 440)
    site.script("/voice", "<Play>/long.wav</Play>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.heard_tone(440)
    loop = asyncio.get_running_loop()
    began = loop.time()
    site.daemon.process.send_signal(signal.SIGTERM)
    assert (await call.until_ended()).how == "bye received"
    assert 0.9 < loop.time() - began < 3
    await site.told("completed", sid)
    await ended(site)


async def test_P8_a_ringing_call_is_ended_too(sites: Sites) -> None:
    """A placed call that still rings when the drain is over is canceled at the callee, and has its end."""
    site = await sites(sections={"server": {"drain_seconds": 0.2}})
    placed = await site.create()
    callee = await site.carrier.incoming()
    await callee.ring()
    site.daemon.process.send_signal(signal.SIGTERM)
    assert (await callee.until_ended()).how == "cancelled"
    assert (await site.over(placed.sid)).form["CallStatus"] == "canceled"
    await ended(site)


async def test_P8_idle(sites: Sites) -> None:
    """Without a call the end is a matter of a second, and "stopped" is the last that is heard of it."""
    site = await sites()
    pressure, loop = Pressure(site.daemon.pid), asyncio.get_running_loop()
    began = loop.time()
    site.daemon.process.send_signal(signal.SIGTERM)
    await site.daemon.logged("stopped")
    assert loop.time() - began - pressure.seconds() < 2 * SCALE
    await ended(site)
    assert site.daemon.log[-1].endswith(" stopped")


async def test_a_second_signal_hangs_up(sites: Sites) -> None:
    """Who does not want to wait for the drain sends the signal again: peers get BYE, the call has its end."""
    site = await sites(sections={"server": {"drain_seconds": 60.0}})
    site.serve_tone("/long.wav", 440)
    site.script("/voice", "<Play>/long.wav</Play>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.heard_tone(440)
    site.daemon.process.send_signal(signal.SIGTERM)
    await site.daemon.logged("draining")
    site.daemon.process.send_signal(signal.SIGTERM)
    assert (await call.until_ended()).how == "bye received"
    await site.told("completed", sid)
    await ended(site)


async def test_a_third_signal_ends_it_at_once(sites: Sites) -> None:
    """The way out of an end that does not come: here callbacks wait for an application that is silent."""
    site = await sites(sections={"server": {"drain_seconds": 60.0}})
    site.script("/voice", "<Pause length='60'/>")
    site.application.on("/status", Break.HANG)
    await site.dial_in()
    await site.application.request("/voice")
    for line in ("stopping", "again: hanging up"):
        site.daemon.process.send_signal(signal.SIGTERM)
        await site.daemon.logged(line)
    site.daemon.process.send_signal(signal.SIGTERM)
    assert await within(site.daemon.process.wait(), 2, "the daemon ends at once") == 1


async def test_a_hangup_of_the_terminal_ends_nothing(sites: Sites) -> None:
    """SIGHUP, which many daemons take for "read your configuration": calls go on, the log says what it does not do."""
    site = await sites(canary=True)
    site.daemon.process.send_signal(signal.SIGHUP)
    assert "WARNING" in await site.daemon.logged("SIGHUP: nothing is read again")
    assert (await site.daemon.health())["status"] == "ok"


async def test_records_are_not_for_everybody(sites: Sites) -> None:
    """Numbers, pressed digits and recordings: neither the database nor any directory is open to other users."""
    site = await sites()
    site.script("/voice", "<Record action='/done' playBeep='false' maxLength='1'/>")
    site.script("/done", "<Hangup/>")
    call = await site.dial_in()
    await call.answered()
    call.media.tone(440)
    await call.until_ended()
    await site.told("completed")
    data = site.daemon.directory / "data"
    assert list(data.glob("recordings/*/*.wav"))
    for file in data.rglob("*"):
        assert not file.stat().st_mode & 0o007, file


async def test_one_daemon_to_a_data_directory(sites: Sites) -> None:
    """A second one is refused with one line, and the first does not notice."""
    site = await sites(canary=True)
    host = site.daemon.host
    http, sip = free_port(host), free_port(host)
    other = {
        **site.daemon.config,
        "server": {"public_url": f"http://{host}:{http}"},
        "http": {"listen": f"{host}:{http}"},
        "sip": {"listen": [f"udp:{host}:{sip}"], "domain": host},
    }
    file = written(site.daemon.directory, other, "second.toml")
    ended = await callwright("serve", "--config", file, "--data", site.daemon.directory / "data")
    ended.refuses("server.data_dir", "another callwright runs on", str(site.daemon.directory / "data"))
    assert (await site.daemon.health())["status"] == "ok"
