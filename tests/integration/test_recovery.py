"""What a crash leaves behind, and what the next start makes of it (promise P1)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import PhoneCall, tones
from tests.harness.pressure import since_birth
from tests.harness.waiting import SCALE

from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]


async def killed(site: Site) -> None:
    """kill -9, and the start on the same data and ports, which must take less than five seconds of a free processor."""
    await site.daemon.kill()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await site.daemon.run()
    took = loop.time() - began - since_birth(site.daemon.pid)
    assert took < 5 * SCALE, f"up again after {took:.1f} s"


async def talking(site: Site, verbs: str = "<Pause length='30'/>") -> tuple[str, PhoneCall]:
    """A call that came in and hears a tone, then does this; its CallSid."""
    site.serve_tone("/hello.wav", 440, 0.3)
    site.script("/voice", f"<Play>/hello.wav</Play>{verbs}")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.heard_tone(440, duration=0.2)
    return sid, call


async def test_P1_kill_during_a_call(sites: Sites) -> None:
    """The call gets its end and its final callback, its caller is released, and the same ports take the next one."""
    site = await sites()
    sid, call = await talking(site)
    await call.media.received(50)
    await killed(site)

    last = await site.told("completed", sid)
    assert (last.form["SequenceNumber"], last.signed) == ("0", True)
    assert 1 <= int(last.form["CallDuration"]) <= 4
    record = await site.fetch(sid)
    assert (record.status, record.duration) == ("completed", last.form["CallDuration"])
    assert record.end_time >= record.start_time
    assert (await call.hangup()).status == 481

    again, second = await talking(site)
    await second.hangup()
    await site.told("completed", again)


async def test_P1_kill_while_a_placed_call_rings(sites: Sites) -> None:
    """It never was answered: failed, and the numbering of its callbacks goes on where it was."""
    site = await sites()
    placed = await site.create()
    callee = await site.carrier.incoming()
    await callee.ring()
    await site.told("initiated", placed.sid)
    await site.told("ringing", placed.sid)
    assert (await site.fetch(placed.sid)).status == "ringing"  # what is read is on the disk
    await killed(site)
    last = await site.told("failed", placed.sid)
    assert (last.form["SequenceNumber"], last.form["CallDuration"]) == ("2", "0")
    assert (await site.fetch(placed.sid)).status == "failed"


async def test_P1_kill_right_after_201(sites: Sites) -> None:
    """What the API has accepted is on the disk: the call is there after the crash, with an end."""
    site = await sites(sections={"limits": {"calls_per_second": 0.1}})
    first, queued = await site.create(), await site.create()
    await killed(site)
    await site.over(first.sid, queued.sid)
    calls = await site.do(lambda client: client.calls.list())
    assert {call.sid: call.status for call in calls} == {first.sid: "failed", queued.sid: "failed"}


async def test_P1_kill_during_a_dial(sites: Sites) -> None:
    """Both legs of a bridged call get their end."""
    site = await sites()
    sid, call = await talking(site, f"<Dial><Number statusCallback='/child'>{site.callee}</Number></Dial>")
    site.application.on("/child", "")
    callee = await site.carrier.incoming()
    await callee.answer()
    call.media.tone(500)
    await callee.media.heard_tone(500)
    await killed(site)
    await site.told("completed", sid)
    child = await site.application.request("/child")
    assert (child.form["CallStatus"], child.form["ParentCallSid"]) == ("completed", sid)
    calls = await site.do(lambda client: client.calls.list())
    assert [one.status for one in calls] == ["completed", "completed"]


async def test_P1_kill_during_a_recording(sites: Sites) -> None:
    """The recording is completed at the start, and plays up to a second before the kill."""
    site = await sites()
    record = '<Record playBeep="false" trim="do-not-trim" recordingStatusCallback="/recorded" action="/done"/>'
    sid, call = await talking(site, record)
    await site.daemon.logged(r"recording sid=RE")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await call.media.play(tones.tone(600, 3.0))
    spoken = loop.time() - began
    await killed(site)

    recordings = await site.do(lambda client: client.recordings.list(call_sid=sid))
    assert [one.status for one in recordings] == ["completed"]
    pcm, rate = await site.wav(recordings[0].sid)
    assert spoken - 1.0 < len(pcm) / rate < spoken + 0.5
    assert tones.contains(pcm, 600)
    assert int(recordings[0].duration) == round(len(pcm) / rate)


async def test_P1_undelivered_callbacks_are_kept(sites: Sites) -> None:
    """A callback that could not be delivered before the crash is delivered after it, once and with the same token."""
    site = await sites()
    sid, call = await talking(site)
    held = site.application.hold("/status", "")
    await call.hangup()
    attempt = await site.told("completed", sid)
    assert (await site.fetch(sid)).status == "completed"  # what is read is on the disk
    await site.daemon.kill()
    held.set()
    site.application.on("/status", "")
    await site.daemon.run()
    again = await site.told("completed", sid)
    token = "I-Twilio-Idempotency-Token"
    assert again.form == attempt.form and again.header(token) == attempt.header(token) != ""
    await site.daemon.restart()
    assert site.application.count("/status") == 2


async def test_P1_callbacks_wait_for_a_server_that_is_down(sites: Sites) -> None:
    """The same over a crash and a start during which nobody listens."""
    site = await sites()
    sid, call = await talking(site)
    await site.application.refuse_connections()
    await call.hangup()
    await site.daemon.logged(f"{sid} completed ")
    assert (await site.fetch(sid)).status == "completed"
    assert (await site.daemon.health())["callbacks_pending"] == 1
    await site.daemon.kill()
    await site.daemon.run()
    assert (await site.daemon.health())["callbacks_pending"] == 1
    await site.application.listen()
    # the machine may be so slow that the first two pauses are over: then the third one (30 s) has begun
    await site.told("completed", sid, timeout=40)


async def test_restart_in_order(sites: Sites) -> None:
    """SIGTERM and a start at once, three times over, on the same ports: each run takes calls, records stay."""
    site = await sites()
    sids = []
    for _ in range(3):
        sid, call = await talking(site)
        await call.hangup()
        await site.told("completed", sid)
        sids.append(sid)
        await site.daemon.restart()
    calls = await site.do(lambda client: client.calls.list())
    assert [call.sid for call in calls] == sids[::-1]
