"""Promises M1, M2, M3, M6 and M8: nobody but the peer speaks on a call's ports, and hostile media end nothing."""

import asyncio
import io
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import cast

import numpy as np
import pytest
import soundfile
from OpenSSL import SSL

from tests.harness import ApplicationServer, Phone, PhoneCall, RtpPeer, tones
from tests.harness.application import Break
from tests.harness.daemon import TOKEN
from tests.harness.packet import RtpPacket
from tests.harness.ports import next_address
from tests.harness.srtp import Dtls, Sdes

from .site import CALLEE, Site, canary

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]


@pytest.fixture
def own() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def media_place(call: PhoneCall) -> tuple[str, int]:
    """Where the daemon waits for this call's RTP."""
    assert call.remote_sdp is not None
    return call.remote_sdp.address, call.remote_sdp.port


async def fate(site: Site, name: str) -> int:
    """How many packets had this fate so far."""
    return (await site.daemon.metrics())[f'callwright_media_packets_total{{fate="{name}"}}']


async def bridged(site: Site) -> tuple[PhoneCall, PhoneCall]:
    """A caller and a callee who hear each other, 500 and 700 Hz."""
    site.script("/voice", f"<Dial>{CALLEE}</Dial>")
    call = await site.dial_in()
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await call.answered()
    call.media.tone(500)
    incoming.media.tone(700)
    await asyncio.gather(call.media.heard_tone(700), incoming.media.heard_tone(500))
    return call, incoming


async def test_M1_rtp_from_elsewhere(sites: Sites, own: ExitStack) -> None:
    """A stranger is neither heard nor sent to; a peer that moves is followed, but not at once."""
    site = await sites()
    call, incoming = await bridged(site)
    stranger = own.enter_context(closing(RtpPeer(next_address())))
    stranger.tone(900)
    since = incoming.media.mark()
    stranger.connect(media_place(call))
    host, port = media_place(call)
    for rtcp, place in ((False, (host, port)), (True, (host, port + 1))):  # in the name of both sides
        for side in (call, incoming):
            stranger.send_beside(GOODBYE + side.media.ssrc.to_bytes(4), place, rtcp=rtcp)
    await incoming.media.received(75, since=since)
    heard = incoming.media.pcm(since=since)
    assert tones.contains(heard, 500) and tones.tone_dbov(heard, 900) < -50
    assert stranger.heard.arrivals == []
    assert await fate(site, "foreign") >= 50
    line = await site.daemon.logged("security kind=rtp-source")
    assert f"source={stranger.address} port={stranger.port} " in line

    call.media.pause()  # its network gives it another port: what it sent by before is silent
    stranger.silence()
    stranger.pause()
    moved = own.enter_context(closing(RtpPeer(call.media.address)))
    moved.tone(600)
    moved.connect(media_place(call))
    await moved.received(25, timeout=8)
    assert moved.packets_sent > 50, "the new source was taken before the old one had been silent for two seconds"
    await asyncio.gather(incoming.media.heard_tone(600), moved.heard_tone(700))
    await call.hangup()
    await incoming.until_ended()


GOODBYE = b"\x80\xc9\x00\x01\x00\x00\x00\x01\x81\xcb\x00\x01"
"""An empty RTCP receiver report and the head of a BYE (RFC 3550 §6.4.2, §6.6); the source's SSRC follows."""


def garbage(count: int, *, ssrc: int, seed: int = 3) -> list[bytes]:
    """What looks like SRTP of a source, and is none: random bytes, cut off, or with a header of RTP or RTCP only."""
    dice = random.Random(seed)
    found = []
    for n in range(count):
        body = dice.randbytes(dice.randrange(0, 300))
        packet = bytes(RtpPacket(0, dice.getrandbits(16), dice.getrandbits(32), ssrc, body))
        found.append((packet, packet[: dice.randrange(1, 30)], b"\x80\xc8" + body, body or b"\x00")[n % 4])
    return found


async def test_M2_garbage_srtp(sites: Sites, phones: Phones) -> None:
    """From the peer's own address, so that only the key tells it apart: dropped, counted, and the call goes on."""
    caller = await phones("secured")
    caller.security = Sdes
    trunk = {"name": "secured", "allow": [f"{caller.address}/32"], "srtp": "required"}
    site = await sites(trunks=[trunk])
    site.serve_tone("/tone.wav", 440)
    site.script("/voice", "<Record playBeep='false' finishOnKey='#' action='/done'/>")
    site.script("/done", "<Play loop='0'>/tone.wav</Play>")
    call = await caller.invite(site.daemon.sip_uri(site.number))
    await call.answered()
    call.media.tone(500)
    await call.media.received(25)
    first = await fate(site, "forged")
    host, port = media_place(call)
    for packet in garbage(400, ssrc=call.media.ssrc):
        call.media.send_raw(packet)
        call.media.send_beside(packet, (host, port + 1), rtcp=True)
    call.media.send_beside(GOODBYE + call.media.ssrc.to_bytes(4), (host, port + 1), rtcp=True)
    replayed = bytes(RtpPacket(0, call.media.sequence, call.media.timestamp, call.media.ssrc, b"\xff" * 160))
    for _ in range(50):
        call.media.send_raw(replayed)
    await call.media.received(50)
    forged = await fate(site, "forged") - first
    assert forged >= 150, f"{forged} were counted as forged"
    await call.media.send_digits("#")
    done = await site.application.request("/done")
    pcm, _ = await site.wav(done.form["RecordingSid"])
    assert tones.contains(pcm, 500) and tones.gaps(pcm[1600:-1600], longer_than_ms=60) == []
    await call.media.heard_tone(440)
    await call.hangup()


class DtlsStranger(asyncio.DatagramProtocol):
    """Somebody who knows a call's RTP port and would like to be its peer: sends a ClientHello, answers what comes.

    Attributes:
        heard: the datagrams that came back.
    """

    def __init__(self, to: tuple[str, int]) -> None:
        self.to, self.heard = to, list[bytes]()
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
        self._connection = SSL.Connection(context)
        self._connection.set_ciphertext_mtu(1200)
        self._connection.set_connect_state()

    @classmethod
    async def open(cls, to: tuple[str, int]) -> "DtlsStranger":
        """Bound to an address of its own."""
        loop = asyncio.get_running_loop()
        _, stranger = await loop.create_datagram_endpoint(lambda: cls(to), local_addr=(next_address(), 0))
        return stranger

    @property
    def host(self) -> str:
        """Its address."""
        return str(self.transport.get_extra_info("sockname")[0])

    def close(self) -> None:
        """Closes its socket."""
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        self._connection.bio_write(data)
        self.turn()

    def turn(self) -> bytes:
        """Goes on with the handshake; what was sent."""
        with suppress(SSL.WantReadError):
            self._connection.do_handshake()
        try:
            flight = self._connection.bio_read(65536)
        except SSL.WantReadError:
            return b""
        self.send(flight)
        return flight

    def send(self, data: bytes) -> None:
        """Any bytes."""
        self.transport.sendto(data, self.to)


ALERT = bytes.fromhex("15fefd00000000000000070002") + b"\x02\x28"
"""A fatal alert, handshake_failure, in the clear (RFC 6347 §4.1.2.7)."""


async def test_M3_dtls_from_elsewhere(sites: Sites, phones: Phones, own: ExitStack) -> None:
    """A ClientHello, a ServerHello's place or an alert of a stranger: before, during and after the peer's handshake."""
    gateway = await phones("gateway")
    gateway.security = lambda: Dtls("active")
    out = {"targets": [f"sip:{gateway.place}"], "prefixes": ["+1777"], "srtp": "required", "srtp_keying": "dtls"}
    site = await sites(trunks=[{"name": "gateway", **out}])
    site.script("/voice", "<Dial>+17770001</Dial>")
    call = await site.dial_in()
    incoming = await gateway.incoming()
    strangers = [own.enter_context(closing(await DtlsStranger.open(media_place(incoming)))) for _ in range(2)]
    hello = strangers[0].turn()  # before there is an answer
    assert hello[0] == 22 and hello[13] == 1  # a handshake record with a ClientHello
    await incoming.answer()  # its own ClientHello comes before its answer, and again a second later
    for stranger in strangers:
        stranger.send(hello)
        stranger.send(ALERT)
    call.media.tone(500)
    incoming.media.tone(700)
    await asyncio.gather(call.media.heard_tone(700), incoming.media.heard_tone(500))
    for stranger in strangers:
        for data in (hello, ALERT, b"\x16" * 200, b"\x14\xfe\xfd"):
            stranger.send(data)
    marks = call.media.mark(), incoming.media.mark()
    await asyncio.gather(call.media.received(60), incoming.media.received(60))
    assert tones.contains(call.media.pcm(since=marks[0]), 700)
    assert tones.contains(incoming.media.pcm(since=marks[1]), 500)
    assert [stranger.heard for stranger in strangers] == [[], []]
    assert await fate(site, "foreign") >= 8
    line = await site.daemon.logged("security kind=rtp-source")
    assert any(f"source={stranger.host} " in line for stranger in strangers)
    await call.hangup()
    await incoming.until_ended()


async def test_M6_rtp_ports_run_out(sites: Sites) -> None:
    """No pair is free: refused before anything rings. A pair rests while there are others."""
    site = await sites(rtp_ports=8)
    site.script("/voice", '<Gather timeout="60"/>')
    places, calls = set(), []
    for kept in (False, False, True):  # one after the other: always another pair
        call = await site.dial_in()
        await call.answered()
        places.add(media_place(call))
        if kept:
            calls.append(call)
            await call.media.received(15)  # until the sockets before are closed
        else:
            await call.hangup()
            await site.told("completed")
    assert len(places) == 3
    assert (await site.daemon.metrics())["callwright_media_rtp_pairs_unrested_total"] == 0

    for _ in range(3):
        calls.append(await site.dial_in())
        await calls[-1].answered()
    metrics = await site.daemon.metrics()
    assert metrics["callwright_media_rtp_pairs_unrested_total"] == 2
    assert metrics["callwright_media_rtp_pairs"] == metrics["callwright_media_rtp_pairs_taken"] == 4
    asked = site.application.count("/voice")
    refused = await site.dial_in()
    assert (await refused.refused()).status == 503
    assert refused.provisional == [] and site.application.count("/voice") == asked
    await calls[0].hangup()
    await site.told("completed")
    for call in calls[1:]:
        await call.media.received(15)  # and nobody else was disturbed
    again = await site.dial_in()
    await again.answered()
    assert media_place(again) == media_place(calls[0])
    for call in (*calls[1:], again):
        await call.hangup()


def long_silence() -> bytes:
    """A FLAC file that is short for the 70 minutes that it lasts."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 8000, 1, format="FLAC", subtype="PCM_16") as out:
        for _ in range(70):
            out.write(np.zeros(8000 * 60, dtype=np.int16))
    return file.getvalue()


async def test_M8_hostile_media(
    sites: Sites, phones: Phones, applications: Callable[..., Awaitable[ApplicationServer]]
) -> None:
    """Too long, too large, endless, never there, not sound: each is left out, and another call does not notice."""
    sick = await applications(TOKEN)
    limits = {"max_media_bytes": 1_000_000, "read_timeout_ms": 1500, "total_timeout_ms": 2000}
    site = await sites(canary=True, sections={"outbound_http": {"allow_private": True, **limits}})
    noise = random.Random(5).randbytes(200_000)
    sick.serve_sound("/long.flac", long_silence(), "audio/flac")
    sick.serve_sound("/large.wav", tones.wav_bytes(tones.tone(900, 80, rate=8000)))
    sick.on("/endless.wav", Break.ENDLESS)
    sick.on("/hang.wav", Break.HANG)
    for kind in ("wav", "mp3", "ogg", "flac", "aiff", "gsm"):
        head = {
            "wav": b"RIFF\xff\xff\xff\x7fWAVEfmt ",
            "ogg": b"OggS",
            "flac": b"fLaC",
            "aiff": b"FORM",
            "mp3": b"ID3\x04",
        }
        sick.serve_sound(f"/noise.{kind}", head.get(kind, b"") + noise, f"audio/{kind}")
    hostile = ["long.flac", "large.wav", "endless.wav", "hang.wav"]
    hostile += [f"noise.{kind}" for kind in ("wav", "mp3", "ogg", "flac", "aiff")]
    site.serve_tone("/next.wav", 440, 0.5)
    async with canary(site, await phones("canary")):
        for name in hostile:
            site.script("/voice", f"<Play>{sick.url('/' + name)}</Play><Play>/next.wav</Play>")
            call = await site.dial_in()
            await call.answered()
            await call.media.heard_tone(440, timeout=10)
            assert not tones.contains(call.media.pcm(), 900), name
            await call.until_ended()
    assert len([line for line in site.daemon.log if f"{sick.base_url}/" in line and "warning" in line]) >= len(hostile)
