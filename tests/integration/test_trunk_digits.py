"""`dtmf` of a trunk: how digits go to it and come from it, and that none counts twice."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import PCMU, Phone, PhoneCall, tones
from tests.harness.sdp import DTMF

from .site import Site

pytestmark = pytest.mark.integration

OUT = "+17770001"
Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]


async def dialled(
    sites: Sites, phones: Phones, dtmf: str, verbs: str, *, events: bool
) -> tuple[Site, PhoneCall, PhoneCall]:
    """A caller, and an answered call that a trunk carries out; its gateway agrees to telephone-event, or not."""
    gateway = await phones("gateway")
    out = {"name": "out", "targets": [f"sip:{gateway.place}"], "prefixes": ["+1777"], "dtmf": dtmf}
    site = await sites(trunks=[out])
    site.script("/voice", verbs)
    call = await site.dial_in()
    incoming = await gateway.incoming()
    incoming.negotiation.codecs = (PCMU, DTMF) if events else (PCMU,)
    await incoming.answer()
    await call.answered()
    return site, call, incoming


@pytest.mark.parametrize(
    ("dtmf", "events", "way"),
    [
        ("auto", True, "rfc4733"),
        ("auto", False, "tones"),
        ("rfc4733", True, "rfc4733"),
        ("info", True, "info"),
        ("inband", True, "tones"),
    ],
)
async def test_sent_in_one_way(sites: Sites, phones: Phones, dtmf: str, events: bool, way: str) -> None:
    """Keys of a Dial and keys of the caller: in the trunk's way, and in no other."""
    verbs = f'<Dial><Number sendDigits="12w3">{OUT}</Number></Dial>'
    _, call, incoming = await dialled(sites, phones, dtmf, verbs, events=events)
    call.media.tone(500)
    await incoming.media.heard_tone(500, timeout=10)  # the keys are over: they are connected
    await call.media.send_digits("459")
    call.media.silence()
    await incoming.media.silence_heard(0.4)
    ways = {
        "rfc4733": incoming.media.heard.digit_string,
        "info": incoming.info_digits,
        "tones": tones.dtmf_heard(incoming.media.pcm()),
    }
    assert ways == {"rfc4733": "", "info": "", "tones": "", way: "123459"}
    await call.hangup()
    await incoming.until_ended()


async def press(call: PhoneCall, keys: str) -> None:
    """Tones of a hand: 100 ms each, and as long between them."""
    for key in keys:
        await call.media.play(tones.dtmf(key, 0.1))
        await call.media.play(tones.silence(0.1))


@pytest.mark.parametrize("events", [False, True], ids=["tones alone", "tones and events"])
async def test_received_once(sites: Sites, phones: Phones, events: bool) -> None:
    """From a trunk that sends tones, or tones and RFC 4733, as gateways between networks do."""
    caller = await phones("old")
    old = {"name": "old", "allow": [f"{caller.address}/32"], "dtmf": "inband"}
    site = await sites(trunks=[old])
    site.script("/voice", '<Gather action="/key" numDigits="6" finishOnKey="" timeout="20"/>')
    site.script("/key", '<Pause length="5"/>')  # the last key goes up after it has counted
    call = await caller.invite(site.daemon.sip_uri(site.number))
    await call.answered()
    await call.media.received(25)
    for key in "1588*#":
        await press(call, key)
        if events:
            await call.media.send_digits(key, 0.1, 0.1)
    assert (await site.application.request("/key")).form["Digits"] == "1588*#"
    await call.hangup()


async def test_tones_from_whom_nothing_else_can_come(sites: Sites, phones: Phones) -> None:
    """`auto`, and an offer without telephone-event: its tones are heard, and go on to a leg that has RFC 4733."""
    site = await sites()
    site.script("/voice", f'<Dial hangupOnStar="true">{site.callee}</Dial><Say>over</Say>')
    caller = await phones("old")
    call = await caller.invite(site.daemon.sip_uri(site.number), offer=False)
    call.negotiation.codecs = (PCMU,)
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await call.answered()
    incoming.media.tone(700)
    await call.media.heard_tone(700)
    await press(call, "37")
    await incoming.media.heard_digits("37")
    assert not incoming.ended.done()
    await press(call, "*")
    assert (await incoming.until_ended()).how == "bye received"
    await call.hangup()
