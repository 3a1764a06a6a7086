"""Baresip as the caller and as the called party: a stack that shares nothing with ours."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import tones
from tests.harness.baresip import Baresip
from tests.harness.tones import Pcm

from .line import document
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Baresips = Callable[..., Awaitable[Baresip]]


def holds(pcm: Pcm, hz: float) -> bool:
    """Whether a tone is in any fifth of a second."""
    return any(tones.contains(pcm[start : start + 1600], hz) for start in range(0, len(pcm) - 1600, 800))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_it_calls_and_its_keys_drive_gather(sites: Sites, baresip: Baresips, transport: str) -> None:
    """It hears the menu, and the answer to its keys; what it says is recorded; our BYE ends it."""
    site = await sites()
    bare = await baresip(hz=600, transport=transport)
    site.serve_tone("/menu.wav", 440, 10.0)
    site.serve_tone("/two.wav", 880, 0.8)
    site.script("/voice", '<Gather numDigits="3" action="/keys"><Play>/menu.wav</Play></Gather>')
    record = '<Record playBeep="false" trim="do-not-trim" maxLength="1" action="/done"/>'
    site.script("/keys", f"<Play>/two.wav</Play>{record}")
    site.script("/done", "<Hangup/>")

    await bare.dial(site.daemon.sip_uri(site.number, transport))
    await bare.event("CALL_ESTABLISHED")
    voice = await site.application.request("/voice")
    assert voice.form["From"].startswith("sip:bare@") and voice.form["SipCallId"]
    await site.daemon.logged("answered status")
    await bare.send_digits("25*")
    assert (await site.application.request("/keys")).form["Digits"] == "25*"
    done = await site.application.request("/done")
    await bare.event("CALL_CLOSED")
    await site.told("completed")
    pcm, rate = await site.wav(done.form["RecordingSid"])
    assert tones.contains(pcm, 600, rate=rate)
    heard = await bare.recording()
    assert holds(heard, 880) and not holds(heard, 600)


async def test_it_hears_a_prompt_whole(sites: Sites, baresip: Baresips) -> None:
    """Three seconds of prompt arrive as three seconds, without a gap."""
    site = await sites()
    bare = await baresip()
    site.serve_tone("/prompt.wav", 440, 3.0)
    site.script("/voice", "<Pause length='1'/><Play>/prompt.wav</Play>")
    await bare.dial(site.daemon.sip_uri(site.number))
    await bare.event("CALL_CLOSED", timeout=15)
    heard = await bare.recording()
    sounding = [at for at in range(0, len(heard) - 160, 160) if tones.level_dbov(heard[at : at + 160]) > -40]
    prompt = heard[sounding[0] : sounding[-1] + 160]
    assert 2.8 < len(prompt) / 8000 < 3.1
    assert tones.contains(prompt, 440) and tones.gaps(prompt, longer_than_ms=60) == []


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_it_is_called_by_the_api(sites: Sites, baresip: Baresips, transport: str) -> None:
    """A REST call to its sip: URI: it hears the keys and the prompt, and its BYE ends the call."""
    site = await sites()
    bare = await baresip(hz=600, transport=transport)
    site.serve_tone("/prompt.wav", 880, 20.0)
    prompt = document(f"<Play>{site.url('/prompt.wav')}</Play>")
    placed = await site.create(to=bare.uri, from_="alice", twiml=prompt, send_digits="42#", record=True)
    await bare.event("CALL_ESTABLISHED")
    await site.told("initiated", placed.sid)
    await bare.heard_digits("42#")
    await site.daemon.logged(f"{placed.sid} verb name=Play")
    await bare.hangup()
    last = await site.over(placed.sid)
    assert (last.form["CallStatus"], last.form["SipResponseCode"]) == ("completed", "200")
    pcm, rate = await site.wav(last.form["RecordingSid"])
    assert holds(pcm, 600) and rate == 8000


async def test_it_refuses(sites: Sites, baresip: Baresips) -> None:
    """It rings until it is told to refuse: busy."""
    site = await sites()
    bare = await baresip(auto_answer=False)
    placed = await site.create(to=bare.uri, from_="alice")
    await bare.event("CALL_INCOMING")
    await site.told("initiated", placed.sid)
    await site.told("ringing", placed.sid)
    await bare.refuse()
    last = await site.over(placed.sid)
    assert (last.form["CallStatus"], last.form["SipResponseCode"]) == ("busy", "486")


async def test_it_is_canceled(sites: Sites, baresip: Baresips) -> None:
    """It rings, and stops when the API cancels the call."""
    site = await sites()
    bare = await baresip(auto_answer=False)
    placed = await site.create(to=bare.uri, from_="alice")
    await bare.event("CALL_INCOMING")
    await site.update(placed.sid, status="canceled")
    await bare.event("CALL_CLOSED")
    assert (await site.over(placed.sid)).form["CallStatus"] == "canceled"


async def test_two_of_them_talk(sites: Sites, baresip: Baresips) -> None:
    """One dials the other through the daemon for two seconds: each hears the other's tone and not its own."""
    site = await sites()
    caller, called = await baresip(user="caller", hz=600), await baresip(user="called", hz=1000)
    site.script("/voice", f"<Dial action='/done' timeLimit='2'><Sip>{called.uri}</Sip></Dial>")
    site.script("/done", "<Hangup/>")
    await caller.dial(site.daemon.sip_uri(site.number))
    await called.event("CALL_ESTABLISHED")
    await caller.event("CALL_CLOSED")
    done = await site.application.request("/done")
    assert (done.form["DialCallStatus"], done.form["DialBridged"]) == ("completed", "true")
    by_caller, by_called = await caller.recording(), await called.recording()
    assert holds(by_caller, 1000) and not holds(by_caller, 600)
    assert holds(by_called, 600) and not holds(by_called, 1000)


async def test_one_of_them_holds(sites: Sites, baresip: Baresips) -> None:
    """Its re-INVITEs for hold and resume are answered, and its keys still reach the other one after them."""
    site = await sites()
    caller, called = await baresip(user="caller"), await baresip(user="called")
    site.script("/voice", f"<Dial><Sip>{called.uri}</Sip></Dial>")
    await caller.dial(site.daemon.sip_uri(site.number))
    await called.event("CALL_ESTABLISHED")
    await caller.event("CALL_ESTABLISHED")
    await site.daemon.logged("bridged child=")
    await caller.event("CALL_REMOTE_SDP")
    await caller.hold()
    await caller.event("CALL_REMOTE_SDP")
    await caller.resume()
    await caller.event("CALL_REMOTE_SDP")
    await caller.send_digits("7")
    await called.heard_digits("7")
    await caller.hangup()
    await called.event("CALL_CLOSED")
    await site.told("completed")
