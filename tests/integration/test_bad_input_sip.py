"""Packets at a call's ports and requests of no dialog, while a canary call goes on (promises S7, M1)."""

import random
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone, RtpPeer

from .site import NUMBER, Site, canary

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def site(sites: Sites) -> Site:
    """A daemon with the canary's number."""
    return await sites(canary=True)


async def test_rtp_garbage(site: Site, phones: Phones, rtp_peers: Callable[..., RtpPeer]) -> None:
    """Noise at an active call's port, from a stranger and from the peer itself: the sound goes on, digits count."""
    site.serve_tone("/long.wav", 700.0)
    site.script("/voice", '<Gather numDigits="2" action="/keys" timeout="20"><Play>/long.wav</Play></Gather>')
    release = site.application.hold("/keys", "<Response><Hangup/></Response>")
    noise = random.Random(7)
    async with canary(site, await phones("canary")) as up:
        call = await site.dial_in()
        await call.answered()
        await call.media.heard_tone(700)
        outsider = rtp_peers()
        for target in (call, up):
            place = target.media.remote
            assert place is not None
            for length in (0, 1, 11, 12, 13, 40, 172, 1400, 9000):
                for first in (0x00, 0x80, 0x90, 0xBF, 0xFF):
                    packet = bytes([first, *noise.randbytes(max(0, length - 1))])[:length]
                    outsider.send_raw(packet, place)
                    outsider.send_raw(packet, (place[0], place[1] + 1))
                    target.media.send_raw(packet)
        await call.media.send_digits("12")
        keys = await site.application.request("/keys")
        assert keys.form["Digits"] == "12"
        release.set()
        await call.until_ended()


async def test_a_response_and_an_ack_of_nothing(site: Site, phones: Phones) -> None:
    """Stray responses and ACKs are dropped, a BYE and a CANCEL of nothing get 481."""
    phone = await phones("stray")
    for method in ("BYE", "CANCEL"):
        response = await phone.request(method, site.daemon.sip_uri(NUMBER), to_uri=f"sip:x@{site.daemon.host}")
        assert response.status == 481
    phone.send_raw(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n\r\n", site.daemon.sip_uri(NUMBER))
    phone.send_raw(b"ACK sip:x SIP/2.0\r\n\r\n", site.daemon.sip_uri(NUMBER))
    assert (await phone.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200


async def test_S7_other_methods_of_nobody(site: Site, phones: Phones) -> None:
    """Nothing outside a dialog is taken but INVITE, OPTIONS, and a MESSAGE to somebody."""
    phone = await phones("stranger")
    uri = f"sip:{site.daemon.host}:{site.daemon.sip_port}"
    statuses = {}
    for method in ("REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "NOTIFY", "INFO", "UPDATE", "FOO"):
        headers = [("Refer-To", "<sip:x@127.0.0.1>"), ("Event", "presence")]
        statuses[method] = (await phone.request(method, uri, headers=headers)).status
    assert {method for method, status in statuses.items() if status not in (403, 405, 415, 481, 489, 501)} == set(), (
        statuses
    )
