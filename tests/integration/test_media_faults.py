"""Promises M4, M5 and M7: RTP that stops, a bad network, and senders that jump: what is heard, and how calls end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import PhoneCall, tones
from tests.harness.impairment import Impairment, ImpairmentRelay
from tests.harness.waiting import SCALE

from .line import Line, both, seconds_of, steady
from .site import CALLEE, Site

pytestmark = pytest.mark.integration
shared = pytest.mark.asyncio(loop_scope="session")  # of the daemon that `line` belongs to


async def test_M4_rtp_stops(sites: Callable[..., Awaitable[Site]]) -> None:
    """The call ends after media.timeout_s, on hold after media.hold_timeout_s, and all are told why."""
    site = await sites(sections={"media": {"timeout_s": 5, "hold_timeout_s": 9}})
    site.script("/voice", f"<Dial>{CALLEE}</Dial>")
    call = await site.dial_in()
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await both(call, incoming)
    held = await site.dial_in()
    second = await site.carrier.incoming()
    await second.answer()
    await held.answered()
    assert (await held.hold()).status == 200
    clock = asyncio.get_running_loop()
    for one in (call, held):
        one.media.pause()
    silent = clock.time()
    ending = await call.until_ended(12)
    took = clock.time() - silent
    assert ending.how == "bye received"
    assert 'cause=408;text="no RTP came for 5 s"' in ending.reason
    assert 4.5 < took < 6.5 * SCALE
    assert (await incoming.until_ended()).how == "bye received"
    await site.daemon.logged("no RTP came for 5 s")
    assert not held.ended.done()
    ending = await held.until_ended(12)
    assert 'text="no RTP came for 9 s"' in ending.reason
    await second.until_ended()
    for _ in range(2):
        await site.told("completed")


@shared
async def test_M5_a_bad_network(line: Line) -> None:
    """5 % loss, 40 ± 20 ms, 2 % overtaken, both ways: each RFC 4733 digit counts once, and speech is continuous."""
    bad = Impairment(loss=0.05, delay_ms=40, jitter_ms=20, reorder=0.02, seed=2)
    relay = await ImpairmentRelay.start(bad, bad)
    keys = "0123456789*#5500"
    line.sound("/tone.wav", 440, 6.0)
    line.on("/key", '<Record playBeep="false" finishOnKey="#" action="/done"/>')
    line.on("/done", "<Play>/tone.wav</Play>")
    call = await line.call(f'<Gather action="/key" finishOnKey="" numDigits="{len(keys)}" timeout="30"/>', relay=relay)
    await call.answered()
    await call.media.received(25)
    await call.media.send_digits(keys, 0.08, 0.08)
    assert (await line.request("/key")).form["Digits"] == keys
    await call.media.play(tones.tone(600, 5.0))
    await call.media.send_digits("#")
    [pcm], _ = await line.recording((await line.request("/done")).form["RecordingUrl"])
    assert seconds_of(pcm, 600) == pytest.approx(5.0, abs=0.35)
    assert steady(pcm)
    await call.until_ended(10)
    # What we send is paced as if nothing were wrong: the peer lacks what the network took, and nothing else.
    assert call.media.heard.statistics().timestamp_faults == 0 and len(call.media.heard.sources) == 1
    assert relay.a_to_b.lost > 10 and relay.a_to_b.late > 2 and relay.b_to_a.lost > 10
    await relay.close()


JUMPS: dict[str, Callable[[PhoneCall], None]] = {
    "another source": lambda call: call.media.jump(ssrc=0x1234ABCD),
    "the sequence jumps": lambda call: call.media.jump(sequence=20000),
    "the sequence goes back": lambda call: call.media.jump(sequence=-20000),
    "the timestamp jumps": lambda call: call.media.jump(timestamp=1 << 30),
    "the timestamp goes back": lambda call: call.media.jump(timestamp=-(1 << 30)),
    "everything jumps": lambda call: call.media.jump(ssrc=77, sequence=333, timestamp=-99999),
}


@shared
@pytest.mark.parametrize("record", ["", 'record="record-from-answer"'], ids=["relayed", "mixed"])
async def test_M7_senders_that_jump(line: Line, record: str) -> None:
    """SSRC, sequence and timestamps jump, packets change their length, other payload types come: heard within 1 s."""
    gateway = await line.gateway()
    call = await line.call(f"<Dial {record}>{line.dialled()}</Dial>")
    incoming = await gateway.incoming()
    await incoming.answer()
    await both(call, incoming)
    for what, jump in JUMPS.items():
        jump(call)
        await heard_again(call, incoming, what)
    for ptime in (10, 30, 40, 60, 20):
        call.media.ptime_ms = ptime
        await heard_again(call, incoming, f"{ptime} ms a packet")
    for hostile in (9, 13, 18, 72, 96, 127):  # G.722, comfort noise, G.729, one that RTCP excludes, nobody's
        for n in range(20):
            call.media.send_raw(bytes([0x80, hostile, 0, n, 0, 0, 0, n, 0, 0, 0, 9]) + bytes([n]) * (n * 8))
    await heard_again(call, incoming, "other payload types")
    assert len(incoming.media.heard.sources) == 1
    assert incoming.media.heard.statistics().timestamp_faults == 0
    await call.hangup()
    await incoming.until_ended()


async def heard_again(call: PhoneCall, incoming: PhoneCall, what: str) -> None:
    """A second later the tones are whole, at both ends, and stay so."""
    marks = call.media.mark(), incoming.media.mark()
    start = asyncio.get_running_loop().time()
    await asyncio.gather(call.media.received(50, since=marks[0]), heard_for(incoming, 0.8, marks[1]))
    settled = incoming.media.mark()
    await heard_for(incoming, 0.3, settled)
    assert asyncio.get_running_loop().time() - start < 4 * SCALE, what
    for side, since, hz in ((incoming, settled, 500), (call, marks[0], 700)):
        heard = side.media.pcm(since=since)
        assert tones.contains(heard, hz) and tones.gaps(heard, longer_than_ms=20) == [], what


async def heard_for(side: PhoneCall, seconds: float, since: int) -> None:
    """Returns when so much sound has come, whatever the length of its packets."""
    packets = 0
    while len(side.media.pcm(since=since)) < seconds * 8000:
        await side.media.received(1, since=since + packets)
        packets = side.media.mark() - since
