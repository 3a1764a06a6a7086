"""Where and how a call's sound travels: hold, moved ports, late offers, transports, codecs, calls side by side."""

import asyncio
from dataclasses import replace

import pytest

from tests.harness import DTMF, PCMA, PCMU, Codec, PhoneCall, RtpPeer, tones
from tests.harness.sdp import Sdp

from .line import LATER, Line, both, seconds_of, steady

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def talking(line: Line) -> tuple[PhoneCall, PhoneCall]:
    """A caller and a callee who hear each other."""
    gateway = await line.gateway()
    call = await line.call(f"<Dial>{line.dialled()}</Dial>")
    incoming = await gateway.incoming()
    await incoming.answer()
    await both(call, incoming)
    return call, incoming


async def moved(call: PhoneCall) -> RtpPeer:
    """A re-INVITE that moves the call's media to another port of the phone; the new peer is the call's from now on."""
    assert call.local_sdp is not None
    old, new = call.media, RtpPeer(call.media.address)
    offer = replace(call.local_sdp, port=new.port, version=call.local_sdp.version + 1)
    call.media = call.negotiation.media = new
    assert (await call.reinvite(sdp=offer)).status == 200
    old.close()
    return new


async def test_hold_during_a_prompt(line: Line) -> None:
    """Held, the phone gets the answer recvonly and no sound; resumed, it hears the prompt again."""
    line.sound("/long.wav", 440, 20)
    call = await line.call("<Play>/long.wav</Play>")
    await call.media.heard_tone(440)
    assert (await call.hold()).status == 200
    assert call.remote_sdp is not None and call.remote_sdp.direction == "recvonly"
    await call.media.silence_heard(0.3)
    assert (await call.resume()).status == 200
    assert call.remote_sdp.direction == "sendrecv"
    await call.media.heard_tone(440)
    mark = call.media.mark()
    await call.media.received(30)
    assert steady(call.media.pcm(since=mark))


async def test_hold_while_digits_are_gathered(line: Line) -> None:
    line.on("/key", LATER)
    call = await line.call('<Gather action="/key" numDigits="2" timeout="20"/>')
    await call.answered()
    await call.media.send_digits("1")
    await call.hold()
    await call.resume()
    await call.media.send_digits("2")
    assert (await line.request("/key")).form["Digits"] == "12"


async def test_hold_during_a_talk(line: Line) -> None:
    call, incoming = await talking(line)
    await call.hold()
    call.media.silence()
    await call.media.silence_heard(0.3)
    await incoming.media.silence_heard(0.3)
    assert not incoming.ended.done()
    await call.resume()
    await both(call, incoming)
    await incoming.hold()
    await incoming.media.silence_heard(0.3)
    await incoming.resume()
    await both(call, incoming)


async def test_a_held_caller_still_plays_to_the_callee(line: Line) -> None:
    """sendonly is how a phone plays its own music on hold."""
    call, incoming = await talking(line)
    await call.hold()
    call.media.tone(300)
    await incoming.media.heard_tone(300)


async def test_reinvite_that_changes_nothing(line: Line) -> None:
    line.sound("/long.wav", 440, 20)
    call = await line.call("<Play>/long.wav</Play>")
    await call.media.heard_tone(440)
    mark = call.media.mark()
    assert (await call.reinvite()).status == 200
    await call.media.received(50)
    assert seconds_of(call.media.pcm(since=mark), 440) > 0.85


async def test_media_that_move_during_a_prompt(line: Line) -> None:
    line.sound("/long.wav", 440, 20)
    line.on("/key", LATER)
    call = await line.call('<Gather action="/key" numDigits="1"><Play>/long.wav</Play></Gather>')
    await call.media.heard_tone(440)
    media = await moved(call)
    await media.heard_tone(440)
    await media.send_digits("8")
    assert (await line.request("/key")).form["Digits"] == "8"


async def test_media_that_move_during_a_talk(line: Line) -> None:
    call, incoming = await talking(line)
    await moved(call)
    await both(call, incoming)
    await moved(incoming)
    await both(call, incoming)


async def test_late_offer(line: Line) -> None:
    """An INVITE without a description: the daemon offers in its 200, the phone answers in the ACK."""
    line.sound("/tone.wav", 440, 1.0)
    line.on("/key", LATER)
    call = await line.call('<Gather action="/key" numDigits="1"><Play>/tone.wav</Play></Gather>', offer=False)
    await call.answered()
    assert call.remote_sdp is not None and {codec.name for codec in call.remote_sdp.codecs} >= {"PCMU", "PCMA"}
    await call.media.heard_tone(440)
    await call.media.send_digits("3")
    assert (await line.request("/key")).form["Digits"] == "3"


async def test_late_offer_in_a_reinvite(line: Line) -> None:
    line.sound("/long.wav", 440, 20)
    call = await line.call("<Play>/long.wav</Play>")
    await call.media.heard_tone(440)
    assert (await call.reinvite(sdp=False)).status == 200
    mark = call.media.mark()
    await call.media.received(30)
    assert tones.contains(call.media.pcm(since=mark), 440)


async def test_tcp(line: Line) -> None:
    line.sound("/tone.wav", 440, 1.0)
    line.on("/key", LATER)
    phone = await line.phone(transport="tcp")
    call = await line.call('<Gather action="/key" numDigits="1"><Play>/tone.wav</Play></Gather>', phone=phone)
    await call.media.heard_tone(440)
    await call.media.send_digits("3")
    assert (await line.request("/key")).form["Digits"] == "3"
    assert (await call.until_ended()).how == "bye received"
    assert {entry.peer.transport for entry in phone.trace.entries} == {"TCP"}


@pytest.mark.parametrize("codec", [PCMA, PCMU], ids=["PCMA", "PCMU"])
async def test_a_codec_alone(line: Line, codec: Codec) -> None:
    line.sound("/tone.wav", 440, 0.8)
    line.on("/key", LATER)
    call = await line.call_with((codec, DTMF), '<Gather action="/key" numDigits="1"><Play>/tone.wav</Play></Gather>')
    await call.media.heard_tone(440)
    assert call.media.heard.payload_types == {codec.payload_type}
    await call.media.send_digits("1")
    await line.request("/key")


async def test_between_two_codecs(line: Line) -> None:
    """A caller with PCMA alone talks with a callee with PCMU alone."""
    gateway = await line.gateway()
    call = await line.call_with((PCMA,), f"<Dial>{line.dialled()}</Dial>")
    incoming = await gateway.incoming()
    assert incoming.remote_sdp is not None and PCMU in incoming.remote_sdp.codecs
    incoming.negotiation.codecs = (PCMU,)
    await incoming.answer()
    incoming.media.codec = PCMU  # it would send what it was offered first
    await both(call, incoming)
    assert (call.media.heard.payload_types, incoming.media.heard.payload_types) == ({8}, {0})


async def test_no_codec_that_both_know(line: Line) -> None:
    phone = await line.phone()
    offer = Sdp.offer(phone.address, 40000, (Codec(18, "G729"),))
    call = await line.call("<Say>Never heard</Say>", phone=phone, offer=offer)
    assert (await call.refused()).status == 488


async def test_two_calls_do_not_hear_each_other(line: Line) -> None:
    gateway = await line.gateway()
    legs = []
    for extension in (1, 2):
        call = await line.call(f"<Dial>{line.dialled(extension)}</Dial>")
        incoming = await gateway.incoming()
        await incoming.answer()
        legs.append((call, incoming))
    frequencies = [(500, 700), (900, 1100)]
    for (call, incoming), (one, other) in zip(legs, frequencies, strict=True):
        call.media.tone(one)
        incoming.media.tone(other)
    for (call, incoming), (one, other) in zip(legs, frequencies, strict=True):
        await asyncio.gather(call.media.heard_tone(other), incoming.media.heard_tone(one))
    everything = {hz for pair in frequencies for hz in pair}
    for (call, incoming), (one, other) in zip(legs, frequencies, strict=True):
        for side, hz in ((call, other), (incoming, one)):
            heard = side.media.pcm(last=0.5)
            assert [tones.tone_dbov(heard, foreign) < -50 for foreign in everything - {hz}] == [True] * 3


async def test_two_calls_hear_their_own_prompts(line: Line) -> None:
    line.sound("/one.wav", 500, 1.5)
    line.sound("/two.wav", 900, 1.5)
    first = await line.call("<Play>/one.wav</Play>")
    await line.request("/voice")
    second = await line.call("<Play>/two.wav</Play>")
    await asyncio.gather(first.media.heard_tone(500), second.media.heard_tone(900))
    await first.until_ended()
    await second.until_ended()
    for call, own, foreign in ((first, 500, 900), (second, 900, 500)):
        heard = call.media.pcm()
        assert seconds_of(heard, own) == pytest.approx(1.5, abs=0.08) and steady(heard)
        assert not tones.contains(heard, foreign)


async def test_stream_is_regular(line: Line) -> None:
    """20 ms a packet, on one line of sequence numbers and timestamps, from one SSRC."""
    line.sound("/tone.wav", 440, 2.0)
    call = await line.call("<Play>/tone.wav</Play>")
    await call.until_ended()
    statistics = call.media.heard.statistics()
    assert (statistics.lost, statistics.duplicates, statistics.reordered) == (0, 0, 0)
    assert statistics.timestamp_faults == 0 and len(call.media.heard.sources) == 1
    assert {len(arrival.packet.payload) for arrival in call.media.heard.arrivals} == {160}
