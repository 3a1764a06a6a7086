"""A caller and a callee by Dial: the callee is offered the caller's codec, and what both have is relayed as it is."""

import json
from collections.abc import Awaitable, Callable

import pytest

from tests.engine.test_codecs import heard_of
from tests.harness import Phone, PhoneCall, tones
from tests.harness.sdp import DTMF, G722, GSM, OPUS, PCMA, PCMU, Codec, Sdp
from tests.harness.speech import decoded, encoded

from .site import CALLEE, Site

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]

RATES = {"G722": 16000, "opus": 48000}


def says(call: PhoneCall, codec: Codec, remote: Sdp | None, hz: float) -> None:
    """A tone in a codec from now on."""
    assert remote is not None
    if codec.name in RATES:
        call.media.payloads(encoded(tones.tone(hz, 2.0, rate=RATES[codec.name]), codec.name))
    else:
        call.media.tone(hz)
    call.media.connect((remote.address, remote.port), codec=remote.audio, sending=True)


async def hears(call: PhoneCall, remote: Sdp | None, hz: float) -> None:
    """Returns when the phone gets a tone."""
    assert remote is not None
    call.media.accept([remote.audio])
    for _ in range(10):
        since = call.media.mark()
        await call.media.received(25, since=since)
        pcm, rate = decoded(heard_of(call, remote.audio, since), remote.audio.name, remote.audio.rate)
        if tones.contains(pcm[-rate // 4 :], hz, rate=rate):
            return
    raise AssertionError(f"{call.from_user} does not hear {hz} Hz")


async def figures_of(site: Site, sid: str) -> list[dict[str, object]]:
    """What the ends of a call and of its child say of their media."""
    found = []
    _, _, body = await site.get(site.path(f"Calls.json?ParentCallSid={sid}"))
    for each in (sid, *(call["sid"] for call in json.loads(body)["calls"])):
        _, _, body = await site.get(site.path(f"Calls/{each}/Events.json?Kind=all"))
        found.append(json.loads(body)["events"][-1])
    return found


@pytest.mark.parametrize("waits", ["true", "false"], ids=["waits", "answered"])
@pytest.mark.parametrize(
    ("caller", "callee", "chosen"),
    [
        ((G722,), (PCMU, G722), G722),
        ((G722, PCMU), (PCMU, G722), G722),
        ((PCMA,), (PCMU, PCMA), PCMA),
        ((OPUS, PCMU), (OPUS, PCMU), OPUS),
    ],
    ids=["G722", "G722-PCMU", "PCMA", "opus"],
)
async def test_one_codec_on_both_sides(
    sites: Sites, phones: Phones, caller: tuple[Codec, ...], callee: tuple[Codec, ...], chosen: Codec, waits: str
) -> None:
    site = await sites()
    site.script("/voice", f'<Dial answerOnBridge="{waits}">{CALLEE}</Dial>')
    phone = await phones("wide")
    phone.codecs = (*caller, DTMF)
    call = await phone.invite(site.daemon.sip_uri(site.number))
    incoming = await site.carrier.incoming()
    assert incoming.remote_sdp is not None
    assert incoming.remote_sdp.audio.name == chosen.name
    incoming.negotiation.codecs = (*callee, DTMF)
    await incoming.answer()
    await call.answered()
    assert call.remote_sdp is not None
    assert call.remote_sdp.audio.name == chosen.name
    says(call, chosen, call.remote_sdp, 500)
    says(incoming, chosen, incoming.remote_sdp, 700)
    await hears(call, call.remote_sdp, 700)
    await hears(incoming, incoming.local_sdp, 500)
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.hangup()
    await incoming.until_ended()
    await site.told("completed", sid)
    for each in await figures_of(site, sid):
        assert '"relayed": 0' not in json.dumps(each), each
        assert f'"codec": "{chosen.name}"' in json.dumps(each), each


async def test_a_caller_who_waited_has_the_codec_of_who_answers(sites: Sites, phones: Phones) -> None:
    """The callee has none of the wide ones: the caller's other codec is that of both."""
    site = await sites()
    site.script("/voice", f'<Dial answerOnBridge="true">{CALLEE}</Dial>')
    phone = await phones("wide")
    phone.codecs = (G722, GSM, PCMA, PCMU, DTMF)
    call = await phone.invite(site.daemon.sip_uri(site.number))
    incoming = await site.carrier.incoming()
    incoming.negotiation.codecs = (PCMU, DTMF)
    await incoming.answer()
    await call.answered()
    assert call.remote_sdp is not None
    assert call.remote_sdp.audio.name == "PCMU"
    call.media.tone(500)
    await incoming.media.heard_tone(500)
    await call.hangup()
    await incoming.until_ended()
    await site.told("completed", (await site.application.request("/voice")).form["CallSid"])
